"""Figures of agreement against values computed by hand."""

from math import isnan

import numpy as np
import pytest

from service.review.agreement import Reviewed, agreement, kappa, mean, share


def ranks(table: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Give the two ranks of every series of a table of counts."""
    pairs = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return np.array([i for i, _ in pairs]), np.array([j for _, j in pairs])


def test_kappa_with_linear_weights_is_what_pen_and_paper_give() -> None:
    one, other = ranks([[20, 5, 0], [4, 10, 3], [1, 2, 5]])
    found = kappa(one, other, np.ones(len(one)))
    # distances in half steps: seen (5 + 4 + 3 + 2) / 50 * 0.5 + 1 / 50 = 0.16
    # rows 25 17 8, columns 25 17 8: chance = (2*25*17 + 2*17*8) / 2500 * 0.5 + 2*25*8 / 2500 = 0.3844
    assert found.value == pytest.approx(1 - 0.16 / 0.3844)
    assert found.low < found.value < found.high
    assert found.n == 50


def test_kappa_weighs_series_by_how_seldom_they_come() -> None:
    one, other = ranks([[10, 0, 0], [0, 0, 0], [5, 0, 5]])
    weights = np.where(one == 0, 10.0, 1.0)
    # shares: 100/110 and 5/110 on the diagonal, 5/110 two steps off
    # by chance they are apart in 100 of 110 times 5 of 110, and in 10 of 110 times 105 of 110
    assert kappa(one, other, weights).value == pytest.approx(1 - (5 / 110) / ((500 + 1050) / 12100))


def test_full_agreement_is_one_and_one_rank_alone_says_nothing() -> None:
    assert kappa(*ranks([[9, 0, 0], [0, 9, 0], [0, 0, 9]]), np.ones(27)).value == 1.0
    assert isnan(kappa(*ranks([[9, 0, 0], [0, 0, 0], [0, 0, 0]]), np.ones(9)).value)
    assert isnan(kappa(np.array([], int), np.array([], int), np.array([])).value)


def test_a_share_has_wilson_s_interval() -> None:
    counted = np.array([True] * 3 + [False] * 17)
    found = share(counted, np.ones(20, bool), np.ones(20))
    assert (found.value, found.n) == (0.15, 20)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3604), abs=5e-4)  # 3 of 20, as in tables


def test_a_weighted_share_is_worth_its_effective_number() -> None:
    weights = np.array([5.0] * 4 + [1.0] * 20)
    counted = np.array([True] * 4 + [False] * 20)
    found = share(counted, np.ones(24, bool), weights)
    assert found.value == 0.5
    # (40)^2 / (4 * 25 + 20) = 13.33 effective series: half-width 0.2338 by Wilson
    assert found.high - found.low == pytest.approx(2 * 0.2363, abs=2e-3)


def test_a_mean_that_nothing_moves_has_no_width() -> None:
    found = mean(np.full(12, 0.25), np.arange(1.0, 13.0))
    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)


def one(model: int | None, first: int | None, second: int | None = None, **more: object) -> Reviewed:
    told = {"weight": 1.0, **more}
    return Reviewed(model, first, second, **told)  # type: ignore[arg-type]  # as named


def test_the_highest_tier_counts_and_objections_count_for_no_figure() -> None:
    found = agreement(
        [
            one(1, 0, 2),
            one(1, 1),
            one(2, 2),
            one(2, 0),
            one(0, 2, weight=None),  # somebody objected
            one(None, 0),  # the model abstained
            one(0, None),  # nobody has decided
        ]
    )
    assert (found.reviewed, found.objections) == (6, 1)
    assert found.table == ((0, 0, 0), (0, 1, 1), (1, 0, 1))
    assert (found.alerts.value, found.alerts.n) == (0.75, 4)
    assert (found.repeats.value, found.repeats.n) == (0.5, 2)
    assert found.tiers.n == 1


def test_what_is_missed_counts_each_usable_series_by_how_seldom_its_kind_is_looked_at() -> None:
    drawn = [one(0, 0, weight=33.0)] * 18 + [one(0, 2, weight=33.0)] * 2
    at_odds = [one(0, 2)] * 60 + [one(0, 0)] * 6  # all of them are looked at
    found = agreement([*drawn, *at_odds, one(1, 2), one(0, 2, weight=None)])
    assert (found.missed.value, found.missed.n) == ((2 * 33 + 60) / (20 * 33 + 66), 86)


def test_few_series_have_a_figure_without_an_interval() -> None:
    found = kappa(*ranks([[2, 1, 0], [0, 2, 0], [0, 0, 1]]), np.ones(6))
    assert (found.n, isnan(found.low), isnan(found.high)) == (6, True, True)
    assert isnan(mean(np.ones(3), np.ones(3)).low)
