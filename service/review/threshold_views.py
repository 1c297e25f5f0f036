"""What the ledger shows of thresholds: frozen values that the web reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from inference.series import Description
from inference.verdict import Thresholds
from service.review.thresholds import InForce

Lane = Literal["live", "shadow"]


@dataclass(frozen=True, slots=True)
class TrialView:
    """Thresholds that were tried on past series."""

    id: str
    thresholds: Thresholds
    figures: Mapping[str, Any]  # as `trial_json` gives them
    author: str
    at: float  # s since the epoch


@dataclass(frozen=True, slots=True)
class VersionView:
    """Thresholds that were accepted for a protocol, or taken back."""

    number: int
    lane: Lane
    thresholds: Thresholds | None  # None: those of the settings, or no shadow
    restores: int | None
    why: str
    author: str
    role: str
    at: float
    model: str  # that they are for; another one is not judged by them


@dataclass(frozen=True, slots=True)
class ProtocolView:
    """A protocol of a scanner, and what its series are judged by."""

    id: str  # opaque
    scanner: str
    description: Description  # of its newest series
    past: int  # series that were judged in the time looked at
    decided: int  # of them, that people have decided on
    in_force: InForce
    versions: tuple[VersionView, ...]  # the oldest first
    compared: Mapping[str, int]  # "told > in shadow", in verdicts: how many series; told of one protocol only

    @property
    def version(self) -> int:
        """The number of the last version."""
        return self.versions[-1].number if self.versions else 0
