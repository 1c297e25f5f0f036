"""Drift: the two figures against values worked out by hand and published ones, and when it alarms."""

import numpy as np
import pytest

from service.trends import drift_of
from service.trends.drift import ks_distance, ks_tail, stability_index

RNG = np.random.default_rng(5)


def test_the_distance_is_the_largest_between_the_empirical_distributions() -> None:
    assert ks_distance(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])) == 0.5
    assert ks_distance(np.array([1.0, 2]), np.array([3.0, 4])) == 1.0
    assert ks_distance(np.array([1.0, 2, 2, 3]), np.array([1.0, 2, 2, 3])) == 0.0


def test_the_tail_has_the_published_critical_values() -> None:
    # Large samples: 1.3581 at 5 %, 1.6276 at 1 %, over sqrt(nm / (n + m)); Smirnov 1948
    n = 200_000
    for critical, level in ((1.3581, 0.05), (1.6276, 0.01)):
        assert ks_tail(critical / np.sqrt(n / 2), n, n) == pytest.approx(level, rel=0.01)
    assert ks_tail(0.0, 100, 100) == 1.0


def test_the_index_of_a_known_shift_is_what_its_sum_gives() -> None:
    before = np.arange(1000.0)
    now = before[before >= 500]  # half of the tenths are empty now, the others double
    small, usual = (0.5 / 505), (50.5 + 50) / 505  # with half a value in each
    tenth = 100.5 / 1005
    expected = 5 * ((small - tenth) * np.log(small / tenth) + (usual - tenth) * np.log(usual / tenth))
    assert stability_index(before, now) == pytest.approx(expected, rel=0.01)
    assert stability_index(before, before) == 0.0


def test_the_same_distribution_raises_no_alarm_a_shifted_one_does() -> None:
    alarms = sum(
        bool(
            (told := drift_of(RNG.normal(7, 1, 600).tolist(), RNG.normal(7, 1, 200).tolist())) and told.alarm
        )
        for _ in range(200)
    )
    assert alarms == 0
    shifted = drift_of(RNG.normal(7, 1, 600).tolist(), RNG.normal(6, 1, 200).tolist())
    assert shifted is not None
    assert shifted.alarm
    assert (shifted.n_before, shifted.n_now) == (600, 200)
    assert shifted.now < shifted.before


def test_a_wider_spread_of_the_same_mean_is_drift_too() -> None:
    told = drift_of(RNG.normal(7, 0.5, 2000).tolist(), RNG.normal(7, 1.5, 2000).tolist())
    assert told is not None
    assert told.alarm


def test_too_few_values_say_nothing() -> None:
    assert drift_of([1.0] * 500, [2.0] * 99) is None
    assert drift_of([1.0] * 99, [2.0] * 500) is None


def test_values_that_are_all_the_same_are_no_drift() -> None:
    told = drift_of([1.0] * 200, [1.0] * 200)
    assert told is not None
    assert (told.psi, told.ks, told.alarm) == (0.0, 0.0, False)
