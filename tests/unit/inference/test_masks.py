"""Masks keep their operating point exactly, through bytes and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference import MaskStack
from inference.masks import OPERATING_POINT, WORTH_KEEPING, remap

UNIT = st.floats(0.0, 1.0, width=32)
THRESHOLD = st.floats(0.015625, 0.984375, width=32)


@given(UNIT, THRESHOLD)
def test_a_byte_is_at_the_operating_point_exactly_where_the_probability_is(
    p: float, threshold: float
) -> None:
    byte = remap(np.full((1, 1, 1), p, np.float32), np.array([threshold], np.float32))[0, 0, 0]
    assert (byte >= OPERATING_POINT) == (np.float32(p) >= np.float32(threshold))


@given(THRESHOLD)
def test_the_values_next_to_the_operating_point_fall_on_their_side(threshold: float) -> None:
    t = np.float32(threshold)
    near = np.array([np.nextafter(t, np.float32(0)), t, np.nextafter(t, np.float32(1))], np.float32)
    assert (remap(near[None, None], np.array([t]))[0, 0] >= OPERATING_POINT).tolist() == [False, True, True]


@given(UNIT, UNIT, THRESHOLD)
def test_a_higher_probability_never_gives_a_lower_byte(one: float, other: float, threshold: float) -> None:
    low, high = sorted((one, other))
    bytes_ = remap(np.array([[[low, high]]], np.float32), np.array([threshold], np.float32))[0, 0]
    assert bytes_[0] <= bytes_[1]


def test_the_ends_of_the_scale_are_0_128_and_255() -> None:
    ends = np.array([[[0.0, 0.3, 1.0]]], np.float32)
    assert remap(ends, np.array([0.3], np.float32))[0, 0].tolist() == [0, 128, 255]


def test_each_class_has_its_own_operating_point() -> None:
    same = np.full((2, 1, 1), 0.4, np.float32)
    assert (remap(same, np.array([0.3, 0.5], np.float32)) >= 128).ravel().tolist() == [True, False]


def stack() -> MaskStack:
    planes = np.zeros((13, 40, 30), np.uint8)
    planes[2, 5:9, 7:20] = 200
    planes[2, 9:12, 7:20] = 90
    planes[7] = 255
    planes[9] = WORTH_KEEPING - 1
    return MaskStack(planes)


def test_packed_masks_come_back_without_the_faint_classes() -> None:
    back = MaskStack.unpack(stack().pack())
    assert back.probabilities.shape == (13, 40, 30)
    assert np.array_equal(back.probabilities[[2, 7]], stack().probabilities[[2, 7]])
    assert not back.probabilities[[0, 1, 3, 4, 5, 6, 8, 9, 10, 11, 12]].any()
    assert back.located() == (2, 7)


def test_packing_an_empty_stack_takes_next_to_nothing() -> None:
    empty = MaskStack(np.zeros((13, 128, 128), np.uint8))
    assert len(empty.pack()) < 64
    assert not MaskStack.unpack(empty.pack()).probabilities.any()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda b: b[:6],
        lambda b: b"XXXX" + b[4:],
        lambda b: b[:-5],
        lambda b: b[:14] + b"garbage",
        lambda b: b"",
    ],
)
def test_damaged_packed_masks_are_refused(spoil: object) -> None:
    with pytest.raises(ValueError, match="packed masks"):
        MaskStack.unpack(spoil(stack().pack()))  # type: ignore[operator]


def test_a_small_packet_cannot_claim_a_large_stack() -> None:
    packed = bytearray(stack().pack())
    packed[4:10] = b"\xff\xff" * 3
    with pytest.raises(ValueError, match="packed masks"):
        MaskStack.unpack(bytes(packed))


def test_masks_cover_the_matrix_of_the_input() -> None:
    planes = np.zeros((13, 10, 20), np.uint8)
    planes[3, :5, 10:] = 255
    full = MaskStack(planes).to_matrix(60, 80)
    assert full.shape == (13, 60, 80)
    assert full.dtype == np.uint8
    at = np.argwhere(full[3] >= OPERATING_POINT)
    assert at.min(axis=0).tolist() == [0, 40]
    assert at.max(axis=0).tolist() == [29, 79]
    assert not full[0].any()
