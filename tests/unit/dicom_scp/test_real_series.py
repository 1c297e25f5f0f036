"""Real series: what was valid before is valid after, and no name of a patient is left."""

import csv
import os
import subprocess
from pathlib import Path

import pytest

from dicom_scp.deidentify import Deidentifier, deidentify_file
from dicom_scp.errors import Refused
from dicom_scp.profile import EXPORT, LIVE, Profile
from tests.peers import give_up, program
from tests.unit.dicom_scp.encodings import DEIDENTIFY, KEYS

pytestmark = pytest.mark.data
PLACES_IN_A_LINE = "<[("


def rows() -> list[dict[str, str]]:
    folder = os.environ.get("SCANSIDE_DATA")
    if not folder or not (manifest := Path(folder) / "e2e" / "manifest.csv").is_file():
        give_up("SCANSIDE_DATA does not hold the e2e series")
    with manifest.open() as file:
        return [row | {"file": str(manifest.parent / row["path"])} for row in csv.DictReader(file)]


def first_of_each_series() -> list[dict[str, str]]:
    return list(
        {(row["source_repo"], row["series_id"]): row for row in rows() if row["format"] == "DICOM"}.values()
    )


def complaints(path: Path) -> set[str]:
    """What dciodvfy calls an error, without the number of the item."""
    done = subprocess.run([program("dciodvfy"), "-new", path], capture_output=True, check=False)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    return {"".join(line.split("[1]")) for line in lines if line.startswith("Error")}


@pytest.mark.parametrize("profile", [LIVE, EXPORT], ids=lambda profile: profile.name)
def test_no_object_has_an_error_that_it_did_not_have(tmp_path: Path, profile: Profile) -> None:
    clean, checked, new = tmp_path / "clean.dcm", 0, {}
    deidentify = Deidentifier(KEYS, profile=profile)
    for row in first_of_each_series():
        try:
            clean.write_bytes(deidentify_file(Path(row["file"]), deidentify).content)
        except Refused:
            continue
        checked += 1
        # A place in brackets may move; the complaint itself may not be new.
        known = {line.partition(" - ")[2].rpartition(">")[2] for line in complaints(Path(row["file"]))}
        found = {
            line for line in complaints(clean) if line.partition(" - ")[2].rpartition(">")[2] not in known
        }
        if found:
            new[row["path"]] = found
    assert checked > 80
    assert not new


def test_no_name_and_no_number_of_a_patient_is_left() -> None:
    found, checked = [], 0
    for row in first_of_each_series():
        words = {row["patient_name"], row["patient_id"], row["institution"]} - {""}
        try:
            content = deidentify_file(Path(row["file"]), DEIDENTIFY).content
        except (Refused, OSError):
            continue
        checked += 1
        header = content[: content.rindex(b"\xe0\x7f\x10\x00")]
        found += [row["path"] for word in words if len(word) > 5 and word.encode() in header]
    assert checked > 80
    assert not found
