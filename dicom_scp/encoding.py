"""Odd transfer syntaxes made plain: deflated and Big Endian data sets become Explicit VR Little Endian."""

import zlib
from array import array
from dataclasses import dataclass
from struct import Struct

from dicom_scp.elements import (
    ITEM,
    LONG_VRS,
    MAX_DEPTH,
    MAX_ELEMENTS,
    SEQUENCE_ENDS,
    SHORT_VRS,
    UNDEFINED,
    encode,
    encode_item,
)
from dicom_scp.errors import NotUnderstood

MOST_INFLATION = 64  # MR images shrink two- to tenfold; an empty one by a thousand
LEAST_LIMIT = 16 << 20  # bytes: small objects may be as empty as they like

_HEADER = Struct(">HH2sH")
_ITEM_HEADER = Struct(">HHL")
_LENGTH = Struct(">L")
_WIDTHS = {  # bytes of one value (PS3.5, 7.3)
    **dict.fromkeys((b"US", b"SS", b"OW", b"AT"), "H"),
    **dict.fromkeys((b"UL", b"SL", b"FL", b"OF", b"OL"), "I"),
    **dict.fromkeys((b"FD", b"OD", b"OV", b"SV", b"UV"), "Q"),
}


def inflate(data: bytes, most: int) -> bytes:
    """Inflate a deflated data set (PS3.5, A.5) that holds no more than `most` bytes.

    Raises NotUnderstood for a bomb before it goes off, and for what is no deflated data.
    """
    most = min(most, max(LEAST_LIMIT, MOST_INFLATION * len(data)))
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(data, most)
    except zlib.error as error:
        raise NotUnderstood("the data set is not deflated as announced") from error
    if inflater.unconsumed_tail:
        raise NotUnderstood("the deflated data set grows beyond every measure")
    if not inflater.eof:
        raise NotUnderstood("the deflated data set is cut")
    return plain


def little_endian(data: bytes) -> bytes:
    """Turn an Explicit VR Big Endian data set into a Little Endian one. Raises NotUnderstood."""
    return _Turner(data).data_set(0, len(data), depth=0)[0]


@dataclass(slots=True)
class _Turner:
    buffer: bytes
    left: int = MAX_ELEMENTS

    def data_set(self, position: int, end: int, *, depth: int) -> tuple[bytes, int]:
        """Turn elements up to `end` or the delimiter of an item; gives also the position after them."""
        if depth > MAX_DEPTH:
            raise NotUnderstood("sequences are nested too deeply")
        turned: list[bytes] = []
        while position < end:
            self.left -= 1
            if position + 8 > end or self.left < 0:
                raise NotUnderstood("the data set ends within an element, or never")
            tag, vr, start, length = self._header(position, end)
            if tag >> 16 == 0xFFFE:
                return b"".join(turned), start
            if vr == b"SQ":
                value, position = self._items(start, length, end, depth)
            elif start + length > end:
                raise NotUnderstood("an element is longer than what holds it")
            else:
                value, position = self._swapped(vr, start, start + length), start + length
            turned.append(encode(tag, vr, value))
        return b"".join(turned), position

    def _header(self, position: int, end: int) -> tuple[int, bytes, int, int]:
        group, number, vr, length = _HEADER.unpack_from(self.buffer, position)
        tag = group << 16 | number
        if group == 0xFFFE or vr in SHORT_VRS:
            return tag, vr, position + 8, length
        if vr not in LONG_VRS or position + 12 > end:
            raise NotUnderstood("an element has no known value representation")
        return tag, vr, position + 12, _LENGTH.unpack_from(self.buffer, position + 8)[0]

    def _items(self, position: int, length: int, end: int, depth: int) -> tuple[bytes, int]:
        if length != UNDEFINED and position + length > end:
            raise NotUnderstood("an element is longer than what holds it")
        end = end if length == UNDEFINED else position + length
        turned: list[bytes] = []
        while position < end:
            self.left -= 1
            if position + 8 > end or self.left < 0:
                raise NotUnderstood("a sequence has no end")
            group, number, item_length = _ITEM_HEADER.unpack_from(self.buffer, position)
            if group << 16 | number == SEQUENCE_ENDS:
                return b"".join(turned), position + 8
            item_end = end if item_length == UNDEFINED else position + 8 + item_length
            if group << 16 | number != ITEM or item_end > end:
                raise NotUnderstood("a sequence holds something that is no item")
            elements, position = self.data_set(position + 8, item_end, depth=depth + 1)
            turned.append(encode_item(elements))
        if length == UNDEFINED:
            raise NotUnderstood("a sequence has no end")
        return b"".join(turned), position

    def _swapped(self, vr: bytes, start: int, end: int) -> bytes:
        value = self.buffer[start:end]
        code = _WIDTHS.get(vr)
        if code is None or len(value) % array(code).itemsize:
            return value
        words = array(code, value)
        words.byteswap()
        return words.tobytes()
