"""What the ledger shows of site rules: versions, what fired, what was to be done. Free of SQL and of identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from service.routing import Case, Message, Order, Route

Origin = Literal["page", "file", "command", "restore"]
ErrandKind = Literal["alert", "forward"]
ErrandState = Literal["waiting", "done", "dead", "superseded", "discarded", "shadow"]
"""Dead: given up. Superseded: a later verdict took its place before it left. Shadow: it would have been done."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the rulebook, as it was saved."""

    number: int
    at: float  # s since the epoch
    author: str
    why: str
    origin: Origin
    digest: str  # SHA-256 of the content
    content: Mapping[str, Any]  # plain values, as `service.routing.plain` gives them


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a series at the moment of its verdict, beside the verdict."""

    scanner: str
    repeats: bool
    at: float  # s since the epoch


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules in force make of one verdict, as it is written with it."""

    version: int
    fired: Sequence[Mapping[str, str]]  # rule and mode
    routes: Mapping[str, Route]
    orders: Sequence[Order]
    now: Message  # the verdict, for those whose earlier alert holds no more
    shadow: bool = False  # the house sends nothing: what would be done is noted


@dataclass(frozen=True, slots=True)
class FiringView:
    """Which rules held at a verdict."""

    series_id: str
    at: float  # s since the epoch
    version: int
    provisional: bool
    fired: Sequence[Mapping[str, str]]
    routes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ErrandView:
    """One thing that a rule ordered."""

    id: int
    series_id: str
    kind: ErrandKind
    rule: str
    channel: str
    event: str  # alert, withdrawn; "" of a forward
    text: str
    version: int  # of the rulebook
    state: ErrandState
    attempts: int
    created_at: float  # s since the epoch, like the others
    next_at: float | None  # None where nothing more is planned
    stopped: bool  # it waits until its PACS goes on as a destination
    tried_at: float | None
    done_at: float | None
    answer: str
    replaces: int | None


@dataclass(frozen=True, slots=True)
class ErrandSelection:
    """Which errands; what is not given is not looked at."""

    series_id: str | None = None
    channel: str | None = None
    state: ErrandState | None = None


@dataclass(frozen=True, slots=True)
class PastCase:
    """A verdict of the past, for a dry run."""

    case: Case
    fired: Sequence[str] = field(default_factory=tuple[str, ...])  # at the time, by name
