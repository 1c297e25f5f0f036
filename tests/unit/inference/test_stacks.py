"""Stacks: which slices belong together, what they lack, and which volumes of a long series are scored."""

import json
from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.footprint import Plane
from inference.stacks import FRAMES_PER_VOLUME, Place, gaps, lacks, sample, stacks_of

SIDE = 200.0


def at(height=0.0, *, across=0.0, kind="M", echo="", moment=(None, None, None, None), tilt=False):
    """An axial slice, or a sagittal one where it is tilted."""
    axes = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)) if tilt else ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    corner = (height, across, 0.0) if tilt else (across, 0.0, height)
    return Place(Plane(corner, *axes, (SIDE, SIDE)), kind, echo, moment)


def time(position=None, trigger=None, acquisition=None, b=None):
    return (position, trigger, acquisition, b)


def series(heights, moments, **values):
    return [at(height, moment=moment, **values) for height, moment in product(heights, moments)]


HEIGHTS = [5.0 * n for n in range(6)]


def sizes(places):
    return [len(stack.slices) for stack in stacks_of(places)]


def test_parallel_slices_of_one_kind_are_one_stack_along_their_normal():
    (stack,) = stacks_of([at(10.0), at(0.0), at(5.0)])
    assert stack.slices == (1, 2, 0)
    assert stack.heights == (0.0, 5.0, 10.0)


@pytest.mark.parametrize("other", [{"kind": "P"}, {"echo": "2"}, {"tilt": True}, {"across": 0.6 * SIDE}])
def test_another_kind_echo_orientation_or_side_is_another_stack(other):
    assert sizes([at(height) for height in HEIGHTS] + [at(height, **other) for height in HEIGHTS]) == [6, 6]


@pytest.mark.parametrize(
    "moments",
    [
        [time(position=n) for n in range(1, 4)],
        [time(trigger=40.0 * n) for n in range(3)],
        [time(acquisition=n) for n in range(1, 4)],
        [time(b=value) for value in (0.0, 500.0, 1000.0)],
        [time()] * 3,  # nothing tells them apart but their order
    ],
    ids=["temporal position", "trigger time", "acquisition", "b-value", "order"],
)
def test_moments_part_a_series_into_volumes(moments):
    stacks = stacks_of(series(HEIGHTS, moments))
    assert [(stack.volume, stack.of, len(stack.slices)) for stack in stacks] == [(n, 3, 6) for n in range(3)]
    assert [stack.slices[0] for stack in stacks] == [0, 1, 2]


def test_trigger_times_that_differ_with_every_slice_part_nothing():
    places = [
        at(height, moment=time(trigger=100.0 * beat + 7.0 * n))
        for n, height in enumerate(HEIGHTS)
        for beat in range(3)
    ]
    assert sizes(places) == [6, 6, 6]


def test_packages_of_slices_with_an_acquisition_each_are_one_volume():
    places = [at(height, moment=time(acquisition=n % 2 + 1)) for n, height in enumerate(HEIGHTS)]
    assert sizes(places) == [6]


def test_a_single_slice_in_time_is_a_stack_over_time():
    (stack,) = stacks_of([at(0.0, moment=time(trigger=30.0 * n)) for n in (2, 0, 1)])
    assert (stack.over_time, stack.slices) == (True, (1, 2, 0))


def test_slices_without_geometry_are_kept_together_and_unreadable_headers_aside():
    stacks = stacks_of([replace(at(), plane=None), None, replace(at(), plane=None)])
    assert [stack.slices for stack in stacks] == [(0, 2)]


def test_a_slice_missing_in_one_repetition_is_told_of_that_repetition():
    moments = [time(position=n) for n in range(1, 5)]
    places = series(HEIGHTS, moments)
    lost = 2 * len(moments) + 2  # third height, third repetition
    (lack,) = lacks(places[:lost] + places[lost + 1 :])
    assert (lack.slices, lack.stack.volume, lack.stack.of) == (1, 2, 4)
    assert gaps(places[:lost] + places[lost + 1 :]) == ("1 slice missing in volume 3 of 4",)


def test_a_slice_missing_in_all_repetitions_is_told_of_each():
    places = series([height for height in HEIGHTS if height != 10.0], [time(position=n) for n in (1, 2)])
    assert gaps(places) == ("1 slice missing in volume 1 of 2", "1 slice missing in volume 2 of 2")


def test_a_half_filled_volume_is_a_gap_and_a_whole_series_has_none():
    places = series(HEIGHTS, [time(position=n) for n in (1, 2)])
    assert gaps(places) == ()
    assert gaps(places[:-2] + places[-2:-1]) == ("1 slice missing in volume 2 of 2",)
    assert gaps([at(height) for height in HEIGHTS[:3]]) == ()
    assert gaps([]) == gaps([None]) == ()


def test_an_echo_that_lacks_a_slice_at_an_end_is_told():
    first = [at(height, echo="1 10") for height in HEIGHTS]
    second = [at(height, echo="2 80") for height in HEIGHTS[:-1]]
    (lack,) = lacks(first + second)
    assert (lack.stack.echo, lack.slices) == ("2 80", 1)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 100, 1000])
def test_at_most_so_many_volumes_are_scored_spread_over_the_time(count):
    places = series(HEIGHTS[:2], [time(position=n) for n in range(count)])
    chosen = sample(places, (), 8, whole=True)
    volumes = sorted(number for number in range(count) if number in chosen)
    assert len(chosen) == 2 * min(count, 8)
    assert {number + count for number in volumes} <= chosen  # both slices of each
    if count > 8:
        assert volumes[0] == 0
        assert volumes[-1] == count - 1
        assert max(b - a for a, b in pairwise(volumes)) <= 2 * count / 7 + 1


def test_a_long_series_is_sampled_while_it_comes_and_filled_when_it_is_whole():
    moments = [time(position=n) for n in range(200)]
    taken = set()
    for count in range(1, 201):
        here = [at(height, moment=moment) for moment in moments[:count] for height in HEIGHTS[:3]]
        taken = sample(here, taken, 8, whole=False)
        assert len(taken) <= 3 * 8
    whole = sample(here, taken, 8, whole=True)
    assert taken < whole
    volumes = sorted({number // 3 for number in whole})
    assert len(volumes) == 8
    assert volumes[-1] >= 190


def test_an_announced_number_of_volumes_is_sampled_evenly_at_once():
    moments = [time(position=n) for n in range(60)]
    places = [at(height, moment=moment) for moment in moments for height in HEIGHTS[:2]]
    early = sample(places[:80], (), 4, whole=False, announced=60)
    assert {number // 2 for number in early} == {0, 20, 39}
    assert {number // 2 for number in sample(places, early, 4, whole=False, announced=60)} == {0, 20, 39, 59}


def test_frames_of_a_single_slice_in_time_are_limited_too():
    places = [at(0.0, moment=time(trigger=float(n))) for n in range(500)]
    assert len(sample(places, (), 8, whole=True)) == 8 * FRAMES_PER_VOLUME


def test_each_kind_and_echo_has_its_own_sample():
    moments = [time(position=n) for n in range(20)]
    places = [*series(HEIGHTS[:2], moments, echo="1"), *series(HEIGHTS[:2], moments, echo="2")]
    assert len(sample(places, (), 5, whole=True)) == 2 * 2 * 5


PLACES = st.builds(
    at,
    st.sampled_from([0.0, 5.0, 10.0, 10.04, 20.0]),
    kind=st.sampled_from("MP"),
    echo=st.sampled_from(["", "1"]),
    moment=st.tuples(*[st.sampled_from([None, 0.0, 1.0, 2.0])] * 4),
    tilt=st.booleans(),
)


@given(st.lists(st.none() | PLACES, max_size=40), st.integers(1, 5), st.booleans(), st.data())
def test_every_known_slice_is_in_one_stack_and_what_is_taken_stays(places, most, whole, data):
    known = [number for number, place in enumerate(places) if place is not None]
    assert sorted(number for stack in stacks_of(places) for number in stack.slices) == known
    taken = set(data.draw(st.lists(st.sampled_from(known)))) if known else set()
    chosen = sample(places, taken, most, whole=whole)
    assert taken <= chosen <= set(known)
    gaps(places)


def test_places_survive_json():
    for place in (at(3.0, kind="M", echo="1 5", moment=time(1.0, None, 2.0, 0.0)), Place(None)):
        assert Place.from_json(json.loads(json.dumps(place.to_json()))) == place
