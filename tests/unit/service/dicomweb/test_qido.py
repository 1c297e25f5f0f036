"""A search over the results: what matches, and how long that may take."""

import time

import pytest

from service.dicomweb.qido import read_query, search
from service.dicomweb.results import Found, tag_of
from service.ledger.shelf import Shelved


def finds(name: str, wanted: str) -> bool:
    """Tell whether a result of a patient of this name is found."""
    model = {
        tag_of("StudyInstanceUID"): {"vr": "UI", "Value": ["1.2"]},
        tag_of("PatientName"): {"vr": "PN", "Value": [{"Alphabetic": name}]},
    }
    result = Found(Shelved("series", "sr", "1.2.3", "name"), model)
    entries, _ = search(read_query("studies", [("PatientName", wanted)]), [result])
    return bool(entries)


@pytest.mark.parametrize(
    ("name", "wanted", "found"),
    [
        ("Doe^John", "doe*", True),
        ("Doe^John", "*j?hn", True),
        ("Doe^John", "Doe", False),
        ("Doe^John", "D[o]e*", False),
        ("D[o]e^[!x]", "d[o]e^[!x]", True),
        ("Doe\n", "Doe", False),
    ],
)
def test_only_star_and_question_mark_are_wild(name: str, wanted: str, found: bool) -> None:
    assert finds(name, wanted) is found


def test_many_stars_take_no_time() -> None:
    began = time.monotonic()
    assert not finds("A" * 64, "*A" * 20 + "*B")
    assert time.monotonic() - began < 1.0
