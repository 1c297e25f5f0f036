"""Labelled samples: what leaves, what stays, and that `models/` reads it."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from sqlalchemy import insert

from dicom_scp.deidentify import Deidentifier
from dicom_scp.identity import KeyRing, Vault
from dicom_scp.spool import Spool
from inference.image import Slice
from inference.preprocess import to_canvas
from models.reviewed import read_reviewed
from service.ledger import Database, ReviewBook, prepare
from service.ledger.review import Ruling
from service.ledger.samples import SampleBook
from service.ledger.tables import instance, slice_
from service.review.samples import Sampler, _all, _pictured
from service.review.views import Cursor, ReviewSelection
from tests.series import mr_series
from tests.unit.dicom_scp.encodings import encoded
from tests.unit.service.review.reviewing import put_review, put_scanner, put_series, quality
from tests.unit.service.test_ledger import Clock

KEYS = KeyRing(bytes(range(32)))
WORDS = ("doe", "breathing", "tom", "pia", "patientpseudonym", "mr 2", "uid-")


class Site:
    """A ledger and a spool with one series of four slices, which was decided on in both tiers."""

    def __init__(self, folder: Path, datasets: list[Dataset]) -> None:
        self.database = Database(f"sqlite:///{folder}/ledger.sqlite")
        prepare(self.database)
        self.spool = Spool(folder / "spool", Vault(KEYS))
        clean = Deidentifier(KEYS)
        self.instances = [clean(encoded(ds), str(ds.file_meta.TransferSyntaxUID)) for ds in datasets]
        scanner_id, self.clock = put_scanner(self.database), Clock()
        put_series(self.database, scanner_id, "s1", quality(5.5, found=("motion",)), 1000.0)
        put_review(self.database, scanner_id, "s1", "Check", 1000.0)
        for number, one in enumerate(self.instances):
            self.spool.write(one.content, one.digest)
            self._note(one, number)
        book = ReviewBook(self.database, self.clock)
        ((case,), _) = book.queue(ReviewSelection(), 1)
        for tier, decision, author in ((1, "doubtful", "tom"), (2, "unusable", "pia")):
            cursor = Cursor(2, 0.25, 0.75)
            told = Ruling(
                int(case.review.id), tier, decision, "breathing, says Mrs. Doe", ("ghost", "motion"),
                cursor, author, "role", f"key-{author}",
            )  # type: ignore[arg-type]  # literals of the loop  # fmt: skip
            case = book.decide(told, case.review.version)
        self.sampler = Sampler(SampleBook(self.database), KEYS, self.spool)

    def _note(self, one, number: int) -> None:
        values = {
            "series_uid": "uid-s1", "generation": 1, "sop_instance_uid": one.sop_instance_uid,
            "sop_class_uid": "1.2", "digest": one.digest, "picture": str(number), "bearer": "B",
            "spool_name": one.digest, "reference": b"sealed", "instance_number": number + 1,
            "position": float(number), "frames": 1, "rows": 64, "columns": 64, "received_at": 1.0,
        }  # fmt: skip
        with self.database.write() as connection:
            row = connection.execute(insert(instance).values(values).returning(instance.c.id)).scalar_one()
            told = {
                "instance_id": row,
                "series_uid": "uid-s1",
                "frame": 1,
                "state": "scored",
                "score": {"index": 5},
            }
            connection.execute(insert(slice_).values(told))


def knees(body: str = "KNEE") -> list[Dataset]:
    made = mr_series(slices=4)
    for ds in made:
        ds.BodyPartExamined = body
    return made


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, knees())


def test_a_sample_holds_labels_and_nothing_that_names_anybody(site: Site) -> None:
    (sample,), following = site.sampler.page(10)
    assert following is None
    assert (sample["verdict"], sample["first"], sample["outcome"]) == ("Check", "doubtful", "unusable")
    assert sample["override"] is True
    assert [one["decision"] for one in sample["decisions"]] == ["doubtful", "unusable"]
    assert sample["decisions"][1]["cursor"] == {"slice": 2, "x": 0.25, "y": 0.75}
    assert sample["decisions"][1]["tags"] == ["ghost", "motion"]
    text = json.dumps(sample).casefold()
    assert [word for word in WORDS if word in text] == []
    named = [sample[name] for name in ("sample", "group", "scanner", "protocol")]
    assert len({*named, *(one["reviewer"] for one in sample["decisions"])}) == 6


def test_pages_of_samples_go_on_where_the_last_ended(site: Site) -> None:
    (first,), following = site.sampler.page(1)
    assert (first["verdict"], following) == ("Check", None)
    assert site.sampler.page(1, 10**6) == ([], None)


def write(site: Site, out: Path) -> dict[str, object]:
    """Write as the command does; gives the only line."""
    out.mkdir()
    (view,) = _all(site.sampler.book)
    line = site.sampler.sample(view)
    line |= _pictured(site.sampler, view, out, line["sample"])
    (out / "samples.jsonl").write_text(json.dumps(line) + "\n")
    return line


def test_canvases_are_those_that_the_network_sees_and_models_read_them(site: Site, tmp_path: Path) -> None:
    line = write(site, tmp_path / "out")
    read = read_reviewed(tmp_path / "out")
    assert (len(read.pool), read.positions.tolist()) == (4, [0, 1, 2, 3])
    assert set(read.pool.source) == {line["group"]}
    assert read.outcome.tolist() == [2] * 4
    assert read.weight.tolist() == [1.0] * 4
    assert read.tags[0].sum() == 2
    for n, one in enumerate(site.instances):
        seen = to_canvas(Slice.from_dataset(dcmread(BytesIO(one.content)))).image
        assert np.abs(read.pool.image(n) - seen).max() < 1e-4


def test_a_head_whose_face_is_not_found_leaves_without_pictures(tmp_path: Path) -> None:
    site = Site(tmp_path, knees("BRAIN"))  # four slices: no face can be made out
    line = write(site, tmp_path / "out")
    assert line["pictures"] is None
    assert line["no_pictures"]
    assert not (tmp_path / "out" / "pictures").exists()
    with pytest.raises(ValueError, match="pictures"):
        read_reviewed(tmp_path / "out")


def test_a_slice_that_nobody_has_looked_at_for_text_does_not_leave(site: Site, tmp_path: Path) -> None:
    with site.database.write() as connection:
        connection.execute(slice_.update().where(slice_.c.id == 1).values(state="unsampled"))
    write(site, tmp_path / "out")
    assert read_reviewed(tmp_path / "out").positions.tolist() == [1, 2, 3]


def test_pictures_that_have_left_the_spool_are_not_missed(site: Site, tmp_path: Path) -> None:
    for one in site.instances:
        site.spool.delete(one.digest)
    assert write(site, tmp_path / "out")["no_pictures"] == "its images are gone"
