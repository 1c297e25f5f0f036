"""A protocol as people know it: the coded terms that describe a series, as one key that holds no free text."""

from functools import lru_cache

from inference.series import Answer, Description
from inference.series.vocabulary import FACETS, Term, term_of
from inference.text import Text

FIELD = "field"
MOST_KNOWN = 4096  # protocols whose words are kept
_END = ";"  # stands before and after each term, so that one is found in the key without its neighbours


def key_of(about: Description) -> str:
    """Give the key of all series that are described in the same words; "" where nothing is known.

    It looks like ``;weighting=T2;family=TSE;orientation=AXIAL;part=BRAIN;field=3;``.
    """
    told = [f"{answer.facet}={answer.term}" for answer in about.answers if _spoken(answer)]
    if about.field is not None:
        told.append(f"{FIELD}={about.field:g}")
    return f"{_END}{_END.join(told)}{_END}" if told else ""


def protocol_of(key: str) -> Description:
    """Read a key back; what this version does not know is unknown. Never raises."""
    told = [part.partition("=") for part in key.split(_END) if part]
    field = next((value for facet, _, value in told if facet == FIELD), "")
    return Description.of(
        (
            Answer(facet, term)
            for facet, _, term in told
            if facet in FACETS and term_of(facet, term) is not None
        ),
        float(field) if field.replace(".", "", 1).isdecimal() else None,
    )


@lru_cache(maxsize=MOST_KNOWN)
def words_of(key: str) -> Text:
    """Tell a protocol in a line for people; "" where nothing is known."""
    return protocol_of(key).words


def mark_of(facet: str, term: str) -> str:
    """Give the part of a key by which a protocol of this term is found."""
    return f"{_END}{facet}={term}{_END}"


def terms_of(key: str) -> list[Term]:
    """Give the terms of a protocol that are told in words."""
    return [
        coded for answer in protocol_of(key).answers if (coded := answer.coded) is not None and coded.words
    ]


def _spoken(answer: Answer) -> bool:
    """Whether a term is told to people: others go without saying, and do not make another protocol."""
    coded = answer.coded
    return coded is not None and coded.words != ""
