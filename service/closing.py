"""When is a series complete? Evidence before guesses; pure.

A header's count is a lower bound until the same scanner and protocol has met it exactly three times in a row; only
then does it close a series, or keep one open that has less. Without such a count the quiet after the last instance
closes it, and the hard cap closes whatever stays short of a proved count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

COUNT_SIGN = "0020,1002"  # ImagesInAcquisition
RELEASE_SIGN = "release"
PROVED = 3


class CloseReason(StrEnum):
    """Which sign closed a series."""

    COUNT = "count"
    RELEASE = "release"
    QUIET = "quiet"
    CAP = "cap"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    quiet_s: float = 3.0
    after_release_s: float = 0.5  # instead of quiet_s where releases have proved to end a series
    cap_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a series that is still open. Times are seconds since the epoch."""

    received: int
    expected: int | None  # the header's count
    last_instance_at: float
    released_at: float | None  # the association that brought the last instance is over since
    resumed: bool  # an instance came after a release: releases do not end series here
    listening_since: float  # a door that was closed heard no instance: quiet counts from here
    learnt: Mapping[str, int]  # sign -> times in a row that it came true for this scanner and protocol


@dataclass(frozen=True, slots=True)
class Closing:
    """A series is complete, or as complete as it will be."""

    reason: CloseReason
    incomplete: bool
    signs: Mapping[str, bool]  # what this closing teaches of each sign


def proved(learnt: Mapping[str, int], sign: str) -> bool:
    """Tell whether a sign has come true often enough to be trusted."""
    return learnt.get(sign, 0) >= PROVED


def judge(evidence: Evidence, now: float, patience: Patience) -> Closing | None:
    """Close the series, or wait on (None)."""
    count_holds = evidence.expected is not None and proved(evidence.learnt, COUNT_SIGN)
    if count_holds and evidence.received == evidence.expected:
        return _closing(CloseReason.COUNT, evidence)
    quiet = now - max(evidence.last_instance_at, evidence.listening_since)
    if count_holds and evidence.expected is not None and evidence.received < evidence.expected:
        return _closing(CloseReason.CAP, evidence) if quiet >= patience.cap_s else None
    if evidence.released_at is not None and not evidence.resumed and proved(evidence.learnt, RELEASE_SIGN):
        since_release = now - max(evidence.released_at, evidence.listening_since)
        if since_release >= patience.after_release_s:
            return _closing(CloseReason.RELEASE, evidence)
    return _closing(CloseReason.QUIET, evidence) if quiet >= patience.quiet_s else None


def _closing(reason: CloseReason, evidence: Evidence) -> Closing:
    signs = {RELEASE_SIGN: evidence.released_at is not None and not evidence.resumed}
    if evidence.expected is not None:
        signs[COUNT_SIGN] = evidence.received == evidence.expected
    return Closing(reason=reason, incomplete=reason is CloseReason.CAP, signs=signs)
