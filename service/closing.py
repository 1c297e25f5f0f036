"""When is a series complete? Evidence before guesses; pure.

The strongest sign comes first. A header's count is a lower bound until the same scanner and protocol has met it
exactly three times in a row; then it closes a series, and keeps one open that has less. A gap in the geometry keeps a
series open, and never closes one. Else the quiet after the last instance closes it, for as long as the pauses of this
protocol teach; the end of an association, the next series of the study and a commitment request shorten that, where
they proved to be the end. The hard cap closes what is still held open. A series with dynamics gets a provisional
verdict at the first quiet; a count, the exam, a learnt quiet time or a cap of its own bring the final one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from inference.text import Text

COUNT_SIGNS = (
    "0020,1002",
    "0020,0105",
    "0025,1007",
    "2001,1018",
    "0020,9163",
)  # the vendors' counts, see Facts
RELEASE, NEXT, COMMITMENT = "release", "next", "commitment"
END_SIGNS = (RELEASE, NEXT, COMMITMENT)  # each may mean that the series is over
GAP_SIGN = "gap"  # a gap that was still there at the end: three times in a row, and it is this protocol's way
PROVED = 3
PACES = 20  # how many series of a protocol its quiet time is learnt from
_SHARE, _FACTOR = 0.9, 2.0  # of their longest pauses: the 90th percentile, twice


class CloseReason(StrEnum):
    """Which sign closed a series."""

    COUNT = "count"
    RELEASE = "release"
    NEXT = "next"
    COMMITMENT = "commitment"
    EXAM = "exam"
    QUIET = "quiet"
    CAP = "cap"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    quiet_s: float = 3.0  # until a protocol's own quiet time is learnt
    floor_s: float = 2.0  # no learnt quiet time is shorter
    after_end_s: float = 0.5  # instead of it, after a sign of the end that has proved itself
    cap_s: float = 60.0
    timed_cap_s: float = 1500.0  # the cap of series with dynamics


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a series that is still open. Times are seconds since the epoch."""

    received: int  # instances
    last_instance_at: float
    counts: Mapping[str, int]  # by sign: how many instances the header announces
    learnt: Mapping[str, int]  # by sign: times in a row that it came true for this scanner and protocol
    ends: Mapping[str, float]  # signs of the end that stand, and since when
    outlived: frozenset[str] = frozenset()  # those that stood until another instance came
    paces: Sequence[float] = ()  # s; the longest pause within each of the last series of the protocol
    longest_pause_s: float = 0.0  # within this series
    listening_since: float = 0.0  # a door that was closed heard no instance: quiet counts from here
    gaps: tuple[Text, ...] = ()  # what the geometry lacks, in words
    timed: bool = False  # several phases, or timed by a contrast agent
    exam_ended_at: float | None = None  # as the scanner told (MPPS)
    discontinued: bool = False  # the exam was broken off: nothing is missing


@dataclass(frozen=True, slots=True)
class Closing:
    """A series is complete, or as complete as it will be; a provisional one is to be judged and stays open."""

    reason: CloseReason
    provisional: bool
    incomplete: bool
    sign: str  # the very sign: which count, which end
    expected: int | None  # instances, as far as the counts that hold say so
    quiet_s: float  # the quiet time in force
    signs: Mapping[str, bool]  # what this closing teaches of each sign
    pace: float | None  # what it teaches of the quiet time


def proved(learnt: Mapping[str, int], sign: str) -> bool:
    """Tell whether a sign has come true often enough to be trusted."""
    return learnt.get(sign, 0) >= PROVED


def quiet_time(paces: Sequence[float], patience: Patience, *, most: float) -> float | None:
    """Give the quiet time that the pauses of a protocol's series teach, or None before there are enough of them."""
    if len(paces) < PROVED:
        return None
    ordered = sorted(paces)
    return min(most, max(patience.floor_s, _FACTOR * ordered[ceil(_SHARE * len(ordered)) - 1]))


def judge(evidence: Evidence, now: float, patience: Patience) -> Closing | None:
    """Close the series, judge it provisionally, or wait on (None)."""
    standing = _stand(evidence, now, patience)
    over = _over(evidence, standing, now, patience)
    provisional = over is None and evidence.timed and standing.waited >= patience.quiet_s
    if over is None and not provisional:
        return None
    reason, sign = over or (CloseReason.QUIET, "")
    learns = evidence.received > 1 and evidence.longest_pause_s <= standing.cap
    return Closing(
        reason=reason,
        provisional=provisional,
        incomplete=standing.short and not (provisional or evidence.timed or evidence.discontinued),
        sign=sign or reason,
        expected=standing.most,
        quiet_s=standing.quiet,
        signs=_lessons(evidence),
        pace=evidence.longest_pause_s if learns else None,
    )


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the evidence amounts to at a moment."""

    bounds: Mapping[str, int]  # the counts that this protocol has not refuted
    most: int | None  # the greatest of them
    vetoed: bool
    short: bool  # of a trusted count, or for a gap
    cap: float
    learnt: bool  # the quiet time is this protocol's own
    quiet: float
    waited: float


def _stand(evidence: Evidence, now: float, patience: Patience) -> _Standing:
    bounds = {
        sign: evidence.counts[sign]
        for sign in COUNT_SIGNS
        if sign in evidence.counts and evidence.learnt.get(sign) != 0
    }
    trusted = [n for sign, n in bounds.items() if proved(evidence.learnt, sign)]
    cap = patience.timed_cap_s if evidence.timed else patience.cap_s
    learnt = quiet_time(evidence.paces, patience, most=cap)
    vetoed = bool(evidence.gaps) and not proved(evidence.learnt, GAP_SIGN)
    return _Standing(
        bounds=bounds,
        most=max(bounds.values(), default=None),
        vetoed=vetoed,
        short=vetoed or evidence.received < max(trusted, default=0),
        cap=cap,
        learnt=learnt is not None,
        quiet=patience.quiet_s if learnt is None else learnt,
        waited=now - max(evidence.last_instance_at, evidence.listening_since),
    )


def _over(
    evidence: Evidence, standing: _Standing, now: float, patience: Patience
) -> tuple[CloseReason, str] | None:
    """Give the sign by which the series is over, the strongest first; the more exact name of a count beside it."""
    quiet, waited = standing.quiet, standing.waited
    for sign, n in standing.bounds.items():
        if evidence.received == n == standing.most and proved(evidence.learnt, sign) and not standing.vetoed:
            return CloseReason.COUNT, sign
    if waited >= standing.cap and (standing.short or evidence.timed):
        return CloseReason.CAP, ""
    if standing.short:
        return None
    if (end := _ended(evidence, now, patience)) is not None:
        return CloseReason(end), ""
    exam = evidence.exam_ended_at is not None and now - evidence.exam_ended_at >= quiet
    if waited >= quiet and (exam or standing.learnt or not evidence.timed):
        return (CloseReason.EXAM if exam else CloseReason.QUIET), ""
    return None


def _ended(evidence: Evidence, now: float, patience: Patience) -> str | None:
    """Give the sign of the end that stands long enough, of those that have proved to be one."""
    for sign in END_SIGNS:
        if sign in evidence.outlived or not proved(evidence.learnt, sign):
            continue
        since = evidence.ends.get(sign)
        if since is not None and now - max(since, evidence.listening_since) >= patience.after_end_s:
            return sign
    return None


def _lessons(evidence: Evidence) -> dict[str, bool]:
    """Tell which signs came true; one that was not given teaches nothing, nor what an exam broken off left short."""
    lessons = {
        sign: evidence.received == n
        for sign, n in evidence.counts.items()
        if evidence.received >= n or not evidence.discontinued
    }
    lessons |= dict.fromkeys(evidence.ends, True) | dict.fromkeys(evidence.outlived, False)
    return lessons if evidence.discontinued else lessons | {GAP_SIGN: bool(evidence.gaps)}
