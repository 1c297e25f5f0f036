"""Coils and protocols as the trends name them: of clean elements, in plain characters, and never of free text."""

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from inference.series import Answer, Description
from service.protocols import key_of, mark_of, protocol_of, terms_of
from service.understanding import MOST_COIL, coil_of


def header(name: object, *, enhanced: bool = False) -> Dataset:
    coil = Dataset()
    coil.ReceiveCoilName = name
    if not enhanced:
        return coil
    shared, made = Dataset(), Dataset()
    shared.MRReceiveCoilSequence = Sequence([coil])
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    return made


@pytest.mark.parametrize("enhanced", [False, True])
def test_a_coil_is_named_as_its_header_does(enhanced: bool) -> None:
    assert coil_of(header("Head_32", enhanced=enhanced)) == "Head_32"
    assert coil_of(Dataset()) == ""


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  8HRBRAIN ", "8HRBRAIN"),
        ("SENSE-Head-8 (left)", "SENSE-Head-8 (left)"),
        ("=cmd|'/C calc'!A0", "cmd /C calc A0"),
        ("<img src=x>", "img src x"),
        ("Doe^John", "Doe John"),
        ("a\tb\nc", "a b c"),
        ("Spüle", "Sp le"),
        ("", ""),
        (None, ""),
    ],
)
@pytest.mark.filterwarnings("ignore:.*exceeds the maximum length")
def test_what_looks_like_no_name_of_a_coil_is_left_out_of_it(given: object, kept: str) -> None:
    assert coil_of(header(given)) == kept


@pytest.mark.filterwarnings("ignore:.*exceeds the maximum length")
def test_a_name_is_short() -> None:
    assert len(coil_of(header("A" * 500))) == MOST_COIL


def test_a_protocol_is_told_by_the_terms_that_have_words() -> None:
    about = Description.of(
        [
            Answer("weighting", "T2"),
            Answer("part", "KNEE"),
            Answer("vendor", "GE"),
            Answer("agent", "NOT_GIVEN"),
        ],
        1.5,
    )
    key = key_of(about)
    assert key == ";weighting=T2;part=KNEE;field=1.5;"
    assert mark_of("part", "KNEE") in key
    assert [term.words for term in terms_of(key)] == ["T2", "knee"]
    assert protocol_of(key).field == 1.5
    assert key_of(Description()) == ""


def test_a_term_is_not_found_in_the_middle_of_another() -> None:
    key = key_of(Description.of([Answer("weighting", "T2_STAR"), Answer("part", "LSPINE")]))
    assert mark_of("weighting", "T2") not in key
    assert mark_of("part", "SPINE") not in key
