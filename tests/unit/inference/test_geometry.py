"""What only the series shows, on stacks whose slices were moved, dimmed, lost or tilted."""

import json
from dataclasses import replace

import numpy as np
import pytest

from inference.checks import BY_NAME, CHECKS, SeriesFact
from inference.footprint import GRID, Footprint, Plane
from inference.geometry import NO_HEAD, Member, layout_of
from inference.geometry import look as look_at
from inference.image import Slice
from inference.neighbours import slice_step as step_of
from inference.postprocess import body_of
from inference.preprocess import to_canvas
from inference.signal import footprint
from inference.stacks import Place
from models.head import draw_anatomy, head_slice
from tests.series import mr_series

ANATOMY = draw_anatomy(np.random.default_rng(4))
GAP = 6.0


def footprint_of(pixels, plane=None):
    image = replace(Slice.from_array(pixels, (1.0, 1.0), "COL"), place=Place(plane))
    return footprint(image, body_of(to_canvas(image)))


def plane(height, *, tilt=0.0, extent=256.0):
    """An axial plane around the origin, turned by `tilt` degrees about the patient's x axis."""
    turn = np.deg2rad(tilt)
    down = (0.0, float(np.cos(turn)), float(np.sin(turn)))
    through = np.cross((1.0, 0.0, 0.0), down)
    corner = height * through - extent / 2.0 * (np.array(down) + np.array((1.0, 0.0, 0.0)))
    return Plane(tuple(float(value) for value in corner), (1.0, 0.0, 0.0), down, (extent, extent))


def stack(count=20, top=0.92):
    heights = np.linspace(-top, top, count)
    return [footprint_of(head_slice(ANATOMY, float(z)) + 1e-3, plane(GAP * n)) for n, z in enumerate(heights)]


STACK = stack()


def layout(footprints):
    """Lay out slices of one kind, all of which are scored."""
    return layout_of([Member(Place(one.plane) if one else None, "scored", one) for one in footprints])


def look(footprints, kind=""):
    return look_at(layout(footprints), kind)


def slice_step(footprints):
    return step_of(layout(footprints).neighbours)


def fact(footprints, name, kind=""):
    return next(found for found in look(footprints, kind) if found.check == name)


def test_a_whole_stack_shows_nothing():
    assert not [found.check for found in look(STACK, "head") if found.present]


def test_every_check_answers_in_the_tables_order():
    assert [found.check for found in look(STACK)] == [check.name for check in CHECKS]
    assert [found.check for found in look([])] == [check.name for check in CHECKS]
    assert all(found.value is None for found in look([None, None]))


@pytest.mark.parametrize("lost", [(7,), (3, 4, 12)])
def test_missing_slices_are_counted_with_the_slice_before_them(lost):
    found = fact([one for n, one in enumerate(STACK) if n not in lost], "missing")
    assert (found.present, found.value) == (True, len(lost))
    assert lost[0] - 1 in found.slices


def test_slices_cut_off_at_an_end_are_not_missing_between_others():
    assert not fact(STACK[3:], "missing").present


def test_two_groups_of_parallel_slices_lack_nothing_between_them():
    assert not fact(STACK[:7] + STACK[13:], "missing").present


def test_uneven_spacing_shows_where_it_is():
    moved = [replace(one, plane=plane(GAP * n + (2.0 if n > 8 else 0.0))) for n, one in enumerate(STACK)]
    found = fact(moved, "spacing")
    assert found.present
    assert found.value == pytest.approx(2.0 / GAP, rel=1e-3)
    assert found.slices == (8,)
    assert not fact(moved, "missing").present


def test_a_head_that_goes_on_beyond_both_ends_is_not_covered():
    short = stack(18, top=0.5)
    assert fact(short, "coverage", "head").present
    assert set(fact(short, "coverage", "head").slices) == {0, 17}
    assert fact(short, "coverage", "body").value is None


def test_a_head_that_two_sides_of_the_field_cut_is_not_covered():
    cut = [
        None if one is None else replace(one, touched=(0.0, 0.6, 0.0, 0.6) if 4 < n < 16 else one.touched)
        for n, one in enumerate(STACK)
    ]
    assert fact(cut, "coverage", "head").present


@pytest.mark.parametrize("millimetres", [8, 14])
def test_a_slice_that_moved_is_misaligned_by_as_much(millimetres):
    moved = list(STACK)
    shifted = np.roll(head_slice(ANATOMY, float(np.linspace(-0.92, 0.92, 20)[10])) + 1e-3, millimetres, 1)
    moved[10] = footprint_of(shifted, plane(GAP * 10))
    found = fact(moved, "misalignment")
    assert found.present
    assert found.slices[0] == 10
    assert found.value == pytest.approx(millimetres, abs=2.0)


@pytest.mark.parametrize("step", [0.3, 0.5])
def test_odd_and_even_slices_that_differ_in_brightness_are_a_step(step):
    stepped = [dimmed(one, 1.0 - step * (n % 2)) for n, one in enumerate(STACK)]
    found = fact(stepped, "interleave")
    assert found.present
    assert found.value == pytest.approx(-np.log(1.0 - step), rel=0.25)
    assert slice_step(stepped) > 3 * slice_step(STACK)


def dimmed(one, factor):
    return replace(one, grid=tuple(factor * value for value in one.grid))


@pytest.mark.parametrize("loss", [0.6, 0.95])
def test_a_slice_that_lost_its_signal_dropped_out(loss):
    dropped = [dimmed(one, 1.0 - loss) if n == 9 else one for n, one in enumerate(STACK)]
    found = fact(dropped, "dropout")
    assert (found.present, found.slices) == (True, (9,))
    assert found.value == pytest.approx(loss, abs=0.1)


def test_a_slice_without_any_signal_dropped_out_and_is_not_missing():
    dropped = [
        footprint_of(np.zeros((256, 256)), one.plane) if n == 9 else one for n, one in enumerate(STACK)
    ]
    assert fact(dropped, "dropout").slices == (9,)
    assert not fact(dropped, "missing").present


def test_air_at_the_ends_of_a_stack_is_no_drop_out():
    air = [footprint_of(np.zeros((256, 256)), plane(GAP * n)) for n in (-2, -1, 20, 21)]
    assert not [found.check for found in look([*air[:2], *STACK, *air[2:]], "head") if found.present]


def test_contrasts_that_take_turns_are_no_drop_outs():
    mixed = [dimmed(one, 0.05) if n % 3 == 2 else one for n, one in enumerate(STACK)]
    found = fact(mixed, "dropout")
    assert not found.present
    assert found.value is None


def test_repetitions_of_a_stack_are_stacks_of_their_own():
    dark = [dimmed(one, 0.2) for one in STACK]
    pairs = [one for both in zip(STACK, dark, strict=True) for one in both]
    assert not [found.check for found in look(pairs) if found.present]
    dropped = [dimmed(one, 0.1) if n == 21 else one for n, one in enumerate(pairs)]
    assert fact(dropped, "dropout").slices == (21,)


def test_slice_groups_that_cross_in_the_body_are_told():
    tilted = [replace(one, plane=plane(GAP * (n - 10), tilt=25.0)) for n, one in enumerate(STACK)]
    straight = [replace(one, plane=plane(GAP * (n - 10))) for n, one in enumerate(STACK)]
    assert fact(straight + tilted, "crossing").present
    far = [replace(one, plane=plane(600.0 + GAP * n, tilt=25.0)) for n, one in enumerate(STACK)]
    assert not fact(straight + far, "crossing").present


@pytest.mark.parametrize(("count", "told"), [(20, "26 pairs"), (200, "at least ")])
def test_crossings_are_counted_and_of_many_slices_the_least_is_told(count, told):
    straight = [replace(STACK[0], plane=plane(GAP * n)) for n in range(-count // 2, count // 2)]
    tilted = [replace(STACK[0], plane=plane(GAP * n, tilt=25.0)) for n in (0, 6)]
    found = fact(straight + tilted * (count // 20), "crossing")
    assert found.present
    assert found.detail.startswith(told)
    assert fact(straight, "crossing").detail == "no slices cross within the field of view"


@pytest.mark.parametrize("kind", ["", "body", "epi"])
def test_coverage_is_told_of_heads_alone_whatever_else_the_header_says(kind):
    found = fact(STACK, "coverage", kind)
    assert (found.present, found.value, found.detail) == (False, None, NO_HEAD)


def test_orthogonal_planes_of_one_series_are_meant_to_cross():
    upright = [replace(one, plane=plane(GAP * (n - 10), tilt=90.0)) for n, one in enumerate(STACK)]
    straight = [replace(one, plane=plane(GAP * (n - 10))) for n, one in enumerate(STACK)]
    assert not fact(straight + upright, "crossing").present


def test_an_object_tells_where_its_slices_lie():
    datasets = mr_series(slices=6, rows=64, columns=64)
    planes = [Slice.from_dataset(ds).plane for ds in datasets]
    assert [one.height for one in planes] == [ds.ImagePositionPatient[2] for ds in datasets]
    enhanced = mr_series(slices=6, rows=64, columns=64, enhanced=True)[0]
    frames = [Slice.from_dataset(enhanced, frame).plane for frame in range(1, 7)]
    assert [one.height for one in frames] == pytest.approx([one.height for one in planes])
    del datasets[0].ImageOrientationPatient
    assert Slice.from_dataset(datasets[0]).plane is None


def test_the_kind_of_an_image_is_its_body_part_unless_it_is_echo_planar():
    ds = mr_series(slices=1, rows=64, columns=64)[0]
    for part, sequence, kind in (
        ("BRAIN", "SE", "head"),
        ("HEADNECK", ["GR", "IR"], "head"),
        ("KNEE", "SE", "body"),
        ("", "SE", ""),
        ("BRAIN", ["EP", "SE"], "epi"),
    ):
        ds.BodyPartExamined, ds.ScanningSequence = part, sequence
        assert Slice.from_dataset(ds).kind == kind


def test_footprints_and_facts_survive_json():
    for one in (STACK[3], replace(STACK[3], plane=None)):
        assert Footprint.from_json(json.loads(json.dumps(one.to_json()))) == one
    for found in look(STACK[:4] + STACK[5:], "head"):
        assert SeriesFact.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_footprint_holds_a_coarse_grid_and_no_picture():
    assert len(STACK[10].grid) == GRID * GRID
    assert footprint_of(np.zeros((64, 64))).area == 0.0


def test_codes_fit_and_names_are_unique():
    assert len(BY_NAME) == len(CHECKS)
    assert all(len(check.code) <= 16 and len(check.meaning) <= 64 and check.advice for check in CHECKS)


def members(footprints, why=None, moment=()):
    """Slices of one kind; `why` tells those without a score, by their number."""
    return [
        Member(
            Place(one.plane, moment=moment), (why or {}).get(n, "scored"), None if n in (why or {}) else one
        )
        for n, one in enumerate(footprints)
    ]


def facts(those):
    return {found.check: found for found in look_at(layout_of(those))}


@pytest.mark.parametrize("why", ["erased", "unreadable"])
def test_a_slice_that_is_not_to_be_seen_is_told_as_such_and_is_not_missing(why):
    found = facts(members(STACK, {7: why}))["missing"]
    assert (found.present, found.value) == (False, 0)
    assert f"1 {why}" in found.detail


def test_a_slice_whose_header_cannot_be_read_may_be_the_one_that_seems_to_be_missing():
    those = [*members(STACK[:7] + STACK[8:]), Member(None, "unreadable")]
    assert not facts(those)["missing"].present
    assert facts([*members(STACK[:7] + STACK[9:]), Member(None, "unreadable")])["missing"].value == 1


def test_volumes_that_were_not_sampled_are_not_missing_and_nobody_compares_them():
    left_out = dict.fromkeys(range(len(STACK)), "unsampled")
    those = [*members(STACK, moment=(1.0,)), *members(STACK, left_out, moment=(2.0,))]
    assert not [check for check, found in facts(those).items() if found.present]


def test_a_slice_missing_in_one_volume_names_the_volume_and_a_scored_slice():
    those = [*members(STACK, moment=(1.0,)), *members(STACK[:7] + STACK[8:], moment=(2.0,))]
    found = facts(those)["missing"]
    assert (found.value, found.slices) == (1, (26,))
    assert "volume 2 of 2" in found.detail


@pytest.mark.parametrize("number", [0, 10, 19])
def test_an_image_whose_header_lies_aside_of_its_neighbours_is_misaligned(number):
    aside = replace(STACK[number].plane, corner=tuple(np.add(STACK[number].plane.corner, (9.0, 0.0, 0.0))))
    moved = [replace(one, plane=aside) if n == number else one for n, one in enumerate(STACK)]
    found = fact(moved, "misalignment")
    assert found.present
    assert found.slices[0] == number
    assert found.value == pytest.approx(9.0, abs=1.0)


def test_a_field_of_view_that_follows_the_patient_is_no_misalignment():
    follows = replace(STACK[10].plane, corner=tuple(np.add(STACK[10].plane.corner, (9.0, 0.0, 0.0))))
    centre = (STACK[10].centre[0], STACK[10].centre[1] - 9.0)
    moved = [replace(one, plane=follows, centre=centre) if n == 10 else one for n, one in enumerate(STACK)]
    assert not fact(moved, "misalignment").present


def test_a_slice_that_drops_out_of_a_stack_over_time_is_told():
    frames = [STACK[10]] * 12
    those = [
        Member(Place(one.plane, moment=(float(n),)), "scored", dimmed(one, 0.1) if n == 5 else one)
        for n, one in enumerate(frames)
    ]
    found = facts(those)
    assert found["dropout"].slices == (5,)
    assert not found["missing"].present


def test_kinds_of_which_nothing_is_scored_are_passed_over():
    phase = [
        Member(Place(one.plane, kind="P"), "unsuited") for n, one in enumerate(STACK) if n not in (3, 4, 11)
    ]
    assert not facts([*members(STACK), *phase])["missing"].present
