"""What is known of other machines and of what people have stopped: frozen values, free of SQL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One version of a node that the console keeps."""

    id: str  # scanner:NAME or to:NAME
    version: int  # 1, 2, ...
    told: Mapping[str, Any] | None  # as it would stand in the settings file; None: it was removed
    at: float  # s since the epoch, like every time here
    by: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What a node said when a person had it asked."""

    id: str
    at: float
    good: bool
    told: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """Who called at the door, and how it went."""

    address: str
    ae_title: str  # "": it was turned away before it could say
    result: str  # of `RESULTS` of the listener
    count: int = 1
    first_at: float = 0.0
    last_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Sending:
    """How a destination answered last."""

    tried_at: float | None = None
    sent_at: float | None = None
    answer: str = ""


@dataclass(frozen=True, slots=True)
class RefusedInstance:
    """An instance that the door did not take."""

    at: float
    status: int  # DIMSE
    reason: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Something that does not go on until a person says so."""

    what: str  # scoring, or to:DESTINATION
    at: float
    by: str
    reason: str
    under_way: int = 0  # what was begun before, and is finished still


@dataclass(frozen=True, slots=True)
class Acceptance:
    """By this a site in shadow mode went live."""

    at: float
    by: str
    digest: str  # of what was accepted
    told: Mapping[str, Any] = field(default_factory=dict[str, Any])
