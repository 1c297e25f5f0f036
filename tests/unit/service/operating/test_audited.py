"""What people do in the rooms of the ledger stands in the audit log, written with it."""

import pytest

from service.ledger import Control, Database, NodeBook
from service.ledger.audit import AuditBook
from service.ledger.nodes import NodeChange
from service.ledger.rules import Rulebooks


def told(database: Database) -> list[tuple[str, str, str]]:
    return [(row.what, row.actor, row.subject) for row in AuditBook(database).rows()]


def test_pauses_and_acceptances(database: Database) -> None:
    control = Control(database)
    control.paused("scoring", "otto", "maintenance")
    assert not control.paused("scoring", "otto", "again")
    control.resumed("scoring", "pia")
    assert not control.resumed("scoring", "pia")
    control.accepted("d1", {}, "pia")
    control.withdrawn("ada")
    assert told(database) == [
        ("paused", "otto", "scoring"),
        ("resumed", "pia", "scoring"),
        ("thresholds and model accepted", "pia", "d1"),
        ("acceptance withdrawn", "ada", ""),
    ]


def test_nodes_and_rules(database: Database) -> None:
    nodes = NodeBook(database)
    nodes.added(NodeChange("mr1", {"ae_title": "MR1"}, "ada", "key-1"))
    nodes.changed(NodeChange("mr1", {"ae_title": "MR2"}, "ada", "key-2"), 1)
    nodes.changed(NodeChange("mr1", None, "ada", "key-3"), 2)
    Rulebooks(database, lambda: 5.0).saved({"rule": []}, seen=0, author="ada", why="first", origin="page")
    assert told(database) == [
        ("node added", "ada", "mr1"),
        ("node changed", "ada", "mr1"),
        ("node removed", "ada", "mr1"),
        ("rules changed", "ada", "version 1"),
    ]


def test_what_was_refused_leaves_no_row(database: Database) -> None:
    with pytest.raises(LookupError):
        NodeBook(database).changed(NodeChange("nobody", {}, "ada", "key-1"), 1)
    assert told(database) == []
