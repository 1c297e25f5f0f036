"""From the network's probabilities to findings: the body, the regions, what they touch."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from inference.artifacts import NAMES
from inference.card import Card
from inference.image import Slice
from inference.masks import MaskStack, remap
from inference.preprocess import Canvas, from_canvas
from inference.score import DIGITS, Box, Finding, SliceScore, severity_of, slice_score
from inference.signal import footprint, measure

Mask = npt.NDArray[np.uint8]  # (h, w), 0 or 1
Plane = npt.NDArray[np.float32]  # (h, w)

SPECK = 6  # cells of a half-size mask: smaller regions are not looked at
CENTRAL = 0.8  # of half the field of view: the region of interest
LEAST_CENTRAL = 0.4  # of the body that must lie there for it to be of more interest than the rest
UNLOCATED = 0.05  # severity of what is present but nowhere in particular
SMALLEST_BODY = 0.01  # of the canvas; less is air
BLOCK = 32  # px of the canvas: over so many noise averages out, anatomy does not
EVEN, GRAIN = (
    0.2,
    0.3,
)  # contrast between blocks below which an image is even (measured: air 0-0.11, anatomy from 0.4)
CELL = 2  # canvas px per cell of the body


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the network says of one slice, in the slice's orientation."""

    masks: npt.NDArray[np.float32]  # (classes, h, w), padding cropped
    presence: npt.NDArray[np.float64]  # (classes,), calibrated
    suitability: float  # calibrated
    outlier: float  # distance from what the model was made with


def body_of(canvas: Canvas) -> Mask:
    """Outline the body at half the canvas' resolution, in the slice's orientation; all 0 where there is no signal.

    Above 5 % of the 99th percentile of the lightly blurred magnitude and above the smaller of half Otsu's threshold and
    a quarter of that percentile; closed, holes filled, parts below a tenth of the largest dropped.
    """
    side = canvas.image.shape[0] // CELL
    small = np.asarray(cv2.resize(canvas.image, (side, side), interpolation=cv2.INTER_AREA), np.float32)
    cut = from_canvas(canvas, small[None])[0]
    blurred = np.asarray(cv2.GaussianBlur(cut, (0, 0), 2.0 / CELL), np.float32)
    bright = float(np.percentile(blurred, 99.0))
    if bright <= 0.0 or not has_signal(canvas):
        return np.zeros(cut.shape, np.uint8)
    scaled = np.clip(blurred * (255.0 / bright), 0.0, 255.0).astype(np.uint8)
    otsu, _ = cv2.threshold(scaled, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    level = max(0.05 * 255.0, min(0.5 * otsu, 0.25 * 255.0))
    closed = cv2.morphologyEx(_above(scaled, level), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    body = _filled(np.asarray(closed, np.uint8))
    return body if body.sum() >= SMALLEST_BODY * side * side else np.zeros_like(body)


def has_signal(canvas: Canvas) -> bool:
    """Tell an image from a flat one, from air and from noise that fills the field of view.

    Blocks of an image differ: by their own size, or (where all of it stands on an offset) by that of its pixels.
    """
    image = canvas.image[canvas.top : canvas.top + canvas.height, canvas.left : canvas.left + canvas.width]
    spread = float(image.std())
    if spread < 1e-3:
        return False
    shape = (max(1, canvas.width // BLOCK), max(1, canvas.height // BLOCK))
    blocks = np.asarray(cv2.resize(image, shape, interpolation=cv2.INTER_AREA), np.float32)
    low, high = (float(value) for value in np.percentile(blocks, (5.0, 95.0)))
    return high - low >= EVEN * (high + low) or float(blocks.std()) >= GRAIN * spread


def findings_of(answer: Answer, body: Mask, canvas: Canvas, card: Card) -> tuple[Finding, ...]:
    """Read one finding a class: its presence, and where present the regions, their severity and their box."""
    found: list[Finding] = []
    for index, (name, point) in enumerate(zip(NAMES, card.classes, strict=True)):
        probability = round(float(answer.presence[index]), DIGITS)
        if probability < point.presence_threshold:
            found.append(Finding(name, probability, 0.0, present=False, area=0.0, box=None))
            continue
        mask, box = _regions(_above(answer.masks[index], point.mask_threshold, inclusive=True))
        severity, area = _severity(answer.masks[index], mask, body)
        place = _enlarged(box, mask.shape, (canvas.rows, canvas.columns)) if box else None
        found.append(Finding(name, probability, severity or UNLOCATED, present=True, area=area, box=place))
    return tuple(found)


def score_of(answer: Answer, canvas: Canvas, card: Card, image: Slice) -> SliceScore:
    """Score one slice, with the evidence beside the score."""
    body = body_of(canvas)
    score = slice_score(
        findings_of(answer, body, canvas, card),
        answer.suitability,
        signal=bool(body.any()),
        instance_number=image.instance_number,
        frame=image.frame,
    )
    return replace(
        score,
        evidence=measure(image, body),
        footprint=footprint(image, body),
        kind=image.kind,
        familiar=answer.outlier <= card.outlier,
        outlier=answer.outlier,
        tile=image.tile,
        region=image.region,
        place=image.place,
    )


def stack_of(answer: Answer, card: Card) -> MaskStack:
    """Bring all classes to one operating point."""
    return MaskStack(
        remap(answer.masks, np.array([point.mask_threshold for point in card.classes], np.float32))
    )


def _filled(mask: Mask) -> Mask:
    """Fill holes and drop parts below a tenth of the largest."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    out = np.zeros_like(mask)
    areas = [cv2.contourArea(contour) for contour in contours]
    smallest = 0.1 * max(areas, default=0.0)
    for contour, area in zip(contours, areas, strict=True):
        if area >= smallest:
            cv2.drawContours(out, [contour], -1, 1, cv2.FILLED)
    return out


def _regions(mask: Mask) -> tuple[Mask, Box | None]:
    """Drop specks; gives what is left and the box of the largest region, in cells."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return np.zeros_like(mask), None
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = np.flatnonzero(areas >= SPECK) + 1
    if not len(kept):
        return np.zeros_like(mask), None
    left, top, width, height = (int(value) for value in stats[1 + int(np.argmax(areas))][:4])
    return np.isin(labels, kept).astype(np.uint8), (left, top, left + width, top + height)


def _severity(probabilities: Plane, mask: Mask, body: Mask) -> tuple[float, float]:
    """Give severity and area of the regions, in units of the body; where there is none, of the field of view."""
    total = int(mask.sum())
    if not total:
        return 0.0, 0.0
    body = body if body.any() else np.ones_like(body)
    region = region_of_interest(body)
    size, inside, within = int(region.sum()), int((mask & region).sum()), int((mask & body).sum())
    visibility = float(probabilities[mask > 0].mean())
    severity = severity_of(visibility, inside / size, (total - within) / size, (within - inside) / size)
    return severity, round(min(1.0, within / int(body.sum())), DIGITS)


def region_of_interest(body: Mask) -> Mask:
    """Give the part of the body around the centre of the field of view, which is where the operator put it.

    All of the body where little of it lies there.
    """
    rows, columns = body.shape
    down = (np.arange(rows) + 0.5) / rows * 2.0 - 1.0
    across = (np.arange(columns) + 0.5) / columns * 2.0 - 1.0
    central = np.hypot(down[:, None], across[None, :]) <= CENTRAL
    region = np.asarray(body & central, np.uint8)
    return region if region.sum() >= LEAST_CENTRAL * body.sum() else body


def _enlarged(box: Box, cells: tuple[int, ...], matrix: tuple[int, int]) -> Box:
    """Bring a box from cells (h, w) to pixels of the slice (rows, columns), outwards."""
    high, wide = matrix[0] / cells[0], matrix[1] / cells[1]
    left, top, right, bottom = box
    return (
        int(left * wide),
        int(top * high),
        min(matrix[1], int(np.ceil(right * wide))),
        min(matrix[0], int(np.ceil(bottom * high))),
    )


def _above(values: Plane | Mask, level: float, *, inclusive: bool = False) -> Mask:
    return np.asarray(values >= level if inclusive else values > level, np.uint8)
