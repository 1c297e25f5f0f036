"""Control charts against the worked examples of the NIST/SEMATECH e-Handbook, and the rules one by one."""

import pytest

from service.trends import Rule, chart_of, limits_of
from service.trends.control import ewma_of, ewma_reach, signals_of

# e-Handbook 6.3.2.2: flow rates of ten batches; mean 50.81, mean moving range 1.8778
FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
# e-Handbook 6.3.2.4: weight 0.3, process mean 50, SD 2.0539
PROCESS = [
    *(52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5),
    *(49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1),
]
AVERAGES = [
    *(50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33),
    *(50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73, 51.23, 51.94, 51.99),
]


def test_the_individuals_chart_has_the_limits_of_the_worked_example() -> None:
    limits = limits_of(FLOW)
    assert limits.centre == pytest.approx(50.81)
    assert limits.sigma * 1.128 == pytest.approx(1.8778, abs=5e-5)
    assert (limits.lower, limits.upper) == pytest.approx((45.8159, 55.8041), abs=5e-4)
    assert signals_of(FLOW, limits) == [()] * 10


def test_the_ewma_follows_the_worked_example() -> None:
    assert ewma_of(PROCESS, 50.0, 0.3) == pytest.approx(AVERAGES, abs=0.0051)


def test_the_limits_of_the_ewma_widen_to_those_of_the_worked_example() -> None:
    reach = ewma_reach(2.0539, 60, weight=0.3, width=3.0)
    assert 50 + reach[-1] == pytest.approx(52.5884, abs=5e-4)
    assert 50 - reach[-1] == pytest.approx(47.4115, abs=5e-4)
    assert reach[0] == pytest.approx(3 * 2.0539 * 0.3)  # the first average moves by a weighted value
    assert reach == sorted(reach)


def broken(values: list[float], sigma: float = 1.0) -> list[set[tuple[Rule, bool]]]:
    """Tell the rules that values break around a centre of 0 with limits at 3."""
    unit = limits_of([0.0, 1.128 * sigma, 0.0, 1.128 * sigma])
    limits = type(unit)(0.0, sigma, -3 * sigma, 3 * sigma, 20)
    return [{(one.rule, one.high) for one in signals} for signals in signals_of(values, limits)]


@pytest.mark.parametrize("side", [1, -1])
def test_each_rule_tells_its_pattern_and_only_that(side: int) -> None:
    high = side > 0

    def turned(values: list[float]) -> list[float]:
        return [side * value for value in values]

    assert broken(turned([0, 3.1])) == [set(), {(Rule.BEYOND, high)}]
    assert broken(turned([2.1, 0, 2.1]))[-1] == {(Rule.TWO_OF_THREE, high)}
    assert broken(turned([2.1, 0, 0, 2.1]))[-1] == set()
    assert broken(turned([1.1, 1.1, 0, 1.1, 1.1]))[-1] == {(Rule.FOUR_OF_FIVE, high)}
    assert broken(turned([1.1, 1.1, 0, 0, 1.1]))[-1] == set()
    assert broken(turned([0.1] * 8)) == [set()] * 7 + [{(Rule.EIGHT, high)}]
    assert broken(turned([0.1] * 7 + [-0.1] + [0.1] * 7)) == [set()] * 15


def test_opposite_sides_do_not_add_up() -> None:
    assert broken([2.1, 0, -2.1])[-1] == set()


def test_a_baseline_without_variation_has_no_zones() -> None:
    chart = chart_of([0.0] * 20 + [0.1])
    assert chart.limits is not None
    assert chart.limits.sigma == 0
    assert [point.signals for point in chart.points[:20]] == [()] * 20
    assert {signal.rule for signal in chart.points[20].signals} == {Rule.BEYOND, Rule.EWMA}


def test_the_baseline_is_the_first_points_unless_somebody_chose() -> None:
    values = [float(place % 3) for place in range(60)]
    assert chart_of(values).baseline == tuple(range(25))
    assert chart_of(values[:20]).baseline == tuple(range(10))
    assert chart_of(values, baseline=[place >= 40 for place in range(60)]).baseline == tuple(range(40, 60))
    assert chart_of(values[:7]).limits is None
    assert chart_of(values, baseline=[place < 5 for place in range(60)]).limits is None


def test_points_of_too_few_series_are_shown_and_say_nothing() -> None:
    values = [1.0, 1.1] * 12 + [99.0]
    chart = chart_of(values, counts=[True] * 24 + [False])
    assert chart.limits is not None
    assert chart.limits.upper < 2
    assert (chart.points[24].value, chart.points[24].signals, chart.points[24].ewma) == (99.0, (), None)


def test_limits_keep_within_what_the_measure_can_be() -> None:
    limits = limits_of([0.0, 0.1, 0.0, 0.2], 0.0, 1.0)
    assert limits.lower == 0.0
    assert limits.upper < 1.0
    assert limits_of([0.99, 0.6, 1.0, 0.7], 0.0, 1.0).upper == 1.0


def test_a_shift_of_one_sd_is_told_by_the_ewma_before_it_leaves_the_limits() -> None:
    steady = [0.6, -0.6, 0.3, -0.9, 0.9, -0.3, 0.5, -0.5] * 5
    chart = chart_of(steady + [value + 1.4 for value in steady[:16]])
    assert chart.limits is not None
    late = [signal.rule for point in chart.points[40:] for signal in point.signals]
    assert Rule.EWMA in late
    assert Rule.BEYOND not in late
    assert not [point for point in chart.points[:40] if point.signals]


def test_limits_want_two_values() -> None:
    with pytest.raises(ValueError, match="two values"):
        limits_of([1.0])
