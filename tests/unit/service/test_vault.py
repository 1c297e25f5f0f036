"""The vault's keeper: keys rotated while parts run, identities let go, looked up and purged."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian

from dicom_scp.deidentify import Deidentifier
from dicom_scp.facts import pseudonym_of
from dicom_scp.identity import KeyRing, WrongKey
from service.bootstrap import Foundation, deidentifier, lay_foundation, scanner_book
from service.ledger import Closings, Intake, Reports, SliceState, Upkeep, Worker
from service.ledger.tables import outbox, series
from service.metrics import Metrics
from service.reception import Reception
from service.settings import Settings
from service.vault import AUDIT, Keeper, KeyHandedIn, NoPseudonym
from tests.series import Patient, mr_series
from tests.unit.dicom_scp.encodings import encoded

DAY = 86400.0


def house(state: Path, **settings: object) -> Foundation:
    return lay_foundation(Settings(state_dir=state, min_free_mb=0, **settings))


def reception_of(foundation: Foundation) -> Reception:
    return Reception(
        spool=foundation.spool,
        vault=foundation.vault,
        intake=Intake(foundation.database),
        scanners=lambda: scanner_book(foundation, foundation.settings),
        metrics=Metrics.build(version="1"),
        min_free_bytes=0,
    )


def receive(
    foundation: Foundation, *, key: str = "a", slices: int = 2, patient: Patient | None = None
) -> str:
    """Send a series in at the door; gives its keyed UID."""
    reception = reception_of(foundation)
    door: Deidentifier = deidentifier(foundation)
    uid = ""
    for ds in mr_series(slices=slices, rows=8, columns=8, key=key, patient=patient):
        instance = door(encoded(ds), ExplicitVRLittleEndian)
        assert reception(instance) == 0
        uid = instance.series_instance_uid
    return uid


def deliver(foundation: Foundation, *, parcel: bytes | None = None) -> None:
    """Take every series for delivered, with a built result where one is given."""
    with foundation.database.write() as connection:
        ids = connection.scalars(series.select().with_only_columns(series.c.id)).all()
        connection.execute(series.update().values(state="delivered"))
        if parcel is not None:
            name = foundation.outbox.write(parcel, hashlib.sha256(parcel).hexdigest())
            row = {
                "series_id": ids[0], "destination": "pacs", "kind": "SR", "rank": 0, "sop_instance_uid": "1.2",
                "name": name, "state": "sent", "created_at": 0.0, "next_at": 0.0, "sent_at": time.time(),
            }  # fmt: skip
            connection.execute(outbox.insert(), row)


@pytest.fixture
def foundation(tmp_path: Path) -> Iterator[Foundation]:
    made = house(tmp_path)
    yield made
    made.database.close()


def opened(foundation: Foundation, uid: str) -> str:
    """Read the patient's name as reporting does."""
    (answer,) = Keeper.of(foundation).lookup(uid)
    return answer.get("PatientName", "")


def test_a_rotation_seals_everything_anew_and_a_running_part_goes_on(foundation: Foundation) -> None:
    uid = receive(foundation)
    parcel = foundation.outbox.write(b"a result", hashlib.sha256(b"a result").hexdigest())
    before = foundation.vault.key_ids
    admin = house(foundation.settings.state_dir)  # another process
    rotation = Keeper.of(admin).rotate()
    assert rotation.resealed == {"headers": 1, "references": 2, "images": 2, "results": 1}
    assert rotation.unreadable == {}
    assert foundation.vault.key_ids == (*before, rotation.key)  # the running part has it, without a restart
    assert opened(foundation, uid) == "Quastenflosser^Wilhelmine"
    assert foundation.outbox.read(parcel) == b"a result"
    assert all(foundation.spool.read(name) for name in foundation.spool.names())
    other = receive(foundation, key="b")
    kinds = Keeper.of(foundation).status()["sealed"]
    assert isinstance(kinds, dict)
    assert {key for counts in kinds.values() for key in counts} == {rotation.key}
    assert opened(house(foundation.settings.state_dir), other)
    admin.database.close()


def test_names_stay_and_keys_that_seal_nothing_are_dropped(foundation: Foundation) -> None:
    uid = receive(foundation)
    ring = foundation.keyring
    for _ in range(3):
        Keeper.of(house(foundation.settings.state_dir)).rotate()
    path = foundation.settings.key_path
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().split()) == 3  # the site's, the one before, the newest
    assert KeyRing.from_file(path, create=False).uid("1.2.3") == ring.uid("1.2.3")
    assert receive(house(foundation.settings.state_dir)) == uid


def test_a_key_file_without_its_newest_key_stops_the_start(foundation: Foundation) -> None:
    receive(foundation)
    state = foundation.settings.state_dir
    Keeper.of(house(state)).rotate()
    keys = foundation.settings.key_path.read_text().split()
    foundation.settings.key_path.write_text(keys[0])
    with pytest.raises(WrongKey):
        house(state)


def test_a_key_from_outside_is_rotated_by_laying_a_new_one_behind_it(tmp_path: Path) -> None:
    first, second = "11" * 32, "22" * 32
    made = house(tmp_path, key=first)
    uid = receive(made)
    with pytest.raises(KeyHandedIn):
        Keeper.of(made).rotate()
    both = house(tmp_path, key=f"{first},{second}")
    assert Keeper.of(both).rotate().resealed["headers"] == 1
    assert opened(both, uid)
    with pytest.raises(WrongKey):
        house(tmp_path, key=second)
    with pytest.raises(WrongKey):
        house(tmp_path, key=first)


def test_what_does_not_open_is_told_and_holds_nothing_up(foundation: Foundation) -> None:
    receive(foundation)
    name = next(foundation.spool.names())
    path = foundation.settings.spool_dir / name[:2] / name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    rotation = Keeper.of(foundation).rotate()
    assert rotation.unreadable == {"images": 1}
    assert rotation.resealed["images"] == 1


def test_an_identity_goes_when_its_time_is_over_and_never_before(foundation: Foundation) -> None:
    uid = receive(foundation)
    keeper = Keeper.of(foundation)
    window = foundation.settings.identity_days * DAY
    assert keeper.forget(time.time() + 2 * window) == 0  # nothing was delivered
    deliver(foundation, parcel=b"under the true name")
    assert keeper.forget(time.time() + window - DAY) == 0
    assert opened(foundation, uid)
    assert keeper.forget(time.time() + window + DAY) == 1
    assert keeper.lookup(uid)[0].keys() == {"series", "study", "patient"}
    assert keeper.status()["sealed"]["references"] == {}
    assert not list(foundation.outbox.names())
    assert keeper.forget(time.time() + 2 * window) == 0


def test_an_image_that_comes_after_that_is_reported_by_itself(foundation: Foundation) -> None:
    uid = receive(foundation)
    deliver(foundation)
    Keeper.of(foundation).forget(time.time() + 99 * DAY)
    assert receive(foundation, slices=3) == uid  # a third slice, and the two again
    assert opened(foundation, uid) == "Quastenflosser^Wilhelmine"
    worker = Worker(foundation.database, "me", time.time)
    assert len(Reports(worker).instances_of(uid, 2)) == 1
    assert len(Closings(worker).scored_rows(uid, 2)) == 1


def test_a_lookup_answers_whoever_may_and_leaves_a_line_without_the_answer(foundation: Foundation) -> None:
    uid = receive(foundation)
    keeper = Keeper.of(foundation)
    patient = pseudonym_of(foundation.keyring, "KLINIKUM-XQ", "PID-7731904")
    (answer,) = keeper.lookup(patient)
    assert (answer["series"], answer["PatientID"]) == (uid, "PID-7731904")
    assert keeper.lookup(answer["study"]) == [answer]
    assert keeper.lookup("A" * 16) == []
    with pytest.raises(NoPseudonym):
        keeper.lookup("PID-7731904")
    text = (foundation.settings.state_dir / AUDIT).read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["name"] for line in lines] == [patient, answer["study"], "A" * 16]
    assert {line["what"] for line in lines} == {"lookup"}
    assert not [token for token in Patient().tokens() if token in text]


def test_a_purge_leaves_nothing_that_tells_who_it_was(foundation: Foundation) -> None:
    uid = receive(foundation)
    stays = receive(foundation, key="b", patient=Patient(id="OTHER-1", name="Other^One"))
    keeper = Keeper.of(foundation)
    assert keeper.waiting(uid) == 1
    assert keeper.purge(uid) == 1
    assert keeper.waiting(uid) == 0
    assert keeper.lookup(uid)[0].keys() == {"series", "study", "patient"}
    assert opened(foundation, stays) == "Other^One"
    assert len(list(foundation.spool.names())) == 2
    assert keeper.purge("2.25.1") == 0


def test_images_sent_again_after_a_purge_come_in_as_new(foundation: Foundation) -> None:
    uid = receive(foundation)
    keeper = Keeper.of(foundation)
    keeper.purge(uid)
    assert receive(foundation) == uid
    assert keeper.waiting(uid) == 1
    assert opened(foundation, uid) == "Quastenflosser^Wilhelmine"
    worker = Worker(foundation.database, "me", time.time)
    (again,) = Closings(worker).open_series()
    assert (again.generation, again.evidence.received, again.unscored) == (2, 2, 2)
    assert {row.state for row in Closings(worker).scored_rows(uid, 2)} == {SliceState.WAITING}
    assert all(one.reference for one in Reports(worker).instances_of(uid, 2))
    assert sorted(Upkeep(foundation.database).spooled()) == sorted(foundation.spool.names())


@pytest.mark.parametrize("character_set", ["ISO_IR 100", "ISO_IR 192", "ISO_IR 101"])
def test_a_patient_is_found_by_an_id_in_any_character_set(foundation: Foundation, character_set: str) -> None:
    (ds,) = mr_series(slices=1, rows=8, columns=8)
    ds.SpecificCharacterSet, ds.PatientID = character_set, "MÜL-77"
    instance = deidentifier(foundation)(encoded(ds), ExplicitVRLittleEndian)
    keeper = Keeper.of(foundation)
    assert reception_of(foundation)(instance) == 0
    assert keeper.pseudonym("KLINIKUM-XQ", "MÜL-77") == instance.patient
    assert keeper.lookup(keeper.pseudonym("KLINIKUM-XQ", "MÜL-77"))[0]["PatientID"] == "MÜL-77"
    assert not keeper.lookup(keeper.pseudonym("KLINIKUM-XQ", "MÜL-78"))


def test_a_name_that_a_person_asks_for_is_on_record_before_it_is_told(foundation: Foundation) -> None:
    uid = receive(foundation)
    with foundation.database.read() as connection:
        series_id = connection.scalar(series.select().with_only_columns(series.c.id))
    keeper = Keeper.of(foundation)
    told = keeper.whose(series_id, "tom")
    assert told is not None
    assert told["PatientName"] == "Quastenflosser^Wilhelmine"
    assert told["PatientID"]
    noted = (foundation.settings.state_dir / AUDIT).read_text("utf-8")
    line = json.loads(noted)
    assert (line["user"], line["what"], line["name"]) == ("tom", "shown", uid)
    assert "Quastenflosser" not in noted
    assert told["PatientID"] not in noted
    keeper.purge(uid)
    assert keeper.whose(series_id, "tom") is None
    assert keeper.whose("none", "tom") is None
