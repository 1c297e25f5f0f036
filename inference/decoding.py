"""Stored pixel values of one frame, whatever the transfer syntax; nothing is decoded that was not asked for."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, RLELossless

from inference.codestream import Codestream, UnreadableImage, read_codestream
from inference.decoder import Decoder, NoDecoder
from inference.decoder_child import container
from inference.header import BROKEN, integer
from inference.text import Text

__all__ = ["NoDecoder", "Stored", "UnreadableImage", "decompress", "stored_values"]

MOST_PIXELS = 64 * 1024 * 1024  # of one frame; the largest MR matrices are 2048 x 2048
LONGEST_SIDE = 16384
SMALLEST_SIDE = 8
MOST_GROWTH = 2  # a compressed frame that is so many times its image, and _MARGIN, is none
_MARGIN = 1 << 16  # bytes
Stored = npt.NDArray[np.int64]

# Of this process: no caller can forget it and decode where a crash would harm.
# A slice is asked for twice: by the search for text, and to be scored.
_decode = lru_cache(maxsize=2)(Decoder())


def stored_values(ds: Dataset, index: int) -> Stored:
    """Decode frame `index` (0-based) as integers (rows, columns). Raises UnreadableImage."""
    rows, columns = _matrix(ds)
    if "PixelData" not in ds or not ds["PixelData"].value:
        raise UnreadableImage(Text("there are no pixels", "es gibt keine Pixel"))
    photometric = str(ds.get("PhotometricInterpretation") or "MONOCHROME2")
    if (integer(ds, "SamplesPerPixel") or 1) != 1 or not photometric.startswith("MONOCHROME"):
        raise UnreadableImage(Text("the image is in colour", "das Bild ist farbig"))
    syntax = _transfer_syntax(ds)
    if syntax.is_encapsulated:
        frame = _decompressed(ds, index, (rows, columns), syntax)
    else:
        frame = _native(ds, index, (rows, columns), big_endian=syntax == ExplicitVRBigEndian)
    if frame.shape != (rows, columns):
        raise UnreadableImage(
            Text(
                "the pixels do not have the announced matrix", "die Pixel haben nicht die angekündigte Matrix"
            )
        )
    return frame


def decompress(ds: Dataset) -> None:
    """Write the pixels of a compressed object uncompressed in their place, every stored bit. Raises UnreadableImage."""
    if not _transfer_syntax(ds).is_encapsulated:
        return
    allocated = _allocated(ds)
    frames = (stored_values(ds, index) for index in range(integer(ds, "NumberOfFrames") or 1))
    words = ((frame & ((1 << allocated) - 1)).astype(f"<u{allocated // 8}").tobytes() for frame in frames)
    value = b"".join(words)
    ds.PixelData = value + b"\0" * (len(value) % 2)
    ds["PixelData"].VR = "OW"
    ds["PixelData"].is_undefined_length = False
    ds.HighBit = (integer(ds, "BitsStored") or allocated) - 1
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _matrix(ds: Dataset) -> tuple[int, int]:
    """Read rows and columns. An absurd matrix is refused before anything is allocated."""
    sides: list[int] = []
    for keyword in ("Rows", "Columns"):
        value = ds.get(keyword)
        if not isinstance(value, int):
            raise UnreadableImage(Text("the matrix is not given", "die Matrix ist nicht angegeben"))
        sides.append(value)
    rows, columns = sides
    if min(sides) < SMALLEST_SIDE or max(sides) > LONGEST_SIDE or rows * columns > MOST_PIXELS:
        raise UnreadableImage(Text("the matrix is absurd", "die Matrix ist unmöglich"))
    return rows, columns


def _transfer_syntax(ds: Dataset) -> UID:
    """Read the transfer syntax; without file meta the data set was read as little endian, uncompressed."""
    meta = getattr(ds, "file_meta", None)
    syntax = UID(str(meta.get("TransferSyntaxUID", ""))) if meta is not None else UID("")
    if not syntax:
        return ExplicitVRLittleEndian
    if syntax.is_private or not syntax.is_transfer_syntax:
        raise UnreadableImage(Text("the transfer syntax is not known", "die Transfersyntax ist unbekannt"))
    return syntax


def _decompressed(ds: Dataset, index: int, shape: tuple[int, int], syntax: UID) -> Stored:
    """Decode one frame in a process apart, once its header is found to agree with that of the object."""
    allocated = _allocated(ds)
    frame = _fragments(ds, index)
    if len(frame) > _MARGIN + MOST_GROWTH * shape[0] * shape[1] * allocated // 8:
        raise UnreadableImage(
            Text(
                "the compressed pixels are larger than the image",
                "die komprimierten Pixel sind größer als das Bild",
            )
        )
    said = Codestream("rle", *shape, allocated) if syntax == RLELossless else read_codestream(frame)
    if (said.rows, said.columns) != shape or said.precision > allocated:
        raise UnreadableImage(
            Text(
                "the pixels do not have the announced matrix", "die Pixel haben nicht die angekündigte Matrix"
            )
        )
    words = np.frombuffer(_decode(frame, said), f"<u{container(said.precision)}").reshape(shape)
    return _bits(ds, words.astype(np.int64), allocated, given=said.precision)


def _fragments(ds: Dataset, index: int) -> bytes:
    """Put the fragments of one frame together (PS3.5 section A.4)."""
    offsets = (ds.get("ExtendedOffsetTable"), ds.get("ExtendedOffsetTableLengths"))
    try:
        return get_frame(
            ds["PixelData"].value,
            index,
            number_of_frames=integer(ds, "NumberOfFrames") or 1,
            extended_offsets=offsets if all(offsets) else None,
        )
    except BROKEN as error:
        raise UnreadableImage(
            Text(
                "the fragments of the compressed pixels do not hold together",
                "die Fragmente der komprimierten Pixel passen nicht zusammen",
            )
        ) from error


def _native(ds: Dataset, index: int, shape: tuple[int, int], *, big_endian: bool) -> Stored:
    """Cut one frame out of uncompressed pixels and read its bits (PS3.5 section 8.1)."""
    allocated = _allocated(ds)
    count = shape[0] * shape[1]
    length = count * allocated // 8
    data = ds["PixelData"].value
    if not isinstance(data, bytes | bytearray | memoryview) or len(data) < (index + 1) * length:
        raise UnreadableImage(
            Text("the pixels are shorter than announced", "es sind weniger Pixel als angekündigt")
        )
    if big_endian and allocated == 8:  # written as OW: the bytes stand in swapped pairs
        data = np.frombuffer(data, "<u2", len(data) // 2).byteswap().tobytes()
    order = ">" if big_endian and allocated > 8 else "<"
    words = np.frombuffer(data, f"{order}u{allocated // 8}", count, index * length).reshape(shape)
    return _bits(ds, words.astype(np.int64), allocated, given=allocated)


def _allocated(ds: Dataset) -> int:
    allocated = integer(ds, "BitsAllocated") or 0
    if allocated not in (8, 16, 32):
        raise UnreadableImage(
            Text(
                "the number of bits allocated is not supported",
                "diese Zahl zugewiesener Bits wird nicht unterstützt",
            )
        )
    return allocated


def _bits(ds: Dataset, words: Stored, allocated: int, *, given: int) -> Stored:
    """Take the stored bits out of the given ones (overlays once lay beside them) and their sign.

    A codec may give no more bits than those stored: then they are the lowest, wherever they lie when native.
    """
    stored = integer(ds, "BitsStored") or allocated
    high = integer(ds, "HighBit")
    shift = (stored - 1 if high is None else high) + 1 - stored
    if not 1 <= stored <= allocated or not 0 <= shift <= allocated - stored:
        raise UnreadableImage(
            Text(
                "bits stored and high bit do not fit the bits allocated",
                "gespeicherte Bits und höchstes Bit passen nicht zu den zugewiesenen",
            )
        )
    values = (words >> (shift if given > stored else 0)) & ((1 << stored) - 1)
    if ds.get("PixelRepresentation") == 1:
        sign = 1 << (stored - 1)
        values = (values ^ sign) - sign
    return values
