"""A walk over the raw elements of an encoded data set (PS3.5, section 7): no value is converted or believed.

pydicom reads a data set to give its values; the door only needs to know where each one lies, has to refuse
what lies about its own length, and must not spend a millisecond on a value that it drops anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from dicom_scp.errors import NotUnderstood

PIXEL_DATA = 0x7FE00010
ITEM, ITEM_ENDS, SEQUENCE_ENDS = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
MAX_DEPTH = 12  # Enhanced functional groups need five
MAX_ELEMENTS = 3_000_000  # in one object, items included: some ten thousand frames

# PS3.5, table 7.1-1: value representations whose explicit length has 32 bits
LONG_VRS = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())

EXPLICIT = Struct("<HH2sH")
IMPLICIT = Struct("<HHL")
LENGTH = Struct("<L")


class Element(NamedTuple):
    """Where an element lies; the value is `buffer[start:end]`, without a delimiter."""

    tag: int
    vr: bytes  # b"" in Implicit VR
    start: int
    end: int
    undefined: bool  # the length was not given: a sequence, or pixel data in fragments


@dataclass(slots=True)
class Walker:
    """Walks one encoded data set, Little Endian, Implicit or Explicit VR.

    Every method raises NotUnderstood, and nothing else, for whatever the bytes hold; none reads past its end.
    """

    buffer: bytes
    explicit: bool
    left: int = MAX_ELEMENTS  # elements that may still be met

    def top(self) -> list[Element]:
        """Give the elements of the data set up to the pixel data, in the order in which they stand."""
        found, _ = self._elements(0, len(self.buffer), depth=0, item=False)
        return found

    def items(self, sequence: Element, depth: int) -> Iterator[list[Element]]:
        """Give the elements of each item of a sequence that stands `depth` sequences deep."""
        walker = self
        if (
            self.explicit and sequence.vr != b"SQ"
        ):  # inside of UN it is Implicit VR (PS3.5, 6.2.2), all the way
            walker = Walker(self.buffer, explicit=False, left=self.left)
        position = sequence.start
        while position < sequence.end:
            elements, position = walker._item(position, sequence.end, depth)
            yield elements
        self.left = walker.left

    def fragments(self, pixels: Element) -> list[tuple[int, int]]:
        """Give start and end of each fragment of encapsulated pixel data, offset table first (PS3.5, A.4)."""
        found: list[tuple[int, int]] = []
        position = pixels.start
        while position < pixels.end:
            tag, length = self._item_header(position, pixels.end)
            if tag != ITEM or length == UNDEFINED or position + 8 + length > pixels.end:
                raise NotUnderstood("the fragments of the pixel data are not what they say")
            found.append((position + 8, position + 8 + length))
            position += 8 + length
        return found

    def _elements(self, position: int, end: int, *, depth: int, item: bool) -> tuple[list[Element], int]:
        """Walk elements up to `end`, or, in an item of undefined length, to its delimiter."""
        if depth > MAX_DEPTH:
            raise NotUnderstood("sequences are nested too deeply")
        found: list[Element] = []
        header = self._explicit_header if self.explicit else self._implicit_header
        while position < end:
            if position + 8 > end:
                raise NotUnderstood("the data set ends within an element")
            tag, vr, start, length = header(position, end)
            if item and tag == ITEM_ENDS:
                return found, start
            position = start + length
            if length == UNDEFINED:
                ends, position = self._undefined(tag, vr, start, end, depth)
                found.append(Element(tag, vr, start, ends, undefined=True))
            elif position > end:
                raise NotUnderstood("an element is longer than what holds it")
            else:
                found.append(Element(tag, vr, start, position, undefined=False))
            if tag == PIXEL_DATA and depth == 0:
                break  # what follows could only be signatures and padding
            self._count(1)
        if item:
            raise NotUnderstood("an item has no end")
        return found, position

    def _explicit_header(self, position: int, end: int) -> tuple[int, bytes, int, int]:
        group, number, vr, length = EXPLICIT.unpack_from(self.buffer, position)
        if vr in SHORT_VRS:
            return group << 16 | number, vr, position + 8, length
        if group == 0xFFFE:  # delimiters have no value representation
            return group << 16 | number, b"", position + 8, LENGTH.unpack_from(self.buffer, position + 4)[0]
        if vr not in LONG_VRS:
            raise NotUnderstood("an element has no known value representation")
        if position + 12 > end:
            raise NotUnderstood("the data set ends within an element")
        return group << 16 | number, vr, position + 12, LENGTH.unpack_from(self.buffer, position + 8)[0]

    def _implicit_header(self, position: int, end: int) -> tuple[int, bytes, int, int]:  # noqa: ARG002 - a twin
        group, number, length = IMPLICIT.unpack_from(self.buffer, position)
        return group << 16 | number, b"", position + 8, length

    def _undefined(self, tag: int, vr: bytes, start: int, end: int, depth: int) -> tuple[int, int]:
        """Find the end of a value of undefined length, and the position after its delimiter."""
        if tag == PIXEL_DATA and (depth == 0 or vr in {b"OB", b"OW"}):  # an icon's are compressed too
            return self._fragments_end(start, end)
        if vr not in {b"", b"SQ", b"UN"} or tag >> 16 == 0xFFFE:
            raise NotUnderstood("an element that is no sequence has no length")
        walker = self
        if vr == b"UN":
            walker = Walker(self.buffer, explicit=False, left=self.left)
        ends = walker._items_end(start, end, depth)
        self.left = walker.left
        return ends, ends + 8

    def _items_end(self, position: int, end: int, depth: int) -> int:
        while True:
            tag, length = self._item_header(position, end)
            if tag == SEQUENCE_ENDS:
                return position
            if length == UNDEFINED:
                _, position = self._item(position, end, depth)
                continue
            position += 8 + length
            self._count(1)
            if tag != ITEM or position > end:
                raise NotUnderstood("a sequence holds something that is no item")

    def _item(self, position: int, end: int, depth: int) -> tuple[list[Element], int]:
        tag, length = self._item_header(position, end)
        if tag != ITEM:
            raise NotUnderstood("a sequence holds something that is no item")
        self._count(1)
        if length == UNDEFINED:
            return self._elements(position + 8, end, depth=depth + 1, item=True)
        if position + 8 + length > end:
            raise NotUnderstood("an item is longer than what holds it")
        return self._elements(position + 8, position + 8 + length, depth=depth + 1, item=False)

    def _item_header(self, position: int, end: int) -> tuple[int, int]:
        if position + 8 > end:
            raise NotUnderstood("a sequence has no end")
        group, number, length = IMPLICIT.unpack_from(self.buffer, position)
        return group << 16 | number, length

    def _fragments_end(self, position: int, end: int) -> tuple[int, int]:
        while True:
            tag, length = self._item_header(position, end)
            if tag == SEQUENCE_ENDS:
                return position, position + 8
            if tag != ITEM or length == UNDEFINED:
                raise NotUnderstood("the fragments of the pixel data are not what they say")
            position += 8 + length
            self._count(1)

    def _count(self, elements: int) -> None:
        self.left -= elements
        if self.left < 0:
            raise NotUnderstood("the data set has too many elements")


def encode(tag: int, vr: bytes, value: bytes | memoryview) -> bytes:
    """Encode one element, Explicit VR Little Endian; a value of odd length is padded (PS3.5, 6.2).

    Raises NotUnderstood where the value is too long for its representation.
    """
    length = len(value)
    pad = b""
    if length % 2:
        pad = b"\0" if vr in {b"UI", b"OB", b"UN"} else b" "
        length += 1
    if vr in LONG_VRS:
        head = EXPLICIT.pack(tag >> 16, tag & 0xFFFF, vr, 0) + LENGTH.pack(length)
    elif length > 0xFFFE:
        raise NotUnderstood("a value is too long for its representation")
    else:
        head = EXPLICIT.pack(tag >> 16, tag & 0xFFFF, vr, length)
    return b"".join((head, value, pad))


def encode_item(elements: bytes) -> bytes:
    """Encode one item of a sequence from its encoded elements."""
    return IMPLICIT.pack(ITEM >> 16, ITEM & 0xFFFF, len(elements)) + elements
