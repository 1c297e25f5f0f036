"""What the ledger shows of review: frozen values that the web reads, and what a reader may see of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from inference.series import Description
from service.ledger_views import Verdict

Choice = Literal["usable", "limits", "doubtful", "unusable"]
"""What a reviewer decides; only the first tier may call a series doubtful, and hands it on with that."""
Outcome = Literal["", "usable", "limits", "doubtful", "unusable"]
Tier = Literal[1, 2]
Reason = Literal["check", "abstained", "at odds", "disagreement", "control"]


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a decision points at."""

    slice: int  # position in the series, from 0
    x: float  # share of the picture's width, 0..1
    y: float  # share of its height, 0..1


@dataclass(frozen=True, slots=True)
class DecisionView:
    """What one person decided on a series."""

    tier: int
    decision: Choice
    comment: str
    tags: tuple[str, ...]  # names of the catalogue
    cursor: Cursor | None
    blind: bool  # the verdict was not shown before
    author: str
    role: str
    at: float  # s since the epoch, like every time here
    earlier: bool = False  # the series had another verdict then


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A series in the queue, or one that was decided."""

    id: str
    series_id: str
    scanner: str
    series_number: int | None
    description: Description
    verdict: Verdict  # of the model; "" while it is hidden
    artifacts: tuple[str, ...]  # that the model found
    why: tuple[Reason, ...]
    blind: bool  # to be judged before the model's verdict is shown
    again: bool  # drawn for the second tier, whatever the first decides
    tier: int  # who decides next; 0: nobody
    outcome: Outcome  # the last decision of the highest tier
    version: int  # another one whenever something happened to it
    entered_at: float
    decided_at: float | None


@dataclass(frozen=True, slots=True)
class Case:
    """A series in review with everything that was decided on it, oldest first."""

    review: ReviewView
    decisions: tuple[DecisionView, ...] = ()
    hidden: bool = False  # something is kept from this reader until they have decided


@dataclass(frozen=True, slots=True)
class ReviewSelection:
    """Which part of the queue is wanted."""

    tier: int | None = 1  # 0: what is decided; None: all
    scanner: str = ""
    verdict: Verdict | None = None
    artifact: str = ""
    entered_before: float | None = None


def as_seen(case: Case, reader: str) -> Case:
    """Keep the model's verdict from who judges blind, and a colleague's from who looks a second time.

    Whoever has decided, and everybody once nobody decides any more, sees all of it.
    """
    review = case.review
    done = {one.author for one in case.decisions if not one.earlier}
    if review.tier == 0 or reader in done:
        return case
    unasked = review.tier == 2 and review.again and review.outcome != "doubtful"
    if not (review.blind or unasked):
        return case
    shown = _covered(review) if review.blind else review
    return Case(
        replace(shown, outcome="") if unasked else shown,
        () if unasked else case.decisions,
        hidden=True,
    )


def _covered(review: ReviewView) -> ReviewView:
    return replace(review, verdict="", artifacts=(), why=())


@dataclass(frozen=True, slots=True)
class SampleView:
    """A series that people have decided on, as a labelled sample is made of it."""

    id: int  # of the series in review
    series_uid: str  # keyed
    generation: int
    patient: str  # pseudonym
    scanner_id: int
    protocol_key: str  # keyed pseudonym
    description: Description
    verdict: str  # of the model
    quality: Mapping[str, Any]  # as `QualityScore.to_json` gives it
    model: str
    judging: Mapping[str, Any] | None
    why: tuple[str, ...]
    share: float | None  # the probability with which it came into review; None: somebody objected
    first: str
    second: str
    outcome: str
    decisions: tuple[DecisionView, ...]
