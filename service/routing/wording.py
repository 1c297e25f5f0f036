"""What an alert says: a fixed set of fields, and texts in which they are filled in by name. Nothing here is run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self

from inference.artifacts import by_name
from inference.text import UNSAID, Text, decimal, german, joined, texts_of, with_german
from inference.verdict import Verdict
from service.routing.case import Case

Event = Literal["alert", "withdrawn"]

FIELDS = (
    "verdict",
    "index",
    "suitability",
    "reason",
    "advice",
    "artifacts",
    "scanner",
    "series",
    "series_number",
    "description",
    "generation",
    "provisional",
    "rule",
    "priority",
    "time",
    "link",
)
"""What may stand in braces; nothing of it identifies a patient."""
_PLACE = re.compile(r"\{([^{}]*)\}")
NOTHING = "-"
USUAL = Text(
    "{verdict}: {description}, series {series_number}, {scanner}. {reason}",
    "{verdict}: {description}, Serie {series_number}, {scanner}. {reason}",
)
WITHDRAWN = Text(
    "No longer holds: {description}, series {series_number}, {scanner}. Now {verdict}: {reason}",
    "Gilt nicht mehr: {description}, Serie {series_number}, {scanner}. Jetzt {verdict}: {reason}",
)
_PROVISIONAL, _FINAL = Text("provisional", "vorläufig"), Text("final", "endgültig")


def check_template(template: str) -> str:
    """Refuse a template that names what there is not."""
    unknown = [name for name in _PLACE.findall(template) if name not in FIELDS]
    if unknown:
        raise ValueError(f"no field {unknown[0]!r}: there are {', '.join(FIELDS)}")
    if set(_PLACE.sub("", template)) & {"{", "}"}:
        raise ValueError("a brace stands alone")
    return template


def filled(template: str, fields: Mapping[str, str]) -> Text:
    """Put the fields into a template that was checked; what a site wrote itself is the same in both languages."""
    known = USUAL if template == USUAL else template
    return Text(
        _PLACE.sub(lambda found: fields[found[1]], known),
        _PLACE.sub(lambda found: german(fields[found[1]]), german(known)),
    )


@dataclass(frozen=True, slots=True)
class Message:
    """An alert as it is told: the same at every try."""

    text: Text  # the console shows its German where a page is German; all others are told it in English
    values: Mapping[str, Any]  # by FIELDS, plain values
    event: Event = "alert"

    @property
    def fields(self) -> dict[str, str]:
        """Word the values, for templates."""
        return {name: _worded(self.values[name]) for name in FIELDS} | {"verdict": _verdict(self.values)}

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return with_german({"text": self.text, "values": dict(self.values), "event": self.event}, "text")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        return cls(**texts_of(values, "text"))


def message_of(case: Case, *, rule: str, priority: str, template: str, link: str) -> Message:
    """Word an alert."""
    values = {
        "verdict": case.verdict,
        "index": _rounded(case.index, 1),
        "suitability": _rounded(case.suitability, 2),
        "reason": case.reason,
        "advice": list(case.advice),
        "artifacts": {
            name: {"severity": found.severity, "probability": found.probability}
            for name, found in case.artifacts.items()
        },
        "scanner": case.scanner,
        "series": case.series,
        "series_number": case.series_number,
        "description": case.about.words,
        "generation": case.generation,
        "provisional": "provisional" in case.circumstances,
        "rule": rule,
        "priority": priority,
        "time": datetime.fromtimestamp(case.at, UTC).isoformat(timespec="seconds"),
        "link": link,
    }
    return _filled(template, Message(UNSAID, values))


def _filled(template: str, message: Message) -> Message:
    told = filled(template, message.fields)
    return replace(message, text=Text(_tidy(told), _tidy(told.de)))


def withdrawn(now: Message, rule: str) -> Message:
    """Word for those whom a rule alerted that its alert holds no more; `now` is of the verdict of now."""
    return _filled(WITHDRAWN, replace(now, event="withdrawn", values={**now.values, "rule": rule}))


def _worded(value: Any) -> str:  # noqa: ANN401 - a plain value
    if value is None or value in ("", [], {}):
        return NOTHING
    match value:
        case bool():
            return _PROVISIONAL if value else _FINAL
        case list():
            return joined(" ", value)
        case dict():
            return joined(", ", (by_name(one).title for one in value))
        case float():
            return decimal(str(value))
        case _:
            return value if isinstance(value, str) else str(value)


def _verdict(values: Mapping[str, Any]) -> Text:
    return Verdict(values["verdict"]).called


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _tidy(text: str) -> str:
    """Keep to one line: mails and syslog end there."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
