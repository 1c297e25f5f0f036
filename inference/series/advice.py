"""What to tell the technologist of an artifact in a series of this description; `advice.tsv` holds where it differs."""

from functools import cache
from pathlib import Path

from inference.artifacts import by_name
from inference.series.description import Description
from inference.series.vocabulary import rows

PATH = Path(__file__).with_name("advice.tsv")


def advice_on(artifact: str, about: Description) -> str:
    """Give the advice that makes sense: no swap of phase encoding in EPI, no STIR after an agent. Raises KeyError."""
    told = by_name(artifact).advice
    fitting = (advice for facet, terms, advice in _table().get(artifact, ()) if about[facet] in terms)
    return next(fitting, told)


@cache
def _table() -> dict[str, list[tuple[str, frozenset[str], str]]]:
    found: dict[str, list[tuple[str, frozenset[str], str]]] = {}
    for artifact, facet, terms, advice in rows(PATH, 4):
        found.setdefault(artifact, []).append((facet, frozenset(terms.split()), advice))
    return found
