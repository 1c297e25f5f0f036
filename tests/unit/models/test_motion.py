"""The physics of motion: two spots beside each other tell, line by line, where the object was and how it was turned."""

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from models import object_effects as objects
from models.fields import Complex, to_lines

SIZE, APART = 64, 32
SEVERITY = 0.25  # so small that no phase wraps on the lines that are looked at
KY = np.array([ky for ky in range(-12, 13) if ky])


def spots() -> Complex:
    rows, columns = np.indices((SIZE, SIZE)) - SIZE // 2
    away = np.minimum(np.abs(columns - APART // 2), np.abs(columns + APART // 2))
    return np.exp(-(rows**2 + away**2) / 6).astype(np.complex64)


STILL = to_lines(spots())


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Where the object was on each of the lines KY."""

    down: NDArray[np.float64]  # px
    right: NDArray[np.float64]  # px
    turn: NDArray[np.float64]  # degrees
    rigid: bool  # nothing but phase ramps

    @property
    def states(self) -> list[int]:
        """Return of each line which place it was acquired at, numbered as they come, 0 where nothing moved."""
        places, numbers = [np.zeros(3)], []
        for place in np.stack([self.down, self.right, self.turn], axis=1):
            known = [k for k, other in enumerate(places) if np.abs(place - other).max() < 0.06]
            numbers.append(known[0] if known else len(places))
            if not known:
                places.append(place)
        return numbers


def course(seed: int, severity: float = SEVERITY) -> Course:
    lines = to_lines(objects.motion(np.random.default_rng(seed), spots(), severity))
    x = np.arange(SIZE)
    downs, rights = [], []
    for half in (np.s_[: SIZE // 2], np.s_[SIZE // 2 :]):
        turned = np.angle(lines[KY, half].sum(axis=1) / STILL[KY, half].sum(axis=1))
        downs.append(-turned * SIZE / (2 * np.pi * KY))
        centres = [
            (np.abs(k[KY, half]) * x[half]).sum(axis=1) / np.abs(k[KY, half]).sum(axis=1)
            for k in (lines, STILL)
        ]
        rights.append(centres[0] - centres[1])
    return Course(
        down=(downs[0] + downs[1]) / 2,
        right=(rights[0] + rights[1]) / 2,
        turn=np.rad2deg((downs[0] - downs[1]) / APART),
        rigid=np.allclose(np.abs(lines), np.abs(STILL), atol=1e-4),
    )


@cache
def courses(*, rigid: bool) -> list[Course]:
    """Return those that are nothing but phase ramps, or those that are drawn from moved objects."""
    return [found for found in map(course, range(160)) if found.rigid == rigid]


def places_of(found: Course) -> list[tuple[float, float, float]]:
    """Return (down, right, turn) of every place but the first."""
    states = np.array(found.states)
    return [
        (found.down[lines].mean(), found.right[lines].mean(), found.turn[lines].mean())
        for lines in (states == k for k in set(found.states) - {0})
    ]


def test_the_object_is_shifted_by_a_normal_1_8_px_and_turned_by_a_normal_1_6_degrees_times_severity() -> None:
    down, right, turn = np.transpose([place for found in courses(rigid=False) for place in places_of(found)])

    assert float(np.std(down)) == pytest.approx(1.8 * SEVERITY, rel=0.12)
    assert float(np.std(right)) == pytest.approx(1.8 * SEVERITY, rel=0.12)
    assert float(np.std(turn)) == pytest.approx(1.6 * SEVERITY, rel=0.12)
    assert max(abs(float(np.mean(drawn))) for drawn in (down, right, turn)) < 0.2 * SEVERITY
    assert abs(float(np.corrcoef(down, right)[0, 1])) < 0.2


def test_the_object_was_at_two_to_six_places_each_for_a_run_of_lines_or_for_every_nth_line() -> None:
    runs, shots = set(), set()
    for found in courses(rigid=False):
        states = found.states
        changes = sum(before != after for before, after in itertools.pairwise(states))
        if changes < len(set(states)):
            runs.add(changes + 1)
            continue
        gap = next(n for n in range(2, 7) if period_of(found, n))
        shots.add(gap)
    assert {2, 3, 4} <= runs <= {1, 2, 3, 4, 5, 6}
    assert shots == {2, 3, 4, 5, 6}


def period_of(found: Course, lines: int) -> bool:
    """Say whether the object comes back to its place every so many lines."""
    order = np.arange(-12, 13)
    place = np.zeros((25, 2))
    place[order != 0] = np.stack([found.down, found.right], axis=1)
    return bool(np.abs(place[lines:] - place[:-lines]).max() < 0.06)


def test_the_line_through_the_centre_of_k_space_fixes_where_the_object_is_seen() -> None:
    for seed in range(40):
        moved = to_lines(objects.motion(np.random.default_rng(seed), spots(), 2.0))
        assert np.allclose(moved[0], STILL[0], atol=1e-3)


def test_breathing_moves_the_object_to_and_fro_along_the_phase_encoding_by_phase_ramps_alone() -> None:
    breaths = [found for found in courses(rigid=True) if np.ptp(found.down) > 0.1]
    swings = []
    assert len(breaths) / 160 == pytest.approx(0.3, abs=0.1)
    for found in breaths:
        assert float(np.abs(found.turn).max()) < 1e-3
        assert float(np.abs(found.right).max()) < 1e-3
        # It is seen where it was at the centre of k-space: its way leads through there.
        assert found.down.min() < 0.1
        assert found.down.max() > -0.1
        reach = float(np.ptp(found.down)) / 2
        assert 0.35 < reach < 0.4 + 4 * 1.2 * SEVERITY
        assert float(found.down.std()) == pytest.approx(
            reach / np.sqrt(2), rel=0.2
        )  # a wave that keeps its height
        swings.append(int((np.diff(np.sign(found.down - found.down.mean())) != 0).sum()))
    assert min(swings) <= 4
    assert max(swings) >= 15
