"""What boards and time lines show: frozen values that the web reads, free of SQL and of identity."""

from dataclasses import dataclass

from service.ledger_views import Verdict


@dataclass(frozen=True, slots=True)
class ScannerView:
    """One scanner, for the list of boards."""

    name: str  # configured name or pseudonym
    last_instance_at: float | None = None  # s since the epoch; None: nothing came yet
    open: int = 0  # series on their way
    verdict: Verdict = ""  # the newest
    series: str | None = None  # that it is about, opaque


@dataclass(frozen=True, slots=True)
class MadeView:
    """One series of a study, by its newest generation."""

    id: str  # opaque
    began_at: float  # first arrival of its first generation, s since the epoch
    repeats: str | None = None  # the series of this list that it was made in place of


@dataclass(frozen=True, slots=True)
class StepView:
    """A performed procedure step, as the scanner tells of it (MPPS)."""

    state: str  # Performed Procedure Step Status, PS3.3 C.4.14
    opened_at: float  # s since the epoch
    ended_at: float | None
    series: int  # that it says it made
    told: int  # instances that it says it made
    never_came: int  # of these


@dataclass(frozen=True, slots=True)
class StudyView:
    """One exam: its series in the order of their arrival, and its procedure steps."""

    id: str  # opaque
    made: tuple[MadeView, ...]
    steps: tuple[StepView, ...] = ()
