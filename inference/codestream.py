"""What a compressed frame says of itself, read before anything decodes it."""

from dataclasses import dataclass
from struct import Struct
from typing import Literal

from inference.text import Text

Coding = Literal["rle", "jpeg", "jpeg-ls", "jpeg-2000"]

_SEGMENT = Struct(">HH")  # marker and length (ITU-T T.81, B.1.1.4)
_FRAME = Struct(">BHHB")  # precision, lines, samples per line, components (T.81, B.2.2)
_SIZE = Struct(">HH8LH")  # Lsiz, Rsiz, image and tile sizes and offsets, components (ITU-T T.800, A.5.1)
_CODINGS: dict[int, Coding] = {
    0xFFC0: "jpeg",  # baseline
    0xFFC1: "jpeg",  # extended sequential
    0xFFC3: "jpeg",  # lossless
    0xFFF7: "jpeg-ls",  # ITU-T T.87, C.1.1
}
_MOST_BITS = {0xFFC0: 8, 0xFFC1: 12}  # T.81, table B.2; beyond, what overshoots wraps around
_JPEG_STARTS, _JPEG_2000_STARTS, _ENDS = b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\xff\xd9"
_JP2_STARTS = b"\0\0\0\x0cjP  "  # some writers wrap the codestream in a file (PS3.5, A.4.4, forbids it)
_SCAN = 0xFFDA
_OTHER_PROCESSES = frozenset(range(0xFFC0, 0xFFD0)) - {0xFFC4, 0xFFCC}  # those two define tables
_MOST_PADDING = 64  # bytes after the last marker


class UnreadableImage(ValueError):
    """The pixels cannot be had."""

    def __init__(self, why: Text) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Codestream:
    """The size that a compressed frame claims."""

    coding: Coding
    rows: int
    columns: int
    precision: int  # bits of one sample
    process: int = 0  # marker of the coding process, for JPEG and JPEG-LS


def read_codestream(frame: bytes) -> Codestream:
    """Read the header of one JPEG, JPEG-LS or JPEG 2000 frame; the frame itself tells which it is.

    RLE frames have no header that tells their size. Raises UnreadableImage for what is cut, coloured or unknown.
    """
    if _ENDS not in frame[-_MOST_PADDING:]:
        raise UnreadableImage(
            Text("the compressed pixels are cut", "die komprimierten Pixel sind abgeschnitten")
        )
    if frame.startswith(_JPEG_STARTS):
        return _jpeg(frame)
    start = frame.find(_JPEG_2000_STARTS) if frame.startswith(_JP2_STARTS) else 0
    if frame[start : start + 4] != _JPEG_2000_STARTS:
        raise UnreadableImage(
            Text(
                "the compressed pixels are of no kind that is read",
                "diese Art komprimierter Pixel wird nicht gelesen",
            )
        )
    return _jpeg_2000(frame, start + 4)


def _jpeg(frame: bytes) -> Codestream:
    position = 2
    while position + _SEGMENT.size + _FRAME.size <= len(frame):
        if frame[position : position + 2] == b"\xff\xff":  # fill
            position += 1
            continue
        marker, length = _SEGMENT.unpack_from(frame, position)
        if marker in _CODINGS:
            precision, rows, columns, samples = _FRAME.unpack_from(frame, position + _SEGMENT.size)
            if samples != 1:
                raise UnreadableImage(
                    Text("the compressed pixels are in colour", "die komprimierten Pixel sind farbig")
                )
            if precision > _MOST_BITS.get(marker, 16):
                raise UnreadableImage(
                    Text(
                        "the compressed pixels have more bits than their coding knows",
                        "die komprimierten Pixel haben mehr Bits, als ihre Kodierung kennt",
                    )
                )
            return Codestream(_CODINGS[marker], rows, columns, precision, marker)
        if marker < 0xFFC0 or marker == _SCAN or marker in _OTHER_PROCESSES:
            break
        position += 2 + length
    raise UnreadableImage(
        Text(
            "the compressed pixels are of no kind that is read",
            "diese Art komprimierter Pixel wird nicht gelesen",
        )
    )


def _jpeg_2000(frame: bytes, position: int) -> Codestream:
    if position + _SIZE.size >= len(frame):
        raise UnreadableImage(
            Text("the compressed pixels are cut", "die komprimierten Pixel sind abgeschnitten")
        )
    _, _, right, bottom, left, top, _, _, _, _, samples = _SIZE.unpack_from(frame, position)
    if samples != 1:
        raise UnreadableImage(
            Text("the compressed pixels are in colour", "die komprimierten Pixel sind farbig")
        )
    precision = (frame[position + _SIZE.size] & 0x7F) + 1  # the first bit is the sign
    return Codestream("jpeg-2000", bottom - top, right - left, precision)
