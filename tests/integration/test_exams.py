"""Procedure steps and commitment requests at the door of a running service.

dcmtk has no SCU of either: pynetdicom asks, and Orthanc for commitment.
"""

import json
import threading
import time
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association

from dicom_scp.commitment import PUSH_MODEL, PUSH_MODEL_INSTANCE, Address, tell
from dicom_scp.mpps import PROCEDURE_STEP
from tests.peers import House, free_port, orthanc, scanside, storescu, wait_until
from tests.series import Patient, mr_series, write_series

SERIES = mr_series(slices=4)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    room = tmp_path_factory.mktemp("state")
    with scanside("receive", state_dir=room, mpps=True, commitment="signal") as made:
        yield made


def associated(house: House, sop_class: str, **more: Any) -> Association:
    entity = ApplicationEntity("MR1")
    entity.add_requested_context(sop_class)
    association = entity.associate("127.0.0.1", house.dicom_port, **more)
    assert association.is_established
    return association


def step(status: str = "IN PROGRESS", *, study: str = str(SERIES[0].StudyInstanceUID)) -> Dataset:
    """Tell of an exam as a scanner does, the patient included."""
    told, scheduled = Dataset(), Dataset()
    scheduled.StudyInstanceUID = study
    scheduled.AccessionNumber = Patient().accession
    told.ScheduledStepAttributesSequence = [scheduled]
    told.PatientName, told.PatientID = Patient().name, Patient().id
    told.PerformedProcedureStepStatus = status
    told.PerformedProcedureStepID = "1"
    told.PerformedStationAETitle = "MR1"
    return told


def misnamed() -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return step(study="1.2.Quastenflosser")


def ended(status: str) -> Dataset:
    told, made = Dataset(), Dataset()
    told.PerformedProcedureStepStatus = status
    made.SeriesInstanceUID = SERIES[0].SeriesInstanceUID
    made.ReferencedImageSequence = [referenced(ds) for ds in SERIES]
    told.PerformedSeriesSequence = [made]
    return told


def referenced(ds: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    return item


def created(association: Association, told: Dataset, uid: str) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is wrong is wrong on purpose
        status, _ = association.send_n_create(told, PROCEDURE_STEP, uid)
    return int(status.Status)


@pytest.mark.parametrize("final", ["COMPLETED", "DISCONTINUED"])
def test_a_step_begins_ends_and_may_no_longer_be_updated(house: House, final: str) -> None:
    association, uid = associated(house, PROCEDURE_STEP), generate_uid()
    assert created(association, step(), uid) == 0x0000
    assert created(association, step(), uid) == 0x0111
    assert association.send_n_set(step(), PROCEDURE_STEP, uid)[0].Status == 0x0000
    assert association.send_n_set(ended(final), PROCEDURE_STEP, uid)[0].Status == 0x0000
    again, _ = association.send_n_set(ended("COMPLETED"), PROCEDURE_STEP, uid)
    assert (again.Status, again.ErrorID) == (0x0110, 0xA506)
    assert association.send_n_set(ended(final), PROCEDURE_STEP, generate_uid())[0].Status == 0x0112
    association.release()


def test_a_step_without_a_uid_gets_one(house: House) -> None:
    answers: list[Dataset] = []
    hear = (evt.EVT_DIMSE_RECV, lambda event: answers.append(event.message.command_set))
    association = associated(house, PROCEDURE_STEP, evt_handlers=[hear])
    status, _ = association.send_n_create(step(), PROCEDURE_STEP)
    assert status.Status == 0x0000
    uid = answers[0].AffectedSOPInstanceUID
    assert association.send_n_set(ended("COMPLETED"), PROCEDURE_STEP, uid)[0].Status == 0x0000
    association.release()


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        (step("COMPLETED"), 0x0106),
        (step("PAUSED"), 0x0106),
        (step(""), 0x0120),
        (misnamed(), 0x0106),
    ],
)
def test_a_step_that_is_none_is_refused(house: House, told: Dataset, answer: int) -> None:
    association = associated(house, PROCEDURE_STEP)
    assert created(association, told, generate_uid()) == answer
    association.release()


def test_who_the_exam_is_of_is_written_nowhere(house: House) -> None:
    association = associated(house, PROCEDURE_STEP)
    assert created(association, step(), generate_uid()) == 0x0000
    association.release()
    kept = b"".join(path.read_bytes() for path in house.state_dir.rglob("*") if path.is_file())
    kept += house.said().encode()
    assert [token for token in Patient().tokens() if token.encode() in kept] == []
    assert str(SERIES[0].StudyInstanceUID).encode() not in kept


def commitment_request() -> Dataset:
    asked = Dataset()
    asked.TransactionUID = generate_uid()
    asked.ReferencedSOPSequence = [referenced(ds) for ds in SERIES]
    return asked


def test_commitment_is_refused_for_every_instance_on_the_association_that_asked(house: House) -> None:
    told: list[tuple[int, Dataset]] = []
    heard = threading.Event()

    def report(event: evt.Event) -> tuple[int, None]:
        told.append((event.event_type, event.event_information))  # type: ignore[arg-type]  # a report has one
        heard.set()
        return 0x0000, None

    association = associated(house, PUSH_MODEL, evt_handlers=[(evt.EVT_N_EVENT_REPORT, report)])
    asked = commitment_request()
    status, _ = association.send_n_action(asked, 1, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    assert status.Status == 0x0000
    assert heard.wait(10)
    ((kind, information),) = told
    assert (kind, information.TransactionUID) == (2, asked.TransactionUID)
    assert "ReferencedSOPSequence" not in information
    assert [item.ReferencedSOPInstanceUID for item in information.FailedSOPSequence] == [
        ds.SOPInstanceUID for ds in SERIES
    ]
    assert {item.FailureReason for item in information.FailedSOPSequence} == {0x0110}
    again, _ = association.send_n_action(commitment_request(), 1, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    assert again.Status == 0x0000  # the answer to the report disturbed nothing
    association.release()


@pytest.mark.parametrize(("action", "asked", "answer"), [(2, None, 0x0123), (1, Dataset(), 0x0115)])
def test_a_request_that_is_none_is_refused(
    house: House, action: int, asked: Dataset | None, answer: int
) -> None:
    association = associated(house, PUSH_MODEL)
    information = asked if asked is not None else commitment_request()
    if not information:
        information.TransactionUID = generate_uid()  # of nothing
    status, _ = association.send_n_action(information, action, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    assert status.Status == answer
    association.release()


@pytest.mark.parametrize("sop_class", [PROCEDURE_STEP, PUSH_MODEL])
def test_neither_is_offered_where_it_is_not_switched_on(sop_class: str) -> None:
    with scanside("receive") as house:
        entity = ApplicationEntity("MR1")
        entity.add_requested_context(sop_class)
        association = entity.associate("127.0.0.1", house.dicom_port)
        assert not association.accepted_contexts
        association.abort()


def test_orthanc_asks_for_commitment_and_hears_that_nothing_is_committed(tmp_path: Path) -> None:
    port = free_port()
    with orthanc() as pacs:
        scanner = {"name": "MR 1", "ae_title": pacs.ae_title, "host": pacs.address, "port": pacs.port}
        host = pacs.host.our_address
        with scanside("receive", dicom_host=host, dicom_port=port, commitment="signal", scanner=[scanner]):
            for path in write_series(tmp_path, SERIES):
                pacs.store(path)
            put(f"{pacs.url}/modalities/us", {"AET": "SCANSIDE", "Host": host, "Port": port})
            resources = [one["ID"] for one in pacs.get("/instances?expand")]
            asked = put(
                f"{pacs.url}/modalities/us/storage-commitment", {"Resources": resources}, method="POST"
            )
            path = asked["Path"]
            wait_until(lambda: pacs.get(path)["Status"] != "Pending", within_s=20, what="Orthanc's report")
            report = pacs.get(path)
    assert report["Status"] == "Failure"
    assert len(report["Failures"]) == len(SERIES)
    assert report["Success"] == []


def test_an_answer_to_a_host_that_is_unknown_harms_nothing() -> None:
    assert not tell(Address("no-such-host.invalid", 104), "MR1", "SCANSIDE", commitment_request())


def put(url: str, body: object, *, method: str = "PUT") -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")


def test_what_a_step_says_ends_the_wait_and_a_commitment_request_is_a_sign_of_the_end(
    house: House, tmp_path: Path
) -> None:
    done = storescu(write_series(tmp_path, SERIES), "127.0.0.1", house.dicom_port)
    assert done.returncode == 0, done.stderr
    association = associated(house, PUSH_MODEL)
    association.send_n_action(commitment_request(), 1, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    time.sleep(0.5)
    association.release()
    from service.ledger import Closings, Database, Worker  # noqa: PLC0415 - this test alone looks inside

    database = Database(f"sqlite:///{house.state_dir / 'scanside.sqlite'}")
    (item,) = Closings(Worker(database, "w")).open_series()
    database.close()
    assert {"commitment", "release"} <= set(item.evidence.ends)
    assert item.evidence.exam_ended_at is not None  # the steps above, which list this series
