"""Headers as real scanners write them: old and new, classic and Enhanced, odd and plain."""

import csv
import os
from collections import defaultdict
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from dicom_scp.deidentify import SCORED_CLASSES
from tests.peers import dciodvfy
from tests.unit.service.report.results import objects_of, scored_result

pytestmark = [pytest.mark.data, pytest.mark.filterwarnings("ignore::UserWarning:pydicom")]

POOL = Path(os.environ.get("SCANSIDE_DATA", "")) / "e2e"


def series() -> dict[str, list[Path]]:
    """A varied choice: one series of each vendor, model and kind of object."""
    if not os.environ.get("SCANSIDE_DATA") or not (POOL / "manifest.csv").exists():
        return {}
    found: dict[tuple[str, ...], dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    with (POOL / "manifest.csv").open() as manifest:
        for row in csv.DictReader(manifest):
            if row["format"] == "DICOM" and row["sop_class"] in SCORED_CLASSES and row["rows"].isdigit():
                kind = (row["vendor"], row["model"], row["sop_class"])
                found[kind][f"{row['source_repo']}/{row['series_id']}"].append(POOL / row["path"])
    return dict(next(iter(of_kind.items())) for of_kind in found.values())


SERIES = series()


def headers(paths: list[Path]) -> list[Dataset]:
    read = (dcmread(path, stop_before_pixels=True, force=True) for path in paths)
    usable = [
        header for header in read if isinstance(header.get("Rows"), int) and "StudyInstanceUID" in header
    ]
    first = next(iter(groupby(usable, key=lambda header: header.SeriesInstanceUID)), None)
    return list(first[1]) if first else []


@pytest.mark.parametrize("name", SERIES or [""])
def test_results_for_real_headers_are_valid_and_keep_the_patient(name, tmp_path):
    images = headers(SERIES[name])
    result = scored_result(images, flagged=range(0, 10_000, 2))
    seen = replace(result, picture=np.eye(64, dtype=np.float32))
    for number, one in enumerate(objects_of(seen)):
        path = tmp_path / f"{number}.dcm"
        one.save_as(path)
        errors = [line for line in dciodvfy(path) if "Illegal root for UID" not in line]  # the sources' own
        assert errors == []
        back = dcmread(path)
        for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber"):
            assert back[keyword].value == (images[0].get(keyword) or back[keyword].value), keyword
