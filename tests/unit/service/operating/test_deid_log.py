"""The de-identification log: what was done is counted by name, and no planted value is anywhere in it."""

import json
from dataclasses import asdict

import pytest
from pydicom.uid import ExplicitVRLittleEndian

from dicom_scp.cleaning import Acted
from dicom_scp.deidentify import Deidentifier
from dicom_scp.profile import EXPORT, LIVE
from service.ledger import Database, LedgerUnavailable
from service.ledger.deid import DeidTally
from service.operating.deid_log import CURVE, OVERLAY, PRIVATE, UNKNOWN, DeidLog, Tally, attribute
from service.operating.deid_views import Tallied
from tests.series import Vendor, mr_series
from tests.unit.dicom_scp import planting
from tests.unit.dicom_scp.encodings import KEYS, encoded
from tests.unit.dicom_scp.planting import MARKS, Planter

VENDORS: tuple[Vendor, ...] = ("siemens", "ge", "philips")


@pytest.mark.parametrize("vendor", VENDORS)
def test_nothing_that_was_planted_is_in_the_log(database: Database, vendor: Vendor) -> None:
    planter, ledger = Planter(), DeidTally(database)
    tally = Tally(ledger)
    deidentify = Deidentifier(KEYS, tell=tally.done)
    for enhanced in (False, True):
        data = encoded(planting.everywhere(planter, vendor=vendor, enhanced=enhanced), ExplicitVRLittleEndian)
        deidentify(data, ExplicitVRLittleEndian)
    tally.note()
    told = ledger.tallied(LIVE.name)
    text = json.dumps([asdict(one) for one in told]).encode()
    assert len(told) > 100
    assert not planter.leaks(text)
    assert not [mark for mark in MARKS if mark.encode() in text.upper()]
    assert {one.attribute for one in told} >= {"PatientName", "StudyDate", PRIVATE}
    planted = planter.leaks(data)
    assert planted  # the search finds what came in


def test_each_instance_counts_once_for_each_thing_done(database: Database) -> None:
    ledger = DeidTally(database)
    tally = Tally(ledger)
    deidentify = Deidentifier(KEYS, tell=tally.done)
    for ds in mr_series(slices=3):
        deidentify(encoded(ds, ExplicitVRLittleEndian), ExplicitVRLittleEndian)
        tally.note()
    tally.note()
    counts = {(one.attribute, one.action): one.instances for one in ledger.tallied("live")}
    assert counts["PatientName", "patient"] == 3
    assert counts["SeriesDescription", "remove"] == 3
    assert set(counts.values()) <= {1, 2, 3}
    assert ledger.tallied("export") == []


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        (0x00100010, "PatientName"),
        (0x00091001, PRIVATE),
        (0x00090010, PRIVATE),
        (0x60003000, OVERLAY),
        (0x50003000, CURVE),
        (0x00107731, UNKNOWN),  # a number of the patient's as a tag is no name
    ],
)
def test_an_attribute_is_named_by_the_standard_or_not_at_all(tag: int, name: str) -> None:
    assert attribute(tag) == name


def test_what_could_not_be_noted_is_noted_later(database: Database) -> None:
    class Absent(DeidTally):
        away = True

        def done(self, counted: object) -> None:
            if self.away:
                raise LedgerUnavailable
            super().done(counted)  # type: ignore[arg-type]  # what came in

    ledger = Absent(database)
    tally = Tally(ledger)
    acted: list[Acted] = [(0x00100010, LIVE.rules[0x00100010].action)]
    tally.done("live", acted)
    with pytest.raises(LedgerUnavailable):
        tally.note()
    tally.done("live", acted)
    ledger.away = False
    tally.note()
    assert [one.instances for one in ledger.tallied("live")] == [2]


def test_what_is_passed_over_is_counted_by_its_reason(database: Database) -> None:
    ledger = DeidTally(database)
    tally = Tally(ledger)
    for _ in range(3):
        tally.skipped("text is burned into the pixels")
    tally.note()
    assert ledger.at_the_door().skipped == [("text is burned into the pixels", 3)]
    assert ledger.tallied("") == []


def test_a_profile_is_described_and_another_one_has_another_mark(database: Database) -> None:
    log = DeidLog(DeidTally(database), {"live": LIVE, "export": EXPORT}, {"live": ("MR1",)})
    live, export = log.views()
    assert (live.name, live.sources, live.dates, export.dates) == ("live", ("MR1",), "REMOVED", "MODIFIED")
    assert live.edition.startswith("PS3.15 table E.1-1")
    assert live.edition != export.edition
    assert ("113111", "Retain Safe Private Option") in live.options
    assert sum(live.attributes.values()) == len(LIVE.rules)


def test_counts_of_many_profiles_stay_apart(database: Database) -> None:
    ledger = DeidTally(database)
    ledger.done([Tallied("live", "PatientName", "patient", 2), Tallied("other", "PatientName", "patient", 5)])
    ledger.done([Tallied("live", "PatientName", "patient", 1)])
    assert [one.instances for one in ledger.tallied("live")] == [3]
    assert [one.instances for one in ledger.tallied("other")] == [5]
