"""When a series is complete: pure decisions over evidence."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.closing import COUNT_SIGN, RELEASE_SIGN, CloseReason, Evidence, Patience, judge

PATIENCE = Patience(quiet_s=3.0, after_release_s=0.5, cap_s=60.0)
OPEN = Evidence(
    received=10,
    expected=10,
    last_instance_at=100.0,
    released_at=None,
    resumed=False,
    listening_since=0.0,
    learnt={},
)
COUNT, RELEASE = {COUNT_SIGN: 3}, {RELEASE_SIGN: 3}


def reason(evidence: Evidence, now: float) -> CloseReason | None:
    closing = judge(evidence, now, PATIENCE)
    return closing.reason if closing else None


def test_a_count_closes_only_after_it_was_right_three_times() -> None:
    assert reason(OPEN, 100.0) is None
    assert reason(replace(OPEN, learnt={COUNT_SIGN: 2}), 100.0) is None
    assert reason(replace(OPEN, learnt=COUNT), 100.0) is CloseReason.COUNT


def test_quiet_closes_what_no_count_closes() -> None:
    assert reason(OPEN, 102.9) is None
    assert reason(OPEN, 103.0) is CloseReason.QUIET


def test_an_unproved_count_does_not_hold_a_series_open() -> None:
    closing = judge(replace(OPEN, received=4), 103.0, PATIENCE)
    assert closing is not None
    assert not closing.incomplete
    assert closing.signs[COUNT_SIGN] is False


def test_a_proved_count_holds_a_series_open_until_the_cap_which_marks_it_incomplete() -> None:
    short = replace(OPEN, received=9, learnt=COUNT)
    assert reason(short, 159.9) is None
    closing = judge(short, 160.0, PATIENCE)
    assert closing is not None
    assert (closing.reason, closing.incomplete) == (CloseReason.CAP, True)


def test_more_than_a_proved_count_waits_for_quiet_and_unteaches_the_count() -> None:
    more = replace(OPEN, received=11, learnt=COUNT)
    assert reason(more, 100.0) is None
    closing = judge(more, 103.0, PATIENCE)
    assert closing is not None
    assert closing.signs[COUNT_SIGN] is False


def test_a_release_shortens_the_wait_only_where_it_was_learnt() -> None:
    released = replace(OPEN, released_at=100.0)
    assert reason(released, 100.6) is None
    assert reason(replace(released, learnt=RELEASE), 100.6) is CloseReason.RELEASE


def test_a_scanner_that_releases_after_each_image_never_teaches_that_a_release_is_the_end() -> None:
    per_image = replace(OPEN, released_at=100.0, resumed=True)
    closing = judge(per_image, 103.0, PATIENCE)
    assert closing is not None
    assert closing.signs[RELEASE_SIGN] is False
    assert reason(replace(per_image, learnt=RELEASE), 100.6) is None


def test_silence_before_the_door_was_open_says_nothing() -> None:
    assert reason(replace(OPEN, listening_since=102.0), 104.9) is None
    assert reason(replace(OPEN, listening_since=102.0), 105.0) is CloseReason.QUIET


@pytest.mark.parametrize("learnt", [{}, COUNT, RELEASE, COUNT | RELEASE])
@given(
    received=st.integers(1, 50),
    expected=st.none() | st.integers(1, 50),
    released=st.none() | st.floats(100, 101),
    wait=st.floats(0, 100),
    longer=st.floats(0, 100),
)
def test_waiting_longer_never_reopens_a_decision(
    learnt: dict[str, int],
    received: int,
    expected: int | None,
    released: float | None,
    wait: float,
    longer: float,
) -> None:
    evidence = replace(OPEN, received=received, expected=expected, released_at=released, learnt=learnt)
    if judge(evidence, 100.0 + wait, PATIENCE) is not None:
        assert judge(evidence, 100.0 + wait + longer, PATIENCE) is not None
