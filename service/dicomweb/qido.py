"""QIDO-RS (PS3.18, 10.6) over the results: which studies, series and instances match."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from itertools import islice
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.tag import Tag

from service.dicomweb.results import INSTANCE, SERIES, STUDY, Found, Model, tag_of

MOST = 1000  # entries of an answer where the client names no smaller number
LEVELS = ("studies", "series", "instances")
_CONTROL = frozenset({"limit", "offset", "includefield", "fuzzymatching"})
COUNTED = {"studies": ("ModalitiesInStudy",), "series": (), "instances": ()}  # told of all results together
_OWN = {
    "studies": STUDY,
    "series": (*STUDY, *SERIES),
    "instances": (*STUDY, *SERIES, *INSTANCE),
}
_KEY = {"studies": "StudyInstanceUID", "series": "SeriesInstanceUID", "instances": "SOPInstanceUID"}
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_RANGES = frozenset({"DA", "TM", "DT"})
_WILD = frozenset({"CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT", "AE"})  # PS3.4, C.2.2.2.4


class UnfitQuery(ValueError):
    """The query cannot be answered; the message says why, without its values."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for."""

    level: str  # one of LEVELS
    wanted: Mapping[str, str]  # tag -> value to match
    included: frozenset[str]  # further tags to tell
    everything: bool  # tell all that is known
    offset: int
    limit: int
    fuzzy: bool  # asked for, and not done

    @property
    def study(self) -> str:
        """The one study that is asked for, "" for any."""
        return self._only("StudyInstanceUID")

    @property
    def series(self) -> str:
        """The one series that is asked for, "" for any."""
        return self._only("SeriesInstanceUID")

    def _only(self, keyword: str) -> str:
        value = self.wanted.get(tag_of(keyword), "")
        return value if re.fullmatch(r"[0-9.]{1,64}", value) else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One study, series or instance of an answer."""

    model: Model
    found: Sequence[Found]  # the results that it consists of


def read_query(level: str, parameters: Iterable[tuple[str, str]]) -> Query:
    """Read the parameters of a search. Raises UnfitQuery."""
    wanted: dict[str, str] = {}
    included: set[str] = set()
    numbers = {"limit": MOST, "offset": 0}
    everything = fuzzy = False
    for name, value in parameters:
        if name in numbers:
            if not value.isascii() or not value.isdecimal() or len(value) > 9:
                raise UnfitQuery(f"{name} is no number")
            numbers[name] = int(value)
        elif name == "includefield":
            everything = everything or value == "all"
            included |= {_tag(one) for one in value.split(",") if one not in {"", "all"}}
        elif name == "fuzzymatching":
            fuzzy = value.lower() == "true"
        else:
            tag = _tag(name)
            if tag not in {tag_of(one) for one in (*_OWN[level], *COUNTED[level])}:
                raise UnfitQuery(f"one of the attributes is none that is matched for {level}")
            wanted[tag] = value
    limit = min(MOST, numbers["limit"])
    return Query(level, wanted, frozenset(included), everything, numbers["offset"], limit, fuzzy)


def _tag(name: str) -> str:
    """Give the tag of an attribute that is named by its keyword or its tag. Raises UnfitQuery."""
    if _TAG.fullmatch(name):
        return name.upper()
    tag = tag_for_keyword(name)
    if tag is None:
        raise UnfitQuery("a parameter is neither one of a search nor an attribute")
    return f"{tag:08X}"


def search(query: Query, results: Iterable[Found]) -> tuple[list[Entry], bool]:
    """Give the entries of the page that is asked for, and whether there are more."""
    matching = (entry for entry in _entries(query.level, results) if _matches(entry.model, query.wanted))
    page = list(islice(matching, query.offset, query.offset + query.limit + 1))
    return page[: query.limit], len(page) > query.limit


def _entries(level: str, results: Iterable[Found]) -> Iterator[Entry]:
    """Gather results that stand next to each other or apart into the entries of a level, in their order."""
    groups: dict[str, list[Found]] = {}
    for found in results:
        groups.setdefault(found.text(_KEY[level]), []).append(found)
    own = [tag_of(keyword) for keyword in _OWN[level]]
    for group in groups.values():
        first = group[0].model
        model: dict[str, Mapping[str, Any]] = {tag: first[tag] for tag in ("00080005", *own) if tag in first}
        yield Entry(model | _counted(level, group), group)


def _counted(level: str, group: Sequence[Found]) -> dict[str, Mapping[str, Any]]:
    """Tell what only all results of a study or series together show: of results, not of images."""
    counted: dict[str, Mapping[str, Any]] = {"00080056": {"vr": "CS", "Value": ["ONLINE"]}}
    if level == "studies":
        modalities = sorted({found.text("Modality") for found in group})
        series = {found.text("SeriesInstanceUID") for found in group}
        counted["00080061"] = {"vr": "CS", "Value": modalities}
        counted["00201206"] = {"vr": "IS", "Value": [len(series)]}
        counted["00201208"] = {"vr": "IS", "Value": [len(group)]}
    elif level == "series":
        counted["00201209"] = {"vr": "IS", "Value": [len(group)]}
    return counted


def _matches(model: Model, wanted: Mapping[str, str]) -> bool:
    return all(_fits(model.get(tag, {}).get("Value", ()), tag, value) for tag, value in wanted.items())


def _fits(values: Sequence[Any], tag: str, wanted: str) -> bool:
    """Match one attribute (PS3.4, C.2.2.2): universal, list of UIDs, range, wild card, single value."""
    if wanted in {"", "*"}:
        return True
    vr = dictionary_VR(Tag(int(tag, 16)))
    texts = [text for value in values for text in _texts(value)]
    if vr == "UI":
        return not set(re.split(r"[,\\]", wanted)).isdisjoint(texts)
    if vr in _RANGES and "-" in wanted:
        low, _, high = wanted.partition("-")
        return any(low <= text and (not high or text[: len(high)] <= high) for text in texts)
    if vr in _WILD:
        pattern = translate(wanted.replace("[", "[[]"))  # its stars do not go back for each other
        flags = re.IGNORECASE if vr == "PN" else 0
        return any(re.match(pattern, text, flags) for text in texts)
    return wanted in texts


def _texts(value: object) -> list[str]:
    """Give the texts by which a value can be matched: of a name each of its representations."""
    return [str(part) for part in value.values()] if isinstance(value, dict) else [str(value)]
