"""What the API of site rules takes and answers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, model_validator

from inference.artifacts import CATALOGUE
from inference.checks import CHECKS
from inference.series import Answer, Description
from inference.series.vocabulary import term_of
from service.routing import FIELDS, Case, Circumstance, Decision, Found, Route, Rulebook
from service.routing.conditions import TERMS, ArtifactName, CheckName, Index, Share, VerdictName
from service.routing.desk import Tried
from service.routing.names import Names
from service.routing.text import Problem
from service.rules_views import ErrandKind, ErrandState, ErrandView, FiringView, Origin, Version
from service.web.answers import instant

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


class NamesAnswer(_Answer):
    """What rules may name."""

    destinations: list[str]
    pacs: list[str]
    channels: list[str]
    scanners: list[str]
    fields: list[str] = Field(description="What may stand in braces in the text of an alert")
    artifacts: dict[str, str] = Field(description="By name: what people call it")
    checks: dict[str, str] = Field(description="The same")
    terms: dict[str, dict[str, str]] = Field(description="By facet: terms, each with its words for people")


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


class PastAnswer(_Answer):
    """What rules would have made of one verdict."""

    series: str
    series_number: int | None
    scanner: str
    description: str
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


def problem_answers(problems: tuple[Problem, ...] | list[Problem]) -> list[ProblemAnswer]:
    """Tell problems."""
    return [ProblemAnswer(path=one.path, message=one.message, line=one.line) for one in problems]


def version_answer(version: Version) -> VersionAnswer:
    """Tell a version."""
    return VersionAnswer(
        number=version.number,
        at=instant(version.at),
        author=version.author,
        why=version.why,
        origin=version.origin,
    )


def names_answer(names: Names) -> NamesAnswer:
    """Tell what rules may name."""
    return NamesAnswer(
        destinations=list(names.destinations),
        pacs=list(names.pacs),
        channels=list(names.channels),
        scanners=list(names.scanners),
        fields=list(FIELDS),
        artifacts={known.name: known.title for known in CATALOGUE},
        checks={known.name: known.title for known in CHECKS},
        terms={
            facet: {name: _words(facet, name) for name in sorted(known)} for facet, known in TERMS.items()
        },
    )


def _words(facet: str, name: str) -> str:
    term = term_of(facet, name)
    return "unknown" if term is None else term.words or term.meaning


def case_of_shape(shape: CaseShape, now: float) -> Case:
    """Read a case as it was given."""
    return Case(
        verdict=shape.verdict,
        at=now if shape.at is None else shape.at.timestamp(),
        index=shape.index,
        suitability=shape.suitability,
        reason=shape.reason,
        artifacts={name: Found(*found) for name, found in shape.artifacts.items()},
        checks=frozenset(shape.checks),
        scanner=shape.scanner,
        about=Description.of((Answer(facet, term) for facet, term in shape.description.items()), shape.field),
        circumstances=frozenset(shape.circumstances),
        series_number=shape.series_number,
        generation=shape.generation,
    )


def shape_of_case(case: Case) -> CaseShape:
    """Tell a case, so that it can be changed and given back."""
    return CaseShape(
        verdict=case.verdict,  # type: ignore[arg-type]  # one of them
        index=case.index,
        suitability=case.suitability,
        artifacts={name: (one.severity, one.probability) for name, one in case.artifacts.items()},
        scanner=case.scanner,
        description={one.facet: one.term for one in case.about.answers if one.known},
        field=case.about.field,
        circumstances=tuple(sorted(case.circumstances)),
        series_number=case.series_number,
        at=datetime.fromtimestamp(case.at, UTC),
    )


def decision_answer(decision: Decision) -> DecisionAnswer:
    """Tell what follows from a verdict."""
    return DecisionAnswer(
        fired=[FiredAnswer(rule=rule.name, mode=rule.mode) for rule in decision.fired],
        routes={name: _route(route) for name, route in decision.routes.items()},
        orders=[
            OrderAnswer(
                kind=order.kind,
                rule=order.rule,
                channel=order.channel,
                text=order.what.get("text") or f"{order.what['what']} to {order.what['to']}",
            )
            for order in decision.orders
        ],
    )


def _route(route: Route) -> RouteAnswer:
    return RouteAnswer(send=route.send, hold=route.hold, rules=list(route.rules))


def past_answer(tried: Tried) -> PastAnswer:
    """Tell what rules would have made of one verdict."""
    case = tried.past.case
    return PastAnswer(
        series=case.series,
        series_number=case.series_number,
        scanner=case.scanner,
        description=case.about.words,
        verdict=case.verdict,
        index=case.index,
        at=instant(case.at),
        decision=decision_answer(tried.decision),
        fired_then=list(tried.past.fired),
    )


def errand_answer(view: ErrandView) -> ErrandAnswer:
    """Tell one thing that a rule ordered."""

    def moment(at: float | None) -> datetime | None:
        return None if at is None else instant(at)

    return ErrandAnswer(
        id=str(view.id),
        series_id=view.series_id,
        kind=view.kind,
        rule=view.rule,
        version=view.version,
        channel=view.channel,
        event=view.event,
        text=view.text,
        state=view.state,
        attempts=view.attempts,
        created_at=instant(view.created_at),
        next_at=moment(view.next_at),
        tried_at=moment(view.tried_at),
        done_at=moment(view.done_at),
        answer=view.answer,
        replaces=None if view.replaces is None else str(view.replaces),
    )


def firing_answer(view: FiringView) -> FiringAnswer:
    """Tell what fired at one verdict."""
    return FiringAnswer(
        at=instant(view.at),
        version=view.version,
        provisional=view.provisional,
        fired=[FiredAnswer(rule=one["rule"], mode=one["mode"]) for one in view.fired],
        routes={name: _route(Route.from_json(route)) for name, route in view.routes.items()},
    )
