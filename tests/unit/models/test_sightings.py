"""Real artifacts that were seen: which slices they are, and how often their class is said of them."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from inference import CATALOGUE
from inference.eye import Examined, Eye
from inference.image import Slice
from inference.masks import MaskStack
from inference.score import Finding, slice_score
from models.answers import CleanAnswers
from models.classes import CLASSES, INDEX
from models.modelcard import OperatingPoint
from models.operating import Reading
from models.phantom import Series, write
from models.sightings import Shown, of_plain, of_sightings, read_sightings, show

TABLE = """
[[seen]]
words = "holes"
artifact = "susceptibility"
source = "somebody/heads"
series = ["1"]
slices = [0, 2]

[[plain]]
source = "somebody/heads"
series = ["2"]
"""


class Sure:
    """An eye that finds ghosts everywhere, and wraps nearly."""

    def examine(self, slices: Sequence[Slice]) -> list[Examined]:
        said = {"ghost": 0.9, "wrap": 0.4}
        findings = [
            Finding(one.name, said.get(one.name, 0.1), 0.5, present=one.name == "ghost", area=0.5, box=None)
            for one in CATALOGUE
        ]
        return [Examined(slice_score(findings, 0.9), cast("MaskStack", None)) for _ in slices]


def test_the_slices_are_those_that_the_table_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "train"
    rows = []
    for number, slices in (("1", 3), ("2", 20)):
        paths = write(Series(slices=slices, rows=96, columns=96), folder / number)
        rows += [
            {
                "path": str(path.relative_to(folder)), "source_repo": "somebody/heads", "patient_id": "A",
                "series_id": number, "format": "DICOM", "slice_axis": "",
            }
            for path in paths
        ]  # fmt: skip
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    table = tmp_path / "table.toml"
    table.write_text(TABLE, encoding="utf-8")
    monkeypatch.setenv("SCANSIDE_DATA", str(tmp_path))

    seen, plain = read_sightings(table)
    shown = show(cast("Eye", Sure()), [seen, plain])

    assert (seen.artifact, len(seen.slices), seen.subject) == ("susceptibility", 2, "somebody/heads/A")
    assert (plain.artifact, len(plain.slices)) == ("", 16)
    assert shown.words.tolist()[:2] == ["holes", "holes"]
    assert shown.present.shape == (18, len(CLASSES))
    assert shown.present[:, INDEX["ghost"]].all()


def test_without_data_nothing_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCANSIDE_DATA", raising=False)

    assert read_sightings() == []
    assert show(cast("Eye", Sure()), []).probability.shape == (0, len(CLASSES))


def test_a_class_is_counted_where_it_is_said_and_where_it_is_the_most_probable() -> None:
    probability = np.full((3, len(CLASSES)), 0.1)
    probability[0, INDEX["wrap"]] = 0.9
    probability[1, INDEX["wrap"]], probability[1, INDEX["ghost"]] = 0.4, 0.8
    shown = Shown(
        words=np.array(["arm", "arm", "EPI"]),
        artifact=np.array(["wrap", "wrap", ""]),
        subject=np.array(["x/a", "x/b", "x/c"]),
        probability=probability,
        present=probability >= 0.5,
    )
    logits = np.full((4, len(CLASSES)), -3.0)
    logits[0, INDEX["wrap"]] = 3.0
    clean = CleanAnswers(logits, np.zeros(4), np.zeros(4), np.array(["x/d"] * 4))
    reading = Reading([OperatingPoint()] * len(CLASSES), (1.0, 0.0), 9.0)

    (arm,) = of_sightings(shown, clean, reading)
    plain = of_plain(shown, clean, reading)

    assert (arm.slices, arm.subjects) == (2, 2)
    assert (arm.said.present, arm.said.first, arm.said.second) == (0.5, 0.5, 1.0)
    assert arm.clean.present == 0.25
    assert plain["wrap"] == (0.0, 0.25)
