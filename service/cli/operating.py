"""`scanside node`, `pause` and `resume`: what the pages of nodes and of the system do, from the command line."""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from service.bootstrap import accepted, lay_foundation, model_card, roster
from service.cli.operator import operator_name
from service.ledger import Control
from service.ledger.nodes import NodeExists, NoNode
from service.naming import NamesSomebody, Screen
from service.operating.node_desk import Node, NodeDesk, NotReached
from service.operating.nodes import UnfitNode
from service.operating.system import NothingLikeIt, System
from service.settings import Settings
from service.settings_tables import Scanner


def nodes(
    settings: Settings, action: str, node_id: str | None, told: Mapping[str, Any], *, as_json: bool
) -> int:
    """Do what is asked with the nodes, and say what came of it; gives the exit status."""
    foundation = lay_foundation(settings)
    desk = NodeDesk.of(foundation, roster(foundation))
    if action == "list":
        _listed(desk.all(), as_json=as_json)
        return 0
    if node_id is None:
        print(f"scanside: node {action} needs scanner:NAME or to:NAME", file=sys.stderr)
        return 2
    try:
        return _done(desk, action, node_id, told)
    except (UnfitNode, NodeExists, NoNode, NotReached) as error:
        print(f"scanside: {error}", file=sys.stderr)
        return 1


def _done(desk: NodeDesk, action: str, node_id: str, told: Mapping[str, Any]) -> int:
    if action == "add":
        desk.add(node_id, told, operator_name(), str(uuid4()))
        print(f"{node_id} is in force within seconds")
        return 0
    if action == "remove":
        row = desk.node(node_id).row
        if row is None:
            raise NoNode("it stands in the settings file, and is removed there")
        desk.remove(node_id, row.version, operator_name(), str(uuid4()))
        print(f"{node_id} is removed; what waits for it waits for a person")
        return 0
    probe = desk.echo(node_id)
    print(f"{node_id}: {probe.told} ({probe.seconds:.3f} s)")
    return 0 if probe.good else 1


def _listed(found: list[Node], *, as_json: bool) -> None:
    rows = [
        {
            "id": one.id,
            "kind": "scanner" if isinstance(one.entry, Scanner) else one.entry.kind,
            "ae_title": getattr(one.entry, "ae_title", None) or "",
            "place": _place(one.entry),
            "stands in": "settings file" if one.row is None else f"console, version {one.row.version}",
            "in force": not (one.overridden or one.lacks),
            "lacks": one.lacks,
            "answered": None if one.probe is None else one.probe.told,
        }
        for one in found
    ]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        told = [
            row["id"],
            row["kind"],
            row["ae_title"],
            row["place"],
            row["stands in"],
            row["answered"] or "",
        ]
        print(
            "  ".join(str(one) for one in told)
            + ("" if row["in force"] else f"  ({row['lacks'] or 'the settings file wins'})")
        )


def _place(entry: object) -> str:
    host, port = getattr(entry, "host", None), getattr(entry, "port", None)
    return (
        f"{host}:{port}" if host else str(getattr(entry, "url", None) or getattr(entry, "folder", None) or "")
    )


def pause(settings: Settings, what: str | None, reason: str) -> int:
    """Stop something, or list what is stopped; gives the exit status."""
    system = _system(settings)
    if what is None:
        for one in system.pauses():
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.at))
            print(f"{one.what}  since {since}  {one.by}: {one.reason}  ({one.under_way} under way)")
        return 0
    if not reason or not reason.isprintable():
        print("scanside: pause wants a --reason: everybody sees it", file=sys.stderr)
        return 2
    try:
        system.pause(what, operator_name(), reason)
    except (NothingLikeIt, NamesSomebody) as error:
        print(f"scanside: {error}", file=sys.stderr)
        return 1
    print(f"{what} stops after what is under way")
    return 0


def resume(settings: Settings, what: str) -> int:
    """Let something go on; gives the exit status."""
    try:
        _system(settings).resume(what, operator_name())
    except NothingLikeIt as error:
        print(f"scanside: {error}", file=sys.stderr)
        return 1
    print(f"{what} goes on")
    return 0


def _system(settings: Settings) -> System:
    foundation = lay_foundation(settings)
    by = accepted(settings, model_card(settings))
    force, screen = roster(foundation, by.digest()), Screen.of(foundation.database, foundation.vault)
    return System(Control(foundation.database), settings, force, by, lambda _: None, screen)
