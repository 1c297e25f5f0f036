"""Which series a person looks at again, and why; pure.

Every series of which the model is not sure is looked at, and a random sample of all others: without it nobody would
find what the model misses, nor know how often an alert is right. Drawn is by a hash of the series' keyed UID, so that
judging again draws the same, and with a probability that is kept: figures are weighed by it.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

from inference.score import QualityScore
from inference.verdict import Verdict
from service.ledger_views import FeedbackKind
from service.review.views import Reason

Blind = Literal["control", "all", "none"]
_SPACE = 2.0**64


@dataclass(frozen=True, slots=True)
class Sampling:
    """How much is looked at that would not be, and what is judged before the verdict is shown."""

    usable: float = 0.03  # share of the Usable series
    alerts: float = 0.2  # share of the Repeat series; the same share of Check is judged blind
    second: float = 0.1  # share of what the first tier decides that the second judges, too
    blind: Blind = "control"


@dataclass(frozen=True, slots=True)
class Nomination:
    """A series that comes into the queue."""

    why: tuple[Reason, ...]
    share: (
        float | None
    )  # the probability with which a series like it comes into the queue; None: by chance of people
    blind: bool
    again: bool  # the second tier judges it, too
    artifacts: tuple[str, ...] = ()


def nominated(
    uid: str, verdict: Verdict, quality: QualityScore, sampling: Sampling, *, skipped: bool = False
) -> Nomination | None:
    """Say whether somebody looks at a series again; ``skipped``: of a kind that is never scored."""
    if skipped:
        return None
    why: list[Reason] = []
    if verdict is Verdict.CHECK:
        why.append("check")
    if verdict is Verdict.NOT_SCORED or quality.strange:
        why.append("abstained")
    if any(finding.contradicted for finding in quality.findings):
        why.append("at odds")
    share = sampling.usable if verdict is Verdict.USABLE else sampling.alerts
    drawn = verdict is not Verdict.NOT_SCORED and _chance(uid, "control") < share
    if drawn:
        why.append("control")
    if not why:
        return None
    return Nomination(
        why=tuple(why),
        share=1.0 if set(why) - {"control"} else share,
        blind=sampling.blind == "all" or (sampling.blind == "control" and drawn),
        again=_chance(uid, "second") < sampling.second,
        artifacts=tuple(finding.artifact for finding in quality.findings if finding.present),
    )


def disagrees(kind: FeedbackKind, verdict: str) -> bool:
    """Tell whether what somebody said to a verdict is against it."""
    return (kind, verdict) in {
        ("wrong alarm", "Check"),
        ("wrong alarm", "Repeat"),
        ("accepted", "Repeat"),
        ("repeated", "Usable"),
    }


def _chance(uid: str, purpose: str) -> float:
    """Give a number from 0 to below 1 that looks random and stays the same."""
    digest = hashlib.sha256(f"{purpose} {uid}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / _SPACE
