"""Site rules: what follows from a verdict. The rule that makes the verdict is in `service.rules`."""

from service.routing.case import CIRCUMSTANCES, Case, Circumstance, Found, case_of, circumstances_of
from service.routing.decision import Decision, Order, Route, decide, holds
from service.routing.rulebook import CONSOLE, EMPTY, Rule, Rulebook, plain, schema
from service.routing.wording import FIELDS, Message, message_of

__all__ = [
    "CIRCUMSTANCES",
    "CONSOLE",
    "EMPTY",
    "FIELDS",
    "Case",
    "Circumstance",
    "Decision",
    "Found",
    "Message",
    "Order",
    "Route",
    "Rule",
    "Rulebook",
    "case_of",
    "circumstances_of",
    "decide",
    "holds",
    "message_of",
    "plain",
    "schema",
]
