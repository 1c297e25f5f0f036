"""The walk over raw elements: where everything lies, and nothing worse than its own refusal."""

import struct
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.uid import ImplicitVRLittleEndian

from dicom_scp.elements import MAX_DEPTH, PIXEL_DATA, Element, Walker, encode, encode_item
from dicom_scp.errors import NotUnderstood
from tests.series import mr_series
from tests.unit.dicom_scp.encodings import encoded

SQ = 0x00081140
UNDEFINED = b"\xff\xff\xff\xff"
ITEM, ITEM_END, SEQUENCE_END = (struct.pack("<HH", 0xFFFE, number) for number in (0xE000, 0xE00D, 0xE0DD))


def walked(walker: Walker, elements: list[Element], depth: int = 0) -> int:
    """Go to every depth, as far as it goes, and check that nothing lies outside."""
    count = 0
    for element in elements:
        assert 0 <= element.start <= element.end <= len(walker.buffer)
        count += 1
        if element.vr == b"SQ" or element.undefined:
            for inside in walker.items(element, depth):
                count += walked(walker, inside, depth + 1)
    return count


@pytest.mark.parametrize("enhanced", [False, True])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian])
def test_the_walk_finds_the_elements_that_pydicom_finds(enhanced: bool, syntax: str) -> None:
    ds = mr_series(slices=2, enhanced=enhanced)[0]
    walker = Walker(encoded(ds, syntax), explicit=syntax != ImplicitVRLittleEndian)
    assert [element.tag for element in walker.top()] == sorted(int(element.tag) for element in ds)
    if walker.explicit:
        assert walked(walker, walker.top()) == sum(1 for _ in ds.iterall())


@given(st.binary(max_size=400), st.booleans())
@example(b"\x08\x00\x05\x00UN\x00\x00\xff\xff\xff\xff", True)
def test_random_bytes_are_refused_or_walked_but_never_worse(data: bytes, explicit: bool) -> None:
    with suppress(NotUnderstood):
        walker = Walker(data, explicit=explicit)
        walked(walker, walker.top())


@given(st.data())
def test_a_data_set_with_bytes_changed_is_refused_or_walked_but_never_worse(data: st.DataObject) -> None:
    sound = bytearray(encoded(mr_series(slices=1, rows=8, columns=8, enhanced=True)[0]))
    for _ in range(data.draw(st.integers(1, 6))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(sound)))
    with suppress(NotUnderstood):
        walker = Walker(bytes(sound[:cut]), explicit=True)
        walked(walker, walker.top())


@pytest.mark.parametrize("vr", [b"OB", b"UN", b"UT"])
def test_a_value_that_claims_four_gigabytes_is_refused(vr: bytes) -> None:
    claim = struct.pack("<HH2sHL", 0x0010, 0x4000, vr, 0, 0xFFFFFFF0)
    with pytest.raises(NotUnderstood, match="longer"):
        Walker(claim + bytes(100), explicit=True).top()


def test_sequences_may_not_be_nested_without_end() -> None:
    value = b""
    for _ in range(MAX_DEPTH + 2):
        value = (
            struct.pack("<HH2sH", SQ >> 16, SQ & 0xFFFF, b"SQ", 0)
            + UNDEFINED + ITEM + UNDEFINED + value + ITEM_END + bytes(4) + SEQUENCE_END + bytes(4)
        )  # fmt: skip
    with pytest.raises(NotUnderstood, match="deep"):
        Walker(value, explicit=True).top()


def test_a_hundred_thousand_nested_sequences_end_in_a_refusal_and_not_in_a_crash() -> None:
    opening = struct.pack("<HH2sH", SQ >> 16, SQ & 0xFFFF, b"SQ", 0) + UNDEFINED + ITEM + UNDEFINED
    with pytest.raises(NotUnderstood):
        Walker(opening * 100_000, explicit=True).top()


def test_the_number_of_elements_is_bounded() -> None:
    with pytest.raises(NotUnderstood, match="too many"):
        Walker(encode(0x00080060, b"CS", b"") * 50, explicit=True, left=49).top()


def test_the_walk_ends_at_the_pixel_data_and_leaves_the_padding() -> None:
    data = encode(PIXEL_DATA, b"OW", b"\1\2") + encode(0xFFFCFFFC, b"OB", b"JOHN")
    assert [element.tag for element in Walker(data, explicit=True).top()] == [PIXEL_DATA]


def test_what_stands_in_an_unknown_sequence_is_read_as_implicit() -> None:
    inside = struct.pack("<HHL", 0x0008, 0x0060, 2) + b"MR"
    data = encode(SQ, b"UN", encode_item(inside))
    walker = Walker(data, explicit=True)
    (items,) = walker.items(walker.top()[0], 0)
    assert data[items[0].start : items[0].end] == b"MR"


def test_a_short_value_that_is_too_long_is_refused_when_written() -> None:
    with pytest.raises(NotUnderstood):
        encode(0x00080060, b"CS", bytes(70_000))
