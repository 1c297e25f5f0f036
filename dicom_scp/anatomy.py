"""Regions of the body by their codes: the meaning that a sender wrote beside a code may say anything."""

from functools import cache
from typing import NamedTuple, cast


class Region(NamedTuple):
    """A coded region of the body (PS3.3, 8.8)."""

    scheme: str
    value: str
    meaning: str


BODY = Region("SCT", "123037004", "Body structure")  # true of every region
_FORMERLY = frozenset({"SRT", "SNM3", "99SDM"})  # names that SNOMED had (PS3.16, 8)


def region(scheme: str, value: str) -> Region:
    """Give the region as PS3.16 names it, under the code it came with; BODY where PS3.16 has no such code."""
    by_code, by_former = _meanings()
    if scheme in _FORMERLY:
        meaning = by_code.get(by_former.get(value, ""))
    else:
        meaning = by_code.get(value) if scheme == "SCT" else None
    return BODY if meaning is None else Region(scheme, value, meaning)


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
