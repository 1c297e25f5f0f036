"""A coded description: one answer a facet, each with the elements that bear it out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from inference.series.vocabulary import FACETS, Term, term_of
from inference.text import UNSAID, Text, decimal, joined

UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one facet of a series is, as a term of the vocabulary, and which elements say so."""

    facet: str
    term: str = UNKNOWN
    evidence: tuple[str, ...] = ()  # DICOM keywords, or names of the elements that the door keeps

    @property
    def known(self) -> bool:
        """Whether the evidence sufficed."""
        return self.term != UNKNOWN

    @property
    def coded(self) -> Term | None:
        """The term with its code and words; None where it is unknown."""
        return term_of(self.facet, self.term) if self.known else None


@dataclass(frozen=True, slots=True)
class Description:
    """The answers of all facets, in the order of `FACETS`, and the field."""

    answers: tuple[Answer, ...] = tuple(Answer(facet) for facet in FACETS)
    field: float | None = None  # tesla

    def __getitem__(self, facet: str) -> str:
        """Give the term of a facet, `UNKNOWN` where the evidence does not suffice."""
        return self.answer(facet).term

    def answer(self, facet: str) -> Answer:
        """Give the answer of a facet. Raises KeyError."""
        return self.answers[_PLACES[facet]]

    @classmethod
    def of(cls, answers: Iterable[Answer], field: float | None = None) -> Self:
        """Put answers in order; a facet without one is unknown."""
        given = {answer.facet: answer for answer in answers}
        return cls(tuple(given.get(facet, Answer(facet)) for facet in FACETS), field)

    @property
    def words(self) -> Text:
        """Tell it in a line for people, e.g. "Sagittal T1 MPRAGE 3D, head, 3 T"; "" where nothing is known."""
        told = {
            answer.facet: UNSAID if answer.coded is None else answer.coded.words for answer in self.answers
        }
        lead = joined(" ", filter(None, (told[facet] for facet in _LEAD)))
        field = "" if self.field is None else decimal(f"{self.field:g} T")
        return joined(", ", filter(None, (lead, *(told[facet] for facet in _REST), field))).begun

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "field": self.field,
            "answers": {
                answer.facet: {"term": answer.term, "evidence": list(answer.evidence)}
                for answer in self.answers
                if answer.known
            },
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave; an answer that this version does not know is unknown."""
        return cls.of(
            (
                Answer(facet, given["term"], tuple(given["evidence"]))
                for facet, given in values.get("answers", {}).items()
                if facet in FACETS and term_of(facet, given["term"]) is not None
            ),
            values.get("field"),
        )


_PLACES = {facet: place for place, facet in enumerate(FACETS)}
_LEAD = ("orientation", "weighting", "family", "dimension", "derivation", "component", "purpose")
_REST = ("suppression", "agent", "dynamic", "part")
