"""Media types (RFC 9110, 8.3) as DICOMweb uses them: parsed, and chosen by what a client accepts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
DICOM_XML = "application/dicom+xml"
OCTET_STREAM = "application/octet-stream"
RELATED = "multipart/related"

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's word
_TYPE = re.compile(rf"\s*({_TOKEN}/{_TOKEN})\s*")
_PARAMETER = re.compile(rf';\s*(?:({_TOKEN})\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]+)\s*)?')
_LONGEST = 4096  # characters of a header that is read


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type or, in Accept, a range of them."""

    name: str  # lower case, such as "multipart/related"
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def root(self) -> str:
        """What a multipart/related message consists of; "" where it does not say."""
        return self.parameters.get("type", "").lower()

    @property
    def weight(self) -> float:
        """How much a client wants it, 0 to 1."""
        try:
            return min(1.0, max(0.0, float(self.parameters.get("q", "1"))))
        except ValueError:
            return 0.0

    def covers(self, offer: "MediaType") -> bool:
        """Tell whether an offer is of this range; parameters other than `type` are for the offerer to judge."""
        main, _, sub = self.name.partition("/")
        other, _, other_sub = offer.name.partition("/")
        return (
            (main in {"*", other})
            and (sub in {"*", other_sub})
            and (self.root in {"", "*/*", offer.root} or not offer.root)
        )


def parse(value: str) -> MediaType | None:
    """Parse one media type with its parameters; None where it is none."""
    found = accepted(value)
    return found[0] if len(found) == 1 else None


def accepted(header: str) -> Sequence[MediaType]:
    """Parse an Accept header; gives nothing where it cannot be understood."""
    if len(header) > _LONGEST:
        return ()
    found: list[MediaType] = []
    at = 0
    while at < len(header):
        kind = _TYPE.match(header, at)
        if kind is None:
            return ()
        at, parameters = kind.end(), {}
        while (parameter := _PARAMETER.match(header, at)) is not None:
            at = parameter.end()
            if parameter[1]:
                parameters[parameter[1].lower()] = _unquoted(parameter[2])
        found.append(MediaType(kind[1].lower(), MappingProxyType(parameters)))
        if at < len(header) and header[at] != ",":
            return ()
        at += 1
    return tuple(found)


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def choose(header: str, offers: Iterable[MediaType]) -> tuple[MediaType, MediaType] | None:
    """Choose what to answer: the offer, and the range that asked for it; None where nothing fits.

    The highest weight wins, then the narrower range, then the earlier offer. No Accept header accepts everything.
    """
    ranges = accepted(header or "*/*")
    fitting = [
        (asked.weight, "*" not in asked.name, -place, offer, asked)
        for place, offer in enumerate(offers)
        for asked in ranges
        if asked.covers(offer) and asked.weight > 0
    ]
    if not fitting:
        return None
    *_, offer, asked = max(fitting, key=lambda one: one[:3])
    return offer, asked
