"""What answers tell in words: in English as fields of the answer itself, and in German under its `de`."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from inference.text import with_german

IN_GERMAN = Field(description="The same fields in German")


def told(**words: str | Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Give fields in words, with their German under `de`."""
    return with_german(words, *words)


class Words(BaseModel):
    """Fields that are told in each language."""

    model_config = ConfigDict(frozen=True)


class FactWords(Words):
    """What is told in words of a finding that only the whole series shows."""

    title: str
    advice: str
    detail: str = Field(description="What was found, or why the check does not apply")


class MetricWords(Words):
    """What is told in words of a classical metric."""

    title: str
    reason: str = Field(description="Why it does not apply, else empty")


class SuggestionWords(Words):
    """What is told in words of one thing to do."""

    text: str
    cost: str = Field(description="In words; empty where it costs no more than the scan as it was")


class AdviceWords(Words):
    """What is told in words of an artifact; empty where it is not present."""

    lead: str = Field(description="What is seen in a series of this kind")
    advice: str = Field(description="The same with what to do about it, in one sentence")


class ClosingWords(Words):
    """What is told in words of what closed a series."""

    gaps: list[str] = Field(description="What the geometry lacked")


class ReasonWords(Words):
    """Why something is so."""

    reason: str


class SeriesWords(Words):
    """What is told in words of a series."""

    description: str = Field(description="Of what `coded` says")
    reason: str = Field(description="Why the verdict is what it is")
    advice: list[str]


class CatalogueWords(Words):
    """What is told in words of a kind of artifact."""

    title: str
    advice: str


class LimitsWords(Words):
    """What is told in words of a model."""

    limits: list[str] = Field(description="What it cannot see")


class DescriptionWords(Words):
    """What is told in words of a series or of a protocol."""

    description: str = Field(description="In words of codes")


class FoundWords(DescriptionWords):
    """What is told in words of a series that was searched for."""

    reason: str


class TitleWords(Words):
    """What something is called."""

    title: str


class TermWords(Words):
    """What a coded term is called."""

    words: str


class NamesWords(Words):
    """What people call what rules may name."""

    artifacts: dict[str, str] = Field(description="By name")
    checks: dict[str, str] = Field(description="By name")
    terms: dict[str, dict[str, str]] = Field(description="By facet, then by name")
