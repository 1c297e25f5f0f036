"""The rules' file: TOML to a rulebook and back, and what is wrong said at its place."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from service.routing.conditions import DEEPEST, Group, Table
from service.routing.names import Names
from service.routing.rulebook import Rulebook, plain

WIDEST = 100  # characters of a line that holds a whole list
MOST_DOTS = 1000  # of a line: tables within tables by dotted keys cost the square of their number
_LISTS = frozenset({"rule", "when", "do", "of"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with rules."""

    path: str  # rule.0.when.1.one_of; "" for the whole
    message: str
    line: int | None = None  # of the TOML, where there is one

    def __str__(self) -> str:
        """Say it in a line."""
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.path}{': ' if self.path else ''}{self.message}"


class UnfitRules(ValueError):
    """These rules cannot be used."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)) or str(self.__doc__))
        self.problems = tuple(problems)


def parse(text: str, names: Names | None = None) -> Rulebook:
    """Read a rules' file; with `names`, what it names must be there. Raises UnfitRules."""
    dotted = next((n for n, line in enumerate(text.splitlines(), 1) if line.count(".") > MOST_DOTS), None)
    if dotted is not None:
        raise UnfitRules([Problem("", "a line of more dots than rules need", dotted)])
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else None
        raise UnfitRules([Problem("", f"not TOML: {error}", line)]) from None
    except ValueError:  # a number of thousands of digits
        raise UnfitRules([Problem("", "not TOML: a number is too long")]) from None
    except RecursionError:
        raise UnfitRules([Problem("", "lists within lists without end")]) from None
    try:
        return checked(values, names)
    except UnfitRules as error:
        raise UnfitRules([_placed(text, one) for one in error.problems]) from None


def checked(values: object, names: Names | None = None) -> Rulebook:
    """Make a rulebook of plain values; with `names`, what it names must be there. Raises UnfitRules."""
    try:
        rulebook = Rulebook.model_validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        raise UnfitRules(_problems(error)) from None
    except RecursionError:
        raise UnfitRules([Problem("", "groups within groups without end")]) from None
    problems = [*_too_deep(rulebook), *(_strangers(rulebook, names) if names is not None else ())]
    if problems:
        raise UnfitRules(problems)
    return rulebook


def _problems(error: ValidationError) -> list[Problem]:
    """Say what does not fit; a list does not count as too short because what stands in it does not fit."""
    told = error.errors(include_url=False, include_input=False, include_context=False)
    found = [(_problem(one), one["type"]) for one in told]
    paths = [one.path for one, _ in found]
    return [
        one
        for one, kind in found
        if kind != "too_short" or not any(path.startswith(f"{one.path}.") for path in paths)
    ]


def _problem(error: Mapping[str, Any]) -> Problem:
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "unknown name"
    return Problem(".".join(map(str, _without_tags(error["loc"]))), message)


def _without_tags(location: Sequence[int | str]) -> Iterator[int | str]:
    """Leave out which kind of condition or action was meant: pydantic names it after the item's number."""
    before: Sequence[int | str] = ()
    for one in location:
        is_tag = len(before) >= 2 and isinstance(before[-1], int) and before[-2] in _LISTS - {"rule"}
        if not is_tag:
            yield one
        before = (*before, one)


def _too_deep(rulebook: Rulebook) -> Iterator[Problem]:
    for path, condition, depth in _conditions(rulebook):
        if isinstance(condition, Group) and depth > DEEPEST:
            yield Problem(path, f"at most {DEEPEST} groups within each other")


def _conditions(rulebook: Rulebook) -> Iterator[tuple[str, Table, int]]:
    for n, rule in enumerate(rulebook.rule):
        waiting: list[tuple[str, Table, int]] = [
            (f"rule.{n}.when.{m}", one, 1) for m, one in enumerate(rule.when)
        ]
        while waiting:
            path, condition, depth = waiting.pop()
            yield path, condition, depth
            if isinstance(condition, Group):
                waiting += [(f"{path}.of.{m}", one, depth + 1) for m, one in enumerate(condition.of)]


def _strangers(rulebook: Rulebook, names: Names) -> Iterator[Problem]:
    """Find what names a destination, PACS or channel that the settings do not have."""
    for n, rule in enumerate(rulebook.rule):
        for m, action in enumerate(rule.do):
            for field, kind, known in (
                ("destinations", "destination", names.destinations),
                ("pacs", "destination of kind dicom", names.pacs),
                ("channels", "alert", names.channels),
            ):
                given = getattr(action, field, ())
                for name in (given,) if isinstance(given, str) else given:
                    if name not in known:
                        there = f"there are {', '.join(known)}" if known else "there is none"
                        yield Problem(
                            f"rule.{n}.do.{m}.{field}", f"the settings have no {kind} {name!r}: {there}"
                        )


def _placed(text: str, problem: Problem) -> Problem:
    """Find the line of a problem: that of its rule, its condition or action, its key; the nearest one found."""
    lines, at = text.splitlines(), -1
    keys = problem.path.split(".") if problem.path else []
    heads = {"rule": "rule", "when": "rule.when", "do": "rule.do"}
    for key, following in zip(keys, [*keys[1:], ""], strict=True):
        if key.isdecimal():
            continue
        wanted = rf"\s*\[\[\s*{re.escape(heads[key])}\s*\]\]" if key in heads else rf"\s*{re.escape(key)}\s*="
        hits = [n for n in range(at + 1, len(lines)) if re.match(wanted, lines[n])]
        nth = int(following) if following.isdecimal() else 0
        if len(hits) > nth:
            at = hits[nth]
        elif key not in heads:
            break
    return Problem(problem.path, problem.message, at + 1 if at >= 0 else None)


def write(rulebook: Rulebook) -> str:
    """Write a rulebook as TOML: reading it gives the same one."""
    values = plain(rulebook)
    lines = [f"{name} = {_value(value)}" for name, value in values.items() if name != "rule"]
    for rule in values["rule"]:
        lines += ["", "[[rule]]", *_pairs(rule, ("when", "do"))]
        for kind in ("when", "do"):
            for item in rule.get(kind, ()):
                lines += ["", f"[[rule.{kind}]]", *_pairs(item)]
    return "\n".join(lines) + "\n"


def _pairs(values: Mapping[str, Any], without: Sequence[str] = ()) -> Iterator[str]:
    for name, value in values.items():
        if name not in without:
            yield f"{name} = {_value(value)}"


def _value(value: object, indent: int = 0) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case list():
            return _list(value, indent)
        case dict():
            return "{ " + ", ".join(f"{k} = {_value(v, indent)}" for k, v in value.items()) + " }"
        case _:
            raise TypeError(type(value).__name__)


def _list(values: Sequence[object], indent: int) -> str:
    line = f"[{', '.join(_value(one, indent) for one in values)}]"
    if "\n" not in line and (len(line) <= WIDEST or not isinstance(values[0], dict)):
        return line
    inner = " " * (indent + 2)
    items = "".join(f"{inner}{_value(one, indent + 2)},\n" for one in values)
    return f"[\n{items}{' ' * indent}]"
