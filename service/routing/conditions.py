"""Conditions of site rules: typed data that is looked up, never code that is run."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from inference.artifacts import NAMES as ARTIFACTS
from inference.checks import CHECKS
from inference.series import UNKNOWN
from inference.series.vocabulary import FACETS, terms
from service.routing.case import Circumstance

MOST = 40  # entries of a list
DEEPEST = 6  # groups within groups
PART = "part"

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
VerdictName = Literal["Usable", "Check", "Repeat", "Not scored"]
TERMS = {
    facet: frozenset({term.name for term in terms() if term.facet == facet}) | {UNKNOWN} for facet in FACETS
}


def _known(kind: str, names: Sequence[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"no {kind} {value!r}: there are {', '.join(names)}")
        return value

    return check


def unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a list that names something twice."""
    doubles = [value for n, value in enumerate(values) if value in values[:n]]
    if doubles:
        raise ValueError(f"{doubles[0]!r} stands here twice")
    return values


def printable(value: str) -> str:
    """Refuse control characters."""
    if not value.isprintable():
        raise ValueError("only printable characters, in one line")
    return value


CHECK_NAMES = tuple(check.name for check in CHECKS)
ArtifactName = Annotated[
    str, AfterValidator(_known("artifact", ARTIFACTS)), Field(json_schema_extra={"enum": [*ARTIFACTS]})
]
CheckName = Annotated[
    str, AfterValidator(_known("check", CHECK_NAMES)), Field(json_schema_extra={"enum": list(CHECK_NAMES)})
]
Facet = Annotated[
    str,
    AfterValidator(_known("facet", [facet for facet in FACETS if facet != PART])),
    Field(json_schema_extra={"enum": [facet for facet in FACETS if facet != PART]}),
]
PartName = Annotated[
    str,
    AfterValidator(_known("body part", sorted(TERMS[PART]))),
    Field(json_schema_extra={"enum": [*sorted(TERMS[PART])]}),
]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
EndClock = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Text = Annotated[str, StringConstraints(max_length=64, min_length=1), AfterValidator(printable)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Index = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]


class Table(BaseModel):
    """A table of the rules' file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class _Range(Table):
    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        low, high = getattr(self, "at_least", None), getattr(self, "below", None)
        if low is None and high is None:
            raise ValueError("at_least or below is needed")
        if low is not None and high is not None and low >= high:
            raise ValueError("at_least must be lower than below")
        return self


class VerdictIs(Table):
    """The verdict is one of these."""

    kind: Literal["verdict"] = "verdict"
    one_of: Annotated[tuple[VerdictName, ...], Field(min_length=1, max_length=MOST), AfterValidator(unique)]


class IndexIs(_Range):
    """The quality index of the series lies in a range; without a score it does not."""

    kind: Literal["index"] = "index"
    at_least: Index | None = None
    below: Index | None = None


class SuitabilityIs(_Range):
    """The probability that the series is diagnostically usable lies in a range; without a score it does not."""

    kind: Literal["suitability"] = "suitability"
    at_least: Share | None = None
    below: Share | None = None


class FieldIs(_Range):
    """The field strength in tesla lies in a range; where it is not known it does not."""

    kind: Literal["field"] = "field"
    at_least: Annotated[float, Field(ge=0, le=30, allow_inf_nan=False)] | None = None
    below: Annotated[float, Field(ge=0, le=30, allow_inf_nan=False)] | None = None


class ArtifactIs(Table):
    """One artifact of these is present, at least so severe and so probable."""

    kind: Literal["artifact"] = "artifact"
    one_of: Annotated[tuple[ArtifactName, ...], Field(max_length=MOST), AfterValidator(unique)] = ()
    """empty: any"""
    severity: Share = 0.0
    """at least; below a third is mild, below two thirds moderate, from there on severe"""
    probability: Share = 0.0
    """at least"""


class CheckIs(Table):
    """What only the whole series shows: one of these is present."""

    kind: Literal["check"] = "check"
    one_of: Annotated[tuple[CheckName, ...], Field(min_length=1, max_length=MOST), AfterValidator(unique)]


class ScannerIs(Table):
    """The scanner is one of these, by its name on the console."""

    kind: Literal["scanner"] = "scanner"
    one_of: Annotated[tuple[Text, ...], Field(min_length=1, max_length=MOST), AfterValidator(unique)]


class ProtocolIs(Table):
    """A facet of the coded description is one of these terms; UNKNOWN where the header did not tell."""

    kind: Literal["protocol"] = "protocol"
    facet: Facet
    one_of: Annotated[tuple[Text, ...], Field(min_length=1, max_length=MOST), AfterValidator(unique)]

    @model_validator(mode="after")
    def _speaks_the_vocabulary(self) -> Self:
        strange = [term for term in self.one_of if term not in TERMS[self.facet]]
        if strange:
            known = ", ".join(sorted(TERMS[self.facet]))
            raise ValueError(f"{self.facet} has no term {strange[0]!r}: there are {known}")
        return self


class BodyPartIs(Table):
    """The body part is one of these."""

    kind: Literal["body_part"] = "body_part"
    one_of: Annotated[tuple[PartName, ...], Field(min_length=1, max_length=MOST), AfterValidator(unique)]


class TimeIs(Table):
    """The verdict was given between two times of the day, on some days of the week.

    A span over midnight belongs to the day on which it begins.
    """

    kind: Literal["time"] = "time"
    start: Clock = "00:00"
    end: EndClock = "24:00"
    days: Annotated[tuple[Weekday, ...], Field(max_length=7), AfterValidator(unique)] = ()
    """empty: every day"""


class CircumstanceIs(Table):
    """One of these circumstances holds."""

    kind: Literal["circumstance"] = "circumstance"
    one_of: Annotated[tuple[Circumstance, ...], Field(min_length=1, max_length=MOST), AfterValidator(unique)]


class Group(Table):
    """All of these hold, any of them does, or none of them (``not``)."""

    kind: Literal["all", "any", "not"]
    of: Annotated[tuple["Condition", ...], Field(min_length=1, max_length=MOST)]


Condition = Annotated[
    VerdictIs
    | IndexIs
    | SuitabilityIs
    | ArtifactIs
    | CheckIs
    | ScannerIs
    | ProtocolIs
    | BodyPartIs
    | FieldIs
    | TimeIs
    | CircumstanceIs
    | Group,
    Field(discriminator="kind"),
]
