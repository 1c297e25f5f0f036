"""What the API of site rules takes and answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, model_validator

from service.routing import Circumstance, Rulebook
from service.routing.conditions import TERMS, ArtifactName, CheckName, Index, Share, VerdictName
from service.routing.views import ErrandKind, ErrandState, Origin
from service.web.words_wire import IN_GERMAN, DescriptionWords, NamesWords

Why = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", description="For others")
]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class RulesGiven(_Given):
    """Rules, in either of two forms."""

    rulebook: SkipValidation[Rulebook] | None = Field(
        default=None, description="As deploy/rules.schema.json says"
    )
    toml: str | None = Field(default=None, max_length=60_000, description="The same as a rules' file")

    @model_validator(mode="after")
    def _is_one(self) -> "RulesGiven":
        if (self.rulebook is None) == (self.toml is None):
            raise ValueError("rulebook or toml, and not both")
        return self

    @property
    def content(self) -> str | Mapping[str, Any]:
        """What was given, not checked yet."""
        given: Any = self.rulebook
        return self.toml if self.toml is not None else given


class NewRules(RulesGiven):
    """Rules that are to be in force, and why."""

    why: Why


class Restoring(_Given):
    """Why an old version is put into force again."""

    why: Why


class DryRun(_Given):
    """Which rules are tried on how many of the last verdicts."""

    rules: RulesGiven | None = Field(default=None, description="Not given: those in force")
    last: int = Field(default=50, ge=1, le=500)


class CaseShape(_Given):
    """A verdict on a series, as rules see it."""

    verdict: VerdictName = "Usable"
    index: Index | None = None
    suitability: Share | None = None
    reason: Annotated[str, Field(max_length=500)] = ""
    artifacts: dict[ArtifactName, tuple[Share, Share]] = Field(
        default={}, description="Those that are present: severity and probability"
    )
    checks: tuple[CheckName, ...] = ()
    scanner: Annotated[str, Field(max_length=64)] = ""
    description: dict[str, str] = Field(
        default={}, description="Terms by facet, as deploy/rules.schema.json names them"
    )
    field: Annotated[float, Field(ge=0, le=30)] | None = Field(default=None, description="tesla")
    circumstances: tuple[Circumstance, ...] = ()
    series_number: int | None = None
    generation: Annotated[int, Field(ge=1, le=1000)] = 1
    at: datetime | None = Field(
        default=None, description="When the verdict was given; now where it is not told"
    )

    @model_validator(mode="after")
    def _speaks_the_vocabulary(self) -> "CaseShape":
        for facet, term in self.description.items():
            if term not in TERMS.get(facet, ()):
                raise ValueError(f"no such facet or term: {facet[:20]} {term[:20]}")
        return self


class Trial(_Given):
    """Which rules are tried on which case."""

    rules: RulesGiven | None = Field(default=None, description="Not given: those in force")
    case: CaseShape


class ProblemAnswer(_Answer):
    """Something that is wrong with rules."""

    path: str = Field(description="Where, such as rule.0.when.1.one_of; empty: the whole")
    message: str
    line: int | None = Field(description="Of the TOML, where that was given")


class CheckAnswer(_Answer):
    """Rules in both forms, or what is wrong with them."""

    problems: list[ProblemAnswer]
    rulebook: Rulebook | None
    toml: str | None


class VersionAnswer(_Answer):
    """One version of the rules, without them."""

    number: int
    at: datetime
    author: str
    why: str
    origin: Origin


class VersionPage(_Answer):
    """Versions, newest first."""

    items: list[VersionAnswer]
    next_cursor: str | None


class NamesAnswer(NamesWords):
    """What rules may name."""

    destinations: list[str]
    pacs: list[str]
    channels: list[str]
    scanners: list[str]
    fields: list[str] = Field(description="What may stand in braces in the text of an alert")
    de: NamesWords = IN_GERMAN


class RulesAnswer(_Answer):
    """The rules in force."""

    version: VersionAnswer | None = Field(description="None: nobody has written any")
    rulebook: Rulebook
    toml: str
    problems: list[ProblemAnswer] = Field(description="What they name that is gone by now")
    names: NamesAnswer
    file: str = Field(description="The rules' file: none, same, known, new, differs, unfit")
    file_problem: str


class OldRules(_Answer):
    """One version of the rules."""

    version: VersionAnswer
    rulebook: Rulebook | None = Field(description="None where this release cannot read it")
    toml: str


class DiffLine(_Answer):
    """One line of a comparison."""

    mark: Literal["+", "-", " "]
    text: str


class DiffAnswer(_Answer):
    """What changed from one version to another."""

    lines: list[DiffLine]


class RouteAnswer(_Answer):
    """What the rules say of the results for a destination."""

    send: bool | None = Field(description="None: nothing, it is as the settings say")
    hold: bool | None
    rules: list[str]


class OrderAnswer(_Answer):
    """One thing that would be done."""

    kind: ErrandKind
    rule: str
    channel: str
    text: str


class FiredAnswer(_Answer):
    """A rule that holds."""

    rule: str
    mode: str


class DecisionAnswer(_Answer):
    """What follows from a verdict."""

    fired: list[FiredAnswer]
    routes: dict[str, RouteAnswer]
    orders: list[OrderAnswer]


class PastAnswer(DescriptionWords):
    """What rules would have made of one verdict."""

    series: str
    series_number: int | None
    scanner: str
    de: DescriptionWords = IN_GERMAN
    verdict: str
    index: float | None
    at: datetime
    decision: DecisionAnswer
    fired_then: list[str] = Field(description="Which rules fired at the time")


class DryRunAnswer(_Answer):
    """A dry run."""

    held: dict[str, int] = Field(description="By rule: for how many of them it holds")
    items: list[PastAnswer]


class ErrandAnswer(_Answer):
    """One thing that a rule ordered."""

    id: str
    series_id: str
    kind: ErrandKind
    rule: str
    version: int
    channel: str
    event: str
    text: str
    state: ErrandState
    attempts: int
    created_at: datetime
    next_at: datetime | None
    stopped: bool = Field(description="Sending to this PACS is stopped: it waits until that goes on")
    tried_at: datetime | None
    done_at: datetime | None
    answer: str
    replaces: str | None


class ErrandPage(_Answer):
    """What rules ordered, newest first."""

    items: list[ErrandAnswer]
    next_cursor: str | None


class FiringAnswer(_Answer):
    """What fired at one verdict."""

    at: datetime
    version: int
    provisional: bool
    fired: list[FiredAnswer]
    routes: dict[str, RouteAnswer]


class FiringList(_Answer):
    """What fired at the verdicts of a series, oldest first."""

    items: list[FiringAnswer]
