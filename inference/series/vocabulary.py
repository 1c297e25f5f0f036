"""The terms that a description is made of, with their codes, as `vocabulary.tsv` holds them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inference.text import Text

PATH = Path(__file__).with_name("vocabulary.tsv")
FACETS = (
    "weighting",
    "family",
    "orientation",
    "part",
    "suppression",
    "agent",
    "derivation",
    "component",
    "purpose",
    "dimension",
    "dynamic",
    "vendor",
)


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a facet may be."""

    facet: str
    name: str
    scheme: str  # Coding Scheme Designator (0008,0102)
    code: str  # Code Value (0008,0100), at most 16 characters
    meaning: str  # Code Meaning (0008,0104)
    words: Text  # for people, in a line with others; "" goes without saying


def term_of(facet: str, name: str) -> Term | None:
    """Give a term; None where the vocabulary has no such."""
    return _terms().get((facet, name))


def terms() -> tuple[Term, ...]:
    """Give the whole vocabulary."""
    return tuple(_terms().values())


@cache
def _terms() -> dict[tuple[str, str], Term]:
    found: dict[tuple[str, str], Term] = {}
    for facet, name, scheme, code, meaning, *words in rows(PATH, 7):
        term = Term(facet, name, scheme, code, meaning, Text(*words))
        found[term.facet, term.name] = term
    return found


def rows(path: Path, fields: int) -> list[list[str]]:
    """Read a table of tab-separated fields; "#" begins a comment. Raises ValueError where a row has others."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    found = [[field.strip() for field in line.split("\t")] for line in lines]
    for row in found:
        if len(row) != fields:
            raise ValueError(f"{path.name}: a row has {len(row)} fields: {row[:2]}")
    return found
