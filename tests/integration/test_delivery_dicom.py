"""Results to a PACS: C-STORE, C-FIND and storage commitment, in the clear and by TLS."""

import json
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import build_role, evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.events import Event

from dicom_scp.commitment_report import ALL_KEPT, PUSH_MODEL, PUSH_MODEL_INSTANCE, SOME_FAILED, answer_report
from dicom_scp.listener import Offer
from dicom_scp.storage_classes import STORAGE_CLASSES
from service.delivery import Pacs
from service.delivery.dicom import FIND
from service.delivery.postman import BUNDLE
from service.tls import FreshServerContext, TlsFiles
from tests.authority import Authority
from tests.outbox import HOUR_S, STUDY, OutboxHouse
from tests.peers import Orthanc, free_port, orthanc, program, storescu, wait_until
from tests.peers.processes import running
from tests.series import Patient, mr_series, write_series
from tests.unit.dicom_scp.door import open_door

OURS = "SCANSIDE"


@dataclass(slots=True)
class Archive:
    """A PACS that does as it is told to."""

    port: int = 0
    stored: list[str] = field(default_factory=list)
    asked: list[Dataset] = field(default_factory=list)  # action information
    status: Callable[[], int] = lambda: 0x0000  # of each C-STORE
    judge: Callable[[Event], int] = lambda _: 0x0000  # the same, by what comes
    promise: Callable[[Event], int] = lambda _: 0x0000  # status of an N-ACTION
    found: list[tuple[int, Dataset | None]] = field(default_factory=list)  # of each C-FIND
    queries: list[Dataset] = field(default_factory=list)

    def pacs(self, house: OutboxHouse, **more: object) -> Pacs:
        base = Pacs("pacs", "127.0.0.1", self.port, "ARCHIVE", OURS, take_report=house.take_report)
        return replace(base, **more)  # type: ignore[arg-type] # fields of the class

    def on_store(self, event: Event) -> int:
        status = self.judge(event) or self.status()
        if status == 0x0000:
            self.stored.append(str(event.dataset.SOPInstanceUID))
        return status

    def on_find(self, event: Event) -> Iterator[tuple[int, Dataset | None]]:
        self.queries.append(event.identifier)
        yield from self.found

    def on_action(self, event: Event) -> tuple[int, None]:
        self.asked.append(event.action_information)
        return self.promise(event), None


@contextmanager
def archive(*, classes: tuple[str, ...] = (PUSH_MODEL, FIND, *STORAGE_CLASSES)) -> Iterator[Archive]:
    made = Archive()
    entity = ApplicationEntity("ARCHIVE")
    for uid in classes:
        entity.add_supported_context(uid)
    handlers = [
        (evt.EVT_C_STORE, made.on_store),
        (evt.EVT_C_FIND, made.on_find),
        (evt.EVT_N_ACTION, made.on_action),
    ]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)  # type: ignore[arg-type] # pairs
    assert server is not None
    made.port = server.server_address[1]
    try:
        yield made
    finally:
        server.shutdown()


def outcome(asked: Dataset, failed: dict[str, int] | None = None) -> tuple[int, Dataset]:
    """Write what an archive reports: event type and information."""
    failed = failed or {}
    told = Dataset()
    told.TransactionUID = asked.TransactionUID
    items = list(asked.ReferencedSOPSequence)
    told.ReferencedSOPSequence = [item for item in items if item.ReferencedSOPInstanceUID not in failed]
    if failed:
        told.FailedSOPSequence = [item for item in items if item.ReferencedSOPInstanceUID in failed]
        for item in told.FailedSOPSequence:
            item.FailureReason = failed[item.ReferencedSOPInstanceUID]
    return (SOME_FAILED if failed else ALL_KEPT), told


def report(port: int, event_type: int, information: Dataset, calling: str = "ARCHIVE") -> int | None:
    """Report on an association of one's own, as the SCP of the service; gives the status of the answer."""
    entity = ApplicationEntity(calling)
    entity.add_requested_context(PUSH_MODEL, ImplicitVRLittleEndian)
    roles = [build_role(PUSH_MODEL, scp_role=True)]
    association = entity.associate("127.0.0.1", port, ae_title=OURS, ext_neg=roles)  # type: ignore[arg-type] # as documented
    assert association.is_established
    status, _ = association.send_n_event_report(information, event_type, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    association.release()
    return getattr(status, "Status", None)


def reports(house: OutboxHouse) -> list[Offer]:
    """Give what the door offers to archives that were asked for commitment."""
    return [Offer(PUSH_MODEL, [(evt.EVT_N_EVENT_REPORT, answer_report, [house.take_report])])]


@pytest.fixture
def house(tmp_path: Path) -> OutboxHouse:
    return OutboxHouse.at(tmp_path)


def test_what_a_pacs_keeps_is_committed_by_a_report_on_the_same_association(house: OutboxHouse) -> None:
    sent = house.post()
    with archive() as there:

        def at_once(event: Event) -> int:
            told = outcome(event.action_information)
            threading.Timer(
                0.05,
                lambda: event.assoc.send_n_event_report(told[1], told[0], PUSH_MODEL, PUSH_MODEL_INSTANCE),
            ).start()
            return 0x0000

        there.promise = at_once
        house.postman(there.pacs(house, commits=True)).deliver_next()
        until = time.monotonic() + 5
        while house.states() != ["committed"] * 2 and time.monotonic() < until:
            time.sleep(0.02)
    assert house.states() == ["committed", "committed"]
    assert house.series_states() == {"a-1": "delivered"}
    asked = {item.ReferencedSOPInstanceUID for item in there.asked[0].ReferencedSOPSequence}
    assert asked == {one.SOPInstanceUID for one in sent}


def test_a_report_on_another_association_comes_to_our_own_port(house: OutboxHouse, tmp_path: Path) -> None:
    sr, seg = house.post()
    with archive() as there, open_door(tmp_path / "door", offers=reports(house)) as door:
        postman = house.postman(there.pacs(house, commits=True))
        postman.deliver_next()
        assert house.states() == ["uncommitted", "uncommitted"]
        assert house.series_states() == {"a-1": "reported"}
        told = outcome(there.asked[0], {str(seg.SOPInstanceUID): 0x0112})
        assert report(door.port, *told) == 0x0000
        assert house.states() == ["committed", "waiting"]
        assert house.answers()[1] == "not committed: 0x0112 no such object"
        house.clock.ahead = 10.0
        postman.deliver_next()
        assert there.stored == [str(one.SOPInstanceUID) for one in (sr, seg, seg)]
        assert report(door.port, *outcome(there.asked[1], {str(seg.SOPInstanceUID): 0x0122})) == 0x0000
        assert house.states() == ["committed", "dead"]
        assert house.answers()[1] == "not committed: 0x0122 class not supported"


def test_reports_that_nobody_asked_for_or_that_are_broken_change_nothing(
    house: OutboxHouse, tmp_path: Path
) -> None:
    house.post()
    with archive() as there, open_door(tmp_path / "door", offers=reports(house)) as door:
        house.postman(there.pacs(house, commits=True)).deliver_next()
        event_type, told = outcome(there.asked[0])
        assert report(door.port, 7, told) == 0x0113
        broken = Dataset()
        broken.ReferencedSOPSequence = told.ReferencedSOPSequence
        assert report(door.port, event_type, broken) == 0x0115
        told.TransactionUID = "1.2.3"
        assert report(door.port, event_type, told) == 0x0115
    assert house.states() == ["uncommitted", "uncommitted"]


def test_a_door_that_expects_no_reports_does_not_accept_their_context(tmp_path: Path) -> None:
    with open_door(tmp_path) as door:
        entity = ApplicationEntity("ARCHIVE")
        entity.add_requested_context(PUSH_MODEL)
        association = entity.associate("127.0.0.1", door.port, ae_title=OURS)
        assert not association.accepted_contexts
        association.abort()


def test_a_pacs_that_never_reports_is_asked_again_and_given_up_in_the_end(house: OutboxHouse) -> None:
    house.give_up_s = 2 * HOUR_S
    house.post(kinds=("SR",))
    with archive() as there:
        postman = house.postman(there.pacs(house, commits=True))
        postman.deliver_next()
        assert not postman.deliver_next()
        house.clock.ahead = 700.0
        assert postman.deliver_next()
        assert (len(there.stored), len(there.asked)) == (1, 2)
        there.promise = lambda _: 0x0110
        house.clock.ahead = 3 * HOUR_S
        assert postman.deliver_next()
    assert house.states() == ["dead"]
    assert house.answers() == ["storage commitment: 0x0110"]


def test_what_is_old_is_held_where_the_pacs_knows_another_patient_and_sent_where_it_has_no_query(
    house: OutboxHouse,
) -> None:
    known = Dataset()
    known.StudyInstanceUID, known.PatientID, known.QueryRetrieveLevel = STUDY, Patient().id, "STUDY"
    other = Dataset()
    other.StudyInstanceUID, other.PatientID, other.QueryRetrieveLevel = STUDY, "OTHER", "STUDY"
    with archive() as there:
        postman = house.postman(there.pacs(house, doubts_after_s=HOUR_S))
        for key, found in (
            ("fits", [(0xFF00, known)]),
            ("other", [(0xFF00, other)]),
            ("none", []),
            ("many", [(0xFF00, other), (0xFF01, known)]),
            ("not allowed", [(0x0122, None)]),
            ("fails", [(0xA700, None)]),
        ):
            house.post(key=key, age_s=2 * HOUR_S)
            there.found = list(found)
            postman.deliver_next()
        assert [
            house.states(key)[0] for key in ("fits", "other", "none", "many", "not allowed", "fails")
        ] == [
            "sent",
            "held",
            "held",
            "sent",
            "sent",
            "waiting",
        ]
        assert house.rows("fails")[0].answer == "the query for the study failed: 0xA700"
        assert {query.StudyInstanceUID for query in there.queries} == {STUDY}
    with archive(classes=("1.2.840.10008.1.1", *STORAGE_CLASSES)) as storage_only:
        house.post(key="no query", age_s=2 * HOUR_S)
        house.postman(storage_only.pacs(house, doubts_after_s=HOUR_S)).deliver_next()
        assert house.states("no query") == ["sent", "sent"]
    assert Patient().id not in str(house.rows())
    assert "OTHER" not in str(house.rows())


@pytest.mark.filterwarnings(
    "ignore:unclosed <s:ResourceWarning"
)  # pynetdicom leaves closing to the collector
def test_a_dead_pacs_is_called_once_and_not_for_each_bundle_that_waits(house: OutboxHouse) -> None:
    for number in range(BUNDLE):
        house.post(key=f"{number}")
    port = free_port()
    with archive() as there:
        dead = replace(there.pacs(house), port=port)
        postman = house.postman(dead)
        assert postman.deliver_next()
        assert not postman.deliver_next()
        assert house.states() == ["waiting"] * 2 * BUNDLE
        assert house.answers().count("no association") == BUNDLE
        house.clock.ahead = 3.0
        postman = house.postman(there.pacs(house))
        while postman.deliver_next():
            pass
    assert house.states() == ["sent"] * 2 * BUNDLE


def test_an_object_at_which_a_pacs_hangs_up_does_not_stop_the_others(house: OutboxHouse) -> None:
    poison = house.post(key="poison", kinds=("SR",))[0].SOPInstanceUID
    house.post(key="good")
    with archive() as there:

        def hang_up(event: Event) -> int:
            if event.dataset.SOPInstanceUID == poison:
                event.assoc.abort()
            return 0x0000

        there.judge = hang_up
        postman = house.postman(there.pacs(house))
        for _ in range(6):
            postman.deliver_next()
            house.clock.ahead += 2.6
    assert house.states("good") == ["sent", "sent"]
    assert house.states("poison") == ["waiting"]
    assert house.rows("good")[0].attempts == 1


def test_a_pacs_that_has_no_room_gets_the_same_object_again(house: OutboxHouse) -> None:
    (sr,) = house.post(kinds=("SR",))
    answers = iter([0xA700, 0x0000])
    with archive() as there:
        there.status = lambda: next(answers)
        postman = house.postman(there.pacs(house))
        postman.deliver_next()
        assert (house.states(), house.answers()) == (["waiting"], ["0xA700"])
        house.clock.ahead = 3.0
        postman.deliver_next()
        assert there.stored == [str(sr.SOPInstanceUID)]
    assert house.rows()[0].attempts == 2


def test_orthanc_commits_and_is_asked_for_patients(house: OutboxHouse, tmp_path: Path) -> None:
    with open_door(tmp_path / "door", offers=reports(house), host="0.0.0.0") as door:
        modalities = {"scanside": {"AET": OURS, "Host": "127.0.0.1", "Port": door.port}}
        with orthanc(DicomModalities=modalities) as there:
            modalities["scanside"]["Host"] = there.host.our_address
            _tell(there, door.port)
            pacs = Pacs("pacs", there.address, there.port, "ORTHANC", OURS, take_report=house.take_report)
            pacs = replace(pacs, commits=True, doubts_after_s=HOUR_S)
            house.post()
            postman = house.postman(pacs)
            postman.deliver_next()
            until = time.monotonic() + 15
            while "uncommitted" in house.states() and time.monotonic() < until:
                time.sleep(0.1)
            assert house.states() == ["committed", "committed"]
            house.post(key="old", age_s=2 * HOUR_S)
            house.post(key="other", age_s=2 * HOUR_S, patient=Patient(id="OTHER-1"))
            postman.deliver_next()
            assert house.states("other") == ["held", "held"]
            assert set(house.states("old")) <= {"uncommitted", "committed"}


def _tell(there: Orthanc, port: int) -> None:
    """Tell Orthanc where we listen, as seen from its host."""
    body = json.dumps({"AET": OURS, "Host": there.host.our_address, "Port": port}).encode()
    request = urllib.request.Request(f"{there.url}/modalities/scanside", data=body, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


@pytest.mark.filterwarnings(
    "ignore:unclosed <s:ResourceWarning"
)  # pynetdicom leaves closing to the collector
def test_dcmtk_takes_results_by_tls_and_nobody_does_with_a_strangers_certificate(
    house: OutboxHouse, tmp_path: Path
) -> None:
    ours, strangers = Authority(tmp_path / "ours"), Authority(tmp_path / "strangers")
    certificate, key = ours.issue("127.0.0.1")
    own, own_key = ours.issue("scanside")
    port, inbox = free_port(), tmp_path / "inbox"
    inbox.mkdir()
    command = [str(program("storescp")), "+tls", str(key), str(certificate), "+cf", str(ours.ca)]
    command += ["-od", str(inbox), str(port)]
    house.post()
    with running(command, tmp_path / "log") as process:
        pacs = Pacs("pacs", "127.0.0.1", port, "ARCHIVE", OURS)
        good = TlsFiles(ours.ca, own, own_key)
        wait_until(
            lambda: replace(pacs, tls=good).tried()[0],
            process=process,
            log=tmp_path / "log",
            what="storescp",
        )
        for bad in (None, TlsFiles(strangers.ca, own, own_key), TlsFiles(tmp_path / "none", own, own_key)):
            house.postman(replace(pacs, tls=bad)).deliver_next()
            house.clock.ahead += 100.0
        assert house.states() == ["waiting", "waiting"]
        house.postman(replace(pacs, tls=good)).deliver_next()
    assert house.states() == ["sent", "sent"]
    assert len(list(inbox.iterdir())) == 2


def test_the_door_takes_tls_alone_and_a_replaced_certificate_at_once(tmp_path: Path) -> None:
    ours, strangers = Authority(tmp_path / "ours"), Authority(tmp_path / "strangers")
    certificate, key = ours.issue("127.0.0.1")
    client, client_key = ours.issue("scanner")
    stranger, stranger_key = strangers.issue("scanner")
    fresh = FreshServerContext(TlsFiles(ours.ca, certificate, key))
    (path,) = write_series(tmp_path / "in", mr_series(slices=1))
    trusting = ["+cf", str(ours.ca)]
    with open_door(tmp_path / "door", tls=fresh, pdu_deadline_s=3.0) as door:
        mutual = ["+tls", str(client_key), str(client), *trusting]
        assert storescu([path], "127.0.0.1", door.port, more=mutual).returncode == 0
        assert len(door.taken) == 1
        for refused in ([], ["+tla", *trusting], ["+tls", str(stranger_key), str(stranger), *trusting]):
            assert storescu([path], "127.0.0.1", door.port, more=["-to", "5", *refused]).returncode != 0
        assert fresh().minimum_version == ssl.TLSVersion.TLSv1_2
        new, new_key = strangers.issue("127.0.0.1")
        certificate.write_bytes(new.read_bytes())
        key.write_bytes(new_key.read_bytes())
        assert storescu([path], "127.0.0.1", door.port, more=mutual).returncode != 0
        trusting_new = ["+tls", str(client_key), str(client), "+cf", str(strangers.ca)]
        assert storescu([path], "127.0.0.1", door.port, more=trusting_new).returncode == 0
        certificate.write_text("broken")
        assert storescu([path], "127.0.0.1", door.port, more=trusting_new).returncode == 0
