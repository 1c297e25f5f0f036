"""Thresholds: tried on past series, accepted, brought back; and what the worker is told."""

from dataclasses import asdict, replace

import pytest

from inference.verdict import Thresholds, Verdict
from service.ledger import Database, ReviewBook
from service.ledger.review import RequestUsed
from service.ledger.thresholds import (
    Acceptance,
    AcceptedMeanwhile,
    NoSuchProtocol,
    NotTried,
    ThresholdBook,
)
from service.review.reviewing import Reviewing
from service.review.thresholds import LEAST, PastSeries, TooFew, suggest, try_out
from service.rules import Circumstances
from tests.unit.service.review.reviewing import (
    KEY,
    MODEL,
    put_past,
    put_review,
    put_scanner,
    put_series,
    quality,
)
from tests.unit.service.test_ledger import Clock

SITE = Thresholds()


def past(index: float, decided: str | None = "usable", weight: float = 1.0) -> PastSeries:
    found = ("motion",) if index < 6 else ()
    return PastSeries(quality(index, found=found), Circumstances(), decided, weight)  # type: ignore[arg-type]  # as named


def test_a_past_series_is_judged_by_other_thresholds_as_the_service_would() -> None:
    low = past(3.0)
    assert low.verdict(SITE) is Verdict.REPEAT
    assert low.verdict(Thresholds(7.0, 2.0, 0.1)) is Verdict.CHECK
    assert low.verdict(Thresholds(2.5, 2.0, 0.1)) is Verdict.USABLE
    timed = replace(low, around=Circumstances(timed=True))
    assert timed.verdict(SITE) is Verdict.CHECK
    lacking = replace(past(9.0), around=Circumstances(incomplete=True))
    assert lacking.verdict(SITE) is Verdict.CHECK


def test_a_trial_counts_alerts_precision_misses_and_cost() -> None:
    series = [past(6.0), past(6.5), past(6.5, "limits"), past(8.0), past(8.0, "unusable"), past(2.0, None)]
    trial = try_out(series, SITE, Thresholds(5.0, 3.5, 0.35), miss_cost=5)
    assert (trial.n_past, trial.n_decided) == (6, 5)
    assert (trial.was.alerts, trial.was.repeats) == (4, 1)
    assert (trial.would.alerts, trial.would.repeats) == (1, 1)
    assert trial.was.precision.value == pytest.approx(1 / 3)
    assert (trial.was.missed.value, trial.was.missed.n) == (1.0, 1)
    assert trial.was.cost == pytest.approx(
        (1 + 1 + 0 + 0 + 10) / 5
    )  # two false alarms; one missed by two steps
    assert trial.would.cost == pytest.approx((0 + 0 + 5 + 0 + 10) / 5)
    assert trial.saves.value == pytest.approx(-0.6)
    assert not trial.clear


def test_what_came_by_an_objection_alone_counts_for_no_figure() -> None:
    with pytest.raises(TooFew):
        try_out([past(6.0, weight=0.0)], SITE, SITE, 5)


def test_nothing_is_suggested_on_few_series() -> None:
    with pytest.raises(TooFew):
        suggest([past(6.0)] * (LEAST - 1), SITE, 5)


def test_alerts_that_begin_too_early_are_found_and_measured_on_later_series() -> None:
    series = [past(index, "usable" if index > 5 else "limits") for index in (5.5, 6.0, 6.8, 4.2, 8.0) * 18]
    trial = suggest(series, SITE, 5)
    assert 4.2 < trial.after.usable_index <= 5.5
    assert (trial.n_past, trial.n_decided) == (90, 30)
    assert trial.clear
    assert trial.would.alerts == 18
    assert trial.would.precision.value == 1.0


def test_thresholds_that_nothing_betters_stay() -> None:
    series = [past(index, "usable" if index > 7 else "limits") for index in (6.8, 7.2, 5.0, 9.0) * 15]
    trial = suggest(series, SITE, 5)
    assert trial.after == trial.before == SITE
    assert (trial.saves.value, trial.clear) == (0.0, False)


@pytest.fixture
def room(database: Database, clock: Clock) -> Reviewing:
    clock.now = 1e9
    return Reviewing(
        ReviewBook(database, clock),
        ThresholdBook(database, SITE, MODEL, clock),
        lambda _series, _text: None,
        lambda _limit, _after: ([], None),
        clock=clock,
    )


def acceptance(protocol: str, **more: object) -> Acceptance:
    told: dict[str, object] = {
        "protocol": protocol,
        "lane": "live",
        "trial": None,
        "restores": None,
        "why": "fewer false alarms",
        "author": "pia",
        "role": "physicist",
        "key": "key-1",
    }
    return Acceptance(**told | more)  # type: ignore[arg-type]  # as named


def test_thresholds_are_tried_accepted_and_taken_back(
    database: Database, clock: Clock, room: Reviewing
) -> None:
    scanner_id = put_scanner(database)
    put_past(database, scanner_id, clock.now)
    book = room.thresholds
    (view,), following = book.protocols(0, 10)
    assert (following, view.scanner, view.past, view.decided) == (None, "MR 2", 120, 120)
    trial = room.suggested(view.id, 365, "pia")
    assert trial.thresholds != SITE
    assert trial.figures["n_past"] == 120
    assert book.in_force(scanner_id, KEY).live == SITE, "a trial changes nothing"

    live = book.accept(acceptance(view.id, trial=int(trial.id)), 0)
    assert (live.version, live.in_force.live, live.in_force.number) == (1, trial.thresholds, 1)
    assert book.in_force(scanner_id, KEY) == live.in_force
    assert book.in_force(scanner_id, "OTHERPROTOCOL").live == SITE
    assert book.accept(acceptance(view.id, trial=int(trial.id)), 0) == live, "the same request again"
    with pytest.raises(RequestUsed):
        book.accept(acceptance(view.id, restores=0), 1)
    with pytest.raises(AcceptedMeanwhile):
        book.accept(acceptance(view.id, restores=0, key="key-2"), 0)
    with pytest.raises(NotTried):  # it was tried against what is no longer in force
        book.accept(acceptance(view.id, trial=int(trial.id), key="key-3"), 1)

    settings = book.accept(acceptance(view.id, restores=0, key="key-4"), 1)
    assert (settings.in_force.live, settings.in_force.number) == (SITE, 0)
    again = book.accept(acceptance(view.id, restores=1, key="key-5"), 2)
    assert (again.in_force.live, again.in_force.number) == (trial.thresholds, 3)
    assert [one.restores for one in again.versions] == [None, 0, 1]
    with pytest.raises(NotTried, match="no such version"):
        book.accept(acceptance(view.id, restores=9, key="key-6"), 3)


def test_thresholds_in_shadow_leave_what_tells_alone(
    database: Database, clock: Clock, room: Reviewing
) -> None:
    scanner_id = put_scanner(database)
    put_past(database, scanner_id, clock.now, n=40)
    protocol = f"{scanner_id}-{KEY}"
    other = Thresholds(5.0, 2.0, 0.2)
    trial = room.tried(protocol, other, 365, "pia")
    view = room.thresholds.accept(acceptance(protocol, lane="shadow", trial=int(trial.id)), 0)
    assert (view.in_force.live, view.in_force.shadow, view.in_force.shadow_number) == (SITE, other, 1)
    shadow = {"thresholds": asdict(other), "version": 1, "verdict": "Usable", "reason": ""}
    put_series(
        database, scanner_id, "later", quality(6.0), clock.now,
        judging={"thresholds": asdict(SITE), "version": 0, "unscored": False, "shadow": shadow},
    )  # fmt: skip
    assert room.protocol(protocol, 365).compared == {"Check > Usable": 1}
    ended = room.thresholds.accept(acceptance(protocol, lane="shadow", restores=0, key="key-2"), 1)
    assert ended.in_force.shadow is None


def test_a_protocol_that_nobody_knows_is_none(database: Database, room: Reviewing) -> None:
    put_scanner(database)
    for protocol in ("1-NONE", "x", "99999999999999999999-A"):
        with pytest.raises(NoSuchProtocol):
            room.protocol(protocol, 365)
        with pytest.raises(NoSuchProtocol):
            room.thresholds.accept(acceptance(protocol, restores=0), 0)


def test_protocols_come_page_by_page(database: Database, clock: Clock, room: Reviewing) -> None:
    scanner_id = put_scanner(database)
    for number in range(3):
        put_series(database, scanner_id, f"s{number}", quality(8.0), clock.now, protocol_key=f"KEY{number}")
    first, following = room.thresholds.protocols(0, 2)
    assert following is not None
    second, end = room.thresholds.protocols(0, 2, following)
    assert ([one.id[-1] for one in (*first, *second)], end) == (["0", "1", "2"], None)


def test_thresholds_that_were_accepted_for_one_model_do_not_judge_another(
    database: Database, clock: Clock, room: Reviewing
) -> None:
    scanner_id = put_scanner(database)
    put_past(database, scanner_id, clock.now)
    protocol = f"{scanner_id}-{KEY}"
    trial = room.suggested(protocol, 365, "pia")
    room.thresholds.accept(acceptance(protocol, trial=int(trial.id)), 0)
    newer = ThresholdBook(database, SITE, "m 2", clock)
    assert newer.in_force(scanner_id, KEY).live == SITE
    assert newer.past(protocol, 0) == [], "what another model scored tells nothing of this one"
    with pytest.raises(NotTried, match="another model"):
        newer.accept(acceptance(protocol, restores=1, key="key-2"), 1)
    with pytest.raises(NotTried):
        newer.accept(acceptance(protocol, trial=int(trial.id), key="key-3"), 1)
    assert room.thresholds.in_force(scanner_id, KEY).live == trial.thresholds, (
        "the older model comes back to them"
    )


def test_of_a_series_only_the_newest_generation_counts(database: Database) -> None:
    scanner_id, now = put_scanner(database), 1_000_000.0
    protocol = f"{scanner_id}-{KEY}"
    verdict = put_series(database, scanner_id, "a-1", quality(2.0, found=("motion",)), now, uid="a")
    put_review(database, scanner_id, "a-1", verdict, now, outcome="unusable")
    put_series(database, scanner_id, "a-2", quality(9.0), now + 60, uid="a", generation=2)
    put_series(database, scanner_id, "b-1", quality(8.0), now + 90, uid="b")
    open_still = {"generation": 2, "state": "receiving", "verdict": "", "closed_at": None}
    put_series(database, scanner_id, "b-2", quality(8.0), now + 99, uid="b", **open_still)
    book = ThresholdBook(database, SITE, MODEL, lambda: now + 100)
    assert [one.quality.index for one in book.past(protocol, 0.0)] == [9.0, 8.0]
    assert [one.decided for one in book.past(protocol, 0.0)] == [None, None]
    view = book.protocol(protocol, 0.0)
    assert view is not None
    assert (view.past, view.decided) == (2, 0)
    assert [one.past for one in book.protocols(0.0, 9)[0]] == [2]
