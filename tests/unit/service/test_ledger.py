"""The ledger, on a real SQLite file and, where there is one, a real PostgreSQL."""

import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from inference.burned_in import REASON
from inference.footprint import Plane
from inference.places import Part
from inference.stacks import Place
from inference.text import UNSAID, Text
from service.closing import CloseReason, Closing
from service.ledger import (
    Arrival,
    Closings,
    Database,
    Intake,
    Judgement,
    LedgerUnavailable,
    Outbox,
    Outcome,
    Parcel,
    Placed,
    Places,
    Reports,
    Scoring,
    SliceNote,
    SliceState,
    SliceTask,
    Unplaced,
    Upkeep,
    Views,
    Worker,
    prepare,
)
from service.ledger.schema import SCRIPTS
from service.ledger.tables import REVISION, metadata


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def arrival(number: int, *, series: str = "2.25.1", digest: str = "", expected: int | None = 4) -> Arrival:
    return Arrival(
        series_uid=series,
        study_uid="2.25.9",
        patient="PATIENT",
        sop_instance_uid=f"{series}.{number}",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.4",
        digest=digest or f"digest-{series}-{number}",
        picture=f"picture-{digest or number}",
        bearer="BEARER",
        scanner_key="device:A",
        scanner_name="",
        protocol_key="P",
        series_number=3,
        instance_number=number,
        position=float(-number),
        frames=1,
        rows=8,
        columns=8,
        counts={} if expected is None else {"0020,1002": expected},
        concatenation=None,
        facts={"description": "SE 8x8"},
        multi_frame=False,
        header=lambda uid: f"sealed {uid}".encode(),
        reference=b"sealed reference",
    )


def note(intake: Intake, item: Arrival) -> Outcome:
    return intake.received(item)


def worker(database: Database, clock: Clock, name: str = "w1") -> Worker:
    return Worker(database, name, lease_s=30.0, clock=clock)


def claimed(scoring: Scoring, limit: int, volumes: int = 8) -> list[SliceTask]:
    """Note the places of what came, then claim."""
    places = Places(scoring.worker, volumes)
    for item in places.unplaced(99):
        parts = [Part(frame, 0, None) for frame in range(1, item.frames + 1)]
        places.placed([Placed(item, parts)])
    places.sampled()
    return scoring.claim_slices(limit)


SCORE = {"index": 8.0, "suitability": 0.9, "signal": True, "findings": []}


def score_all(database: Database, clock: Clock) -> None:
    scoring = Scoring(worker(database, clock))
    while tasks := claimed(scoring, 4):
        scoring.scored([SliceNote(task, SliceState.SCORED, score=SCORE, masks=b"m") for task in tasks])


def closing(*, count: bool = True, provisional: bool = False) -> Closing:
    return Closing(
        reason=CloseReason.QUIET,
        provisional=provisional,
        incomplete=False,
        sign="quiet",
        expected=None,
        quiet_s=3.0,
        signs={"0020,1002": count},
        pace=None,
    )


def judgement(verdict: str = "Usable", *, count: bool = True, provisional: bool = False) -> Judgement:
    return Judgement(
        closing=closing(count=count, provisional=provisional),
        gaps=(),
        verdict=verdict,
        reason=UNSAID,
        quality={"index": 8.0, "suitability": 0.9, "findings": []},
        advice=[],
        model="m",
        provider="CPU",
        alert={"verdict": verdict},
    )


def test_a_scored_slice_is_shown_with_whether_it_counts(database: Database, clock: Clock) -> None:
    note(Intake(database, clock), arrival(1))
    note(Intake(database, clock), arrival(2))
    scoring = Scoring(worker(database, clock))
    first, second = claimed(scoring, 4)
    strange = {**SCORE, "familiar": False}
    scoring.scored([SliceNote(first, SliceState.SCORED, score=strange, masks=b"m")])
    scoring.scored([SliceNote(second, SliceState.SCORED, score=SCORE, masks=b"m")])
    (series,), _ = Views(database).series_page(10)
    assert sorted(view.familiar for view in Views(database).slices_of(series.id)) == [False, True]


def test_a_verdict_is_kept_in_both_languages(database: Database, clock: Clock) -> None:
    note(Intake(database, clock), arrival(1))
    note(Intake(database, clock), arrival(2))
    scoring, closings = Scoring(worker(database, clock)), Closings(worker(database, clock))
    first, second = claimed(scoring, 4)
    why = Text("the matrix is absurd", "die Matrix ist unmöglich")
    scoring.scored([SliceNote(first, SliceState.UNREADABLE, why)])
    scoring.erased(second, REASON)
    (item,) = closings.open_series()
    gap = Text("1 slice missing", "1 Schicht fehlt")
    told = replace(
        judgement("Check"), reason=Text("Found", "Gefunden"), advice=[Text("Pad.", "Polstern.")], gaps=[gap]
    )
    assert closings.closed(item, told)
    (series,), _ = Views(database).series_page(10)
    assert series.closing is not None
    kept = [series.reason, *series.advice, *series.closing["gaps"]]
    kept += [view.reason for view in Views(database).slices_of(series.id)]
    wanted = [told.reason, *told.advice, gap, why, REASON]
    assert sorted((one, one.de) for one in kept) == sorted((one, one.de) for one in wanted)


def test_an_instance_is_noted_once_and_its_second_content_is_kept_as_a_conflict(
    database: Database, clock: Clock
) -> None:
    intake = Intake(database, clock)
    assert note(intake, arrival(1)) is Outcome.NEW
    assert note(intake, arrival(1)) is Outcome.DUPLICATE
    assert note(intake, arrival(1, digest="other")) is Outcome.CONFLICT
    (item,) = Closings(worker(database, clock)).open_series()
    assert (item.evidence.received, item.conflict, item.unscored) == (1, True, 1)
    assert [event.kind for event in Views(database).events_after(0)] == ["series", "conflict"]


def test_open_series_take_turns_so_that_a_long_one_starves_nobody(database: Database, clock: Clock) -> None:
    intake = Intake(database, clock)
    for number in range(6):
        note(intake, arrival(number, series="2.25.1"))
    clock.now += 1
    note(intake, arrival(0, series="2.25.2"))
    scoring = Scoring(worker(database, clock))
    clock.now += 1
    first = claimed(scoring, 2)
    clock.now += 1
    second = claimed(scoring, 2)
    assert {task.series_uid for task in first} == {"2.25.1"}
    assert {task.series_uid for task in second} == {"2.25.2"}


def test_a_dead_workers_slices_come_back_and_its_late_write_changes_nothing(
    database: Database, clock: Clock
) -> None:
    note(Intake(database, clock), arrival(1))
    dead, alive = (Scoring(worker(database, clock, name)) for name in ("dead", "alive"))
    (task,) = claimed(dead, 4)
    assert claimed(alive, 4) == []
    clock.now += 31
    (again,) = claimed(alive, 4)
    assert again.attempt == task.attempt + 1
    dead.scored([SliceNote(task, SliceState.UNREADABLE, Text("late", "spät"))])
    alive.scored([SliceNote(again, SliceState.SCORED, score=SCORE)])
    (row,) = Closings(worker(database, clock)).scored_rows("2.25.1", 1)
    assert row.state is SliceState.SCORED


def test_a_heartbeat_keeps_a_claim(database: Database, clock: Clock) -> None:
    note(Intake(database, clock), arrival(1))
    mine, other = worker(database, clock, "mine"), Scoring(worker(database, clock, "other"))
    scoring = Scoring(mine)
    tasks = claimed(scoring, 4)
    with scoring.holding(tasks):
        clock.now += 20
        mine.beat()
        clock.now += 20
        assert claimed(other, 4) == []
    mine.beat()  # the work has ended without a note: the claim runs out though its worker lives
    clock.now += 20
    assert len(claimed(other, 4)) == 1


def test_slices_stand_in_the_order_of_their_positions(database: Database, clock: Clock) -> None:
    intake = Intake(database, clock)
    for number in (2, 3, 1):
        note(intake, arrival(number))
    rows = Closings(worker(database, clock)).scored_rows("2.25.1", 1)
    assert [row.instance_number for row in rows] == [3, 2, 1]


def test_a_verdict_is_not_written_over_an_instance_that_came_in_between(
    database: Database, clock: Clock
) -> None:
    intake = Intake(database, clock)
    note(intake, arrival(1))
    score_all(database, clock)
    closings = Closings(worker(database, clock))
    (item,) = closings.open_series()
    note(intake, arrival(2))
    assert not closings.closed(item, judgement())
    score_all(database, clock)
    (item,) = closings.open_series()
    assert closings.closed(item, judgement())
    assert not closings.closed(item, judgement("Repeat"))
    page, _ = Views(database).series_page(10)
    assert [(view.verdict, view.received) for view in page] == [("Usable", 2)]


def test_a_count_is_learnt_by_matching_in_a_row_and_forgotten_by_one_miss(
    database: Database, clock: Clock
) -> None:
    intake, closings = Intake(database, clock), Closings(worker(database, clock))
    met = [True, True, True, False, True]
    learnt = []
    for number, count in enumerate(met):
        note(intake, arrival(1, series=f"2.25.{number}"))
        score_all(database, clock)
        (item,) = closings.open_series()
        learnt.append(item.evidence.learnt.get("0020,1002", 0))
        closings.closed(item, judgement(count=count))
    assert learnt == [0, 1, 2, 3, 0]


def report(database: Database, clock: Clock, *, parcels: list[Parcel]) -> None:
    reports = Reports(worker(database, clock))
    task = reports.claim_report()
    assert task is not None
    reports.reported(task, parcels, {"pacs": {"SR": ["class", f"sr-{task.generation}", "series"]}})


def test_a_late_instance_makes_the_next_generation_whose_report_knows_the_last(
    database: Database, clock: Clock
) -> None:
    intake, closings = Intake(database, clock), Closings(worker(database, clock))
    note(intake, arrival(1))
    score_all(database, clock)
    closings.closed(closings.open_series()[0], judgement())
    report(database, clock, parcels=[])
    clock.now += 100
    assert note(intake, arrival(2)) is Outcome.NEW
    score_all(database, clock)
    (item,) = closings.open_series()
    assert item.evidence.received == 2
    closings.closed(item, judgement())
    task = Reports(worker(database, clock)).claim_report()
    assert task is not None
    assert (task.generation, task.documents) == (2, {"pacs": {"SR": ["class", "sr-1", "series"]}})
    assert task.header == b"sealed 2.25.1"


def test_a_late_image_before_the_report_changes_nothing_of_the_generation_that_is_closed(
    database: Database, clock: Clock
) -> None:
    closed_series(database, clock)
    note(Intake(database, clock), arrival(2))
    task = Reports(worker(database, clock)).claim_report()
    assert task is not None
    reports = Reports(worker(database, clock))
    assert len(reports.instances_of("2.25.1", task.generation)) == 1
    assert len(reports.instances_of("2.25.1", 2)) == 2


def closed_series(database: Database, clock: Clock) -> None:
    closings = Closings(worker(database, clock))
    note(Intake(database, clock), arrival(1))
    score_all(database, clock)
    closings.closed(closings.open_series()[0], judgement())


PARCELS = [Parcel("pacs", "SEG", 1, "2.25.8", "b" * 64), Parcel("pacs", "SR", 0, "2.25.7", "a" * 64)]


def test_the_report_goes_first_and_a_retry_posts_nothing_twice(database: Database, clock: Clock) -> None:
    closed_series(database, clock)
    reports = Reports(worker(database, clock))
    task = reports.claim_report()
    assert task is not None
    reports.posted(task, PARCELS[1:])
    reports.reported(task, PARCELS, {})
    box = Outbox(worker(database, clock), give_up_s=100.0)
    assert [item.kind for item in box.claim("pacs", 10)] == ["SR", "SEG"]
    assert box.claim("pacs", 10) == []


def test_nothing_overtakes_a_report_that_waits_for_its_next_try(database: Database, clock: Clock) -> None:
    closed_series(database, clock)
    reports = Reports(worker(database, clock))
    task = reports.claim_report()
    assert task is not None
    reports.posted(task, PARCELS[1:])
    box = Outbox(worker(database, clock), give_up_s=100.0)
    box.failed(box.claim("pacs", 10)[0], "no connection")
    reports.reported(task, PARCELS[:1], {})
    assert box.claim("pacs", 10) == []
    clock.now += 3
    assert [item.kind for item in box.claim("pacs", 10)] == ["SR", "SEG"]


def test_a_failed_delivery_waits_longer_each_time_and_is_set_aside_in_the_end(
    database: Database, clock: Clock
) -> None:
    closed_series(database, clock)
    report(database, clock, parcels=PARCELS[1:])
    box = Outbox(worker(database, clock), give_up_s=30.0, chance=lambda: 0.5)
    waits = []
    for _ in range(10):
        items = box.claim("pacs", 10)
        while not items:
            clock.now += 1
            items = box.claim("pacs", 10)
        waits.append(clock.now)
        if box.failed(items[0], "no connection") == "dead":
            break
    gaps = [after - before for before, after in pairwise(waits)]
    assert gaps == sorted(gaps)
    assert gaps[0] == 2.0
    (view,), _ = Views(database).deliveries_page(10)
    assert (view.state, view.answer) == ("dead", "no connection")


def test_a_series_is_delivered_when_its_last_object_is(database: Database, clock: Clock) -> None:
    closed_series(database, clock)
    report(database, clock, parcels=PARCELS)
    box = Outbox(worker(database, clock), give_up_s=30.0)
    views = Views(database)
    states = []
    for item in box.claim("pacs", 10):
        states.append(views.series_page(1)[0][0].state)
        box.delivered(item, "0x0000")
    states.append(views.series_page(1)[0][0].state)
    assert states == ["reported", "reported", "delivered"]


def test_pixels_leave_only_when_everything_was_delivered(database: Database, clock: Clock) -> None:
    closed_series(database, clock)
    upkeep = Upkeep(database, clock)
    report(database, clock, parcels=PARCELS[1:])
    assert upkeep.outlived(clock.now + 1, 10) == []
    box = Outbox(worker(database, clock), give_up_s=30.0)
    box.delivered(box.claim("pacs", 1)[0], "0x0000")
    assert upkeep.outlived(clock.now + 1, 10) == ["2.25.1"]
    assert upkeep.swept("2.25.1", clock.now) == ([], []), "not yet"
    assert upkeep.swept("2.25.1", clock.now + 1) == (["digest-2.25.1-1"], ["a" * 64])
    assert upkeep.outlived(clock.now + 1, 10) == []
    assert upkeep.spooled() == []
    note(Intake(database, clock), arrival(1))
    assert upkeep.outlived(clock.now + 1, 10) == ["2.25.1"], "an image that came again leaves again"


def test_an_instance_whose_file_is_gone_still_lets_its_series_end(database: Database, clock: Clock) -> None:
    note(Intake(database, clock), arrival(1))
    upkeep = Upkeep(database, clock)
    assert upkeep.unknown(["digest-2.25.1-1", "orphan"]) == ["orphan"]
    assert upkeep.spooled() == ["digest-2.25.1-1"]
    upkeep.lost("digest-2.25.1-1")
    assert upkeep.spooled() == []
    (item,) = Closings(worker(database, clock)).open_series()
    assert item.unscored == 0


def test_pages_follow_each_other_without_gap_or_double(database: Database, clock: Clock) -> None:
    intake = Intake(database, clock)
    for number in range(5):
        clock.now += 1
        note(intake, arrival(1, series=f"2.25.{number}"))
    views = Views(database)
    first, cursor = views.series_page(2)
    second, cursor = views.series_page(2, cursor)
    third, end = views.series_page(2, cursor)
    numbers = [view.opened_at for view in (*first, *second, *third)]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 5
    assert end is None


def test_the_bell_rings_when_somebody_commits(database: Database, clock: Clock) -> None:
    views = Views(database)
    seen = views.wait_for_change(-1, 0.0)
    seen = views.wait_for_change(seen, 0.05)
    assert views.wait_for_change(seen, 0.05) == seen
    note(Intake(database, clock), arrival(1))
    assert views.wait_for_change(seen, 2.0) != seen
    views.close()


def test_the_migrations_make_the_tables_that_the_ledger_knows(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_database_that_cannot_be_reached_is_said_to_be_unavailable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'no' / 'folder' / 'x.sqlite'}")
    with pytest.raises(LedgerUnavailable):
        Upkeep(database).installation()


def test_a_slice_that_takes_its_worker_down_is_claimed_alone_in_the_end(
    database: Database, clock: Clock
) -> None:
    intake = Intake(database, clock)
    for number in range(3):
        note(intake, arrival(number))
    scoring = Scoring(worker(database, clock))
    claims = []
    for _ in range(4):
        claims.append(len(claimed(scoring, 8)))
        clock.now += 31
    assert claims == [3, 3, 1, 1]


def test_what_fails_for_one_instance_does_not_fail_for_those_noted_with_it(
    database: Database, clock: Clock
) -> None:
    intake = Intake(database, clock)
    outcomes: dict[int, object] = {}

    def send(number: int, rows: int) -> None:
        try:
            outcomes[number] = intake.received(replace(arrival(number), rows=rows))
        except Exception as error:  # noqa: BLE001 - whatever the driver makes of it
            outcomes[number] = error

    threads = [threading.Thread(target=send, args=(n, 10**30 if n == 2 else 8)) for n in range(6)]
    with intake._leading:  # all wait, so that one transaction takes them together
        for thread in threads:
            thread.start()
        while len(intake._waiting) < len(threads):
            time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert isinstance(outcomes.pop(2), Exception)
    assert set(outcomes.values()) == {Outcome.NEW}


def test_a_set_up_that_is_cut_short_leaves_nothing_behind(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cut.sqlite'}"
    database = Database(url)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE vault (x)")  # the set-up will stumble over it midway
    with pytest.raises(LedgerUnavailable):
        prepare(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("DROP TABLE vault")
    prepare(database)
    assert Upkeep(database).installation() is None
    database.close()


def in_time(item: Unplaced, number: int, slices: int) -> Placed:
    """Place the n-th instance of a series of volumes of so many slices each."""
    volume, level = divmod(number, slices)
    plane = Plane((0.0, 0.0, 3.0 * level), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (200.0, 200.0))
    return Placed(item, [Part(1, 0, Place(plane, "kind", "1", (float(volume), None, None, None)))])


def test_what_is_placed_waits_outside_of_the_sample_until_it_is_chosen(
    database: Database, clock: Clock
) -> None:
    intake, places = Intake(database, clock), Places(worker(database, clock), 2)
    scoring = Scoring(worker(database, clock))
    for number in range(1, 13):
        intake.received(arrival(number))
    items = places.unplaced(99)
    places.placed([in_time(item, n, 3) for n, item in enumerate(items)])
    assert scoring.claim_slices(99) == []
    assert places.sampled()
    early = scoring.claim_slices(99)
    assert len(early) == 3, "one volume of four, for later ones shall have their turn"
    assert not places.sampled()
    assert places.completed("2.25.1")
    assert len(scoring.claim_slices(99)) == 3
    assert not places.completed("2.25.1")


def test_what_a_restart_left_unchosen_is_chosen_when_the_series_is_over(
    database: Database, clock: Clock
) -> None:
    before = Places(worker(database, clock), 8)
    Intake(database, clock).received(arrival(1))
    before.placed([in_time(item, 0, 3) for item in before.unplaced(9)])
    after = Places(worker(database, clock, "w2"), 8)
    assert not after.sampled()
    assert after.completed("2.25.1")
    assert len(Scoring(worker(database, clock)).claim_slices(9)) == 1


def test_a_verdict_is_not_written_while_slices_that_were_just_chosen_wait(
    database: Database, clock: Clock
) -> None:
    places, closings = Places(worker(database, clock), 8), Closings(worker(database, clock))
    Intake(database, clock).received(arrival(1))
    places.placed([in_time(item, 0, 3) for item in places.unplaced(9)])
    (item,) = closings.open_series()
    assert item.unscored == 0, "it lies outside of the sample yet"
    assert places.sampled()
    assert not places.completed("2.25.1")
    assert not closings.closed(item, judgement())
    assert [one.id for one in closings.open_series()] == [item.id]
