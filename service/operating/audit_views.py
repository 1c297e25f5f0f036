"""What the audit log tells: its rows, what is asked of it, and what its check found."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that somebody did, to be written down. No value of it may tell who a patient is."""

    what: str
    actor: str = ""
    subject: str = ""
    result: str = "done"
    address: str = ""
    detail: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Mark:
    """A row by its number and digest: as noted elsewhere, it tells whether the log still is what it was."""

    id: int
    digest: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of the log."""

    id: int
    at: float  # s since the epoch
    actor: str
    address: str
    what: str
    subject: str
    result: str
    detail: str  # JSON
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which rows are asked for; empty fields ask for all."""

    actor: str = ""
    what: str = ""
    subject: str = ""
    since: float | None = None  # s since the epoch
    until: float | None = None


EVERYTHING = AuditQuery()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the log."""

    id: int  # of the row at which it shows
    told: str


@dataclass(frozen=True, slots=True)
class Check:
    """What became of the check of the log."""

    rows: int
    first: int  # 0: there is no row
    head: Mark | None  # the last row
    faults: tuple[Fault, ...] = ()  # at most `ledger.audit.MOST_FAULTS`
    purged: tuple[int, ...] = ()  # rows noted elsewhere that went in a purge

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults
