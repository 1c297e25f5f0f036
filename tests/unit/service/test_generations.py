"""Which documents a later generation names, and which of its generations a destination gets at all."""

from service.ledger import Closings, Database, Intake, Outbox, Parcel, Reports, ReportTask, Views
from service.ledger.states import DeliveryState
from tests.unit.service.test_ledger import Clock, arrival, judgement, score_all, worker


def generation(
    database: Database, clock: Clock, number: int, *, series: str = "2.25.1", bundle: bool = False
) -> ReportTask:
    """Let an image come, judge the series, and post a report on it; gives what the reporter was handed."""
    Intake(database, clock).received(arrival(number, series=series))
    score_all(database, clock)
    closings, reports = Closings(worker(database, clock)), Reports(worker(database, clock))
    for item in closings.open_series():
        assert closings.closed(item, judgement("Usable"))
    task = reports.claim_report()
    assert task is not None
    uid = f"sr-{task.generation}" if series == "2.25.1" else f"sr of {series}"
    documents = {**task.documents, "pacs": {"SR": ("class", uid, "series")}}
    reports.reported(task, [Parcel("pacs", "SR", 0, uid, f"file {uid}", bundle)], documents)
    return task


def outbox_of(database: Database, clock: Clock) -> Outbox:
    return Outbox(worker(database, clock), give_up_s=1e6)


def test_a_predecessor_is_the_newest_that_the_destination_has(database: Database, clock: Clock) -> None:
    sending = outbox_of(database, clock)
    assert generation(database, clock, 1).there == {}
    (first,) = sending.claim("pacs", 9)
    sending.delivered(first, "0x0000")
    assert generation(database, clock, 2).there == {"pacs": {"SR": ["class", "sr-1", "series"]}}
    (second,) = sending.claim("pacs", 9)
    sending.failed(second, "no association")
    third = generation(database, clock, 3)
    assert third.documents == {"pacs": {"SR": ["class", "sr-2", "series"]}}
    assert third.there == {"pacs": {"SR": ["class", "sr-1", "series"]}}


def test_what_is_on_its_way_counts_as_there(database: Database, clock: Clock) -> None:
    generation(database, clock, 1)
    assert generation(database, clock, 2).there == {}
    outbox_of(database, clock).claim("pacs", 9)
    assert generation(database, clock, 3).there == {"pacs": {"SR": ["class", "sr-2", "series"]}}


def test_a_study_that_could_not_leave_yet_leaves_with_its_last_generation(
    database: Database, clock: Clock
) -> None:
    sending, reports = outbox_of(database, clock), Reports(worker(database, clock))
    generation(database, clock, 1, bundle=True)
    clock.now += 601
    reports.gathered(600)
    (item,) = sending.claim("pacs", 9)
    sending.failed(item, "no association")
    generation(database, clock, 2, bundle=True)
    clock.now += 601
    reports.gathered(600)
    assert [item.sop_instance_uid for item in sending.claim("pacs", 9)] == ["sr-2"]


def test_what_takes_the_place_of_something_held_is_held_before_its_study_is_over(
    database: Database, clock: Clock
) -> None:
    sending, reports = outbox_of(database, clock), Reports(worker(database, clock))
    generation(database, clock, 1, bundle=True)
    clock.now += 601
    reports.gathered(600)
    (item,) = sending.claim("pacs", 9)
    sending.held(item, "another patient")
    generation(database, clock, 2, bundle=True)
    generation(database, clock, 1, series="2.25.2")  # due at once, so that something is claimed
    (other,) = sending.claim("pacs", 9)
    sending.delivered(other, "0x0000")
    clock.now += 601
    reports.gathered(600)
    assert sending.claim("pacs", 9) == []
    held = [one for one in Views(database).deliveries_page(9)[0] if one.state == DeliveryState.HELD]
    assert [one.reason for one in held] == ["another patient"]
