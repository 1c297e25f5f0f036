"""`scanside rules`: check, show, import, export and try site rules from the command line."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dicom_scp.errors import Refused
from service.bootstrap import lay_foundation, roster
from service.cli.operator import operator_name
from service.ledger.rules import NoVersion
from service.naming import NamesSomebody
from service.routing.case import Case
from service.routing.decision import Decision
from service.routing.desk import RulesDesk
from service.routing.names import Names
from service.routing.rulebook import schema
from service.routing.text import UnfitRules, parse, write
from service.routing.views import Origin
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    file: Path | None = None
    version: int | None = None
    reason: str = ""
    last: int = 50
    verdict: str = "Repeat"
    index: float | None = None
    as_json: bool = False


class NotGiven(ValueError):
    """Something that the command needs was not given."""


def rules(action: str, settings: Settings, asked: Asked) -> int:
    """Do what is asked with the rules, and say what came of it."""
    deeds: dict[str, Callable[[RulesDesk, Asked], int]] = {
        "check": _check,
        "show": _show,
        "export": _export,
        "import": _import,
        "versions": _versions,
        "restore": _restore,
        "test": _test,
    }
    if action == "schema":
        print(schema(), end="")
        return 0
    try:
        if action == "check" and asked.file is not None and not _is_set_up(settings):
            return _check_file(asked.file, Names.of(settings))
        foundation = lay_foundation(settings)
        desk = RulesDesk.of(foundation, roster(foundation))
        if action == "check" and asked.file is not None:
            return _check_file(asked.file, desk.names)
        return deeds[action](desk, asked)
    except UnfitRules as error:
        print("\n".join(f"scanside: {problem}" for problem in error.problems), file=sys.stderr)
        return 1
    except (NoVersion, NotGiven, Refused, NamesSomebody, UnicodeError) as error:
        print(f"scanside: {error or type(error).__name__}", file=sys.stderr)
        return 2


def _is_set_up(settings: Settings) -> bool:
    """Whether there is a house whose console may keep more destinations than the settings name."""
    return settings.database_url is not None or (settings.state_dir / "scanside.sqlite").exists()


def _check_file(path: Path, names: Names) -> int:
    """Check a file against the settings; nothing is opened or kept."""
    rulebook = parse(path.read_text("utf-8"), names)
    print(f"{path}: {len(rulebook.rule)} rules, all sound")
    return 0


def _check(desk: RulesDesk, _asked: Asked) -> int:
    version, rulebook, problems = desk.in_force()
    state, why = desk.file()
    print(f"in force: {f'version {version.number}' if version else 'none'}, {len(rulebook.rule)} rules")
    print(f"file {desk.settings().rules_path}: {state}{f' ({why})' if why else ''}")
    for problem in problems:
        print(f"scanside: {problem}", file=sys.stderr)
    return 1 if problems or state == "unfit" else 0


def _show(desk: RulesDesk, asked: Asked) -> int:
    print(desk.toml(asked.version) if asked.version else write(desk.in_force()[1]), end="")
    return 0


def _export(desk: RulesDesk, asked: Asked) -> int:
    if asked.file is None:
        return _show(desk, asked)
    asked.file.write_text(desk.toml(asked.version) if asked.version else write(desk.in_force()[1]), "utf-8")
    print(f"written to {asked.file}")
    return 0


def _import(desk: RulesDesk, asked: Asked) -> int:
    path = asked.file or desk.settings().rules_path
    rulebook = desk.read(path.read_text("utf-8"))
    of_site = path.resolve() == desk.settings().rules_path.resolve()
    origin: Origin = "file" if of_site else "command"  # another file than the one that is read at the start
    made = desk.save(rulebook, seen=None, by=_operator(), why=_reason(asked), origin=origin)
    print(f"version {made.number} is in force")
    return 0


def _versions(desk: RulesDesk, _asked: Asked) -> int:
    versions, _ = desk.rulebooks.page(200)
    for one in versions:
        saved = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.at))
        print(f"{one.number:>5}  {saved}  {one.origin:<8}{one.author:<24}{one.why}")
    return 0


def _restore(desk: RulesDesk, asked: Asked) -> int:
    if asked.version is None:
        raise NotGiven("restore needs --version")
    made = desk.restore(asked.version, seen=None, by=_operator(), why=_reason(asked))
    print(f"version {made.number} is in force, equal to version {asked.version}")
    return 0


def _test(desk: RulesDesk, asked: Asked) -> int:
    """Try the rules in force, or those of a .toml, on the last verdicts; or on a DICOM file."""
    if asked.file is not None and asked.file.suffix != ".toml":
        case = desk.described(asked.file.read_bytes(), Case(asked.verdict, time.time(), asked.index))
        _tell(f"{case.verdict}  {case.about.words}", desk.tried(desk.in_force()[1], case))
        return 0
    rulebook = desk.in_force()[1] if asked.file is None else desk.read(asked.file.read_text("utf-8"))
    tried = desk.dry_run(rulebook, asked.last)
    held = Counter(rule.name for one in tried for rule in one.decision.fired)
    if asked.as_json:
        print(
            json.dumps(
                {"verdicts": len(tried), "held": {rule.name: held[rule.name] for rule in rulebook.rule}}
            )
        )
        return 0
    for one in tried:
        _tell(
            f"{one.past.case.series}  {one.past.case.verdict:<10}  {one.past.case.about.words}", one.decision
        )
    for rule in rulebook.rule:
        print(f"{held[rule.name]:>5} of {len(tried)}  {rule.name}")
    return 0


def _tell(head: str, decision: Decision) -> None:
    print(f"{head}: {_names([rule.name for rule in decision.fired])}")
    for order in decision.orders:
        print(f"    {order.kind} {order.channel}: {order.what.get('text') or order.what['to']}")
    for name, route in decision.routes.items():
        said = {True: "is sent", False: "is not sent", None: ""}[route.send]
        held = {True: "is held", False: "is released", None: ""}[route.hold]
        print(f"    results for {name}: {_names([word for word in (said, held) if word])}")


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "no rule"


def _reason(asked: Asked) -> str:
    if not asked.reason.strip() or len(asked.reason) > 200 or not asked.reason.isprintable():
        raise NotGiven("--reason wants up to 200 printable characters: it is kept with the version")
    return asked.reason.strip()


def _operator() -> str:
    return f"{operator_name()} (command line)"
