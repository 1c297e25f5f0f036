"""From a rulebook and a case to what follows; pure and total."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from service.routing import conditions as c
from service.routing.case import Case
from service.routing.rulebook import (
    Action,
    Alert,
    Forward,
    Hold,
    Release,
    Rule,
    Rulebook,
    Send,
    Withhold,
    destinations_of,
)
from service.routing.wording import Message, message_of

OrderKind = Literal["alert", "forward"]


@dataclass(frozen=True, slots=True)
class Route:
    """What the rules say of the results for one destination; None: nothing."""

    send: bool | None = None
    hold: bool | None = None  # False: nor does what was held at an earlier verdict
    rules: tuple[str, ...] = ()  # by name: who said so, in their order
    holder: str = ""  # the rule that holds them

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {"send": self.send, "hold": self.hold, "rules": list(self.rules), "holder": self.holder}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Route":
        """Rebuild what `to_json` gave."""
        return cls(values["send"], values["hold"], tuple(values["rules"]), values["holder"])


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to be done for a rule: an alert through a channel, or asking a PACS to forward."""

    kind: OrderKind
    rule: str
    channel: str  # of the alert, or the PACS
    what: Mapping[str, Any]  # a message, or {"to": AE title, "what": series or study}


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a verdict."""

    fired: tuple[Rule, ...] = ()  # those that hold, in their order
    routes: Mapping[str, Route] = field(
        default_factory=dict[str, Route]
    )  # by destination; what nobody names is as ever
    orders: tuple[Order, ...] = ()
    now: Message | None = None  # the verdict, for those whose earlier alert holds no more


def decide(rulebook: Rulebook, case: Case, destinations: Sequence[str] = (), link: str = "") -> Decision:
    """Decide what the rules make of a verdict. Rules in mode shadow fire, and do nothing."""
    zone = ZoneInfo(rulebook.time_zone) if rulebook.time_zone else None
    local = datetime.fromtimestamp(case.at, zone).astimezone(zone)
    fired: list[Rule] = []
    for rule in rulebook.rule:
        if rule.mode != "off" and all(holds(one, case, local) for one in rule.when):
            fired.append(rule)
            if rule.final and rule.mode == "live":
                break
    live = [rule for rule in fired if rule.mode == "live"]
    routes: dict[str, Route] = {}
    for rule in live:
        for action in rule.do:
            _routed(routes, rule.name, action, destinations)
    orders = [order for rule in live for order in _orders(rule, case, link)]
    now = message_of(case, rule="", priority="medium", template="-", link=link)
    return Decision(tuple(fired), routes, tuple(orders), now)


def _routed(routes: dict[str, Route], rule: str, action: Action, known: Sequence[str]) -> None:
    """Let an action say its word of each destination: the last one counts."""
    if isinstance(action, Forward | Alert):
        return
    for name in destinations_of(action, known):
        before = routes.get(name, Route())
        send, hold, holder = before.send, before.hold, before.holder
        match action:
            case Send():
                send = True
            case Withhold():
                send = False
            case Hold():
                hold, holder = True, rule
            case Release():
                hold, holder = False, ""
        rules = before.rules if rule in before.rules else (*before.rules, rule)
        routes[name] = Route(send, hold, rules, holder)


def _orders(rule: Rule, case: Case, link: str) -> list[Order]:
    orders: list[Order] = []
    for action in rule.do:
        if isinstance(action, Forward):
            orders.append(Order("forward", rule.name, action.pacs, {"to": action.to, "what": action.what}))
        elif isinstance(action, Alert):
            message = message_of(
                case, rule=rule.name, priority=action.priority, template=action.text, link=link
            ).to_json()
            orders += [Order("alert", rule.name, channel, message) for channel in action.channels]
    return orders


def holds(condition: c.Condition, case: Case, local: datetime) -> bool:  # noqa: C901, PLR0911, PLR0912  # a branch a kind
    """Tell whether a condition holds; `local` is the time of the case in the site's zone."""
    match condition:
        case c.VerdictIs():
            return case.verdict in condition.one_of
        case c.IndexIs():
            return _lies(case.index, condition.at_least, condition.below)
        case c.SuitabilityIs():
            return _lies(case.suitability, condition.at_least, condition.below)
        case c.FieldIs():
            return _lies(case.about.field, condition.at_least, condition.below)
        case c.ArtifactIs():
            return _shows(condition, case)
        case c.CheckIs():
            return not case.checks.isdisjoint(condition.one_of)
        case c.ScannerIs():
            return case.scanner in condition.one_of
        case c.ProtocolIs():
            return case.about[condition.facet] in condition.one_of
        case c.BodyPartIs():
            return case.about[c.PART] in condition.one_of
        case c.TimeIs():
            return _is_within(condition, local)
        case c.CircumstanceIs():
            return not case.circumstances.isdisjoint(condition.one_of)
        case c.Group():
            found = (holds(one, case, local) for one in condition.of)
            if condition.kind == "all":
                return all(found)
            return any(found) is (condition.kind == "any")


def _lies(value: float | None, at_least: float | None, below: float | None) -> bool:
    if value is None:
        return False
    return (at_least is None or value >= at_least) and (below is None or value < below)


def _shows(condition: c.ArtifactIs, case: Case) -> bool:
    return any(
        found.severity >= condition.severity and found.probability >= condition.probability
        for name, found in case.artifacts.items()
        if not condition.one_of or name in condition.one_of
    )


def _is_within(condition: c.TimeIs, local: datetime) -> bool:
    start, end, now = _minutes(condition.start), _minutes(condition.end), local.hour * 60 + local.minute
    if start < end:
        within, began = start <= now < end, local
    else:  # over midnight; from a time to the same time: the whole day
        within = now >= start or now < end
        began = local if now >= start else local - timedelta(days=1)
    return within and (not condition.days or c.WEEKDAYS[began.weekday()] in condition.days)


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
