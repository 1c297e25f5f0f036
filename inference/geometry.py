"""What only the series shows: missing slices, uneven spacing, coverage, crossing; and with neighbours, all checks.

Values and pure functions. They look at the stacks (`inference.stacks`) of all slices, scored or not, and at the
`Footprint` of each scored one, which `inference.signal` leaves with its score. A slice that was erased, that cannot be
read or that no volume of the sample holds is not missing. These findings are no classes of the network: they stand
beside its artifacts in the quality of the series.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, count, pairwise
from typing import Literal

import numpy as np

from inference.checks import SeriesFact, fact, not_known
from inference.footprint import Footprint, Plane
from inference.neighbours import Neighbours, dropout, interleave, misalignment
from inference.stacks import (
    FEWEST,
    GAP_TOLERANCE,
    MOST_MISSING,
    PARALLEL,
    Place,
    Stack,
    lacks,
    said_of,
    stacks_of,
)
from inference.text import Text, joined

HEAD_MM = 100.0  # a stack at least so high is meant to hold the head
RUN_OUT = 0.6  # of the largest area of the body: an end slice with less shows where the head ends
AXIAL = 0.7  # cosine to the body's axis: only axial stacks are meant to hold the vertex
CUT = 0.3  # share of a side of the field of view within the body, from which on the body is cut there
STEEPEST = 0.5  # cosine between crossing groups: orthogonal planes in one series are meant so
WITHIN = 0.8  # of the field of view: crossings further out do not count
MOST_PAIRS = 24  # slices of each group that are tried for crossings
MOST_SAID = 3  # stacks whose missing slices are told one by one

Why = Literal["scored", "unsampled", "unsuited", "unreadable", "erased"]
NO_STACK = Text(
    "no stack of at least five slices with positions",
    "kein Stapel aus mindestens fünf Schichten mit Lageangabe",
)
NO_HEAD = Text(
    "looked for where the header says that a head is shown, echo-planar images aside",
    "wird gesucht, wo laut Header ein Kopf gezeigt wird, außer bei EPI",
)
NO_HEAD_STACK = Text(
    "no axial stack that is meant to hold the head", "kein axialer Stapel, der den Kopf fassen soll"
)
FEW_PLACES = Text("too few slices with positions", "zu wenige Schichten mit Lageangabe")
_MISSING = Text("{n} missing between others", "{n} fehlen zwischen anderen")
_LOST: Mapping[Why, Text] = {
    "erased": Text("{n} erased", "{n} gelöscht"),
    "unreadable": Text("{n} unreadable", "{n} nicht lesbar"),
}  # here, and yet not to be seen
_SPACED = Text(
    "gaps depart by up to {percent} % from the usual one",
    "Abstände weichen um bis zu {percent} % vom üblichen ab",
)
_ENDS = Text(
    "both ends hold more than {percent} % of the largest slice",
    "beide Enden zeigen mehr als {percent} % der größten Schicht",
)
_SIDES = Text(
    "the head is cut at the edge of the field of view", "der Kopf ist am Rand des FOV abgeschnitten"
)
_HELD = Text("the head runs out at an end of the stack", "der Kopf läuft an einem Ende des Stapels aus")
_CROSSED = Text("{n} pairs of slices cross within the field of view", "{n} Schichtpaare kreuzen sich im FOV")
_CROSSED_AT_LEAST = Text(
    "at least {n} pairs of slices cross within the field of view",
    "mindestens {n} Schichtpaare kreuzen sich im FOV",
)
_UNCROSSED = Text("no slices cross within the field of view", "keine Schichten kreuzen sich im FOV")


@dataclass(frozen=True, slots=True)
class Member:
    """One slice of a series as the geometry sees it."""

    place: Place | None  # None where the header could not be read
    why: Why = "scored"
    footprint: Footprint | None = None  # of a scored one


@dataclass(frozen=True, slots=True)
class Layout:
    """The stacks of a series."""

    members: tuple[Member, ...]  # in the order of the series
    stacks: tuple[Stack, ...]  # those that are looked at; positions count among the members
    numbers: tuple[int | None, ...]  # of each member its position among the scored ones
    neighbours: tuple[Neighbours, ...]  # of the stacks, what is scored; positions count among the scored


@dataclass(frozen=True, slots=True)
class Sampling:
    """How much of a series in time was scored."""

    volumes: int  # of one kind and echo, or slices of a stack along the time
    of: int
    slices: int  # that were left out, of the whole series

    @property
    def said(self) -> str:
        """Say it in words."""
        return f"{self.volumes} of {self.of} volumes scored, spread over time"


def layout_of(members: Sequence[Member]) -> Layout:
    """Sort a series into stacks; kinds of which nothing is scored are passed over."""
    scored = count()
    numbers = [next(scored) if member.why == "scored" else None for member in members]
    stacks = stacks_of([member.place for member in members])
    groups = {stack.group for stack in stacks if any(members[n].why == "scored" for n in stack.slices)}
    kept = tuple(stack for stack in stacks if stack.group in groups)
    return Layout(tuple(members), kept, tuple(numbers), tuple(_neighbours(members, numbers, kept)))


def _neighbours(
    members: Sequence[Member], numbers: Sequence[int | None], stacks: Sequence[Stack]
) -> list[Neighbours]:
    found: list[Neighbours] = []
    for stack in stacks:
        seen = [
            (height, number, footprint)
            for height, n in zip(stack.heights, stack.slices, strict=False)
            if (number := numbers[n]) is not None and (footprint := members[n].footprint) is not None
        ]
        if seen:
            places, slices, prints = zip(*seen, strict=True)
            found.append(Neighbours(places, slices, prints, stack.over_time))
    return found


def sampling(layout: Layout) -> Sampling | None:
    """Tell how many volumes of the kind that has most of them were scored; None where all were."""
    left_out = sum(member.why == "unsampled" for member in layout.members)
    if not left_out:
        return None
    families: defaultdict[tuple[int, str], list[bool]] = defaultdict(list)
    for stack in layout.stacks:
        looked_at = [layout.members[n].why != "unsampled" for n in stack.slices]
        families[stack.group, stack.echo] += looked_at if stack.over_time else [any(looked_at)]
    most = max(families.values(), key=len)
    return Sampling(volumes=sum(most), of=len(most), slices=left_out)


def look(layout: Layout, group: str = "") -> tuple[SeriesFact, ...]:
    """Run every check of the table, in its order; `group` is that of the images."""
    through = [stack for stack in layout.neighbours if not stack.over_time]
    known = [
        (number, found)
        for stack in layout.neighbours
        for number, found in zip(stack.slices, stack.prints, strict=True)
    ]
    return (
        missing(layout),
        spacing(layout),
        coverage(through, group),
        misalignment(layout.neighbours),
        interleave(layout.neighbours),
        dropout(layout.neighbours),
        crossing(sorted(known, key=lambda each: each[0])),
    )


def missing(layout: Layout) -> SeriesFact:
    """Count the slices that are missing between others, or in one volume or echo of several.

    Slices whose place is not known may be the ones that seem to be missing: as many are not counted.
    """
    through = [stack for stack in layout.stacks if not stack.over_time and stack.heights]
    if not any(len(stack.slices) >= FEWEST for stack in through) and not any(
        stack.of > 1 for stack in through
    ):
        return not_known("missing", NO_STACK)
    found = sorted(lacks([member.place for member in layout.members], through), key=lambda lack: -lack.slices)
    unplaced = sum(member.place is None for member in layout.members)
    gone = max(0, sum(lack.slices for lack in found) - unplaced)
    lost = Counter(member.why for member in layout.members if member.why in _LOST)
    told = [
        _MISSING.filled({"n": str(gone)}),
        *(said_of(lack) for lack in found[:MOST_SAID] if gone and lack.stack.of > 1),
        *(said.filled({"n": str(lost[why])}) for why, said in _LOST.items() if lost[why]),
    ]
    return fact(
        "missing",
        present=gone > 0,
        value=gone,
        detail=joined("; ", told),
        slices=_scored_near(layout, [(lack.stack, lack.beside) for lack in found]),
    )


def _scored_near(layout: Layout, places: Sequence[tuple[Stack, int]]) -> list[int]:
    """Name slices among the scored ones; in place of one that has no score, the nearest of its stack that has."""
    named: list[int] = []
    for stack, slice_ in places:
        at = stack.slices.index(slice_)
        scored = [n for n, member in enumerate(stack.slices) if layout.numbers[member] is not None]
        if scored:
            nearest = layout.numbers[stack.slices[min(scored, key=lambda n: abs(n - at))]]
            assert nearest is not None
            named.append(nearest)
    return list(dict.fromkeys(named))


def spacing(layout: Layout) -> SeriesFact:
    """Give the largest departure of a gap from the usual one, as a share of it; missing slices aside."""
    worst: list[tuple[float, Stack, int]] = []
    for stack in layout.stacks:
        gaps = np.array([above - below for below, above in pairwise(stack.heights)])
        if len(gaps) < FEWEST - 1 or stack.over_time:
            continue
        usual = float(np.median(gaps))
        for number, gap in enumerate(gaps):
            share = abs(float(gap) / usual - 1.0)
            if gap <= MOST_MISSING * usual and not _is_whole(float(gap) / usual):
                worst.append((share, stack, stack.slices[number]))
    if not worst:
        return not_known("spacing", NO_STACK)
    worst.sort(key=lambda each: -each[0])
    largest = worst[0][0]
    return fact(
        "spacing",
        present=largest > GAP_TOLERANCE,
        value=largest,
        detail=_SPACED.filled({"percent": f"{100 * largest:.0f}"}),
        slices=_scored_near(
            layout, [(stack, slice_) for share, stack, slice_ in worst if share > GAP_TOLERANCE]
        ),
    )


def _is_whole(gaps: float) -> bool:
    """Tell whether a gap is a whole multiple of the usual one: then slices are missing in it."""
    return round(gaps) > 1 and abs(gaps - round(gaps)) <= GAP_TOLERANCE


def coverage(stacks: Sequence[Neighbours], group: str) -> SeriesFact:
    """Say where a head is cut: at both ends of the stack, or at two sides of the field of view.

    Of other parts of the body the anatomy goes on beyond every field of view.
    """
    if group != "head":
        return not_known("coverage", NO_HEAD)
    high = [stack for stack in stacks if len(stack.places) >= FEWEST and _is_for_the_head(stack)]
    if not high:
        return not_known("coverage", NO_HEAD_STACK)
    left = min(high, key=lambda stack: -len(stack.places))
    areas = [found.area for found in left.prints]
    ends = min(areas[0], areas[-1]) / max([*areas, 1e-6])
    cut = [sum(share > CUT for share in found.touched) >= 2 for found in left.prints]
    sides = sum(cut) / len(cut)
    told = [
        *([_ENDS.filled({"percent": f"{100 * RUN_OUT:.0f}"})] if ends > RUN_OUT else []),
        *([_SIDES] if sides > 1 / 3 else []),
    ]
    at_ends = [left.slices[0], left.slices[-1]] if ends > RUN_OUT else []
    at_sides = (
        [position for position, yes in zip(left.slices, cut, strict=True) if yes] if sides > 1 / 3 else []
    )
    return fact(
        "coverage",
        present=bool(told),
        value=ends,
        detail=joined("; ", told) or _HELD,
        slices=list(dict.fromkeys([*at_ends, *at_sides])),
    )


def _is_for_the_head(stack: Neighbours) -> bool:
    plane = stack.prints[0].plane
    axial = plane is not None and abs(float(plane.normal[2])) >= AXIAL
    return axial and stack.places[-1] - stack.places[0] >= HEAD_MM


def crossing(known: Sequence[tuple[int, Footprint]]) -> SeriesFact:
    """Count the pairs of slices that cross within the field of view; parallel slices cannot.

    Of many slices only some are tried: the count is then the least that there are.
    """
    planes = [(position, found.plane) for position, found in known if found.plane is not None]
    if len(planes) < 2:
        return not_known("crossing", FEW_PLACES)
    step = max(1, len(planes) // (2 * MOST_PAIRS))
    tried = planes[::step]
    normals = np.array([plane.normal for _, plane in tried])
    cosines = np.abs(normals @ normals.T)
    pairs = [
        (tried[n][0], tried[m][0])
        for n, m in combinations(range(len(tried)), 2)
        if STEEPEST < cosines[n, m] < PARALLEL and _cross(tried[n][1], tried[m][1])
    ]
    crossed = _CROSSED_AT_LEAST if step > 1 else _CROSSED
    return fact(
        "crossing",
        present=bool(pairs),
        value=len(pairs),
        detail=crossed.filled({"n": str(len(pairs))}) if pairs else _UNCROSSED,
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
