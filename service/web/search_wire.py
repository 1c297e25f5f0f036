"""The shapes of the answers to searches."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from service.ledger_views import Verdict
from service.web.words_wire import IN_GERMAN, FoundWords


class FoundAnswer(FoundWords):
    """One generation of a series that was searched for."""

    id: str
    generation: int
    opened_at: datetime
    scanner: str
    series_number: int | None
    coil: str = Field(description="Name of the coil that received")
    state: str
    verdict: Verdict = Field(description="Empty until there is one")
    index: float | None = Field(description="0 to 10, once the verdict stands")
    suitability: float | None
    artifacts: list[str] = Field(description="Those that are present")
    reviewed: bool = Field(description="A person said something about the verdict")
    de: FoundWords = IN_GERMAN


class FoundPage(BaseModel):
    """Series that were searched for, newest first."""

    model_config = ConfigDict(frozen=True)

    items: list[FoundAnswer]
    next_cursor: str | None
