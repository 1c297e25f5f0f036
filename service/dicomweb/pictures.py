"""Frames of results: as they are stored, and rendered for browsers (PS3.18, 8.7.4 and 10.4.1.1)."""

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from service.dicomweb.media import OCTET_STREAM

JPEG, PNG = "image/jpeg", "image/png"
ENCODED_AS = {  # PS3.18, table 8.7.3-5
    JPEGBaseline8Bit: JPEG,
    JPEGLSLossless: "image/jls",
    JPEG2000Lossless: "image/jp2",
    JPEG2000: "image/jp2",
    RLELossless: "image/dicom-rle",
}
QUALITY = 90
LARGEST_SIDE = 4096  # px


class NoPicture(ValueError):
    """The object has no such frame, or none that can be shown."""


def frame_count(dataset: Dataset) -> int:
    """Count the frames; 0 where the object has no pixels."""
    return int(dataset.get("NumberOfFrames") or 1) if "PixelData" in dataset else 0


def media_type_of(dataset: Dataset) -> str:
    """Give the media type in which frames are stored."""
    return ENCODED_AS.get(dataset.file_meta.TransferSyntaxUID, OCTET_STREAM)


def stored_frame(dataset: Dataset, number: int) -> bytes:
    """Give a frame (counted from 1) as it is stored. Raises NoPicture."""
    frames = frame_count(dataset)
    if not 1 <= number <= frames:
        raise NoPicture(NoPicture.__doc__)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return get_frame(dataset.PixelData, number - 1, number_of_frames=frames)
    size = int(dataset.Rows) * int(dataset.Columns) * int(dataset.SamplesPerPixel)
    if (
        dataset.BitsAllocated == 1
    ):  # frames follow each other without a gap; one that leaves begins with a byte
        first = (number - 1) * size
        packed = np.frombuffer(dataset.PixelData, np.uint8)[first // 8 : (first + size + 7) // 8]
        bits = np.unpackbits(packed, bitorder="little")[first % 8 : first % 8 + size]
        return np.packbits(bits, bitorder="little").tobytes()
    size *= int(dataset.BitsAllocated) // 8
    return bytes(dataset.PixelData[(number - 1) * size : number * size])


def plain_frame(dataset: Dataset, number: int) -> bytes:
    """Give a frame (counted from 1) uncompressed. Raises NoPicture."""
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return stored_frame(dataset, number)
    return _pixels(dataset, number).tobytes()


def rendered_frame(
    dataset: Dataset,
    number: int,
    media_type: str,
    *,
    quality: int = QUALITY,
    viewport: tuple[int, int] | None = None,
) -> bytes:
    """Draw a frame (counted from 1) as JPEG or PNG.

    Args:
        dataset: a result with 1 or 8 bits a sample.
        number: of the frame.
        media_type: JPEG or PNG.
        quality: of a JPEG, 1 to 100.
        viewport: width and height in px into which the picture is fitted.

    Raises:
        NoPicture: there is no such frame, or it has more bits.

    """
    pixels = _pixels(dataset, number)
    if pixels.dtype != np.uint8:
        raise NoPicture(NoPicture.__doc__)
    if dataset.BitsAllocated == 1:
        pixels = pixels * np.uint8(255)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        pixels = np.uint8(255) - pixels
    if viewport is not None:
        pixels = _fitted(pixels, viewport)
    if pixels.ndim == 3:
        pixels = pixels[..., ::-1]  # OpenCV writes blue first
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if media_type == JPEG else []
    _, encoded = cv2.imencode(".jpg" if media_type == JPEG else ".png", np.ascontiguousarray(pixels), options)
    return bytes(encoded)


def _pixels(dataset: Dataset, number: int) -> NDArray[np.uint8]:
    """Decode a frame: (rows, columns) or (rows, columns, 3) in RGB."""
    if not 1 <= number <= frame_count(dataset):
        raise NoPicture(NoPicture.__doc__)
    if dataset.BitsAllocated == 1:
        size = int(dataset.Rows) * int(dataset.Columns)
        packed = np.frombuffer(stored_frame(dataset, number), np.uint8)
        return np.unpackbits(packed, count=size, bitorder="little").reshape(dataset.Rows, dataset.Columns)
    return np.asarray(pixel_array(dataset, index=number - 1))


def _fitted(pixels: NDArray[np.uint8], viewport: tuple[int, int]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = min(viewport[0] / width, viewport[1] / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)
