"""Concepts of PS3.16 by their codes: the meaning that a sender wrote beside a code may say anything."""

from functools import cache
from typing import NamedTuple, cast


class Concept(NamedTuple):
    """A coded concept (PS3.3, 8.8)."""

    scheme: str
    value: str
    meaning: str


BODY = Concept("SCT", "123037004", "Body structure")  # true of every region
_PURPOSES = frozenset({7201, 7202})  # context groups
_FORMERLY = frozenset({"SRT", "SNM3", "99SDM"})  # names that SNOMED had (PS3.16, 8)


def region(scheme: str, value: str) -> Concept:
    """Give the region as PS3.16 names it, under the code it came with; BODY where PS3.16 has no such code."""
    by_code, by_former = _meanings()
    if scheme in _FORMERLY:
        meaning = by_code.get(by_former.get(value, ""))
    else:
        meaning = by_code.get(value) if scheme == "SCT" else None
    return BODY if meaning is None else Concept(scheme, value, meaning)


def purpose(scheme: str, value: str) -> Concept | None:
    """Give the purpose of a reference to an image (PS3.16, CID 7201 and 7202); None where it is none of these."""
    meaning = _purposes().get(value) if scheme == "DCM" else None
    return None if meaning is None else Concept(scheme, value, meaning)


@cache
def _purposes() -> dict[str, str]:
    from pydicom.sr._concepts_dict import concepts  # noqa: PLC0415 - as below

    named = cast("dict[str, dict[str, tuple[str, list[int]]]]", concepts["DCM"])
    return {
        code: meaning
        for codes in named.values()
        for code, (meaning, groups) in codes.items()
        if not _PURPOSES.isdisjoint(groups)
    }


@cache
def _meanings() -> tuple[dict[str, str], dict[str, str]]:
    """Read the SNOMED CT concepts of PS3.16, and the former codes of them, when the first region comes."""
    # Half a megabyte that a receiver of classic images never needs; pydicom offers no public way to the tables.
    from pydicom.sr._concepts_dict import concepts  # noqa: PLC0415
    from pydicom.sr._snomed_dict import mapping  # noqa: PLC0415

    named = cast("dict[str, dict[str, tuple[str, object]]]", concepts["SCT"])
    by_code: dict[str, str] = {}
    for codes in named.values():
        for code, (meaning, _) in codes.items():
            by_code[code] = min(meaning, by_code.get(code, meaning), key=lambda words: (len(words), words))
    return by_code, dict(mapping["SRT"])
