"""Footprint: where a slice lies in the patient and where the body lies on it; and the stacks that slices form."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Vector = tuple[float, float, float]

GRID = 8  # cells of a footprint's grid along each side
PARALLEL = 0.999  # cosine between normals of parallel slices: 2.5 degrees
SAME_PLACE = 0.05  # mm
FEWEST = 5  # slices of a stack whose neighbours are compared


@dataclass(frozen=True, slots=True)
class Plane:
    """Where one slice lies in the patient (PS3.3 C.7.6.2.1.1)."""

    corner: Vector  # mm: centre of the first pixel
    along_row: Vector  # unit vector of increasing column
    along_column: Vector  # unit vector of increasing row
    extent: tuple[float, float]  # mm: height (rows x spacing), width

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """The unit vector through the slice."""
        return np.cross(self.along_row, self.along_column)

    @property
    def height(self) -> float:
        """The place along the normal, mm."""
        return float(np.dot(self.normal, self.corner))

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {name: list(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        return cls(**{name: tuple(value) for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class Footprint:
    """What the checks of a series need of one slice."""

    plane: Plane | None
    area: float  # of the body, share of the field of view
    centre: tuple[float, float]  # of the body from that of the field of view, mm: down, across
    touched: tuple[
        float, float, float, float
    ]  # share of the field's top, right, bottom, left side in the body
    grid: tuple[float, ...]  # GRID x GRID mean signals, row by row, in units of the image

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        plane = values["plane"]
        return cls(
            plane=None if plane is None else Plane.from_json(plane),
            area=values["area"],
            centre=(values["centre"][0], values["centre"][1]),
            touched=(values["touched"][0], values["touched"][1], values["touched"][2], values["touched"][3]),
            grid=tuple(values["grid"]),
        )


@dataclass(frozen=True, slots=True)
class Stack:
    """Parallel slices in the order of their places, one for each place: of repeated places, one repetition."""

    places: tuple[float, ...]  # mm along the normal, rising
    slices: tuple[int, ...]  # their positions in the series
    prints: tuple[Footprint, ...]


def stacks_of(known: Iterable[tuple[int, Footprint]]) -> list[Stack]:
    """Sort slices into parallel stacks; the n-th slice at a place belongs to the n-th repetition of the stack."""
    groups: list[tuple[npt.NDArray[np.float64], list[tuple[float, int, Footprint]]]] = []
    for position, found in known:
        assert found.plane is not None
        normal = found.plane.normal
        alike = [group for group in groups if float(np.dot(group[0], normal)) > PARALLEL]
        if not alike:
            groups.append((normal, []))
        reference, members = (alike or groups)[-1]
        members.append((float(np.dot(reference, found.plane.corner)), position, found))
    return [stack for _, members in groups for stack in _repetitions(members)]


def _repetitions(members: list[tuple[float, int, Footprint]]) -> list[Stack]:
    members.sort(key=lambda member: (member[0], member[1]))
    runs: defaultdict[int, list[tuple[float, int, Footprint]]] = defaultdict(list)
    nth, last = 0, None
    for member in members:
        nth = nth + 1 if last is not None and member[0] - last < SAME_PLACE else 0
        last = member[0] if nth == 0 else last
        runs[nth].append(member)
    return [
        Stack(
            tuple(place for place, _, _ in run),
            tuple(position for _, position, _ in run),
            tuple(found for _, _, found in run),
        )
        for run in runs.values()
    ]
