"""Are the pixels what the header says? Checked before anybody decodes them; the door itself never does.

Overlays that lie in the unused bits of the pixels are cleared.
"""

import numpy as np

from dicom_scp.elements import PIXEL_DATA, encode
from dicom_scp.encapsulated import Matrix, checked_encapsulated
from dicom_scp.errors import Mismatch, NotUnderstood, Skipped
from dicom_scp.header import Header
from dicom_scp.transfer_syntaxes import ENCAPSULATED

_SAMPLES, _PHOTOMETRIC, _FRAMES = 0x00280002, 0x00280004, 0x00280008
_ROWS, _COLUMNS, _ALLOCATED = 0x00280010, 0x00280011, 0x00280100
_MOST_SIDE, _MOST_PIXELS = 16_384, 64 * 2**20  # of one frame
_MOST_FRAMES = 20_000
_STORED, _HIGH_BIT, _SIGNED = 0x00280101, 0x00280102, 0x00280103
_OVERLAY_BIT_POSITIONS = tuple(group << 16 | 0x0102 for group in range(0x6000, 0x6100, 2))


def checked_pixels(header: Header, transfer_syntax: str) -> list[bytes | memoryview]:
    """Give the encoded pixel data element, in parts, without what follows the last pixel.

    Raises Mismatch where there are none, Skipped for colour, NotUnderstood where they are not what they say.
    """
    pixels = header.elements.get(PIXEL_DATA)
    if pixels is None:
        raise Mismatch("there is no pixel data")
    matrix = _announced(header)
    if transfer_syntax in ENCAPSULATED:
        if _has_overlay_bits(header):
            raise Skipped("an overlay lies in compressed pixels")
        return checked_encapsulated(header, pixels, transfer_syntax, matrix)
    size = matrix.rows * matrix.columns * matrix.frames * matrix.planes
    if pixels.undefined:
        raise NotUnderstood("the pixel data are in fragments although they are not compressed")
    if pixels.end - pixels.start < size:
        raise NotUnderstood("the pixel data are shorter than the image")
    value: bytes | memoryview = memoryview(header.walker.buffer)[pixels.start : pixels.start + size]
    if _has_overlay_bits(header):
        value = _without_unused_bits(header, value)
    return [
        encode(PIXEL_DATA, b"OW", b"")[:8] + (size + size % 2).to_bytes(4, "little"),
        value,
        b"\0" * (size % 2),
    ]


def _announced(header: Header) -> Matrix:
    """Read how large the image is. Raises Skipped for colour, NotUnderstood for a size that no image has."""

    def number(tag: int, vr: bytes, default: int | None) -> int:
        found = header.integer(tag, vr) if header.raw(tag) else default
        if found is None:
            raise NotUnderstood("the size of the image is not given")
        return found

    rows, columns = number(_ROWS, b"US", None), number(_COLUMNS, b"US", None)
    frames, samples = number(_FRAMES, b"IS", 1), number(_SAMPLES, b"US", 1)
    allocated = number(_ALLOCATED, b"US", None)
    if samples != 1 or not (header.text(_PHOTOMETRIC) or "MONOCHROME").startswith("MONOCHROME"):
        raise Skipped("a colour image")
    if not (0 < rows <= _MOST_SIDE and 0 < columns <= _MOST_SIDE and 0 < frames <= _MOST_FRAMES):
        raise NotUnderstood("no image has this size")
    if rows * columns > _MOST_PIXELS:
        raise NotUnderstood("no image has this size")
    if allocated not in {8, 16, 32}:
        raise NotUnderstood("no MR image has pixels of this size")
    return Matrix(frames, rows, columns, allocated // 8)


def _has_overlay_bits(header: Header) -> bool:
    """Tell whether an overlay lies in bits of the pixels, as it once could (PS3.5-2004, 8.1.2, retired)."""
    return any(header.integer(tag, b"US") for tag in _OVERLAY_BIT_POSITIONS if tag in header.elements)


def _without_unused_bits(header: Header, value: bytes | memoryview) -> bytes:
    """Clear the bits that are not of the pixel's value, its sign extended. Raises NotUnderstood."""
    allocated = header.integer(_ALLOCATED, b"US") or 0
    stored = header.integer(_STORED, b"US") or allocated
    high = header.integer(_HIGH_BIT, b"US") if header.raw(_HIGH_BIT) else stored - 1
    if high is None or not 0 < stored <= high + 1 <= allocated:
        raise NotUnderstood("the bits of a pixel do not fit together")
    kind = "i" if header.integer(_SIGNED, b"US") == 1 else "u"
    pixels = np.frombuffer(value, f"<{kind}{allocated // 8}")
    pixels = (pixels << (allocated - 1 - high)) >> (allocated - stored)
    return (pixels << (high + 1 - stored)).tobytes()
