"""The slices with what was found drawn over them, frame by frame: for viewers that show pictures and nothing else.

No patient identity is drawn, nor any text of the source's header.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import JPEGBaseline8Bit

from inference import CATALOGUE
from service.forms import Frames
from service.report.canvas import Type, fitted, width_of, write
from service.report.objects import DISCLAIMER, OVERLAY, frame_reference, new_object, set_picture, set_side
from service.report.picture import Rgb, draw_masks, picture, rgb
from service.report.result import Result, ScoredSlice

Look = Callable[
    [int], NDArray[np.float32] | None
]  # the pixels of the n-th scored slice, where they can be had

SIDE = 512  # px
CAPTION = 26  # height of the strip below the picture
MOST_FRAMES = 64  # the worst ones
QUALITY = 90  # of JPEG
_SMALL = Type(12, 500)


def build_overlay(result: Result, look: Look, frames: Frames = "jpeg") -> Dataset | None:
    """Build the overlay as a multi-frame secondary capture; None where nothing is found or nothing can be seen.

    Args:
        result: what to show.
        look: gives pixels, of one slice at a time.
        frames: ``native``, without compression, is another object, under another name.

    """
    drawn: list[ScoredSlice] = []
    encoded: list[bytes] = []
    for scored, image in _pictures(result, look):
        drawn.append(scored)
        encoded.append(_jpeg(image) if frames == "jpeg" else image.tobytes())
    if not drawn:
        return None
    out = new_object(result, OVERLAY if frames == "jpeg" else replace(OVERLAY, name="overlay native"))
    set_side(result.source.header, out)
    out.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    out.ConversionType = "SYN"
    out.PatientOrientation = None
    out.BurnedInAnnotation = "NO"
    out.DerivationDescription = DISCLAIMER
    out.SourceImageSequence = [frame_reference(result.instance(one), one.frame) for one in drawn]
    out.NumberOfFrames = len(drawn)
    if len(drawn) > 1:
        out.FrameIncrementPointer = Tag("PageNumberVector")
        out.PageNumberVector = list(range(1, len(drawn) + 1))
    set_picture(out, (SIDE + CAPTION, SIDE, 3))
    if frames == "jpeg":
        _compressed(out, encoded)
    else:
        out.LossyImageCompression = "00"
        out.add_new(Tag("PixelData"), "OB", b"".join(encoded))
    return out


def _compressed(out: Dataset, frames: list[bytes]) -> None:
    """Say what was lost (PS3.3 C.7.6.1.1.5), and hold the frames one by one (PS3.5 A.4)."""
    out.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    out.PhotometricInterpretation = "YBR_FULL_422"
    whole = (SIDE + CAPTION) * SIDE * 3 * len(frames)
    out.LossyImageCompression = "01"
    out.LossyImageCompressionRatio = f"{whole / sum(map(len, frames)):.2f}"
    out.LossyImageCompressionMethod = "ISO_10918_1"
    out.add_new(Tag("PixelData"), "OB", encapsulate(frames))
    out["PixelData"].is_undefined_length = True


def _pictures(result: Result, look: Look) -> Iterator[tuple[ScoredSlice, Rgb]]:
    """Draw the slices that show something, the worst ones where they are many, in the order of the series."""
    shown = [n for n, scored in enumerate(result.slices) if result.found_on(scored)]
    worst = sorted(shown, key=lambda n: result.slices[n].score.index)[:MOST_FRAMES]
    for n in sorted(worst):
        pixels = look(n)
        if pixels is not None:
            yield result.slices[n], draw_slice(result, result.slices[n], pixels)


def draw_slice(result: Result, scored: ScoredSlice, pixels: NDArray[np.float32]) -> Rgb:
    """Draw one slice with what was found on it, and the names of that below, (538, 512, 3)."""
    image = np.zeros((SIDE + CAPTION, SIDE, 3), np.uint8)
    drawn = picture(pixels, result.instance(scored).spacing, SIDE)
    found = {finding.artifact for finding in result.found_on(scored)}
    if scored.masks is not None:
        draw_masks(drawn, scored.masks, sorted(found))
    height, width = drawn.shape[:2]
    y, x = (SIDE - height) // 2, (SIDE - width) // 2
    image[y : y + height, x : x + width] = drawn
    _caption(image, _number(result, scored), found)
    return image


def _number(result: Result, scored: ScoredSlice) -> str:
    if result.instance(scored).is_multi_frame:
        return f"Frame {scored.frame}"
    tile = f", tile {scored.tile}" if scored.tile else ""
    return f"Image {result.instance(scored).instance_number}{tile}"


def _caption(image: Rgb, number: str, found: set[str]) -> None:
    """Name the slice and, each in its colour, what is outlined."""
    baseline, left = SIDE + CAPTION - 9, 8
    write(image, number, (left, baseline), _SMALL)
    left += width_of(number, _SMALL) + 16
    for artifact in CATALOGUE:
        room = SIDE - 8 - left
        if artifact.name in found and room > 60:
            cv2.circle(image, (left + 4, baseline - 4), 4, rgb(artifact.colour), -1, cv2.LINE_AA)
            title = fitted(artifact.title, _SMALL, room - 14)
            write(image, title, (left + 14, baseline), _SMALL)
            left += width_of(title, _SMALL) + 28


def _jpeg(image: Rgb) -> bytes:
    """Compress a frame: baseline, colours at half the width, as PS3.3 C.7.6.3.1.2 says of YBR_FULL_422."""
    settings = (
        *(cv2.IMWRITE_JPEG_QUALITY, QUALITY),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422),
    )
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings)
    return bytes(encoded.tobytes())
