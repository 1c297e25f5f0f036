"""The profiles against PS3.15: nothing that the Standard removes is kept, but for the options that are claimed."""

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword

from dicom_scp import ps3_15
from dicom_scp.profile import (
    ALWAYS_EMPTY,
    EXPORT,
    LISTED,
    LIVE,
    MEANINGS,
    METHOD,
    PIXEL_OPTIONS,
    Action,
    Profile,
    UnfitProfile,
    describe,
)
from dicom_scp.ps3_15 import BASIC, CODES, Option, patterns, table

# What PS3.15 asks for is met by these: nothing of the value is left.
GONE = {Action.UID, Action.EMPTY, Action.DUMMY, Action.PATIENT, Action.DEVICE, Action.DROP}
CLEANED = GONE | {Action.AGE, Action.SHIFT, Action.WORDS, Action.CODE, Action.TERM}
EVERY_OPTION = [Profile.of(option, [option]) for option in Option]


def test_the_table_is_whole_and_says_where_it_comes_from() -> None:
    head = ps3_15.SOURCE.read_text().splitlines()[:3]
    assert "edition 2026c" in head[0]
    assert all("SHA-256 " in line for line in head[1:])
    assert len(table()) + len(patterns()) >= 655
    assert set(patterns()) == {"50XXXXXX", "60XX3000", "60XX4000", "odd"}
    assert {row.basic for row in table().values()} <= {
        *("X", "Z", "D", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"),
    }


def test_every_option_has_its_code_and_all_but_those_of_pixels_a_column() -> None:
    assert set(CODES) == set(Option)
    assert len(Option) == 12  # eleven options, of which the dates' has two codes
    assert sorted(code for code, _ in CODES.values()) == [str(n) for n in range(113101, 113113)]
    columns = {option for row in (*table().values(), *patterns().values()) for option in row.options}
    assert columns == set(Option) - PIXEL_OPTIONS


@pytest.mark.parametrize("profile", [LIVE, EXPORT, *EVERY_OPTION], ids=lambda profile: profile.name)
def test_nothing_stays_that_neither_the_basic_profile_nor_an_option_lets_stay(profile: Profile) -> None:
    for tag, rule in profile.rules.items():
        row = table().get(tag)
        if row is None or rule.action in GONE or (rule.action is Action.WALK and "U" in row.basic):
            continue
        letters = {letter for option, letter in row.options.items() if option in profile.options}
        assert (
            "K" in letters
            or ("C" in letters and rule.action in CLEANED)
            or (rule.keyword == "PatientAge" and letters)
        ), (rule.keyword, rule.action)


@pytest.mark.parametrize("profile", [LIVE, EXPORT, *EVERY_OPTION], ids=lambda profile: profile.name)
def test_uids_that_the_standard_maps_are_mapped(profile: Profile) -> None:
    actions = {
        rule.action for tag, rule in profile.rules.items() if tag in table() and table()[tag].basic == "U"
    }
    if profile.options & {Option.RETAIN_UIDS, Option.RETAIN_DEVICE_IDENTITY}:
        assert Action.RETAIN in actions
    else:
        assert actions == {Action.UID}


def test_the_live_copy_keeps_of_the_table_only_the_patient_s_characteristics() -> None:
    kept = {rule.keyword for tag, rule in LIVE.rules.items() if tag in table() and rule.action not in GONE}
    walked = {"ReferencedImageSequence", "SourceImageSequence"}  # X/Z/U*: their UIDs are mapped
    assert kept == {"PatientSex", "PatientSize", "PatientWeight", "PatientAge"} | walked
    bare = Profile.of("bare", [])
    assert {r.keyword for t, r in bare.rules.items() if t in table() and r.action not in GONE} == walked


def test_the_export_differs_from_the_live_copy_in_its_dates_alone() -> None:
    changed = {t for t in EXPORT.rules if LIVE.rules.get(t) != EXPORT.rules[t]}
    assert changed
    assert {dictionary_VR(tag) for tag in changed} == {"DA", "TM", "DT"}
    assert tag_for_keyword("PatientBirthDate") not in changed
    assert (LIVE.dates, EXPORT.dates) == ("REMOVED", "MODIFIED")
    assert LIVE.rules.keys() <= EXPORT.rules.keys()


def test_what_is_done_to_pixels_is_claimed_only_where_it_was_done() -> None:
    profile = Profile.of("all", set(Option) - {Option.RETAIN_FULL_DATES})
    assert not {"113101", "113102"} & {code for code, _ in profile.codes()}
    assert ("113102", "Clean Recognizable Visual Features Option") in LIVE.codes(
        [Option.CLEAN_VISUAL_FEATURES]
    )
    assert [code for code, _ in LIVE.codes()] == ["113100", "113108", "113111"]
    assert [code for code, _ in EXPORT.codes()] == ["113100", "113107", "113108", "113111"]


def test_dates_are_kept_or_shifted_and_not_both() -> None:
    with pytest.raises(UnfitProfile):
        Profile.of("both", [Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES])


def test_no_descriptor_and_no_name_of_a_person_is_in_our_own_list() -> None:
    keywords = {rule.keyword for rule in LISTED.values() if rule.action is Action.KEEP}
    assert not [
        k for k in keywords if "Description" in k or "Comment" in k or "Physician" in k or "Protocol" in k
    ]
    assert not [rule for rule in LISTED.values() if b"PN" in rule.vrs and rule.action is Action.KEEP]
    assert not [rule for rule in LISTED.values() if rule.tag & 0x10000]


def test_every_sequence_is_walked_coded_or_emptied() -> None:
    actions = {rule.action for rule in LISTED.values() if rule.vrs == (b"SQ",)}
    assert actions == {Action.WALK, Action.CODE, Action.EMPTY}


def test_the_description_tells_what_becomes_of_every_attribute() -> None:
    text = describe()
    for tag in set(table()) | set(LIVE.rules) | set(EXPORT.rules):
        live, export = (p.rules[tag].action if tag in p.rules else Action.DROP for p in (LIVE, EXPORT))
        basic = table()[tag].basic if tag in table() else ""
        assert f"| ({tag >> 16:04X},{tag & 0xFFFF:04X}) | {basic} | {live} | {export} |" in text
    assert all(code in text for code, _ in (BASIC, *CODES.values()))
    assert all(f"| {action} | {meaning} |" in text for action, meaning in MEANINGS.items())
    assert set(MEANINGS) == set(Action)
    assert len(METHOD) <= 64
    assert all(len(meaning) <= 64 for _, meaning in CODES.values())


def test_what_is_always_written_is_in_the_list() -> None:
    assert set(ALWAYS_EMPTY) <= set(LISTED)
