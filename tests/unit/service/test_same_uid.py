"""The same SOP Instance UID again, late images, studies that are taken when they are over, repeats."""

from dataclasses import replace

import pytest

from service.ledger import (
    Arrival,
    Closings,
    Database,
    DeliveryState,
    Disputes,
    ExamNote,
    Exams,
    ExamState,
    Intake,
    NoDispute,
    Outbox,
    Outcome,
    Parcel,
    Reports,
    ReportTask,
    Upkeep,
    Views,
)
from service.ledger_views import SeriesView
from tests.unit.service.test_ledger import Clock, arrival, judgement, score_all, worker


def corrected(item: Arrival) -> Arrival:
    """Give the same image under another patient and study: its clean content differs, its picture does not."""
    return replace(
        item,
        digest=f"{item.digest}-corrected",
        bearer="SOMEBODY ELSE",
        patient="ELSE",
        study_uid="2.25.10",
        header=lambda uid: f"sealed anew {uid}".encode(),
        reference=b"another reference",
    )


def closed(database: Database, clock: Clock, verdict: str = "Usable") -> None:
    score_all(database, clock)
    closings = Closings(worker(database, clock))
    for item in closings.open_series():
        assert closings.closed(item, judgement(verdict))


def posted(
    database: Database, clock: Clock, *kinds: str, destination: str = "pacs", bundle: bool = False
) -> ReportTask:
    reports = Reports(worker(database, clock))
    task = reports.claim_report()
    assert task is not None
    parcels = [
        Parcel(destination, kind, rank, f"{task.id}.{kind}.{task.identity_revision}", f"file {kind}", bundle)
        for rank, kind in enumerate(kinds)
    ]
    reports.reported(task, parcels, {})
    return task


def sent(database: Database, clock: Clock, *, most: int = 9, destination: str = "pacs") -> list[str]:
    outbox = Outbox(worker(database, clock), give_up_s=1e6)
    items = outbox.claim(destination, most)
    for item in items:
        outbox.delivered(item, "0x0000")
    return [item.kind for item in items]


def views(database: Database) -> list[SeriesView]:
    return list(Views(database).series_page(50)[0])


def states(database: Database) -> dict[str, str]:
    return {view.kind: view.state for view in Views(database).deliveries_page(50)[0]}


def test_the_same_image_again_is_a_duplicate_and_keeps_its_series_open(
    database: Database, clock: Clock
) -> None:
    intake = Intake(database, clock)
    intake.received(arrival(1))
    clock.now += 2
    assert intake.received(arrival(1)) is Outcome.DUPLICATE
    (item,) = Closings(worker(database, clock)).open_series()
    assert (item.evidence.received, item.evidence.last_instance_at) == (1, clock.now)


def test_a_corrected_identity_enters_the_vault_and_is_no_conflict(database: Database, clock: Clock) -> None:
    intake = Intake(database, clock)
    intake.received(arrival(1))
    assert intake.received(corrected(arrival(1))) is Outcome.CORRECTED
    assert intake.received(corrected(arrival(1))) is Outcome.DUPLICATE
    closed(database, clock)
    task = Reports(worker(database, clock)).claim_report()
    assert task is not None
    assert (task.header, task.patient, task.identity_revision) == (b"sealed anew 2.25.1", "ELSE", 1)
    (row,) = Reports(worker(database, clock)).instances_of(task.uid, 1)
    assert (row.reference, row.digest) == (b"another reference", "digest-2.25.1-1-corrected")
    (view,) = views(database)
    assert (view.study, view.conflict, view.held, view.received) == ("2.25.10", False, False, 1)


def test_an_identity_alone_can_be_corrected_though_the_clean_content_stays(
    database: Database, clock: Clock
) -> None:
    intake = Intake(database, clock)
    intake.received(arrival(1))
    renamed = replace(arrival(1), bearer="NEW NAME", header=lambda uid: b"new name")
    assert intake.received(renamed) is Outcome.CORRECTED
    closed(database, clock)
    task = Reports(worker(database, clock)).claim_report()
    assert task is not None
    assert task.header == b"new name"


def test_results_that_have_not_left_are_built_again_and_those_that_have_are_flagged(
    database: Database, clock: Clock
) -> None:
    intake = Intake(database, clock)
    intake.received(arrival(1))
    closed(database, clock)
    posted(database, clock, "SR", "SEG")
    assert sent(database, clock, most=1) == ["SR"]
    intake.received(corrected(arrival(1)))
    (view,) = views(database)
    assert (view.state, view.former_identity) == ("complete", True)
    assert states(database) == {"SR": "sent", "SEG": DeliveryState.SUPERSEDED}
    task = posted(database, clock, "SR", "SEG")
    assert task.identity_revision == 1
    assert sent(database, clock) == ["SEG"]
    assert views(database)[0].state == "delivered"
    assert "identity" in [event.kind for event in Views(database).events_after(0)]


def test_a_report_that_is_being_built_under_the_former_identity_counts_for_nothing(
    database: Database, clock: Clock
) -> None:
    intake, reports = Intake(database, clock), Reports(worker(database, clock))
    intake.received(arrival(1))
    closed(database, clock)
    task = reports.claim_report()
    assert task is not None
    intake.received(corrected(arrival(1)))
    with pytest.raises(Exception, match="Somebody else works on this"):
        reports.posted(task, [Parcel("pacs", "SR", 0, "1.2", "file")])
    assert states(database) == {}


def test_results_wait_while_images_of_one_series_are_of_two_people(database: Database, clock: Clock) -> None:
    intake, reports = Intake(database, clock), Reports(worker(database, clock))
    for number in (1, 2):
        intake.received(arrival(number))
    closed(database, clock)
    intake.received(corrected(arrival(1)))
    assert reports.claim_report() is None
    assert views(database)[0].held
    intake.received(corrected(arrival(2)))
    assert not views(database)[0].held
    assert reports.claim_report() is not None


@pytest.mark.parametrize(("keep", "digest"), [("first", "digest-2.25.1-1"), ("last", "other")])
def test_results_of_a_conflict_wait_until_somebody_decides(
    database: Database, clock: Clock, keep: str, digest: str
) -> None:
    intake, reports = Intake(database, clock), Reports(worker(database, clock))
    intake.received(arrival(1))
    intake.received(arrival(1, digest="other"))
    closed(database, clock, "Check")
    assert reports.claim_report() is None
    (dispute,) = Disputes(database).open()
    assert (dispute.images, dispute.bearers) == (1, 1)
    Disputes(database).decided(dispute.id, keep, "tester")  # type: ignore[arg-type]  # one of the two words
    assert Disputes(database).open() == []
    closed(database, clock)
    task = reports.claim_report()
    assert task is not None
    assert [row.digest for row in reports.instances_of(task.uid, 1)] == [digest]
    assert [view.verdict for view in views(database)] == ["Usable"]
    with pytest.raises(NoDispute):
        Disputes(database).decided(dispute.id, "first", "tester")


def test_a_late_image_does_not_end_a_dispute(database: Database, clock: Clock) -> None:
    intake, reports = Intake(database, clock), Reports(worker(database, clock))
    for number, digest in ((1, ""), (1, "other"), (2, "")):
        clock.now += 1
        intake.received(arrival(number, digest=digest))
        closed(database, clock, "Check")
    assert reports.claim_report() is None
    (dispute,) = Disputes(database).open()
    assert dispute.id == views(database)[0].id
    Disputes(database).decided(dispute.id, "first", "tester")
    closed(database, clock)
    assert Disputes(database).open() == []
    assert [posted(database, clock, "SR").generation for _ in range(3)] == [1, 2, 3]


def test_what_turns_out_to_be_the_same_image_was_no_conflict(database: Database, clock: Clock) -> None:
    intake, reports, disputes = Intake(database, clock), Reports(worker(database, clock)), Disputes(database)
    intake.received(arrival(1))
    for number in (1, 2):
        intake.received(corrected(arrival(1, digest=f"encoded {number}")))
    closed(database, clock, "Check")
    first, second = disputes.pairs()
    disputes.same(first)
    disputes.same(first)  # another worker was as fast
    assert reports.claim_report() is None
    disputes.same(second)
    assert (disputes.pairs(), disputes.open()) == ([], [])
    closed(database, clock)
    task = posted(database, clock, "SR")
    assert (task.verdict, task.patient) == ("Usable", "ELSE")
    (row,) = reports.instances_of(task.uid, 1)
    assert (row.digest, row.reference) == ("digest-2.25.1-1", b"another reference")
    assert "decision" not in [event.kind for event in Views(database).events_after(0)]


def test_images_that_somebody_has_decided_on_are_compared_no_more(database: Database, clock: Clock) -> None:
    intake, disputes = Intake(database, clock), Disputes(database)
    for digest in ("", "other"):
        intake.received(arrival(1, digest=digest))
    closed(database, clock, "Check")
    assert len(disputes.pairs()) == 1
    disputes.decided(disputes.open()[0].id, "first", "tester")
    assert disputes.pairs() == []


def test_a_destination_that_takes_studies_gets_one_generation_when_the_study_is_over(
    database: Database, clock: Clock
) -> None:
    intake, reports = Intake(database, clock), Reports(worker(database, clock))
    intake.received(arrival(1))
    closed(database, clock)
    posted(database, clock, "SR", bundle=True)
    reports.gathered(600)
    assert sent(database, clock) == []
    clock.now += 300
    intake.received(arrival(2))
    closed(database, clock)
    second = posted(database, clock, "SR", bundle=True)
    clock.now += 599
    reports.gathered(600)
    assert sent(database, clock) == []
    clock.now += 2
    reports.gathered(600)
    assert sent(database, clock) == ["SR"]
    page, _ = Views(database).deliveries_page(9)
    assert {(view.series_id == second.id, view.state) for view in page} == {
        (True, "sent"),
        (False, "superseded"),
    }
    intake.received(arrival(3))  # it got its one generation
    closed(database, clock)
    posted(database, clock, "SR", bundle=True)
    assert len(Views(database).deliveries_page(9)[0]) == 2
    assert {view.state for view in views(database)} == {"delivered"}


def test_the_end_of_the_exam_ends_a_study_too(database: Database, clock: Clock) -> None:
    intake, reports, exams = Intake(database, clock), Reports(worker(database, clock)), Exams(database, clock)
    note = ExamNote("2.25.77", "2.25.9", ExamState.IN_PROGRESS, {})
    exams.begun(note)
    intake.received(arrival(1))
    closed(database, clock)
    posted(database, clock, "SR", bundle=True)
    reports.gathered(600)
    assert sent(database, clock) == []
    exams.told(replace(note, state=ExamState.COMPLETED))
    reports.gathered(600)
    assert sent(database, clock) == ["SR"]


def test_a_step_ends_what_it_lists_of_whatever_study_and_leaves_when_its_time_is_over(
    database: Database, clock: Clock
) -> None:
    intake, exams = Intake(database, clock), Exams(database, clock)
    exams.begun(ExamNote("2.25.77", "2.25.8", ExamState.IN_PROGRESS, {}))
    for series in ("2.25.1", "2.25.2"):
        intake.received(arrival(1, series=series))
        clock.now += 1
    exams.told(ExamNote("2.25.77", "", ExamState.COMPLETED, {"2.25.1": ("2.25.1.1",)}))
    closings = Closings(worker(database, clock))
    assert [item.evidence.exam_ended_at for item in closings.open_series()] == [clock.now, None]
    Upkeep(database).forget_talk(1000.0)
    assert len(exams.audit()) == 1
    Upkeep(database).forget_talk(clock.now + 1)
    assert exams.audit() == []


def test_a_repeat_is_linked_to_the_series_that_failed_and_takes_nothing_from_it(
    database: Database, clock: Clock
) -> None:
    intake = Intake(database, clock)
    plane = {"rows": 8, "columns": 8, "orientation": [1, 0, 0, 0, 1, 0]}
    tilted = {**plane, "orientation": [0, 1, 0, 0, 0, -1]}
    takes: list[tuple[str, dict[str, object], str]] = [
        ("2.25.1", plane, "Repeat"),
        ("2.25.2", tilted, "Usable"),
        ("2.25.3", plane, "Usable"),
        ("2.25.4", plane, "Usable"),
    ]
    for series, facts, verdict in takes:
        clock.now += 10
        intake.received(replace(arrival(1, series=series), facts={"description": "", **facts}))
        closed(database, clock, verdict)
    fourth, third, second, first = views(database)
    assert (first.verdict, first.repeats, second.repeats) == ("Repeat", None, None)
    assert third.repeats == fourth.repeats == first.id
    assert first.repeated_by == fourth.id


@pytest.mark.parametrize(
    "change", [{"scanner_key": "device:B"}, {"protocol_key": "Q"}, {"study_uid": "2.25.8"}]
)
def test_what_differs_in_scanner_protocol_or_study_is_no_repeat(
    database: Database, clock: Clock, change: dict[str, str]
) -> None:
    intake = Intake(database, clock)
    intake.received(arrival(1))
    closed(database, clock, "Repeat")
    clock.now += 10
    intake.received(replace(arrival(1, series="2.25.2"), **change))
    closed(database, clock)
    assert [view.repeats for view in views(database)] == [None, None]


def test_signs_of_the_end_stand_until_another_instance_comes(database: Database, clock: Clock) -> None:
    intake, closings = Intake(database, clock), Closings(worker(database, clock))
    intake.received(arrival(1))
    clock.now += 1
    intake.ended(frozenset({"2.25.1"}), "release")
    clock.now += 0.5
    intake.received(arrival(1, series="2.25.2"))  # the next series of the study
    first = closings.open_series()[0].evidence
    assert dict(first.ends) == {"release": clock.now - 0.5, "next": clock.now}
    clock.now += 4
    intake.received(arrival(2))
    again = closings.open_series()[0].evidence
    assert (dict(again.ends), again.outlived, again.longest_pause_s) == ({}, {"release", "next"}, 5.5)


def test_pauses_are_kept_by_scanner_and_protocol(database: Database, clock: Clock) -> None:
    intake, closings = Intake(database, clock), Closings(worker(database, clock))
    for number in range(3):
        intake.received(arrival(1, series=f"2.25.{number}"))
        score_all(database, clock)
        taught = judgement()
        taught = replace(taught, closing=replace(taught.closing, pace=1.5 + number))
        assert closings.closed(closings.open_series()[0], taught)
    intake.received(arrival(1, series="2.25.7"))
    assert list(closings.open_series()[0].evidence.paces) == [1.5, 2.5, 3.5]


def test_a_provisional_verdict_is_told_stays_open_and_sends_nothing(database: Database, clock: Clock) -> None:
    intake, closings = Intake(database, clock), Closings(worker(database, clock))
    intake.received(arrival(1))
    score_all(database, clock)
    assert closings.closed(closings.open_series()[0], judgement("Check", provisional=True))
    (view,) = views(database)
    assert (view.state, view.verdict, view.provisional) == ("provisional", "Check", True)
    assert Reports(worker(database, clock)).claim_report() is None
    assert closings.closed(closings.open_series()[0], judgement("Check"))
    (view,) = views(database)
    assert (view.state, view.provisional) == ("complete", False)
    kinds = [event.kind for event in Views(database).events_after(0)]
    assert kinds == ["series", "alert", "series"]  # the same verdict alarms nobody twice


def test_a_late_image_makes_the_next_generation_which_unteaches_the_sign(
    database: Database, clock: Clock
) -> None:
    intake, closings = Intake(database, clock), Closings(worker(database, clock))
    intake.received(arrival(1))
    intake.ended(frozenset({"2.25.1"}), "release")
    closed(database, clock)
    clock.now += 7
    intake.received(arrival(2))
    (item,) = closings.open_series()
    assert (item.generation, item.evidence.received, item.evidence.longest_pause_s) == (2, 2, 7.0)
    assert item.evidence.outlived == {"release"}
