"""Checks of neighbouring slices: whether they fit in place and in signal."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from inference.checks import SeriesFact, fact, not_known
from inference.footprint import FEWEST, Footprint, Stack, stacks_of

LIKE_AREA = 0.25  # neighbours whose bodies differ more in size are not compared
SHIFT_MM = 4.0  # between a slice and the middle of its neighbours
LARGE = 0.5  # of the stack's largest body: on smaller ones a turn of the anatomy looks like a shift
NEAR_MM = 10.0  # neighbours that lie further apart are not compared
CUT = 0.3  # share of a side of the field of view: a body that is cut there has no centre to compare
BRIGHT = 0.25  # of the stack's signal: cells of the fixed mask
STEP = 0.10  # of the signal between odd and even slices
DROP = 0.40  # of the signal lost against the neighbours
EVEN_THERE = 80.0  # percentile of the cells: a slice that dropped out lost signal everywhere, anatomy changes in places
MOST_DROPPED = 0.2  # of a stack; where more are darker it holds several contrasts
NO_NEIGHBOURS = "too few neighbouring slices"
OUTLYING = 5.0  # robust SD


Loss = tuple[float, float, int]  # share of the signal, in robust SD of the stack, position in the series


def misalignment(stacks: Sequence[Stack]) -> SeriesFact:
    """Give the largest shift of a slice's body against the middle of its neighbours', mm."""
    shifts = [(shift, position) for stack in stacks for shift, position in _shifts(stack)]
    if not shifts:
        return not_known("misalignment", "no neighbours of like size to compare")
    shifts.sort(key=lambda each: -each[0])
    largest = shifts[0][0]
    return fact(
        "misalignment",
        present=largest > SHIFT_MM,
        value=largest,
        detail=f"a slice lies up to {largest:.1f} mm off its neighbours",
        slices=[position for shift, position in shifts if shift > SHIFT_MM],
    )


def _shifts(stack: Stack) -> Iterator[tuple[float, int]]:
    if len(stack.places) < FEWEST:
        return
    largest = max(found.area for found in stack.prints)
    for number in range(1, len(stack.places) - 1):
        before, here, after = stack.prints[number - 1 : number + 2]
        sizes = (before.area, here.area, after.area)
        near = stack.places[number + 1] - stack.places[number - 1] <= 2.0 * NEAR_MM
        cut = any(max(found.touched) > CUT for found in (before, here, after))
        if near and not cut and min(sizes) > LARGE * largest and max(sizes) <= (1.0 + LIKE_AREA) * min(sizes):
            middle = np.add(before.centre, after.centre) / 2.0
            yield float(np.hypot(*np.subtract(here.centre, middle))), stack.slices[number]


def interleave(stacks: Sequence[Stack]) -> SeriesFact:
    """Give the step in signal between odd and even slices, as a share, on a fixed mask."""
    steps = [
        abs(float(np.median(departures[::2]) - np.median(departures[1::2]))) / 2.0
        for departures in map(_departures, stacks)
        if len(departures) >= 2 * FEWEST
    ]
    if not steps:
        return not_known("interleave", NO_NEIGHBOURS)
    largest = max(steps)
    return fact(
        "interleave",
        present=largest > STEP,
        value=largest,
        detail=f"odd and even slices differ by {100 * largest:.0f} % in signal",
    )


def dropout(stacks: Sequence[Stack]) -> SeriesFact:
    """Give the largest share of signal that a slice lost against its neighbours, on a fixed mask."""
    compared = [losses for losses in map(_losses, stacks) if losses]
    single = [losses for losses in compared if sum(map(_is_gone, losses)) <= MOST_DROPPED * len(losses)]
    if not single:
        return not_known("dropout", "different contrasts take turns" if compared else NO_NEIGHBOURS)
    lost = sorted((loss for losses in single for loss in losses), reverse=True)
    largest = max(0.0, lost[0][0])
    gone = [position for share, outlying, position in lost if _is_gone((share, outlying, position))]
    return fact(
        "dropout",
        present=bool(gone),
        value=largest,
        detail=f"a slice lost up to {100 * largest:.0f} % of its signal against its neighbours",
        slices=gone,
    )


def _losses(stack: Stack) -> list[Loss]:
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


def slice_step(footprints: Sequence[Footprint | None]) -> float | None:
    """Give the mean step in signal between neighbouring slices, as a share; None for fewer than five slices."""
    known = [
        (n, found) for n, found in enumerate(footprints) if found is not None and found.plane is not None
    ]
    steps: list[float] = []
    for stack in stacks_of(known):
        if len(stack.places) < FEWEST:
            continue
        for before, after in pairwise(_grids(stack)):
            mask = (before > 0.0) & (after > 0.0)
            if mask.any():
                steps.append(abs(float(np.log(after[mask].mean() / before[mask].mean()))))
    return float(np.mean(steps)) if steps else None


def _grids(stack: Stack) -> npt.NDArray[np.float64]:
    """Give the signals (slices, cells), 0 where a cell is darker than the stack's mask."""
    grids = np.array([found.grid for found in stack.prints])
    grids[grids < BRIGHT * float(np.percentile(grids, 90.0))] = 0.0
    return grids


def _departures(stack: Stack) -> npt.NDArray[np.float64]:
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
