"""Which destinations get the results of a series, and what they have of it already."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from service.forms import USUAL, WHOLE, Form
from service.ledger import ReportTask
from service.reporting import Subscription, _former, _is_wanted, _misleads
from service.settings_tables import DicomDestination, FolderDestination, StowDestination

HELD = {"pacs": {"SR": ("class", "2.25.1", "2.25.2"), "REGIONS": ("class", "2.25.3", "2.25.4")}}
PROBLEMS = Subscription("pacs", WHOLE, send="problems")


def task(verdict: str) -> ReportTask:
    values: dict[str, Any] = dict.fromkeys(ReportTask.__slots__)
    return replace(ReportTask(**values), verdict=verdict, documents={}, routes={})


@pytest.mark.parametrize("verdict", ["Usable", "Check", "Repeat", "Not scored"])
def test_problems_only_means_all_but_usable(verdict: str) -> None:
    assert _is_wanted(task(verdict), PROBLEMS) is (verdict != "Usable")
    assert _is_wanted(task(verdict), replace(PROBLEMS, send="always"))


def test_who_has_a_report_of_a_problem_is_told_that_it_is_over() -> None:
    assert _misleads(PROBLEMS, HELD)
    assert not _misleads(PROBLEMS, {})
    assert not _misleads(replace(PROBLEMS, destination="other"), HELD)


def test_a_destination_replaces_what_it_has_itself() -> None:
    former = _former(PROBLEMS, HELD)
    assert {kind: one.sop_instance_uid for kind, one in former.items()} == {
        "SR": "2.25.1",
        "REGIONS": "2.25.3",
    }
    assert _former(replace(PROBLEMS, destination="other"), HELD) == {}


def test_who_waits_for_the_end_of_a_study_is_told_too() -> None:
    assert _misleads(replace(PROBLEMS, bundle=True), HELD)


PLACE = {"name": "pacs", "host": "pacs.example", "port": 104, "ae_title": "PACS"}


def test_the_form_is_what_the_settings_say() -> None:
    usual = DicomDestination(**PLACE)
    assert usual.form == Form(kinds=frozenset(USUAL))
    console = DicomDestination(
        **PLACE, results=["SC"], card="monochrome", transfer_syntax="implicit", sr_class="comprehensive"
    )
    assert console.form == Form(frozenset({"SC"}), "comprehensive", "monochrome", "implicit")


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"results": ["SR", "REGIONS"]}, "it needs SEG"),
        ({"results": ["SR", "FHIR"]}, "only a folder takes it"),
        ({"results": ["PDF"]}, "Input should be"),
        ({"sr_class": "basic"}, "Input should be"),
        ({"send": "sometimes"}, "Input should be"),
    ],
)
def test_what_cannot_be_is_refused_in_plain_words(more: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        DicomDestination(**PLACE, **more)


def test_observations_go_to_folders_and_to_nobody_else() -> None:
    assert "FHIR" in FolderDestination(name="o", folder="/srv/results", results=["SR", "FHIR"]).form.kinds
    with pytest.raises(ValidationError, match="only a folder"):
        StowDestination(name="web", url="https://pacs.example/dicom-web", results=["FHIR"])
