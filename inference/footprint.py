"""Footprint: where a slice lies in the patient and where the body lies on it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Vector = tuple[float, float, float]

GRID = 8  # cells of a footprint's grid along each side


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
