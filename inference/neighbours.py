"""Checks of neighbouring slices: whether they fit in place and in signal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from inference.checks import SeriesFact, fact, not_known
from inference.footprint import Footprint
from inference.stacks import FEWEST, aside
from inference.text import Text, decimal

LIKE_AREA = 0.25  # neighbours whose bodies differ more in size are not compared
SHIFT_MM = 4.0  # between a slice and the middle of its neighbours
ROUNDED = 0.05  # mm: smaller steps of a header are its rounding
LARGE = 0.5  # of the stack's largest body: on smaller ones a turn of the anatomy looks like a shift
NEAR_MM = 10.0  # neighbours that lie further apart are not compared
CUT = 0.3  # share of a side of the field of view: a body that is cut there has no centre to compare
BRIGHT = 0.25  # of the stack's signal: cells of the fixed mask
STEP = 0.10  # of the signal between odd and even slices
DROP = 0.40  # of the signal lost against the neighbours
EVEN_THERE = 80.0  # percentile of the cells: a slice that dropped out lost signal everywhere, anatomy changes in places
MOST_DROPPED = 0.2  # of a stack; where more are darker it holds several contrasts
NO_NEIGHBOURS = Text("too few neighbouring slices", "zu wenige benachbarte Schichten")
UNLIKE = Text("no neighbours of like size to compare", "keine ähnlich großen Nachbarn zum Vergleich")
TURNS = Text("different contrasts take turns", "verschiedene Kontraste wechseln sich ab")
_OFF = Text(
    "a slice lies up to {mm} mm off its neighbours", "eine Schicht liegt bis zu {mm} mm neben ihren Nachbarn"
)
_STEPPED = Text(
    "odd and even slices differ by {percent} % in signal",
    "gerade und ungerade Schichten unterscheiden sich um {percent} % im Signal",
)
_DROPPED = Text(
    "a slice lost up to {percent} % of its signal against its neighbours",
    "eine Schicht hat gegen ihre Nachbarn bis zu {percent} % Signal verloren",
)
OUTLYING = 5.0  # robust SD


Loss = tuple[float, float, int]  # share of the signal, in robust SD of the stack, position in the series


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The slices of one stack that have a footprint, in its order."""

    places: tuple[float, ...]  # mm along the normal, rising; all one where the stack runs along the time
    slices: tuple[int, ...]  # their positions among the scored slices
    prints: tuple[Footprint, ...]
    over_time: bool = False


def misalignment(stacks: Sequence[Neighbours]) -> SeriesFact:
    """Give the largest shift of a slice within its plane against its neighbours, mm.

    By where the body lies in the patient; where there is no body to compare, by where the image lies.
    """
    shifts = [(shift, position) for stack in stacks for shift, position in _shifts(stack)]
    if not shifts:
        return not_known("misalignment", UNLIKE)
    shifts.sort(key=lambda each: -each[0])
    largest = shifts[0][0]
    return fact(
        "misalignment",
        present=largest > SHIFT_MM,
        value=largest,
        detail=_OFF.filled({"mm": decimal(f"{largest:.1f}")}),
        slices=[position for shift, position in shifts if shift > SHIFT_MM],
    )


def _shifts(stack: Neighbours) -> Iterator[tuple[float, int]]:
    count = len(stack.places)
    if count < FEWEST:
        return
    largest = max(found.area for found in stack.prints)
    offsets = _offsets(stack)
    for number in range(count):
        first = min(max(number - 1, 0), count - 3)
        if stack.places[first + 2] - stack.places[first] > 2.0 * NEAR_MM:
            continue
        three, prints = offsets[first : first + 3], stack.prints[first : first + 3]
        if number != first + 1:
            shift = _end_shift(three if number == 0 else three[::-1])
        elif _comparable(prints, largest):
            yield _bend(three + [found.centre for found in prints]), stack.slices[number]
            continue
        else:
            shift = _bend(three)
        if shift > ROUNDED:
            yield shift, stack.slices[number]


def _bend(three: npt.NDArray[np.float64]) -> float:
    """Give how far the middle one of three places (3, 2) lies off the line between the others."""
    return float(np.hypot(*(three[1] - (three[0] + three[2]) / 2.0)))


def _end_shift(three: npt.NDArray[np.float64]) -> float:
    """Give how far the first of three places lies off both others and off their line."""
    away = (three[0] - three[1], three[0] - three[2], three[0] - 2.0 * three[1] + three[2])
    return min(float(np.hypot(*each)) for each in away)


def _offsets(stack: Neighbours) -> npt.NDArray[np.float64]:
    """Give how far each image lies off the first one within its plane, mm: (slices, 2)."""
    first = stack.prints[0].plane
    return np.array(
        [
            (0.0, 0.0) if first is None or found.plane is None else aside(first, found.plane)
            for found in stack.prints
        ]
    )


def _comparable(three: Sequence[Footprint], largest: float) -> bool:
    """Tell whether three neighbours show bodies of like size that are not cut."""
    sizes = [found.area for found in three]
    cut = any(max(found.touched) > CUT for found in three)
    return not cut and min(sizes) > LARGE * largest and max(sizes) <= (1.0 + LIKE_AREA) * min(sizes)


def interleave(stacks: Sequence[Neighbours]) -> SeriesFact:
    """Give the step in signal between odd and even slices, as a share, on a fixed mask."""
    steps = [
        abs(float(np.median(departures[::2]) - np.median(departures[1::2]))) / 2.0
        for departures in (_departures(stack) for stack in stacks if not stack.over_time)
        if len(departures) >= 2 * FEWEST
    ]
    if not steps:
        return not_known("interleave", NO_NEIGHBOURS)
    largest = max(steps)
    return fact(
        "interleave",
        present=largest > STEP,
        value=largest,
        detail=_STEPPED.filled({"percent": f"{100 * largest:.0f}"}),
    )


def dropout(stacks: Sequence[Neighbours]) -> SeriesFact:
    """Give the largest share of signal that a slice lost against its neighbours, on a fixed mask."""
    compared = [losses for losses in map(_losses, stacks) if losses]
    single = [losses for losses in compared if sum(map(_is_gone, losses)) <= MOST_DROPPED * len(losses)]
    if not single:
        return not_known("dropout", TURNS if compared else NO_NEIGHBOURS)
    lost = sorted((loss for losses in single for loss in losses), reverse=True)
    largest = max(0.0, lost[0][0])
    gone = [position for share, outlying, position in lost if _is_gone((share, outlying, position))]
    return fact(
        "dropout",
        present=bool(gone),
        value=largest,
        detail=_DROPPED.filled({"percent": f"{100 * largest:.0f}"}),
        slices=gone,
    )


def _losses(stack: Neighbours) -> list[Loss]:
    departures = _departures(stack)
    if len(departures) < FEWEST - 2:
        return []
    spread = max(1.4826 * float(np.median(np.abs(departures - np.median(departures)))), 0.01)
    return [
        (1.0 - float(np.exp(departure)), -float(departure) / spread, stack.slices[number + 1])
        for number, departure in enumerate(departures)
    ]


def _is_gone(loss: Loss) -> bool:
    return loss[0] > DROP and loss[1] > OUTLYING


def slice_step(stacks: Sequence[Neighbours]) -> float | None:
    """Give the mean step in signal between neighbouring slices, as a share; None for fewer than five slices."""
    steps: list[float] = []
    for stack in stacks:
        if len(stack.places) < FEWEST or stack.over_time:
            continue
        for before, after in pairwise(_grids(stack)):
            mask = (before > 0.0) & (after > 0.0)
            if mask.any():
                steps.append(abs(float(np.log(after[mask].mean() / before[mask].mean()))))
    return float(np.mean(steps)) if steps else None


def _grids(stack: Neighbours) -> npt.NDArray[np.float64]:
    """Give the signals (slices, cells), 0 where a cell is darker than the stack's mask."""
    grids = np.array([found.grid for found in stack.prints])
    grids[grids < BRIGHT * float(np.percentile(grids, 90.0))] = 0.0
    return grids


def _departures(stack: Neighbours) -> npt.NDArray[np.float64]:
    """Give by how much the logarithm of each inner slice's signal departs from the mean of its neighbours'.

    On the cells that are bright in both neighbours: a mask that the slice itself does not move. Cells in the air of
    all three do not count.
    """
    if len(stack.places) < 3:
        return np.zeros(0)
    masked, whole = _grids(stack), np.array([found.grid for found in stack.prints])
    found: list[float] = []
    for number in range(1, len(whole) - 1):
        mask = (masked[number - 1] > 0.0) & (masked[number + 1] > 0.0)
        before, here, after = (grid[mask] for grid in whole[number - 1 : number + 2])
        if len(here) < 2:
            found.append(0.0)
            continue
        ratios = np.log(np.maximum(here, 1e-3 * before) / np.sqrt(before * after))
        found.append(float(np.percentile(ratios, EVEN_THERE)))
    return np.array(found)
