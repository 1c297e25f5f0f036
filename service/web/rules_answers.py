"""From site rules to what the API answers of them, and back to a case that was given."""

from datetime import UTC, datetime

from inference.artifacts import CATALOGUE
from inference.checks import CHECKS
from inference.series import Answer, Description
from inference.series.vocabulary import term_of
from inference.text import Text
from service.routing import FIELDS, Case, Decision, Found, Route
from service.routing.conditions import TERMS
from service.routing.desk import Tried
from service.routing.names import Names
from service.routing.text import Problem
from service.routing.views import ErrandView, FiringView, Version
from service.web.answers import instant
from service.web.rules_wire import (
    CaseShape,
    DecisionAnswer,
    ErrandAnswer,
    FiredAnswer,
    FiringAnswer,
    NamesAnswer,
    OrderAnswer,
    PastAnswer,
    ProblemAnswer,
    RouteAnswer,
    VersionAnswer,
)
from service.web.words_wire import told


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


_UNKNOWN = Text("unknown", "unbekannt")
_UNSPOKEN = {  # German of terms that go without saying in a description
    "NOSUPPR": "keine Fettsättigung",
    "NOAGENT": "kein Kontrastmittel gegeben",
    "ORIGINAL": "Originalbild",
    "MAGNITUDE": "Magnitudenbild",
    "DYNBVALUE": "wechselt mit der Diffusionswichtung",
    "VCANON": "Canon oder Toshiba",
    "VFUJIFILM": "Fujifilm oder Hitachi",
}


def names_answer(names: Names) -> NamesAnswer:
    """Tell what rules may name."""
    return NamesAnswer(
        destinations=list(names.destinations),
        pacs=list(names.pacs),
        channels=list(names.channels),
        scanners=list(names.scanners),
        fields=list(FIELDS),
        **told(
            artifacts={known.name: known.title for known in CATALOGUE},
            checks={known.name: known.title for known in CHECKS},
            terms={
                facet: {name: _words(facet, name) for name in sorted(known)} for facet, known in TERMS.items()
            },
        ),
    )


def _words(facet: str, name: str) -> Text:
    term = term_of(facet, name)
    return (
        _UNKNOWN if term is None else term.words or Text(term.meaning, _UNSPOKEN.get(term.code, term.meaning))
    )


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
        **told(description=case.about.words),
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
        stopped=view.stopped,
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
