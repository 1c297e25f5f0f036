"""Type and shapes on a picture: what the card is drawn with."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from service.report.picture import Colour, Rgb

Point = tuple[int, int]  # x, y in px


@dataclass(frozen=True, slots=True)
class Type:
    """A size and weight of the built-in sans serif."""

    size: int  # px
    weight: int = 400  # 100..900
    colour: Colour = (245, 247, 250)


@lru_cache(maxsize=1)
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")


def width_of(text: str, style: Type) -> int:
    """Width of a line in px."""
    return int(cv2.getTextSize((0, 0), text, (0, 0), _font(), style.size, style.weight)[2])


def write(image: Rgb, text: str, at: Point, style: Type) -> None:
    """Write a line whose baseline begins at `at`."""
    cv2.putText(image, text, at, style.colour, _font(), style.size, style.weight)


def write_right(image: Rgb, text: str, at: Point, style: Type) -> None:
    """Write a line whose baseline ends at `at`."""
    write(image, text, (at[0] - width_of(text, style), at[1]), style)


def write_centred(image: Rgb, text: str, at: Point, style: Type) -> None:
    """Write a line around `at`, horizontally."""
    write(image, text, (at[0] - width_of(text, style) // 2, at[1]), style)


def fitted(text: str, style: Type, width: int) -> str:
    """`text`, shortened with an ellipsis where it is wider than `width` px."""
    if width_of(text, style) <= width:
        return text
    while text and width_of(text + "…", style) > width:
        text = text[:-1]
    return text.rstrip(" ,;.-") + "…"


def wrapped(text: str, style: Type, width: int) -> list[str]:
    """`text` in lines of at most `width` px, broken between words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, style) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [fitted(line, style, width) for line in lines]


def fill(image: Rgb, left_top: Point, right_bottom: Point, colour: Colour) -> None:
    """Fill a rectangle; the right and bottom edge are not part of it."""
    image[left_top[1] : right_bottom[1], left_top[0] : right_bottom[0]] = colour


def rounded_bar(image: Rgb, left: Point, length: int, *, thickness: int, colour: Colour) -> None:
    """Draw a horizontal bar with round ends; `left` is the middle of its left end."""
    radius = thickness / 2
    ends = (left[0] + radius, left[0] + max(length, thickness) - radius)
    start, stop = ((round(x * 16), left[1] * 16) for x in ends)
    cv2.line(image, start, stop, colour, thickness, cv2.LINE_AA, 4)


def ring(image: Rgb, centre: Point, radius: int, share: float, *, colours: tuple[Colour, Colour]) -> None:
    """Draw a gauge from twelve o'clock; `colours` are of its track and of the `share` (0..1) done."""
    for until, colour in ((1.0, colours[0]), (share, colours[1])):
        if until > 0:
            points = np.array(
                cv2.ellipse2Poly(centre, (radius, radius), -90, 0, max(1, round(360 * until)), 2), np.int32
            )
            cv2.polylines(image, [points], until >= 1, colour, 6, cv2.LINE_AA)


def blend(image: Rgb, left_top: Point, right_bottom: Point, colour: Colour, opacity: float) -> None:
    """Tint a rectangle."""
    part = image[left_top[1] : right_bottom[1], left_top[0] : right_bottom[0]]
    tint = np.array(colour, np.float32) * opacity
    part[:] = (part * (1 - opacity) + tint).astype(np.uint8)
