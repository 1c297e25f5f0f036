"""The review queue, on a real SQLite file and, where there is one, a real PostgreSQL."""

import threading
from dataclasses import replace

import pytest

from service.ledger import Closings, Database, Intake, Judgement, ReviewBook, Views
from service.ledger.feedback import FeedbackBook, Saying
from service.ledger.review import DecidedMeanwhile, NoSuchReview, OutOfTurn, RequestUsed, Ruling
from service.ledger_views import BadCursor, FeedbackKind
from service.review.second_look import Nomination
from service.review.views import Case, Cursor, ReviewSelection, as_seen
from tests.unit.service.test_ledger import Clock, arrival, judgement, note, score_all, worker

CHECK = Nomination(why=("check",), share=1.0, blind=False, again=False, artifacts=("motion", "spike"))
DRAWN = Nomination(why=("control",), share=0.03, blind=True, again=False)


def close(database: Database, clock: Clock, told: Judgement, series: str = "2.25.1", number: int = 1) -> str:
    """Receive, score and judge a series; gives its id."""
    note(Intake(database, clock), arrival(number, series=series))
    score_all(database, clock)
    closings = Closings(worker(database, clock))
    (item,) = [item for item in closings.open_series() if item.uid == series]
    assert closings.closed(item, told)
    return item.id


def nominated(verdict: str, nomination: Nomination | None) -> Judgement:
    return replace(judgement(verdict), review=nomination)


def ruling(
    case: Case, decision: str = "usable", *, by: str = "tina", tier: int = 1, **more: object
) -> Ruling:
    told: dict[str, object] = {
        "review_id": int(case.review.id),
        "tier": tier,
        "decision": decision,
        "comment": "" if decision == "usable" else "seen",
        "tags": (),
        "cursor": None,
        "author": by,
        "role": "technologist",
        "key": f"{by}-{tier}-{decision}",
    }
    return Ruling(**told | more)  # type: ignore[arg-type]  # as named


@pytest.fixture
def book(database: Database, clock: Clock) -> ReviewBook:
    return ReviewBook(database, clock)


def only(book: ReviewBook, **selection: object) -> Case:
    (case,), following = book.queue(ReviewSelection(**selection), 10)  # type: ignore[arg-type]  # as named
    assert following is None
    return case


def test_a_series_comes_into_the_queue_with_its_verdict_and_what_was_found(
    database: Database, clock: Clock, book: ReviewBook
) -> None:
    series = close(database, clock, nominated("Check", CHECK))
    case = only(book)
    view = case.review
    assert (view.series_id, view.verdict, view.why, view.tier) == (series, "Check", ("check",), 1)
    assert view.artifacts == ("motion", "spike")
    assert only(book, artifact="spike", verdict="Check", scanner=view.scanner) == case
    for other in ({"artifact": "spik"}, {"verdict": "Repeat"}, {"scanner": "none"}, {"tier": 2}):
        assert book.queue(ReviewSelection(**other), 10) == ([], None)  # type: ignore[arg-type]  # as named


def test_what_nobody_has_to_look_at_does_not_come(database: Database, clock: Clock, book: ReviewBook) -> None:
    close(database, clock, nominated("Usable", None))
    assert book.queue(ReviewSelection(tier=None), 10) == ([], None)


def test_a_decision_of_the_first_tier_ends_it(database: Database, clock: Clock, book: ReviewBook) -> None:
    close(database, clock, nominated("Check", CHECK))
    case = only(book)
    clock.now += 5
    after = book.decide(
        ruling(case, "limits", tags=("motion",), cursor=Cursor(3, 0.25, 0.5)), case.review.version
    )
    assert (after.review.tier, after.review.outcome, after.review.decided_at) == (0, "limits", clock.now)
    (made,) = after.decisions
    assert (made.decision, made.tags, made.cursor) == ("limits", ("motion",), Cursor(3, 0.25, 0.5))
    assert book.waiting() == {1: 0, 2: 0}
    assert only(book, tier=0) == after
    assert [event.kind for event in Views(database).events_after(0)][-1] == "review"


def test_what_is_doubtful_is_decided_by_somebody_else_in_the_second_tier(
    database: Database, clock: Clock, book: ReviewBook
) -> None:
    close(database, clock, nominated("Check", CHECK))
    case = book.decide(ruling(only(book), "doubtful"), 1)
    assert (case.review.tier, case.review.outcome, book.waiting()) == (2, "doubtful", {1: 0, 2: 1})
    with pytest.raises(OutOfTurn, match="Somebody else"):
        book.decide(ruling(case, by="tina", tier=2), case.review.version)
    with pytest.raises(OutOfTurn, match="no decision there"):
        book.decide(ruling(case, "doubtful", by="pia", tier=2), case.review.version)
    done = book.decide(ruling(case, "unusable", by="pia", tier=2), case.review.version)
    assert (done.review.tier, done.review.outcome) == (0, "unusable")
    with pytest.raises(OutOfTurn, match="only the second tier"):
        book.decide(ruling(done, by="theo"), done.review.version)
    revised = book.decide(ruling(done, "limits", by="pia", tier=2), done.review.version)
    assert [one.decision for one in revised.decisions] == ["doubtful", "unusable", "limits"]
    assert revised.review.outcome == "limits"


def test_the_second_tier_waits_for_the_first(database: Database, clock: Clock, book: ReviewBook) -> None:
    close(database, clock, nominated("Check", CHECK))
    with pytest.raises(OutOfTurn, match="first tier has not"):
        book.decide(ruling(only(book), by="pia", tier=2), 1)


def test_of_two_reviewers_at_once_one_is_told_and_no_decision_is_lost(
    database: Database, clock: Clock, book: ReviewBook
) -> None:
    close(database, clock, nominated("Check", CHECK))
    case = only(book)
    start, told = threading.Barrier(2), []

    def decide(by: str) -> None:
        start.wait()
        try:
            told.append(book.decide(ruling(case, by=by), case.review.version))
        except DecidedMeanwhile as error:
            told.append(error)

    threads = [threading.Thread(target=decide, args=(name,)) for name in ("tina", "theo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in told) == ["Case", "DecidedMeanwhile"]
    now = book.case(int(case.review.id))
    assert now is not None
    late = ({"tina", "theo"} - {now.decisions[0].author}).pop()
    both = book.decide(ruling(now, "limits", by=late), now.review.version)
    assert {one.author for one in both.decisions} == {"tina", "theo"}


def test_the_same_request_again_counts_once_and_another_one_under_its_key_is_refused(
    database: Database, clock: Clock, book: ReviewBook
) -> None:
    close(database, clock, nominated("Check", CHECK))
    case = only(book)
    once = book.decide(ruling(case), 1)
    assert book.decide(ruling(case), 1) == once
    with pytest.raises(RequestUsed):
        book.decide(ruling(case, "limits", key="tina-1-usable"), once.review.version)
    for other in ({"comment": "but look at slice 3"}, {"tags": ("motion",)}, {"cursor": Cursor(3, 0.5, 0.5)}):
        with pytest.raises(RequestUsed):  # what was said besides is not lost in silence
            book.decide(ruling(case, **other), once.review.version)
    with pytest.raises(NoSuchReview):
        book.decide(replace(ruling(case), review_id=10**9, key="another-one"), 1)


@pytest.mark.parametrize(
    ("verdict", "kind", "comes"),
    [
        ("Repeat", "wrong alarm", True),
        ("Check", "wrong alarm", True),
        ("Usable", "repeated", True),
        ("Repeat", "accepted", True),
        ("Repeat", "repeated", False),
        ("Check", "agreed", False),
    ],
)
def test_an_objection_brings_a_series_into_the_queue(
    database: Database, clock: Clock, book: ReviewBook, verdict: str, kind: FeedbackKind, comes: bool
) -> None:
    series = close(database, clock, nominated(verdict, None))
    feedback = FeedbackBook(database, clock)
    seen = feedback.of(series)
    assert seen is not None
    told = feedback.say(
        Saying(series, kind, "tina", "technologist", "key-0001", "no ghost at all"), seen.version
    )
    assert told.items[0].comment == "no ghost at all"
    cases, _ = book.queue(ReviewSelection(), 10)
    assert [case.review.why for case in cases] == ([("disagreement",)] if comes else [])
    assert [one.weight for one in book.reviewed(0)] == []


def test_a_late_image_takes_what_waits_of_the_earlier_generation_out(
    database: Database, clock: Clock, book: ReviewBook
) -> None:
    close(database, clock, nominated("Check", CHECK))
    clock.now += 60
    newer = close(database, clock, nominated("Check", CHECK), number=2)
    assert only(book).review.series_id == newer
    assert book.queue(ReviewSelection(tier=0), 10) == ([], None)


def test_the_verdict_is_kept_from_who_judges_blind_until_they_have(
    database: Database, clock: Clock, book: ReviewBook
) -> None:
    close(database, clock, nominated("Usable", replace(DRAWN, again=True)))
    case = only(book)
    before = as_seen(case, "tina")
    assert (before.hidden, before.review.verdict, before.review.why) == (True, "", ())
    assert book.queue(ReviewSelection(verdict="Usable"), 10) == ([], None)
    after = book.decide(ruling(case, "limits"), 1)
    assert after.decisions[0].blind
    assert as_seen(after, "tina") == after
    second = as_seen(after, "pia")
    assert (second.hidden, second.decisions, second.review.outcome) == (True, (), "")
    revised = book.decide(ruling(after, "usable"), after.review.version)
    assert not revised.decisions[1].blind
    done = book.decide(ruling(revised, "limits", by="pia", tier=2), revised.review.version)
    assert [(one.first, one.second) for one in book.reviewed(0)] == [(0, 1)]
    assert book.reviewed(0)[0].weight == pytest.approx(1 / 0.03)
    assert not as_seen(done, "anybody").hidden


def test_pages_of_the_queue_leave_nothing_out_and_tell_nothing_twice(
    database: Database, clock: Clock, book: ReviewBook
) -> None:
    for number in range(5):
        clock.now += 1
        close(database, clock, nominated("Check", CHECK), series=f"2.25.{100 + number}")
    seen, cursor = [], None
    while True:
        page, cursor = book.queue(ReviewSelection(), 2, cursor)
        seen += [case.review.series_id for case in page]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5
    assert len(book.queue(ReviewSelection(entered_before=clock.now - 1.5), 10)[0]) == 3
    with pytest.raises(BadCursor):
        book.queue(ReviewSelection(), 2, "x")
