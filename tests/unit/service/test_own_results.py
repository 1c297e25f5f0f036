"""What comes back to the door after we have sent it is answered with success, counted, and never scored."""

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian

from dicom_scp.deidentify import Announced, Deidentifier
from dicom_scp.identity import KeyRing
from dicom_scp.own import MANUFACTURER, MODEL, OWN
from dicom_scp.taking import Taker
from service.door import door_events
from service.forms import RESULT_KINDS, WHOLE
from service.ledger import Closings, Database, Intake, Parcel
from service.metrics import Metrics
from service.report import Bundle
from tests.series import mr_series
from tests.unit.dicom_scp.encodings import encoded
from tests.unit.service.report.results import bundle_of, scored_result
from tests.unit.service.test_ledger import Clock, arrival, judgement, note, report, score_all, worker


class Door:
    """A door on a real ledger, and what it took."""

    def __init__(self, database: Database) -> None:
        self.taken: list[str] = []
        self.metrics = Metrics.build(version="1")
        self.intake = Intake(database)
        events = door_events(self.metrics, self.intake)
        self.taker = Taker(self._receive, Deidentifier(KeyRing(b"k" * 32)), events, self.intake.is_own)

    def _receive(self, instance: object) -> int:
        self.taken.append(str(instance))
        return 0

    def take(self, ds: Dataset) -> tuple[int, str]:
        answer = self.taker.take(
            Announced(str(ds.SOPClassUID), str(ds.SOPInstanceUID), "PACS"),
            encoded(ds),
            ExplicitVRLittleEndian,
        )
        return answer.status, answer.dropped

    def counted(self, status: str) -> float:
        name, labels = "scanside_instances_received_total", {"status": status}
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def door(database: Database) -> Door:
    return Door(database)


def sent(database: Database, clock: Clock, *uids: str) -> None:
    """Have the ledger send objects of these names."""
    note(Intake(database, clock), arrival(1))
    score_all(database, clock)
    closings = Closings(worker(database, clock))
    closings.closed(closings.open_series()[0], judgement())
    report(database, clock, parcels=[Parcel("pacs", "SR", 0, uid, "name") for uid in uids])


def test_every_kind_of_result_that_was_sent_is_known_again(database, clock, door, tmp_path):
    made = [one for kind in RESULT_KINDS if kind != "FHIR" for one in bundle_of(scored_result()).make(kind)]
    assert {one.kind for one in made} == set(RESULT_KINDS) - {"FHIR"}
    sent(database, clock, *(one.name.sop_instance_uid for one in made))
    for number, one in enumerate(made):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(one.content)
        assert door.take(dcmread(path)) == (0x0000, OWN)
    assert door.taken == []
    assert door.counted("own") == len(made)


def test_an_image_that_the_ledger_sent_is_known_by_its_uid_whoever_made_it(database, clock, door):
    exported = mr_series(slices=1)[0]
    exported.SOPInstanceUID = exported.file_meta.MediaStorageSOPInstanceUID = "2.25.1234567890"
    sent(database, clock, "2.25.1234567890")
    assert door.take(exported) == (0x0000, OWN)
    assert door.taken == []


def test_an_image_of_our_equipment_is_known_by_that(door):
    image = mr_series(slices=1)[0]
    image.Manufacturer, image.ManufacturerModelName = MANUFACTURER, MODEL
    assert door.take(image) == (0x0000, OWN)
    assert door.taken == []
    assert door.counted("own") == 1


def test_a_scanners_series_is_never_mistaken_for_ours_by_its_number_or_uids(database, clock, door):
    sent(database, clock, "2.25.77")
    images = mr_series(slices=2)
    for number, image in enumerate(images):
        image.SeriesNumber, image.SeriesDescription = 9902, "AI QC report: REPEAT"
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"2.25.77{number}"
        assert door.take(image) == (0x0000, "")
    assert len(door.taken) == 2
    assert door.counted("own") == 0


def test_what_is_read_back_carries_our_equipment():
    bundle: Bundle = bundle_of(scored_result(), WHOLE)
    for dataset in (*bundle.report(), *bundle.regions(), *bundle.card()):
        assert (dataset.Manufacturer, dataset.ManufacturerModelName) == (MANUFACTURER, MODEL)
