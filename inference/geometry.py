"""What only the series shows: missing slices, uneven spacing, coverage, crossing; and with neighbours, all checks.

Values and pure functions. They look at the `Footprint` of each slice, which `inference.signal` leaves with its score;
slices without one (no position in the header, or no signal) are passed over. These findings are no classes of the
network: they stand beside its artifacts in the quality of the series.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from inference.checks import SeriesFact, fact, not_known
from inference.footprint import FEWEST, PARALLEL, Footprint, Plane, Stack, stacks_of
from inference.neighbours import dropout, interleave, misalignment

GAP_TOLERANCE = 0.1  # of the usual gap
MOST_MISSING = 4  # slices in a row; a larger gap parts two groups of slices
HEAD_MM = 100.0  # a stack at least so high is meant to hold the head
RUN_OUT = 0.6  # of the largest area of the body: an end slice with less shows where the head ends
AXIAL = 0.7  # cosine to the body's axis: only axial stacks are meant to hold the vertex
CUT = 0.3  # share of a side of the field of view within the body, from which on the body is cut there
STEEPEST = 0.5  # cosine between crossing groups: orthogonal planes in one series are meant so
WITHIN = 0.8  # of the field of view: crossings further out do not count
MOST_PAIRS = 24  # slices of each group that are tried for crossings
NO_STACK = "no stack of at least five slices with positions"
NO_HEAD = "looked for where the header says that a head is shown, echo-planar images aside"


def look(footprints: Sequence[Footprint | None], group: str = "") -> tuple[SeriesFact, ...]:
    """Run every check of the table, in its order; `footprints` in the order of the series, `group` of its images."""
    known = [
        (position, found)
        for position, found in enumerate(footprints)
        if found is not None and found.plane is not None
    ]
    stacks = stacks_of(known)
    return (
        missing(stacks),
        spacing(stacks),
        coverage(stacks, group),
        misalignment(stacks),
        interleave(stacks),
        dropout(stacks),
        crossing(known),
    )


def missing(stacks: Sequence[Stack]) -> SeriesFact:
    """Count the slices that are missing between others: gaps of a whole multiple of the usual one."""
    found = [(stack.slices[n], lost) for stack in stacks for n, lost in _gaps(stack) if lost > 0]
    if not any(len(stack.places) >= FEWEST for stack in stacks):
        return not_known("missing", NO_STACK)
    count = sum(round(lost) for _, lost in found)
    return fact(
        "missing",
        present=count > 0,
        value=count,
        detail=f"{count} missing between others",
        slices=[position for position, _ in sorted(found, key=lambda each: -each[1])],
    )


def _gaps(stack: Stack) -> Iterator[tuple[int, int]]:
    """Give each gap (number of the slice before it) with how many slices it lacks."""
    gaps = np.diff(stack.places)
    if len(gaps) < FEWEST - 1:
        return
    usual = float(np.median(gaps))
    for number, gap in enumerate(gaps):
        lost = round(gap / usual) - 1
        whole = abs(gap - (lost + 1) * usual) <= GAP_TOLERANCE * usual
        yield number, lost if whole and lost <= MOST_MISSING else 0


def spacing(stacks: Sequence[Stack]) -> SeriesFact:
    """Give the largest departure of a gap from the usual one, as a share of it; missing slices aside."""
    worst: list[tuple[float, int]] = []
    for stack in stacks:
        gaps = np.diff(stack.places)
        if len(gaps) < FEWEST - 1:
            continue
        usual = float(np.median(gaps))
        near = [number for number, lost in _gaps(stack) if lost == 0 and gaps[number] <= MOST_MISSING * usual]
        worst += [(abs(float(gaps[number]) / usual - 1.0), stack.slices[number]) for number in near]
    if not worst:
        return not_known("spacing", NO_STACK)
    worst.sort(key=lambda each: -each[0])
    largest = worst[0][0]
    return fact(
        "spacing",
        present=largest > GAP_TOLERANCE,
        value=largest,
        detail=f"gaps depart by up to {100 * largest:.0f} % from the usual one",
        slices=[position for share, position in worst if share > GAP_TOLERANCE],
    )


def coverage(stacks: Sequence[Stack], group: str) -> SeriesFact:
    """Say where a head is cut: at both ends of the stack, or at two sides of the field of view.

    Of other parts of the body the anatomy goes on beyond every field of view.
    """
    if group != "head":
        return not_known("coverage", NO_HEAD)
    high = [stack for stack in stacks if len(stack.places) >= FEWEST and _is_for_the_head(stack)]
    if not high:
        return not_known("coverage", "no axial stack that is meant to hold the head")
    left = min(high, key=lambda stack: -len(stack.places))
    areas = [found.area for found in left.prints]
    ends = min(areas[0], areas[-1]) / max([*areas, 1e-6])
    cut = [sum(share > CUT for share in found.touched) >= 2 for found in left.prints]
    sides = sum(cut) / len(cut)
    told = [
        *([f"both ends hold more than {100 * RUN_OUT:.0f} % of the largest slice"] if ends > RUN_OUT else []),
        *(["the head is cut at the edge of the field of view"] if sides > 1 / 3 else []),
    ]
    at_ends = [left.slices[0], left.slices[-1]] if ends > RUN_OUT else []
    at_sides = (
        [position for position, yes in zip(left.slices, cut, strict=True) if yes] if sides > 1 / 3 else []
    )
    return fact(
        "coverage",
        present=bool(told),
        value=ends,
        detail="; ".join(told) or "the head runs out at an end of the stack",
        slices=list(dict.fromkeys([*at_ends, *at_sides])),
    )


def _is_for_the_head(stack: Stack) -> bool:
    plane = stack.prints[0].plane
    axial = plane is not None and abs(float(plane.normal[2])) >= AXIAL
    return axial and stack.places[-1] - stack.places[0] >= HEAD_MM


def crossing(known: Sequence[tuple[int, Footprint]]) -> SeriesFact:
    """Count the pairs of slices that cross within the field of view; parallel slices cannot.

    Of many slices only some are tried: the count is then the least that there are.
    """
    planes = [(position, found.plane) for position, found in known if found.plane is not None]
    if len(planes) < 2:
        return not_known("crossing", "too few slices with positions")
    step = max(1, len(planes) // (2 * MOST_PAIRS))
    tried = planes[::step]
    normals = np.array([plane.normal for _, plane in tried])
    cosines = np.abs(normals @ normals.T)
    pairs = [
        (tried[n][0], tried[m][0])
        for n, m in combinations(range(len(tried)), 2)
        if STEEPEST < cosines[n, m] < PARALLEL and _cross(tried[n][1], tried[m][1])
    ]
    least = "at least " if step > 1 else ""
    return fact(
        "crossing",
        present=bool(pairs),
        value=len(pairs),
        detail=f"{least}{len(pairs)} pairs of slices cross within the field of view"
        if pairs
        else "no slices cross within the field of view",
        slices=list(dict.fromkeys(position for pair in pairs for position in pair)),
    )


def _cross(one: Plane, other: Plane) -> bool:
    """Tell whether two planes meet within both fields of view: clip their line against the rectangles."""
    direction = np.cross(one.normal, other.normal)
    system = np.array([one.normal, other.normal, direction])
    start = np.linalg.solve(system, [one.height, other.height, 0.0])
    low, high = -np.inf, np.inf
    for plane in (one, other):
        centre = (
            np.array(plane.corner)
            + np.array(plane.along_column) * plane.extent[0] / 2.0
            + np.array(plane.along_row) * plane.extent[1] / 2.0
        )
        for axis, extent in ((plane.along_column, plane.extent[0]), (plane.along_row, plane.extent[1])):
            reach = WITHIN * extent / 2.0
            at, slope = float(np.dot(start - centre, axis)), float(np.dot(direction, axis))
            if abs(slope) < 1e-9:
                if abs(at) > reach:
                    return False
                continue
            ends = sorted(((-reach - at) / slope, (reach - at) / slope))
            low, high = max(low, ends[0]), min(high, ends[1])
    return low < high
