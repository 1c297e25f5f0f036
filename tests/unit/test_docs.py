"""The documents against the code: tables that are made of it, and names that must turn up in them.

Where a table is out of date the failure prints the one to put between its markers.
"""

import argparse
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION

from dicom_scp import part10
from dicom_scp.deidentify import SCORED_CLASSES
from dicom_scp.errors import Mismatch, NotUnderstood, Refused
from dicom_scp.profile import describe
from dicom_scp.storage_classes import PHILIPS, STORAGE_CLASSES
from dicom_scp.transfer_syntaxes import TRANSFER_SYNTAXES
from inference.artifacts import CATALOGUE
from inference.guard import COMPONENTS, KINDS, SMALLEST_MATRIX
from service import reception
from service.__main__ import _parser
from service.closing import CloseReason
from service.dicomweb.qido import COUNTED
from service.dicomweb.results import INSTANCE as INSTANCE_KEYS
from service.dicomweb.results import SERIES as SERIES_KEYS
from service.dicomweb.results import STUDY as STUDY_KEYS
from service.ledger.states import DeliveryState, SeriesState, SliceState
from service.ledger.tables import metadata
from service.metrics import Metrics
from service.report import objects
from service.report.codes import ASSESSMENT_OF, SERIES_QUALITY_OF, Code
from service.report.header import PATIENT, STUDY
from service.settings import Settings
from service.settings_alerts import EmailAlert, SyslogAlert, WebhookAlert
from service.settings_review import Review
from service.settings_tables import (
    Allow,
    DicomDestination,
    Dicomweb,
    DoorTls,
    FolderDestination,
    ResearchDestination,
    Rules,
    Scanner,
    ShelfDestination,
    SourceProfile,
    StowDestination,
    Tls,
)

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "OPERATIONS.md",
    "CONFORMANCE.md",
    "SECURITY.md",
    "DECISIONS.md",
    "CHANGELOG.md",
)
LIMITS = (
    *("dicom_host", "dicom_port", "max_pdu", "pdu_deadline_s", "idle_s"),
    *("max_associations", "max_associations_per_peer", "max_instance_mb", "min_free_mb"),
    *("quiet_s", "cap_s", "give_up_hours"),
)
SECRETS = {"key", "database_url"}
CONTEXT_UNKNOWN = 0x0122  # what StoringAssociation answers where there is no context


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def table(head: str, rows: Iterable[Iterable[object]]) -> str:
    titles = [title.strip() for title in head.split("|")]
    lines = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def name_of(uid: str) -> str:
    return PHILIPS.get(uid) or UID(uid).keyword or UID(uid).name


def coded(code: Code) -> str:
    return f'({code.value}, {code.scheme}, "{code.meaning}")'


def implementation() -> str:
    ours = (part10.IMPLEMENTATION_CLASS_UID, part10.IMPLEMENTATION_VERSION_NAME)
    association = (PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION)
    rows = [
        ("associations (those of pynetdicom)", *association),
        ("result objects", objects.IMPLEMENTATION_CLASS_UID, "SCANSIDE"),
        ("files of `scanside deid`", *ours),
    ]
    return table("in | Implementation Class UID | Implementation Version Name", rows)


def limits() -> str:
    fields = Settings.model_fields
    return table(
        "setting | default | meaning",
        (
            (f"`{name}`", fields[name].default, (fields[name].description or "").replace("``", "`"))
            for name in LIMITS
        ),
    )


def scored_classes() -> str:
    return table("scored | SOP Class UID", ((UID(uid).name, uid) for uid in sorted(SCORED_CLASSES)))


def dropped_classes() -> str:
    dropped = [uid for uid in STORAGE_CLASSES if uid not in SCORED_CLASSES]
    return "\n".join(f"- {uid} {name_of(uid)}" for uid in dropped)


def transfer_syntaxes() -> str:
    return "\n".join(f"{n}. {UID(uid).name}, {uid}" for n, uid in enumerate(TRANSFER_SYNTAXES, 1))


def results() -> str:
    kinds = (
        ("SR", objects.REPORT),
        ("SEG", objects.SEGMENTATION),
        ("REGIONS", objects.REGIONS),
        ("SC", objects.CARD),
        ("GSPS", objects.OUTLINES),
        ("OVERLAY", objects.OVERLAY),
        ("KO", objects.KEY_OBJECT),
    )
    return table(
        "`results` | SOP class | SOP Class UID | Modality | Series Number | Series Description",
        (
            (
                short,
                UID(k.sop_class_uid).name,
                k.sop_class_uid,
                k.modality,
                k.series_number,
                f"`{k.title}: VERDICT`",
            )
            for short, k in kinds
        ),
    )


def search_keys() -> str:
    levels = (
        ("study", STUDY_KEYS + COUNTED["studies"]),
        ("series", SERIES_KEYS),
        ("instance", INSTANCE_KEYS),
    )
    return "\n".join(f"- {level}: {', '.join(keys)}" for level, keys in levels)


def identity() -> str:
    return f"- patient: {', '.join(PATIENT)}\n- study: {', '.join(STUDY)}"


def verdict_codes() -> str:
    head = 'verdict | (111050, DCM, "Quality Assessment") | (130550, DCM, "Imaging Series Quality")'
    return table(
        head, ((name, coded(ASSESSMENT_OF[name]), coded(SERIES_QUALITY_OF[name])) for name in ASSESSMENT_OF)
    )


def artifact_codes() -> str:
    return table(
        "artifact | code | gravest verdict by itself",
        ((a.title, f'({a.code}, {a.scheme}, "{a.meaning}")', a.cap) for a in CATALOGUE),
    )


def not_scored() -> str:
    rows = [(reason, ", ".join(sorted(terms))) for reason, terms in KINDS]
    rows += [(reason, f"Complex Image Component {value}") for value, reason in COMPONENTS.items()]
    rows += [("the matrix is too small", f"fewer than {SMALLEST_MATRIX} rows or columns")]
    return table("reason | terms", rows)


SECTIONS: dict[str, Callable[[], str]] = {
    function.__name__.replace("_", " "): function
    for function in (
        implementation,
        limits,
        scored_classes,
        dropped_classes,
        transfer_syntaxes,
        results,
        search_keys,
        identity,
        verdict_codes,
        artifact_codes,
        not_scored,
    )
} | {"profile": describe}


def metric_names() -> Iterator[str]:
    for family in Metrics.build(version="1").registry.collect():
        if family.name.startswith("scanside_"):
            yield f"{family.name}_total" if family.type == "counter" else family.name


def commands() -> list[str]:
    action = next(a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction))
    return list(action.choices)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_table_of_the_conformance_statement_is_what_the_code_says(name: str) -> None:
    begin, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->"
    text = read("CONFORMANCE.md")
    assert text.count(begin) == text.count(end) == 1
    there = text.partition(begin)[2].partition(end)[0].strip("\n")
    expected = SECTIONS[name]()
    assert there == expected, f"put this between the markers of {name!r}:\n\n{expected}\n"


def test_the_conformance_statement_has_no_table_that_nobody_makes() -> None:
    assert set(re.findall(r"<!-- generated: (.+) -->", read("CONFORMANCE.md"))) == set(SECTIONS)


def test_the_statuses_that_are_explained_are_those_that_are_answered() -> None:
    section = read("CONFORMANCE.md").partition("### 2.4")[2].partition("\n**")[0]
    explained = {int(code, 16) for code in re.findall(r"^\| 0x([0-9A-F]{4}) \|", section, re.MULTILINE)}
    refusals = {kind.status for kind in (Refused, NotUnderstood, Mismatch)}
    assert explained == refusals | {reception.SUCCESS, reception.OutOfResources.status, CONTEXT_UNKNOWN}


def test_results_are_sent_in_the_syntax_that_is_told() -> None:
    assert f"transfer syntax: {UID(ExplicitVRLittleEndian).name}" in read("CONFORMANCE.md")


def test_every_command_is_explained() -> None:
    told = read("OPERATIONS.md")
    assert commands()
    assert [word for word in commands() if f"`scanside {word}`" not in told] == []


def test_every_metric_is_explained_and_no_other() -> None:
    assert set(re.findall(r"`(scanside_\w+)`", read("OPERATIONS.md"))) == set(metric_names())


def test_every_setting_stands_in_the_example() -> None:
    destinations = (
        DicomDestination,
        StowDestination,
        FolderDestination,
        ShelfDestination,
        ResearchDestination,
    )
    alerts = (WebhookAlert, EmailAlert, SyslogAlert)
    tables = (
        Settings,
        Allow,
        Rules,
        Review,
        Scanner,
        SourceProfile,
        Dicomweb,
        DoorTls,
        Tls,
        *destinations,
        *alerts,
    )
    named = {name for kind in tables for name in kind.model_fields}
    text = read("deploy/scanside.toml")
    keys = set(re.findall(r"^#?([a-z_]+) = |^#?\[+([a-z_]+)\]+$", text, re.MULTILINE))
    shown = {name for pair in keys for name in pair if name}
    assert named - shown == SECRETS
    assert all(name in text for name in SECRETS)


def test_the_ledger_is_told_as_it_is() -> None:
    told = set(re.findall(r"`([a-z_ ]+)`", read("ARCHITECTURE.md")))
    assert set(metadata.tables) <= told
    for kind in (SeriesState, SliceState, DeliveryState, CloseReason):
        assert {str(value) for value in kind} <= told, kind.__name__


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_a_document_names_exists(name: str) -> None:
    text = read(name)
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", text) + re.findall(r"\]\(([\w./-]+)\)", text)
    assert [path for path in named if not (path.startswith("/") or (ROOT / path).exists())] == []


def test_the_architecture_can_be_read_in_one_sitting() -> None:
    assert len(read("ARCHITECTURE.md").splitlines()) <= 200


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert f"\n## {version}" in read("CHANGELOG.md")
