"""The marker segments of a JPEG, JPEG-LS or JPEG 2000 frame: whole, of the announced size, and without foreign text.

What codes pixels stays byte for byte. Comments and application data are blanked where they stand, unless they are the
usual signature of a library: any text fits into them. A segment of any other kind may hold one too, and is not taken.
"""

import re
from collections.abc import Iterator
from struct import Struct, error
from typing import NamedTuple

from dicom_scp.errors import NotUnderstood

_JPEG, _JPEG_2000, _ENDS = b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\xff\xd9"
_JP2 = b"\0\0\0\x0cjP  "  # a file around a codestream (PS3.5, A.4.4, forbids it)
_MOST_PADDING = 64  # bytes behind the last marker
_MOST_SEGMENTS = 10_000  # of one frame
_SEGMENT = Struct(">HH")  # marker, length (ITU-T T.81, B.1.1.4)
_FRAME = Struct(">xHHB")  # lines, samples per line, components (T.81, B.2.2)
_SIZE = Struct(">2x4L16xH")  # right, bottom, left, top, components (ITU-T T.800, A.5.1)
_TILE_PART = Struct(">2xL2x")  # its length (T.800, A.4.2)
_SCAN, _TILE, _DATA, _SIZES = 0xFFDA, 0xFF90, 0xFF93, 0xFF51
_PROCESSES = frozenset(range(0xFFC0, 0xFFD0)) - {0xFFC4, 0xFFC8, 0xFFCC} | {0xFFF7}  # T.81, B.1; T.87, C.1.1
_TEXTS = frozenset({0xFFFE, *range(0xFFE0, 0xFFF0)})  # comment and application data
_TABLES = frozenset({0xFFC4, 0xFFCC, 0xFFDB, 0xFFDC, 0xFFDD, 0xFFF8})  # T.81, B.2.4, B.2.5; T.87, C.2.4
_COMMENT = 0xFF64  # of JPEG 2000
_PARAMETERS = frozenset(  # T.800, table A.2, and T.814, A.2
    {*range(0xFF50, 0xFF54), *range(0xFF55, 0xFF5A), *range(0xFF5C, 0xFF62), 0xFF63, _TILE}
)
_OF_JPEG = _PROCESSES | _TABLES | _TEXTS | {_SCAN}
_OF_JPEG_2000 = _PARAMETERS | {_COMMENT}
_AFTER_SCAN = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")  # neither stuffed bytes nor restart markers
_VERSION = rb"\d{1,2}(?:\.\d{1,2}){0,3}"
_SIGNATURES = re.compile(
    rb"(?:\x00\x01)?(?:Created by (?:GDCM/)?OpenJPEG version VERSION|Kakadu-v?VERSION|JPEG Pro|LEAD Technologies Inc\."
    rb"(?: V\d\.\d\d)?)\x00?|JFIF\x00.{7}\x00\x00|Adobe.{7}".replace(b"VERSION", _VERSION),
    re.DOTALL,
)


class _Segment(NamedTuple):
    marker: int
    start: int  # of what follows its length
    end: int


def checked_frame(frame: bytes, rows: int, columns: int) -> bytes:
    """Give a frame without foreign text, the very same where there is none.

    Raises NotUnderstood where it is cut, of another size than the image, or no such frame.
    """
    if frame.startswith(_JP2):
        frame = frame[max(0, frame.find(_JPEG_2000)) :]
    ends = frame.rfind(_ENDS, -_MOST_PADDING if len(frame) > _MOST_PADDING else 0)
    if ends < 0:
        raise NotUnderstood("a compressed frame is cut")
    is_jpeg = frame.startswith(_JPEG)
    if not is_jpeg and not frame.startswith(_JPEG_2000):
        raise NotUnderstood("a compressed frame is of no known kind")
    try:
        segments = list(_jpeg(frame, ends) if is_jpeg else _jpeg_2000(frame, ends))
        sizes = [_size(frame, segment) for segment in segments if segment.marker in {*_PROCESSES, _SIZES}]
    except error as cut:
        raise NotUnderstood("a compressed frame is cut") from cut
    if sizes != [(rows, columns)]:
        raise NotUnderstood("a compressed frame is not of the size of the image")
    return _without_text(frame, segments, ends + len(_ENDS))


def _size(frame: bytes, segment: _Segment) -> tuple[int, int]:
    if segment.marker == _SIZES:
        right, bottom, left, top, samples = _SIZE.unpack_from(frame, segment.start)
        rows, columns = bottom - top, right - left
    else:
        rows, columns, samples = _FRAME.unpack_from(frame, segment.start)
    if samples != 1:
        raise NotUnderstood("a compressed frame is in colour although the image is not")
    return rows, columns


def _jpeg(frame: bytes, ends: int) -> Iterator[_Segment]:
    """Walk the segments, those between and behind the scans too."""
    position = 2
    for _ in range(_MOST_SEGMENTS):
        while frame[position : position + 2] == b"\xff\xff":  # fill
            position += 1
        if position >= ends:
            return
        segment = _segment(frame, position, ends, _OF_JPEG)
        yield segment
        position = segment.end
        if segment.marker == _SCAN:
            following = _AFTER_SCAN.search(frame, position, ends)
            position = following.start() if following else ends
    raise NotUnderstood("a compressed frame has too many segments")


def _jpeg_2000(frame: bytes, ends: int) -> Iterator[_Segment]:
    """Walk the main header and those of the tile-parts."""
    position, tile_ends = 2, ends
    for _ in range(_MOST_SEGMENTS):
        if position >= ends:
            return
        if frame[position : position + 2] == _DATA.to_bytes(2):
            position = tile_ends
            continue
        segment = _segment(frame, position, ends, _OF_JPEG_2000)
        yield segment
        if segment.marker == _TILE:
            (length,) = _TILE_PART.unpack_from(frame, segment.start)
            tile_ends = position + length if length else ends
            if tile_ends <= segment.end:
                raise NotUnderstood("a compressed frame is not what it says")
        position = segment.end
    raise NotUnderstood("a compressed frame has too many segments")


def _segment(frame: bytes, position: int, ends: int, known: frozenset[int]) -> _Segment:
    marker, length = _SEGMENT.unpack_from(frame, position)
    if marker not in known or length < 2 or position + 2 + length > ends:
        raise NotUnderstood("a compressed frame is not what it says")
    return _Segment(marker, position + _SEGMENT.size, position + 2 + length)


def _without_text(frame: bytes, segments: list[_Segment], end: int) -> bytes:
    """Blank foreign text, and cut what follows the last marker, but padding."""
    texts = _TEXTS if frame.startswith(_JPEG) else {_COMMENT}
    foreign = [
        (segment.start, segment.end)
        for segment in segments
        if segment.marker in texts and not _SIGNATURES.fullmatch(frame, segment.start, segment.end)
    ]
    if not foreign and not frame[end:].strip(b"\0\xff"):
        return frame
    clean = bytearray(frame[:end])
    for start, stop in foreign:
        clean[start:stop] = bytes(stop - start)
    return bytes(clean)
