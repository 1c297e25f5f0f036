"""The rulebook: a site's rules in their order, each with what has to hold and what is done then."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints

from service.routing.conditions import MOST, Condition, Table, printable, unique
from service.routing.wording import USUAL, check_template
from service.settings_tables import AeTitle, Name

FORMAT: Literal[1] = 1
MOST_RULES = 200
CONSOLE = "console"  # the one channel that is always there

Priority = Literal["low", "medium", "high"]
Names = Annotated[tuple[Name, ...], Field(max_length=MOST), AfterValidator(unique)]
Line = Annotated[str, StringConstraints(max_length=500), AfterValidator(printable)]
Template = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500),
    AfterValidator(printable),
    AfterValidator(check_template),
]


class Send(Table):
    """Results go to these destinations, whatever their ``send`` says."""

    kind: Literal["send"] = "send"
    destinations: Names = ()
    """empty: to all"""


class Withhold(Table):
    """Results do not go to these destinations, but for those that take back what they have."""

    kind: Literal["withhold"] = "withhold"
    destinations: Names = ()
    """empty: to none"""


class Hold(Table):
    """Results for these destinations wait until a person releases them."""

    kind: Literal["hold"] = "hold"
    destinations: Names = ()
    """empty: for all"""


class Release(Table):
    """Results for these destinations are not held by any rule before this one, nor by one of an earlier verdict."""

    kind: Literal["release"] = "release"
    destinations: Names = ()
    """empty: for all"""


class Forward(Table):
    """A PACS is asked to send the original images on, by C-MOVE."""

    kind: Literal["forward"] = "forward"
    pacs: Name
    """a destination of kind ``dicom``: the archive that has the images"""
    to: AeTitle
    """the AE title to which it sends them; it has to know it"""
    what: Literal["series", "study"] = "series"


class Alert(Table):
    """People or systems are told."""

    kind: Literal["alert"] = "alert"
    channels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST), AfterValidator(unique)]
    """``console``, or an ``[[alert]]`` of the settings"""
    text: Template = str(USUAL)
    """words in braces are filled in"""
    priority: Priority = "medium"


Action = Annotated[Send | Withhold | Hold | Release | Forward | Alert, Field(discriminator="kind")]
RuleName = Annotated[
    str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True), AfterValidator(printable)
]


class Rule(Table):
    """What has to hold, and what is done then."""

    name: RuleName
    note: Line = ""
    """why the rule is there, for people"""
    mode: Literal["live", "shadow", "off"] = "live"
    """``shadow``: noted where it holds, and nothing is done"""
    final: bool = False
    """where it holds, no rule after it is looked at"""
    when: Annotated[tuple[Condition, ...], Field(max_length=MOST)] = ()
    """all of these hold; empty: always"""
    do: Annotated[tuple[Action, ...], Field(min_length=1, max_length=MOST)]


def _no_double(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    unique(tuple(rule.name for rule in rules))
    return rules


def _zone(name: str) -> str:
    try:
        if name:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no time zone of that name is known here, such as Europe/Berlin") from None
    return name


class Rulebook(Table):
    """All rules of a site, in their order: what a later one says of a destination counts."""

    format: Literal[1] = FORMAT
    time_zone: Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)] = ""
    """of the times and weekdays in conditions; empty: that of the machine"""
    rule: Annotated[tuple[Rule, ...], Field(max_length=MOST_RULES), AfterValidator(_no_double)] = ()


EMPTY = Rulebook()


def plain(rulebook: Rulebook) -> dict[str, Any]:
    """Give a rulebook as plain values, defaults left out: the same for the same rules."""
    values: dict[str, Any] = rulebook.model_dump(mode="json")
    kept: dict[str, Any] = {
        "format": FORMAT,
        "rule": [_pruned(rule, made) for rule, made in zip(values["rule"], rulebook.rule, strict=True)],
    }
    if rulebook.time_zone:
        kept["time_zone"] = rulebook.time_zone
    return kept


def _pruned(values: dict[str, Any], made: Table) -> dict[str, Any]:
    """Leave out what is as it is anyway; kinds, names and lists of conditions and actions stay."""
    kept: dict[str, Any] = {}
    for name, field in type(made).model_fields.items():
        value, there = values[name], getattr(made, name)
        if isinstance(there, tuple) and there and isinstance(there[0], Table):
            kept[name] = [_pruned(one, item) for one, item in zip(value, there, strict=True)]
        elif name == "kind" or field.is_required() or there != field.default:
            kept[name] = value
    return kept


def schema() -> str:
    """Give the JSON Schema of the file's format, as `deploy/rules.schema.json` holds it."""
    made = Rulebook.model_json_schema()
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **made}, indent=1) + "\n"


def destinations_of(action: Send | Withhold | Hold | Release, known: Sequence[str]) -> Sequence[str]:
    """Give the destinations that an action is about."""
    return action.destinations or known
