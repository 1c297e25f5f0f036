"""Compressed pixel data: fragments put together to frames, each looked at, and written again with offsets of our own.

The offset tables of others are used where frames cannot be told without them, and never kept: any bytes fit into them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

from pydicom.uid import RLELossless

from dicom_scp.codestream import checked_frame
from dicom_scp.elements import PIXEL_DATA, Element, encode, encode_item
from dicom_scp.errors import NotUnderstood
from dicom_scp.header import Header

Span = tuple[int, int]  # where a fragment starts and ends

_EXTENDED_OFFSETS = 0x7FE00001
_RLE_HEADER = Struct("<16L")  # PS3.5, G.5
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")  # of JPEG and JPEG-LS, JPEG 2000, JP2
_ITEM_HEAD = 8  # bytes
# (7FE0,0010) OB of undefined length, and its end
_HEAD = encode(PIXEL_DATA, b"OB", b"")[:8] + b"\xff\xff\xff\xff"
_END = b"\xfe\xff\xdd\xe0\0\0\0\0"


@dataclass(frozen=True, slots=True)
class Matrix:
    """How large the image is, as the header says."""

    frames: int
    rows: int
    columns: int
    planes: int  # bytes of a pixel


def checked_encapsulated(
    header: Header, pixels: Element, transfer_syntax: str, said: Matrix
) -> list[bytes | memoryview]:
    """Give the encoded pixel data element, in parts; fragments are as they came, unless they held foreign text.

    Raises NotUnderstood where there are more or fewer frames than announced, and where one is cut or of another size.
    """
    if not pixels.undefined:
        raise NotUnderstood("the compressed pixel data are not in fragments")
    buffer = header.walker.buffer
    items = header.walker.fragments(pixels)
    if len(items) < 2:
        raise NotUnderstood("there are no compressed frames")
    frames = _frames(header, items[0], items[1:], said.frames)
    parts: list[bytes | memoryview] = []
    offsets: list[int] = []
    written = 0
    for spans in frames:
        offsets.append(written)
        for fragment in _checked(buffer, spans, transfer_syntax, said):
            parts += [
                encode_item_head(len(fragment) + len(fragment) % 2),
                fragment,
                b"\0" * (len(fragment) % 2),
            ]
            written += _ITEM_HEAD + len(fragment) + len(fragment) % 2
    table = b"".join(offset.to_bytes(4, "little") for offset in offsets) if said.frames > 1 else b""
    return [_HEAD, encode_item(table), *parts, _END]


def encode_item_head(length: int) -> bytes:
    """Encode tag and length of an item."""
    return encode_item(b"")[:4] + length.to_bytes(4, "little")


def _checked(
    buffer: bytes, spans: Sequence[Span], transfer_syntax: str, said: Matrix
) -> list[bytes | memoryview]:
    """Give the fragments of one frame; a frame that had to be changed becomes a single one."""
    as_they_came: list[bytes | memoryview] = [memoryview(buffer)[start:end] for start, end in spans]
    frame = b"".join(as_they_came)
    if transfer_syntax == RLELossless:
        clean = _checked_rle(frame, said.planes)
    else:
        clean = checked_frame(frame, said.rows, said.columns)
    return as_they_came if clean is frame else [clean]


def _frames(header: Header, table: Span, fragments: list[Span], count: int) -> list[list[Span]]:
    """Tell which fragments make which frame (PS3.5, A.4)."""
    if len(fragments) == count:
        return [[fragment] for fragment in fragments]
    if count == 1:
        return [fragments]
    buffer = header.walker.buffer
    first = fragments[0][0] - _ITEM_HEAD
    by_offset = {start - _ITEM_HEAD - first: number for number, (start, _) in enumerate(fragments)}
    for given in (_numbers(header.raw(_EXTENDED_OFFSETS), 8), _numbers(buffer[slice(*table)], 4)):
        begins = [by_offset[offset] for offset in given if offset in by_offset]
        if len(begins) == len(given) == count and begins[0] == 0 and begins == sorted(set(begins)):
            return _split(fragments, begins)
    begins = [number for number, (start, _) in enumerate(fragments) if buffer.startswith(_STARTS, start)]
    if len(begins) != count or begins[0] != 0:
        raise NotUnderstood("there are not as many compressed frames as announced")
    return _split(fragments, begins)


def _numbers(table: bytes, width: int) -> list[int]:
    return [int.from_bytes(table[at : at + width], "little") for at in range(0, len(table), width)]


def _split(fragments: list[Span], begins: Sequence[int]) -> list[list[Span]]:
    ends = [*begins[1:], len(fragments)]
    return [fragments[begin:end] for begin, end in zip(begins, ends, strict=True)]


def _checked_rle(frame: bytes, planes: int) -> bytes:
    """Give a frame that has as many segments as a pixel has bytes, and no more offsets (PS3.5, G.2 and G.5)."""
    if len(frame) < _RLE_HEADER.size:
        raise NotUnderstood("a compressed frame is cut")
    segments, *offsets = _RLE_HEADER.unpack_from(frame)
    used = offsets[: min(segments, len(offsets))]
    if segments != planes or used != sorted(used) or used[0] != _RLE_HEADER.size or used[-1] >= len(frame):
        raise NotUnderstood("a compressed frame has no sound header")
    if not any(offsets[segments:]):
        return frame
    return _RLE_HEADER.pack(segments, *used, *bytes(len(offsets) - segments)) + frame[_RLE_HEADER.size :]
