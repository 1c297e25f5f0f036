"""The shapes of labelled samples in the API."""

from pydantic import BaseModel, ConfigDict, Field

from service.review.views import Choice, Outcome, Reason
from service.web.review_wire import CursorAnswer, ThresholdsAnswer


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class SampleFinding(_Answer):
    """What the model found, or did not."""

    artifact: str
    present: bool
    probability: float
    severity: float
    slices: list[int]


class SampleDecision(_Answer):
    """What one reviewer decided; who that is stays here."""

    tier: int
    decision: Choice
    tags: list[str]
    cursor: CursorAnswer | None
    blind: bool
    reviewer: str = Field(description="Pseudonym")
    role: str


class SampleAnswer(_Answer):
    """A decided series; all names in it are pseudonyms of their own kinds."""

    sample: str
    group: str = Field(description="The same for all series of a patient")
    scanner: str
    protocol: str
    description: str
    verdict: str
    index: float | None
    suitability: float | None
    findings: list[SampleFinding]
    model: str
    thresholds: ThresholdsAnswer | None
    thresholds_version: int | None
    why: list[Reason]
    share: float | None = Field(
        description="The probability with which it came into review; null: an objection"
    )
    first: Outcome
    second: Outcome
    outcome: Outcome
    override: bool = Field(description="People decided otherwise than the model")
    decisions: list[SampleDecision]


class SamplePage(_Answer):
    """A page of labelled samples."""

    items: list[SampleAnswer]
    next_cursor: str | None
