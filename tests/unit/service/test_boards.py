"""What boards and time lines read: scanners with their newest verdict, exams in the order of arrival."""

from service.board_views import MadeView, ScannerView, StepView
from service.ledger import Boards, Database, ExamNote, Exams, ExamState
from tests.rules import put_verdict
from tests.unit.service.test_ledger import Clock

STUDY = "2.25.9"


def test_each_scanner_is_listed_with_its_newest_verdict_and_named_ones_before_they_send(
    database: Database,
) -> None:
    put_verdict(database, "early", "Repeat", at=100.0)
    put_verdict(database, "late", "Usable", at=200.0)
    put_verdict(database, "coming", "", at=300.0, state="receiving", closed_at=None)
    told = Boards(database, ["MR 1", "A silent one"]).scanners()
    assert told == [ScannerView("A silent one"), ScannerView("MR 1", 300.0, 1, "Usable", "late-1")]


def test_an_exam_is_its_newest_generations_in_the_order_in_which_they_began(database: Database) -> None:
    put_verdict(database, "failed", "Repeat", at=100.0)
    put_verdict(database, "again", "Usable", at=200.0, repeats="failed-1")
    put_verdict(database, "failed", "Repeat", at=300.0, id="failed-2", generation=2)
    put_verdict(database, "elsewhere", "Usable", at=150.0, study_uid="2.25.10")
    study = Boards(database).study(STUDY)
    assert study is not None
    assert study.made == (MadeView("failed-2", 100.0), MadeView("again-1", 200.0, "failed-2"))
    assert study.steps == ()


def test_an_exam_tells_the_steps_that_name_it_or_one_of_its_series(database: Database, clock: Clock) -> None:
    put_verdict(database, "a", "Usable", at=100.0)
    exams = Exams(database, clock)
    made = {"a": ("1.1", "1.2")}
    exams.begun(ExamNote("step-1", STUDY, ExamState.IN_PROGRESS, {}))
    exams.begun(ExamNote("step-2", "", ExamState.IN_PROGRESS, made))
    exams.begun(ExamNote("step-3", "2.25.10", ExamState.IN_PROGRESS, {}))
    exams.told(ExamNote("step-2", "", ExamState.COMPLETED, made))
    study = Boards(database).study(STUDY)
    assert study is not None
    now = clock()
    assert study.steps == (
        StepView("IN PROGRESS", now, None, 0, 0, 0),
        StepView("COMPLETED", now, now, 1, 2, 2),
    )


def test_of_an_exam_a_scanner_is_told_its_own_part_and_of_none_nothing(database: Database) -> None:
    put_verdict(database, "a", "Usable")
    boards = Boards(database)
    assert boards.study(STUDY, "MR 1") is not None
    assert boards.study(STUDY, "MR 9") is None
    assert boards.study("2.25.404") is None
