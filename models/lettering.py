"""Text as people burn it into images, and patterns that are no text: the text detector is made with them."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.fields import Rng, uniform
from models.visibility import Image

FONT_FOLDERS = (Path("/usr/share/fonts/truetype"), Path("/usr/share/fonts/opentype"))
HERSHEY = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_COMPLEX_SMALL,
)  # fmt: skip
HERSHEY_EM = 32.0  # px of the simplex font at scale 1, descenders included
SMALLEST, LARGEST = 8, 32  # px of the em: capitals are seven tenths of it
LEAST_CONTRAST = 0.3  # of the window, between text and what lies under it: fainter text cannot be read
LEAST_SHOWN = 0.9  # of a line's box: where less of it stands out, the line cannot be read
STYLES = ("bright", "dark", "outlined", "boxed", "saturated")

_NAMES = (
    "SMITH MUELLER Garcia Nguyen KOWALSKI Okafor DUBOIS Rossi ANDERSSON Tanaka Ivanova PATEL Silva HANSEN Kim "
    "Haddad Novak LEFEVRE Jansen Papadopoulos ANNA JOHN Maria PETER Lucia Ahmed Wei INGRID Tomas FATIMA Jose "
    "Olga"
)
_PLACES = (
    "City Hospital",
    "ST. MARY",
    "Univ. Klinikum",
    "MRI CENTER",
    "Radiologie Nord",
    "General Infirmary",
)
_LEADS = ("ID", "DOB", "Name:", "Pat.", "Acc", "Date", "Study", "Dr.", "PID:", "M", "F", "Born")

Alpha = NDArray[np.float32]  # (rows, columns), 0..1: how much of a pixel is text


@dataclass(frozen=True, slots=True, eq=False)
class Lettering:
    """A slice with text, and where the text is."""

    image: Image
    text: NDArray[np.bool_]  # (rows, columns): the boxes of the lines
    style: str
    size: int  # px of the em
    font: str


@lru_cache(maxsize=1)
def fonts() -> tuple[str, ...]:
    """Give the fonts of this machine that write Latin letters, then those of OpenCV; sorted by name."""
    found = [path for folder in FONT_FOLDERS for path in sorted(folder.rglob("*.[to]tf")) if _is_latin(path)]
    return (*map(str, found), *(f"hershey {number}" for number in HERSHEY))


def phrase(rng: Rng) -> str:
    """Make up what stands on images: a name, a date, a number, a place."""
    surname, given = rng.choice(_NAMES.split(), 2)
    name = f"{surname}{rng.choice([', ', '^', ' '])}{given}"
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1925, 2026))
    date = str(
        rng.choice(
            [
                f"{day:02d}/{month:02d}/{year}",
                f"{year}-{month:02d}-{day:02d}",
                f"{day:02d}.{month:02d}.{year}",
            ]
        )
    )
    number = "".join(str(rng.integers(10)) for _ in range(int(rng.integers(5, 10))))
    time = f"{rng.integers(24):02d}:{rng.integers(60):02d}:{rng.integers(60):02d}"
    core = str(rng.choice([name, name, date, number, time, str(rng.choice(_PLACES))]))
    if rng.random() < 0.35:
        core = f"{rng.choice(_LEADS)} {core}"
    return core.upper() if rng.random() < 0.3 else core


def written(text: str, font: str, size: int, *, bold: bool = False, smooth: bool = True) -> Alpha:
    """Draw one line of text, cut to its box."""
    room = np.zeros((3 * size + 8, (len(text) + 4) * size + 8), np.uint8)
    if font.startswith("hershey"):
        scale, face = size / HERSHEY_EM, int(font.split()[1])
        scale *= 1.6 if face in {cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_COMPLEX_SMALL} else 1.0
        thick = max(1, round(size / 14)) + int(bold)
        line = cv2.LINE_AA if smooth else cv2.LINE_8
        cv2.putText(room, text, (size, 2 * size), face, scale, 255, thick, line)
    else:
        cv2.putText(room, text, (size, 2 * size), (255, 0, 0), _face(font), size, 700 if bold else 400)
        if not smooth:
            room = np.asarray((room > 100) * np.uint8(255), np.uint8)
    rows, columns = np.flatnonzero(room.max(1)), np.flatnonzero(room.max(0))
    if not rows.size:
        raise ValueError("this font draws nothing of this text")
    box = room[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(box / np.float32(255), np.float32)


def lettered(rng: Rng, image: Image, *, font: str, size: int, style: str, corner: bool) -> Lettering | None:
    """Burn one to three lines into a slice; None where no readable line fits."""
    out, text = image.copy(), np.zeros(image.shape, bool)
    low, high = (float(value) for value in np.percentile(image, (1, 99.5)))
    bold, smooth, turned = rng.random() < 0.3, rng.random() < 0.65, rng.random() < 0.1
    for _ in range(12):
        line = written(phrase(rng), font, size, bold=bold, smooth=smooth)
        line = np.ascontiguousarray(np.rot90(line)) if turned else line
        place = _place(rng, out, text, line, corner=corner)
        if place is None:
            continue
        if _burn(rng, out, line, place, style=style, window=(low, max(high, low + 1e-3))):
            top, left = place
            text[top : top + line.shape[0], left : left + line.shape[1]] = True
        if text.any() and rng.random() < 0.5:
            break
    return Lettering(out, text, style, size, font) if text.any() else None


def _place(
    rng: Rng, image: Image, taken: NDArray[np.bool_], line: Alpha, *, corner: bool
) -> tuple[int, int] | None:
    spare = image.shape[0] - line.shape[0] - 4, image.shape[1] - line.shape[1] - 4
    if min(spare) < 1:
        return None
    if corner:
        margin = int(rng.integers(2, 9))
        top = int(rng.choice([margin, spare[0] - margin, margin + 2 * line.shape[0]]))
        left = int(rng.choice([margin, spare[1] - margin]))
    else:
        top, left = (int(rng.integers(spare[axis] // 5, spare[axis] * 4 // 5 + 1)) for axis in (0, 1))
    top, left = min(max(top, 1), spare[0]), min(max(left, 1), spare[1])
    return None if taken[top : top + line.shape[0], left : left + line.shape[1]].any() else (top, left)


def _burn(
    rng: Rng, image: Image, line: Alpha, place: tuple[int, int], *, style: str, window: tuple[float, float]
) -> bool:
    """Write a line into the image; False, and nothing done, where it could not be read there."""
    low, high = window
    pad = 2
    top, left = max(place[0] - pad, 0), max(place[1] - pad, 0)
    alpha = np.pad(line, pad)
    part = image[top : top + alpha.shape[0], left : left + alpha.shape[1]]
    alpha = alpha[: part.shape[0], : part.shape[1]]
    value = {
        "bright": low + (high - low) * uniform(rng, 0.85, 1.3),
        "outlined": high,
        "boxed": high,
        "saturated": low + (high - low) * uniform(rng, 1.5, 12.0),
        "dark": low,
    }[style]
    under = part
    if style == "outlined":
        rim = np.asarray(cv2.dilate(alpha, np.ones((3, 3), np.uint8)))
        under = part * (1 - rim) + low * rim
    elif style == "boxed":
        ground, value = (low, high) if rng.random() < 0.6 else (high, low)
        under = np.full_like(part, ground)
    shown = np.abs(min(max(value, low), high) - np.clip(under, low, high)) >= LEAST_CONTRAST * (high - low)
    if style != "outlined" and float(shown.mean()) < LEAST_SHOWN:
        return False
    part[:] = under * (1 - alpha) + value * alpha
    return True


def pattern(rng: Rng, rows: int, columns: int) -> Image:
    """Draw what is on test objects and on odd images, and is no text: grids, bars, dots, rings, ticks; 0..1."""
    image = np.zeros((rows, columns), np.float32)
    top, left = int(rng.integers(rows // 2)), int(rng.integers(columns // 2))
    tall, wide = (
        int(rng.integers(rows // 8, rows // 2 + 1)),
        int(rng.integers(columns // 8, columns // 2 + 1)),
    )
    room = image[top : top + tall, left : left + wide]
    draw = (_grid, _bars, _dots, _rings, _ticks, _strokes)[int(rng.integers(6))]
    draw(rng, room, int(rng.integers(4, 24)), int(rng.integers(1, 4)))
    return image


def _grid(_rng: Rng, room: Image, step: int, thick: int) -> None:
    lines = np.zeros_like(room)
    lines[::step] = 1
    lines[:, ::step] = 1
    room[:] = cv2.dilate(lines, np.ones((thick, thick), np.uint8))


def _bars(_rng: Rng, room: Image, step: int, _thick: int) -> None:
    for start in range(0, room.shape[1], step):
        room[:, start : start + step // 2] = 1


def _dots(_rng: Rng, room: Image, step: int, _thick: int) -> None:
    disc = np.zeros((step, step), np.float32)
    cv2.circle(disc, (step // 2, step // 2), max(1, step // 4), 1.0, -1)
    tiles = [-(-side // step) for side in room.shape]
    room[:] = np.tile(disc, tiles)[: room.shape[0], : room.shape[1]]


def _rings(_rng: Rng, room: Image, step: int, thick: int) -> None:
    rings = np.zeros_like(room)
    for radius in range(step, max(room.shape), step):
        cv2.circle(rings, (room.shape[1] // 2, room.shape[0] // 2), radius, 1.0, thick)
    room[:] = rings


def _ticks(_rng: Rng, room: Image, step: int, thick: int) -> None:
    room[:, :thick] = 1
    for number, row in enumerate(range(0, room.shape[0], step)):
        room[row, : 8 if number % 5 == 0 else 4] = 1


def _strokes(rng: Rng, room: Image, _step: int, thick: int) -> None:
    strokes = np.zeros_like(room)
    for _ in range(int(rng.integers(3, 30))):
        x, y, to_x, to_y = (int(end) for end in rng.integers(0, [*room.shape[::-1], *room.shape[::-1]]))
        cv2.line(strokes, (x, y), (to_x, to_y), 1.0, thick)
    room[:] = strokes


@lru_cache(maxsize=64)
def _face(path: str) -> cv2.FontFace:
    return cv2.FontFace(path)


def _is_latin(path: Path) -> bool:
    return all(word not in path.name for word in ("Emoji", "Dingbats", "Symbol", "Z003", "Math", "D050"))
