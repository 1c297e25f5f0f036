"""The profile against PS3.15: nothing that the Standard removes is kept, but for the options that it claims."""

from pathlib import Path

import pytest

from dicom_scp.cleaning import Cleaner
from dicom_scp.profile import ALWAYS_EMPTY, METHOD, OPTIONS, RULES, Action, describe

RETAINED_CHARACTERISTICS = {"PatientSex", "PatientSize", "PatientWeight", "PatientAge"}  # the option's column
NOT_KEPT = {Action.UID, Action.EMPTY, Action.DUMMY, Action.PATIENT, Action.DEVICE, Action.DROP}


@pytest.fixture(scope="module")
def standard() -> dict[int, str]:
    """The Basic Profile's action for each tag of PS3.15, table E.1-1."""
    lines = Path(__file__).with_name("ps3_15.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert len(rows) > 600
    return {int(tag, 16): action for tag, action in rows}


def test_nothing_that_the_standard_removes_is_kept(standard: dict[int, str]) -> None:
    kept = {rule.keyword for tag, rule in RULES.items() if tag in standard and rule.action not in NOT_KEPT}
    assert kept == RETAINED_CHARACTERISTICS


def test_uids_that_the_standard_maps_are_mapped(standard: dict[int, str]) -> None:
    assert {rule.action for tag, rule in RULES.items() if standard.get(tag) == "U"} == {Action.UID}


def test_no_descriptor_and_no_name_of_a_person_is_in_the_table() -> None:
    keywords = {rule.keyword for rule in RULES.values() if rule.action is Action.KEEP}
    assert not [
        k for k in keywords if "Description" in k or "Comment" in k or "Physician" in k or "Protocol" in k
    ]
    assert not [rule for rule in RULES.values() if b"PN" in rule.vrs and rule.action is Action.KEEP]
    assert not [rule for rule in RULES.values() if rule.tag & 0x10000]


def test_every_sequence_is_walked_coded_or_emptied() -> None:
    actions = {rule.action for rule in RULES.values() if rule.vrs == (b"SQ",)}
    assert actions == {Action.WALK, Action.CODE, Action.EMPTY}


def test_the_description_names_every_attribute_and_fits_its_own_attribute() -> None:
    text = describe()
    assert all(
        f"| {rule.keyword} | ({rule.tag >> 16:04X},{rule.tag & 0xFFFF:04X}) |" in text
        for rule in RULES.values()
    )
    assert all(code in text for code, _ in OPTIONS)
    assert len(METHOD) <= 64
    assert all(len(meaning) <= 64 for _, meaning in OPTIONS)


def test_what_is_always_written_is_in_the_table() -> None:
    assert set(ALWAYS_EMPTY) <= set(RULES)


def test_a_cleaner_serves_one_data_set() -> None:
    assert "walker" in Cleaner.__slots__
