"""When a series is complete: pure decisions over evidence."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.closing import (
    COMMITMENT,
    COUNT_SIGNS,
    END_SIGNS,
    GAP_SIGN,
    NEXT,
    RELEASE,
    CloseReason,
    Closing,
    Evidence,
    Patience,
    judge,
    quiet_time,
)

PATIENCE = Patience(quiet_s=3.0, floor_s=2.0, after_end_s=0.5, cap_s=60.0, timed_cap_s=1500.0)
ACQUISITION, TIMES, GE, PHILIPS, PARTS = COUNT_SIGNS
OPEN = Evidence(received=10, last_instance_at=100.0, counts={ACQUISITION: 10}, learnt={}, ends={})
TRUSTED = {ACQUISITION: 3}
TIMED = replace(OPEN, timed=True)


def reason(evidence: Evidence, now: float) -> CloseReason | None:
    """Give the sign of the final closing."""
    closing = judge(evidence, now, PATIENCE)
    return closing.reason if closing and not closing.provisional else None


def closed(evidence: Evidence, now: float) -> Closing:
    closing = judge(evidence, now, PATIENCE)
    assert closing is not None
    return closing


@pytest.mark.parametrize("sign", COUNT_SIGNS)
def test_each_count_closes_only_after_it_was_right_three_times(sign: str) -> None:
    announced = replace(OPEN, counts={sign: 10})
    assert reason(announced, 100.0) is None
    assert reason(replace(announced, learnt={sign: 2}), 100.0) is None
    closing = closed(replace(announced, learnt={sign: 3}), 100.0)
    assert (closing.reason, closing.sign, closing.expected) == (CloseReason.COUNT, sign, 10)


def test_a_greater_count_that_is_not_refuted_keeps_a_smaller_proved_one_from_closing() -> None:
    dynamic = replace(OPEN, counts={ACQUISITION: 10, TIMES: 100}, learnt=TRUSTED)
    assert reason(dynamic, 100.0) is None
    assert reason(replace(dynamic, learnt={**TRUSTED, TIMES: 1}), 100.0) is None
    assert reason(replace(dynamic, learnt={**TRUSTED, TIMES: 0}), 100.0) is CloseReason.COUNT
    assert reason(replace(dynamic, learnt={**TRUSTED, TIMES: 3}, received=100), 100.0) is CloseReason.COUNT


def test_quiet_closes_what_no_count_closes() -> None:
    assert reason(OPEN, 102.9) is None
    assert reason(OPEN, 103.0) is CloseReason.QUIET


def test_an_unproved_count_does_not_hold_a_series_open() -> None:
    closing = closed(replace(OPEN, received=4), 103.0)
    assert not closing.incomplete
    assert closing.signs[ACQUISITION] is False


def test_a_proved_count_holds_a_series_open_until_the_cap_which_marks_it_incomplete() -> None:
    short = replace(OPEN, received=9, learnt=TRUSTED)
    assert reason(short, 159.9) is None
    closing = closed(short, 160.0)
    assert (closing.reason, closing.incomplete, closing.expected) == (CloseReason.CAP, True, 10)


def test_an_exam_that_was_broken_off_leaves_nothing_incomplete() -> None:
    short = replace(OPEN, received=9, learnt=TRUSTED, exam_ended_at=100.0, discontinued=True)
    assert closed(short, 160.0).incomplete is False


def test_an_exam_that_was_broken_off_unteaches_no_count() -> None:
    short = replace(OPEN, received=9, learnt=TRUSTED, exam_ended_at=100.0, gaps=("1 slice missing",))
    assert closed(short, 160.0).signs == {ACQUISITION: False, GAP_SIGN: True}
    assert closed(replace(short, discontinued=True), 160.0).signs == {}
    whole = replace(OPEN, exam_ended_at=100.0, discontinued=True)
    assert closed(whole, 160.0).signs == {ACQUISITION: True}


def test_more_than_a_proved_count_waits_for_quiet_and_unteaches_the_count() -> None:
    more = replace(OPEN, received=11, learnt=TRUSTED)
    assert reason(more, 100.0) is None
    assert closed(more, 103.0).signs[ACQUISITION] is False


@pytest.mark.parametrize("sign", END_SIGNS)
def test_a_sign_of_the_end_shortens_the_wait_only_where_it_was_learnt(sign: str) -> None:
    ended = replace(OPEN, ends={sign: 100.0})
    assert reason(ended, 100.6) is None
    assert reason(replace(ended, learnt={sign: 3}), 100.4) is None
    assert reason(replace(ended, learnt={sign: 3}), 100.6) == sign
    assert closed(ended, 103.0).signs[sign] is True


@pytest.mark.parametrize("sign", END_SIGNS)
def test_what_was_followed_by_an_instance_is_no_sign_of_the_end(sign: str) -> None:
    outlived = replace(OPEN, ends={sign: 100.0}, outlived=frozenset({sign}), learnt={sign: 3})
    assert reason(outlived, 100.6) is None
    assert closed(outlived, 103.0).signs[sign] is False


def test_a_sign_that_was_not_given_teaches_nothing() -> None:
    assert not {RELEASE, NEXT, COMMITMENT} & set(closed(OPEN, 103.0).signs)


def test_a_gap_keeps_a_series_open_until_the_cap_even_against_a_proved_count() -> None:
    holed = replace(OPEN, gaps=("1 slice is missing",), learnt=TRUSTED)
    assert reason(holed, 159.9) is None
    closing = closed(holed, 160.0)
    assert (closing.reason, closing.incomplete, closing.signs[GAP_SIGN]) == (CloseReason.CAP, True, True)


def test_a_gap_that_was_always_there_is_the_protocols_way() -> None:
    slabs = replace(OPEN, gaps=("1 slice is missing",), learnt={**TRUSTED, GAP_SIGN: 3})
    closing = closed(slabs, 100.0)
    assert (closing.reason, closing.incomplete) == (CloseReason.COUNT, False)


def test_no_gap_proves_nothing() -> None:
    assert reason(OPEN, 100.0) is None


def test_silence_before_the_door_was_open_says_nothing() -> None:
    assert reason(replace(OPEN, listening_since=102.0), 104.9) is None
    assert reason(replace(OPEN, listening_since=102.0), 105.0) is CloseReason.QUIET


def test_the_quiet_time_follows_the_pauses_of_a_protocol_once_three_series_showed_them() -> None:
    assert quiet_time([4.0, 4.0], PATIENCE, most=60) is None
    assert quiet_time([4.0, 4.0, 4.0], PATIENCE, most=60) == 8.0
    assert quiet_time([0.1, 0.1, 0.1], PATIENCE, most=60) == PATIENCE.floor_s
    slow = replace(OPEN, paces=[4.0] * 3)
    assert reason(slow, 107.9) is None
    assert reason(slow, 108.0) is CloseReason.QUIET


def test_one_stall_among_many_series_does_not_slow_a_protocol() -> None:
    assert quiet_time([0.5] * 19 + [50.0], PATIENCE, most=60) == PATIENCE.floor_s


def test_a_learnt_quiet_time_never_passes_the_cap() -> None:
    assert quiet_time([50.0] * 3, PATIENCE, most=60) == 60


def test_a_pause_longer_than_the_cap_teaches_no_quiet_time() -> None:
    assert closed(replace(OPEN, longest_pause_s=59.0), 103.0).pace == 59.0
    assert closed(replace(OPEN, longest_pause_s=3600.0), 103.0).pace is None


def test_a_series_with_phases_is_judged_provisionally_and_closed_at_its_own_cap_without_alarm() -> None:
    assert judge(TIMED, 102.9, PATIENCE) is None
    assert closed(TIMED, 103.0).provisional
    assert closed(TIMED, 1599.0).provisional
    closing = closed(replace(TIMED, received=9, learnt=TRUSTED), 1600.0)
    assert (closing.provisional, closing.reason, closing.incomplete) == (False, CloseReason.CAP, False)


@pytest.mark.parametrize(
    ("more", "now", "by"),
    [
        ({"exam_ended_at": 101.0}, 104.0, CloseReason.EXAM),
        ({"paces": [40.0] * 3}, 180.0, CloseReason.QUIET),
        ({"learnt": {RELEASE: 3}, "ends": {RELEASE: 100.0}}, 100.5, CloseReason.RELEASE),
    ],
)
def test_a_series_with_phases_is_final_by_what_is_known(
    more: dict[str, object], now: float, by: CloseReason
) -> None:
    evidence = replace(TIMED, **more)  # type: ignore[arg-type]  # fields of Evidence
    assert reason(evidence, now - 0.2) is None
    assert reason(evidence, now) is by
    assert reason(replace(TIMED, learnt=TRUSTED), 100.0) is CloseReason.COUNT


SIGNS = (*COUNT_SIGNS, *END_SIGNS, GAP_SIGN)
EVIDENCE = st.builds(
    Evidence,
    received=st.integers(1, 50),
    last_instance_at=st.just(100.0),
    listening_since=st.floats(0, 110),
    counts=st.dictionaries(st.sampled_from(COUNT_SIGNS), st.integers(1, 50)),
    learnt=st.dictionaries(st.sampled_from(SIGNS), st.integers(0, 4)),
    paces=st.lists(st.floats(0, 1500), max_size=8),
    longest_pause_s=st.floats(0, 100),
    ends=st.dictionaries(st.sampled_from(END_SIGNS), st.floats(100, 101)),
    outlived=st.frozensets(st.sampled_from(END_SIGNS)),
    gaps=st.sampled_from([(), ("one",)]),
    timed=st.booleans(),
    exam_ended_at=st.none() | st.floats(90, 200),
    discontinued=st.booleans(),
)


@given(evidence=EVIDENCE, wait=st.floats(0, 2000), longer=st.floats(0, 2000))
def test_waiting_longer_never_reopens_a_decision(evidence: Evidence, wait: float, longer: float) -> None:
    now = 100.0 + wait
    earlier, later = judge(evidence, now, PATIENCE), judge(evidence, now + longer, PATIENCE)
    if earlier is not None:
        assert later is not None
        assert earlier.provisional or not later.provisional


@given(evidence=EVIDENCE, wait=st.floats(0, 5000))
def test_nothing_that_is_short_of_a_trusted_count_closes_before_its_cap(
    evidence: Evidence, wait: float
) -> None:
    now = max(evidence.last_instance_at, evidence.listening_since) + wait
    trusted = [n for sign, n in evidence.counts.items() if evidence.learnt.get(sign, 0) >= 3]
    cap = PATIENCE.timed_cap_s if evidence.timed else PATIENCE.cap_s
    if evidence.received < max(trusted, default=0) and wait < cap - 1e-6:
        closing = judge(evidence, now, PATIENCE)
        assert closing is None or closing.provisional


@given(evidence=EVIDENCE)
def test_everything_closes_in_bounded_time(evidence: Evidence) -> None:
    cap = PATIENCE.timed_cap_s if evidence.timed else PATIENCE.cap_s
    closing = judge(evidence, max(evidence.last_instance_at, evidence.listening_since) + cap + 1e-6, PATIENCE)
    assert closing is not None
    assert not closing.provisional


@given(evidence=EVIDENCE, wait=st.floats(0, 2000))
def test_only_what_is_short_and_not_timed_is_ever_called_incomplete(evidence: Evidence, wait: float) -> None:
    closing = judge(evidence, 100.0 + wait, PATIENCE)
    if closing is not None and closing.incomplete:
        assert closing.reason is CloseReason.CAP
        assert not any((evidence.timed, evidence.discontinued, closing.provisional))
