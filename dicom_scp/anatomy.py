"""Regions of the body by their codes: the meaning that a sender wrote beside a code may say anything."""

from functools import cache

from pydicom.sr.codedict import codes


@cache
def _regions() -> dict[tuple[str, str], str]:
    """Read PS3.16 CID 4 and 4031 (anatomic regions) once, when the first coded region comes."""
    found: dict[tuple[str, str], str] = {}
    for context in (codes.cid4, codes.cid4031):
        for keyword in context.dir():
            code = getattr(context, keyword)
            found[code.scheme_designator, code.value] = code.meaning
    return found


# SRT is the former name of SCT; its codes differ. Those that scanners still write for whole regions:
_SRT = {
    "T-A0100": "Brain",
    "T-D1100": "Head",
    "T-D1600": "Neck",
    "T-D3000": "Chest",
    "T-D4000": "Abdomen",
    "T-D6000": "Pelvis",
    "T-D0010": "Entire body",
    "T-11500": "Spine",
    "T-11501": "Cervical spine",
    "T-11502": "Thoracic spine",
    "T-11503": "Lumbar spine",
    "T-32000": "Heart",
    "T-62000": "Liver",
    "T-04000": "Breast",
    "T-92000": "Prostate",
    "T-15710": "Hip joint",
    "T-15720": "Knee",
    "T-15750": "Ankle joint",
    "T-15610": "Shoulder",
    "T-D2220": "Shoulder",
    "T-15430": "Elbow joint",
    "T-15460": "Wrist joint",
    "T-D8700": "Hand",
    "T-D9700": "Foot",
    "T-D9200": "Thigh",
}


def region_meaning(scheme: str, value: str) -> str:
    """Give the Standard's name of a region of the body, or "" where the code is none that we know."""
    if scheme in {"SRT", "SNM3", "99SDM"}:
        return _SRT.get(value, "")
    return _regions().get((scheme, value), "")
