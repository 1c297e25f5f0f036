"""Which slices belong together: places, the stacks that they form, what a stack lacks, and which volumes are scored.

A *place* is what a header tells of one slice: its plane, its kind and its moment. A *stack* is one 3-D volume of one
kind: parallel slices of one matrix, echo, Image Type (values 3 and 4), complex component and Dixon part, and of one
moment: temporal position, trigger time, acquisition and b-value. A single slice over time is a stack along the time.

Vendors count moments in their own ways: trigger times that differ with every slice, an acquisition for each package of
slices. So a moment parts volumes only where places repeat, and only by those of its values that most places share;
slices that are alike in all of them are the n-th at their place, in the order of their numbers.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from inference.footprint import Plane
from inference.text import Text, joined

PARALLEL = 0.999  # cosine between normals of parallel slices: 2.5 degrees
SAME_PLACE = 0.05  # mm
FEWEST = 5  # slices of a stack whose neighbours are compared
GAP_TOLERANCE = 0.1  # of the usual gap
MOST_MISSING = 4  # slices in a row; a larger gap parts two groups of slices
BESIDE = 0.5  # of the field of view: slices further aside belong to another group
FRAMES_PER_VOLUME = 4  # a stack along the time may have so many slices for each volume of another series
_ONE_MISSING = Text("{n} slice missing", "{n} Schicht fehlt")
_MISSING = Text("{n} slices missing", "{n} Schichten fehlen")
_IN_VOLUME = Text("in volume {n} of {of}", "in Volumen {n} von {of}")

Moment = tuple[float | None, ...]  # temporal position, trigger time (ms), acquisition number, b-value (s/mm2)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one slice belongs."""

    plane: Plane | None  # where it lies in the patient; None where the header does not tell
    kind: str = ""  # matrix, Image Type, complex component, Dixon part: equal for slices of one kind
    echo: str = ""  # number and time
    moment: Moment = ()

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "plane": None if self.plane is None else self.plane.to_json(),
            "kind": self.kind,
            "echo": self.echo,
            "moment": list(self.moment),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        plane = values["plane"]
        return cls(
            None if plane is None else Plane.from_json(plane),
            values["kind"],
            values["echo"],
            tuple(values["moment"]),
        )


@dataclass(frozen=True, slots=True)
class Stack:
    """One volume: parallel slices in the order of their heights, or one slice in the order of its moments."""

    slices: tuple[int, ...]  # their positions in the series
    heights: tuple[
        float, ...
    ]  # mm along the normal, rising; equal where it runs along the time; () where unknown
    group: int  # equal for stacks that differ in echo and moment alone
    echo: str
    volume: int  # 0-based among the stacks of its group and echo, in the order of their moments
    of: int = 1  # how many there are of these
    over_time: bool = False


@dataclass(frozen=True, slots=True)
class Lack:
    """Slices that a stack lacks."""

    stack: Stack
    slices: int
    beside: int  # position in the series of the slice before them, or of the nearest one at an end


def stacks_of(places: Sequence[Place | None]) -> list[Stack]:
    """Sort the slices of a series (None: its header could not be read) into stacks."""
    found: list[Stack] = []
    for number, members in enumerate(_groups(places)):
        of_echo: defaultdict[str, list[tuple[int, float | None]]] = defaultdict(list)
        for member in members:
            place = places[member[0]]
            of_echo["" if place is None else place.echo].append(member)
        for echo in sorted(of_echo):
            found += _volumes(places, of_echo[echo], number, echo)
    return found


def lacks(places: Sequence[Place | None], stacks: Sequence[Stack] | None = None) -> list[Lack]:
    """Find what is missing between slices, and what one volume or echo lacks that others of its group have.

    Slices at the end of all volumes cannot be missed: what is not known to be there is not missing.
    """
    of_group: defaultdict[int, list[Stack]] = defaultdict(list)
    for stack in stacks_of(places) if stacks is None else stacks:
        if not stack.over_time and stack.heights:
            of_group[stack.group].append(stack)
    return [lack for members in of_group.values() for lack in _lacks(members)]


def gaps(places: Sequence[Place | None]) -> tuple[Text, ...]:
    """Say in words what the geometry of a series lacks: slices between others, half-filled volumes; () if nothing."""
    found = lacks(places)
    return tuple(
        said_of(lack) for lack in sorted(found, key=lambda lack: (lack.stack.group, lack.stack.volume))
    )


def said_of(lack: Lack) -> Text:
    """Say in words what a stack lacks."""
    told = (_ONE_MISSING if lack.slices == 1 else _MISSING).filled({"n": str(lack.slices)})
    if lack.stack.of == 1:
        return told
    return joined(" ", (told, _IN_VOLUME.filled({"n": str(lack.stack.volume + 1), "of": str(lack.stack.of)})))


def sample(
    places: Sequence[Place | None],
    taken: Collection[int],
    most: int,
    *,
    whole: bool,
    announced: int | None = None,
) -> set[int]:
    """Choose the slices to score: all, but of a series in time at most `most` volumes of each kind and echo.

    Args:
        places: of the slices that are known so far.
        taken: those that are chosen already; their volumes come first.
        most: volumes.
        whole: no more slices are expected. Before that fewer are taken, so that later moments get their turn.
        announced: how many volumes the header promises, where it does.

    """
    families: defaultdict[tuple[int, str], list[list[int]]] = defaultdict(list)
    single: set[tuple[int, str]] = set()
    for stack in stacks_of(places):
        family = stack.group, stack.echo
        if stack.over_time:
            single.add(family)
            families[family] += [[number] for number in stack.slices]
        else:
            families[family].append(list(stack.slices))
    chosen: set[int] = set()
    for family, volumes in families.items():
        limit = most * FRAMES_PER_VOLUME if family in single else most
        for number in _spread(volumes, taken, limit, whole=whole, announced=announced):
            chosen.update(volumes[number])
    return chosen


def aside(first: Plane, plane: Plane) -> tuple[float, float]:
    """Give how far a slice lies off another one within its plane, mm: down, across."""
    step = np.subtract(plane.corner, first.corner)
    return float(np.dot(first.along_column, step)), float(np.dot(first.along_row, step))


def _spread(
    volumes: Sequence[Sequence[int]],
    taken: Collection[int],
    limit: int,
    *,
    whole: bool,
    announced: int | None,
) -> list[int]:
    """Choose volumes as far from each other in time as they can be."""
    if whole and len(volumes) <= limit:
        return list(range(len(volumes)))
    here = set(taken)
    count = len(volumes)
    chosen = [number for number, members in enumerate(volumes) if not here.isdisjoint(members)]
    if announced is not None and count <= announced and not whole:
        even = {round(each) for each in np.linspace(0, announced - 1, min(limit, announced))}
        return sorted({*chosen, *(number for number in even if number < count)})
    budget = limit if whole else min((limit + 1) // 2, count.bit_length())
    while len(chosen) < min(budget, count):
        away = [
            min((abs(number - other) for other in chosen), default=count - number) for number in range(count)
        ]
        chosen.append(max(range(count), key=away.__getitem__))
    return sorted(chosen)


def _groups(places: Sequence[Place | None]) -> list[list[tuple[int, float | None]]]:
    """Part slices (position in the series, height) by kind, orientation and side.

    Slices of a group are parallel to its first one, not turned in plane against it, and do not lie beside it.
    """
    of_kind: defaultdict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for number, place in enumerate(places):
        if place is not None:
            of_kind[place.kind][place.plane is None].append(number)
    groups: list[list[tuple[int, float | None]]] = []
    for known, unknown in of_kind.values():
        groups += _parallel(places, np.array(known, np.int64))
        nowhere: list[tuple[int, float | None]] = [(number, None) for number in unknown]
        groups += [nowhere] if nowhere else []
    return sorted(groups, key=lambda members: members[0][0])


def _parallel(
    places: Sequence[Place | None], numbers: npt.NDArray[np.int64]
) -> Iterator[list[tuple[int, float | None]]]:
    planes = [place.plane for n in numbers if (place := places[n]) is not None and place.plane is not None]
    corners, rows, columns, extents = (
        np.array([getattr(plane, name) for plane in planes], np.float64)
        for name in ("corner", "along_row", "along_column", "extent")
    )
    while len(numbers):
        steps = corners - corners[0]
        alike = (
            (rows @ rows[0] > PARALLEL)
            & (columns @ columns[0] > PARALLEL)
            & (np.abs(steps @ columns[0]) <= BESIDE * extents[0, 0])
            & (np.abs(steps @ rows[0]) <= BESIDE * extents[0, 1])
        )
        alike[0] = True
        heights = corners[alike] @ np.cross(rows[0], columns[0])
        yield [(int(n), round(float(height), 4)) for n, height in zip(numbers[alike], heights, strict=True)]
        rest = ~alike
        numbers = numbers[rest]
        corners, rows, columns, extents = (each[rest] for each in (corners, rows, columns, extents))


def _volumes(
    places: Sequence[Place | None], members: Sequence[tuple[int, float | None]], group: int, echo: str
) -> Iterator[Stack]:
    known = [(number, height) for number, height in members if height is not None]
    if len(known) < len(members) or not known:
        yield Stack(tuple(number for number, _ in members), (), group, echo, 0)
        return
    where = _levels(known)
    levels = len(set(where.values()))
    in_time = sorted(where, key=lambda number: (_ordered(places[number]), number))
    heights = dict(known)
    if levels == 1 and len(known) > 1:
        yield Stack(tuple(in_time), tuple(heights[n] for n in in_time), group, echo, 0, over_time=True)
        return
    volumes = _parted(places, in_time, where)
    for volume, numbers in enumerate(volumes):
        rising = sorted(numbers, key=lambda number: (heights[number], number))
        yield Stack(tuple(rising), tuple(heights[n] for n in rising), group, echo, volume, len(volumes))


def _levels(known: Iterable[tuple[int, float]]) -> dict[int, int]:
    """Give the level of each slice (number, height); heights within a twentieth of a millimetre are one level."""
    found: dict[int, int] = {}
    level, last = -1, -np.inf
    for number, height in sorted(known, key=lambda member: (member[1], member[0])):
        if height - last >= SAME_PLACE:
            level, last = level + 1, height
        found[number] = level
    return found


def _ordered(place: Place | None) -> tuple[float, ...]:
    return tuple(-np.inf if value is None else value for value in place.moment) if place is not None else ()


def _parted(
    places: Sequence[Place | None], in_time: Sequence[int], where: Mapping[int, int]
) -> list[list[int]]:
    """Part slices into volumes, in the order of their moments."""
    if len(set(where.values())) == len(in_time):
        return [list(in_time)]
    telling = _telling(places, in_time, where)
    seen: Counter[tuple[Moment, int]] = Counter()
    volumes: defaultdict[tuple[Moment, int], list[int]] = defaultdict(list)
    for number in in_time:
        moment = _moment(places[number])
        key = tuple(moment[which] for which in telling)
        nth = seen[key, where[number]]
        seen[key, where[number]] += 1
        volumes[key, nth].append(number)
    order = {number: rank for rank, number in enumerate(in_time)}
    return sorted(
        volumes.values(), key=lambda numbers: float(np.median([order[number] for number in numbers]))
    )


def _telling(places: Sequence[Place | None], numbers: Sequence[int], where: Mapping[int, int]) -> list[int]:
    """Name the parts of the moment that tell volumes apart: most levels share each of their values."""
    levels = len(set(where.values()))
    found: list[int] = []
    for which in range(len(_moment(places[numbers[0]]))):
        shared: defaultdict[float | None, set[int]] = defaultdict(set)
        for number in numbers:
            shared[_moment(places[number])[which]].add(where[number])
        if len(shared) > 1 and 2 * sum(map(len, shared.values())) > len(shared) * levels:
            found.append(which)
    return found


def _moment(place: Place | None) -> Moment:
    return () if place is None else place.moment


def _lacks(members: Sequence[Stack]) -> Iterator[Lack]:
    """Compare the stacks of a group with each other, then look for gaps that all of them have."""
    numbered = [(which, n) for which, stack in enumerate(members) for n in range(len(stack.heights))]
    level_of = _levels(enumerate(members[which].heights[n] for which, n in numbered))
    here: list[dict[int, int]] = [{} for _ in members]  # of each stack: slices by level
    heights: dict[int, float] = {}
    for place, (which, n) in enumerate(numbered):
        here[which][level_of[place]] = members[which].slices[n]
        heights.setdefault(level_of[place], members[which].heights[n])
    between = _between([heights[level] for level in sorted(heights)])
    for stack, slices in zip(members, here, strict=True):
        for before, lost in between:
            if before in slices and before + 1 in slices:
                yield Lack(stack, lost, slices[before])
        absent = [level for level in heights if level not in slices]
        if absent:
            nearest = min(slices, key=lambda level: min(abs(level - gone) for gone in absent))
            yield Lack(stack, len(absent), slices[nearest])


def _between(heights: Sequence[float]) -> list[tuple[int, int]]:
    """Give each gap (number of the level before it) that is a whole multiple of the usual one, with what it lacks."""
    if len(heights) < FEWEST:
        return []
    steps = [above - below for below, above in pairwise(heights)]
    usual = float(np.median(steps))
    found: list[tuple[int, int]] = []
    for number, step in enumerate(steps):
        lost = round(step / usual) - 1
        if 0 < lost <= MOST_MISSING and abs(step - (lost + 1) * usual) <= GAP_TOLERANCE * usual:
            found.append((number, lost))
    return found
