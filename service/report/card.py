"""The "AI QC card": one picture that says the verdict, why, and what to do; for consoles and old archives.

No patient identity is drawn, nor any text of the source's header.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from inference import CATALOGUE, SeriesFinding
from service.report.canvas import (
    Type,
    blend,
    fill,
    fitted,
    ring,
    rounded_bar,
    width_of,
    wrapped,
    write,
    write_centred,
    write_right,
)
from service.report.codes import severity_code
from service.report.objects import CARD, DISCLAIMER, frame_reference, new_object, set_picture, set_side
from service.report.picture import Colour, Rgb, draw_masks, picture, rgb
from service.report.result import Result

SIZE = 512
MARGIN = 20
HEADER = 92  # height of the verdict's band
PICTURE = (MARGIN, 108, 280)  # left, top, side
FINDINGS = 320  # left edge of their list
ADVICE = 398  # top of the panel
ADVICE_SIZES = (15, 14, 13)  # px
FOOTER = 496
MOST_FINDINGS = 5

INK: Colour = (14, 18, 24)
PANEL: Colour = (27, 33, 42)
TRACK: Colour = (44, 53, 66)
WHITE: Colour = (243, 246, 250)
GREY: Colour = (148, 159, 173)
BANDS: dict[str, tuple[Colour, Colour]] = {  # verdict: band, text on it
    "Check": ((230, 159, 0), (30, 20, 0)),
    "Repeat": ((205, 84, 0), (255, 255, 255)),
}
HEADLINES = {
    "Check": "Look at the images before you go on",
    "Repeat": "Repeat before the patient leaves the table",
}
_TITLES = {artifact.name: artifact.title for artifact in CATALOGUE}
_COLOURS = {artifact.name: rgb(artifact.colour) for artifact in CATALOGUE}


def build_card(result: Result, *, monochrome: bool = False) -> Dataset | None:
    """Build the card as a secondary capture; None where the series is usable or not scored.

    Args:
        result: what to show.
        monochrome: one grey sample a pixel, for consoles that take no colour.

    """
    if not result.is_scored or result.verdict not in BANDS:
        return None
    image = draw_card(result)
    out = new_object(result, replace(CARD, name="card monochrome") if monochrome else CARD)
    set_side(result.source.header, out)
    out.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    out.ConversionType = "SYN"
    out.PatientOrientation = None
    out.BurnedInAnnotation = "NO"
    out.DerivationDescription = DISCLAIMER
    out.LossyImageCompression = "00"
    if result.worst is not None:
        out.SourceImageSequence = [frame_reference(result.instance(result.worst), result.worst.frame)]
    pixels = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)) if monochrome else image
    set_picture(out, pixels.shape)
    out.add_new(Tag("PixelData"), "OB", pixels.tobytes())
    return out


def draw_card(result: Result) -> Rgb:
    """Draw the card, (512, 512, 3)."""
    image = np.full((SIZE, SIZE, 3), INK, np.uint8)
    _band(image, result)
    _slice(image, result)
    _findings(image, result)
    _advice(image, result)
    write(image, DISCLAIMER, (MARGIN, FOOTER), Type(11, 400, GREY))
    made_by = f"Scanside {result.product.version}"
    write_right(image, made_by, (SIZE - MARGIN, FOOTER), Type(11, 400, GREY))
    return image


def _band(image: Rgb, result: Result) -> None:
    """Draw the verdict, what it asks for, and the index as a gauge."""
    band, ink = BANDS[result.verdict]
    fill(image, (0, 0), (SIZE, HEADER), band)
    write(image, result.verdict.upper(), (MARGIN, 50), Type(38, 700, ink))
    write(image, HEADLINES[result.verdict], (MARGIN, 75), Type(15, 400, ink))
    index = result.quality.index
    if index is None:
        return
    centre = (SIZE - MARGIN - 31, HEADER // 2)
    track = tuple(round(0.72 * part) for part in band)
    ring(image, centre, 30, index / 10, colours=((track[0], track[1], track[2]), ink))
    write_centred(image, f"{index:.1f}", (centre[0] - 1, centre[1] + 4), Type(21, 700, ink))
    write_centred(image, "of 10", (centre[0], centre[1] + 17), Type(10, 500, ink))


def _slice(image: Rgb, result: Result) -> None:
    """Draw the worst slice with what was found on it."""
    left, top, side = PICTURE
    fill(image, (left, top), (left + side, top + side), (0, 0, 0))
    worst = result.worst
    if worst is None or result.picture is None:
        write_centred(image, "no picture", (left + side // 2, top + side // 2), Type(13, 400, GREY))
        return
    drawn = picture(result.picture, result.instance(worst).spacing, side)
    if worst.masks is not None:
        draw_masks(drawn, worst.masks, [finding.artifact for finding in result.found_on(worst)])
    height, width = drawn.shape[:2]
    y, x = top + (side - height) // 2, left + (side - width) // 2
    image[y : y + height, x : x + width] = drawn
    caption = f"Worst of {len(result.slices)}: image {worst.score.instance_number}"
    if result.instance(worst).is_multi_frame:
        caption = f"Worst of {len(result.slices)}: frame {worst.frame}"
    elif worst.tile:
        caption = f"{caption}, tile {worst.tile}"
    style = Type(12, 500, WHITE)
    corner = (left + width_of(caption, style) + 16, top + side)
    blend(image, (left, top + side - 22), corner, INK, 0.72)
    write(image, caption, (left + 8, top + side - 7), style)


def _findings(image: Rgb, result: Result) -> None:
    """List the classes present, gravest first: colour, name, severity and certainty."""
    left, top = FINDINGS, PICTURE[1]
    present = sorted(
        (finding for finding in result.quality.findings if finding.present),
        key=lambda finding: (-finding.severity, -finding.probability),
    )
    write(image, "FOUND", (left, top + 11), Type(11, 600, GREY))
    if not present:
        write(image, "No single artifact", (left, top + 38), Type(15, 500, WHITE))
        return
    for place, finding in enumerate(present[:MOST_FINDINGS]):
        _finding(image, finding, top + 38 + 50 * place, len(finding.slices))
    if len(present) > MOST_FINDINGS:
        more = f"and {len(present) - MOST_FINDINGS} more"
        write(image, more, (left, top + 38 + 50 * MOST_FINDINGS - 4), Type(12, 400, GREY))


def _finding(image: Rgb, finding: SeriesFinding, baseline: int, slices: int) -> None:
    left, width = FINDINGS, SIZE - MARGIN - FINDINGS
    colour = _COLOURS[finding.artifact]
    cv2.circle(image, (left + 5, baseline - 5), 5, colour, -1, cv2.LINE_AA)
    title = _TITLES[finding.artifact]
    sizes = (Type(size, 500, WHITE) for size in (15, 14, 13))
    name = next((style for style in sizes if width_of(title, style) <= width - 18), Type(12, 500, WHITE))
    write(image, fitted(title, name, width - 18), (left + 18, baseline), name)
    detail = f"{severity_code(finding.severity).meaning.lower()}, {slices} slice{'s' * (slices != 1)}"
    write(image, detail, (left + 18, baseline + 16), Type(11, 400, GREY))
    write_right(image, f"{finding.probability:.0%}", (left + width, baseline + 16), Type(11, 500, WHITE))
    bar = (left + 18, baseline + 24)
    rounded_bar(image, bar, width - 18, thickness=4, colour=TRACK)
    rounded_bar(image, bar, round((width - 18) * finding.severity), thickness=4, colour=colour)


def _advice(image: Rgb, result: Result) -> None:
    """Say what to do: as many pieces as fit, the first one in any case, in the largest type that holds them."""
    left, top, bottom = MARGIN + 16, ADVICE, FOOTER - 16
    fill(image, (0, top), (SIZE, bottom), PANEL)
    style, lines = _fitting_lines(result.advice or (result.reason,), SIZE - MARGIN - left, bottom - top)
    for place, (line, begins) in enumerate(lines):
        baseline = top + 22 + _step(style.size) * place
        if begins:
            cv2.circle(image, (MARGIN + 4, baseline - 5), 3, BANDS[result.verdict][0], -1, cv2.LINE_AA)
        write(image, line, (left, baseline), style)


def _fitting_lines(advice: Sequence[str], width: int, height: int) -> tuple[Type, list[tuple[str, bool]]]:
    """Break advice into lines, each with whether a piece begins there; what never fits is cut."""
    styles = [Type(size, 400, WHITE) for size in ADVICE_SIZES]
    for pieces in range(len(advice), 0, -1):
        for style in styles:
            lines = _lines(advice[:pieces], style, width)
            if len(lines) <= _room(style.size, height):
                return style, lines
    smallest = styles[-1]
    lines = _lines(advice[:1], smallest, width)[: _room(smallest.size, height)]
    return smallest, [*lines[:-1], (fitted(f"{lines[-1][0]} …", smallest, width), lines[-1][1])]


def _lines(advice: Iterable[str], style: Type, width: int) -> list[tuple[str, bool]]:
    return [(line, n == 0) for piece in advice for n, line in enumerate(wrapped(piece, style, width))]


def _step(size: int) -> int:
    return round(1.45 * size)


def _room(size: int, height: int) -> int:
    """Count the lines of a size that the panel holds."""
    return (height - 16) // _step(size)
