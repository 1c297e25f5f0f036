"""Where people look after other machines: what is known of each, whether it answers, and what they change."""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from service.bootstrap import Foundation, destination_of
from service.delivery import Destination, Pacs
from service.ledger import Callers, NodeBook
from service.ledger.control import TO
from service.ledger.nodes import NodeChange, NodeExists, NoNode
from service.operating.node_views import Call, NodeRow, Probe, Sending
from service.operating.nodes import (
    MOST,
    SCANNER,
    KeptDestination,
    KeptScanner,
    Roster,
    UnfitNode,
    id_of,
    secured,
    told_of,
    understood,
)
from service.settings import Settings
from service.settings_tables import Destination as DestinationEntry
from service.settings_tables import Scanner

ECHO_S = 4.5  # for an answer, with the way to and from the browser within five
AT_ONCE = 4  # nodes that are asked at a time: what hangs holds up nothing but the next ones
CAME_IN = frozenset({"accepted", "released", "aborted"})


class NotAsked(RuntimeError):
    """Too many nodes are being asked at this moment."""


class NotReached(ValueError):
    """A scanner is asked only where its host and port are known."""


@dataclass(frozen=True, slots=True)
class Node:
    """A scanner or a destination, and what is known of it."""

    id: str
    entry: Scanner | DestinationEntry
    row: NodeRow | None = None  # None: it stands in the settings file
    overridden: bool = False  # the settings file has another one of this name, or of this AE title
    lacks: str = ""  # why it is not in force otherwise
    probe: Probe | None = None
    call: Call | None = None  # the last time that it called here
    sending: Sending | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks a destination whether it answers, in a thread that nobody has to wait for."""

    within_s: float = ECHO_S
    _slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))

    def __call__(self, destination: Destination) -> tuple[bool, str, float]:
        """Give whether it answered, what was tried, and the seconds that took. Raises NotAsked."""
        if not self._slots.acquire(blocking=False):
            raise NotAsked(NotAsked.__doc__)
        answers: queue.Queue[tuple[bool, str]] = queue.Queue()
        began = time.monotonic()

        def ask() -> None:
            try:
                answers.put(destination.tried())
            finally:
                self._slots.release()

        threading.Thread(target=ask, name="echo", daemon=True).start()
        try:
            good, told = answers.get(timeout=self.within_s)
        except queue.Empty:
            good, told = False, f"no answer within {self.within_s:g} s"
        return good, told, time.monotonic() - began


@dataclass(frozen=True, slots=True)
class NodeDesk:
    """Shows the nodes in force, and changes those that the console keeps."""

    book: NodeBook
    callers: Callers
    file: Settings  # without what the console keeps
    roster: Roster
    build: Callable[[DestinationEntry, Settings], Destination]
    asking: Asking = field(default_factory=Asking)

    @classmethod
    def of(cls, foundation: Foundation, roster: Roster) -> "NodeDesk":
        """Give the desk of a house."""
        database = foundation.database
        return cls(NodeBook(database), Callers(database), foundation.settings, roster, destination_of)

    def all(self) -> list[Node]:
        """List scanners, then destinations, those of the file first."""
        probes, sendings = self.book.probes(), self.book.sendings()
        calls = _last_calls(self.callers.all())
        in_file = self._of_file()
        made = [self._known(entry, None, probes, sendings, calls) for entry in in_file.values()]
        for row in self.book.all():
            try:
                entry = understood(row.id, row.told or {})
            except UnfitNode:
                continue
            overridden = row.id in in_file or _same_title(entry, self.file)
            known = self._known(entry, row, probes, sendings, calls, overridden=overridden)
            made.append(self._with_certificates(known))
        return sorted(made, key=lambda one: (not one.id.startswith(SCANNER), one.row is not None, one.id))

    def node(self, node_id: str) -> Node:
        """Give one node, the file's where there are two. Raises NoNode."""
        found = next((one for one in self.all() if one.id == node_id and not one.overridden), None)
        if found is None:
            raise NoNode(NoNode.__doc__)
        return found

    def add(self, node_id: str, told: Mapping[str, Any], by: str, key: str) -> NodeRow:
        """Add a node, which is in force within seconds. Raises UnfitNode, NodeExists and KeyUsed."""
        entry = self._understood(node_id, told)
        if node_id in self._of_file():
            raise NodeExists(NodeExists.__doc__)
        self._check_title(entry)
        if len(self.book.all()) >= MOST:
            raise UnfitNode(f"the console keeps no more than {MOST} nodes: the settings file takes more")
        return self.book.added(NodeChange(node_id, told_of(entry), by, key))

    def change(self, node_id: str, told: Mapping[str, Any], version: int, by: str, key: str) -> NodeRow:
        """Change a node that the console keeps. Raises UnfitNode, NoNode, NodeExists, NodeChanged and KeyUsed."""
        entry = self._understood(node_id, told)
        if node_id in self._of_file():
            raise NodeExists("the settings file has a node of this name: that one counts")
        self._check_title(entry)
        return self.book.changed(NodeChange(node_id, told_of(entry), by, key), version)

    def remove(self, node_id: str, version: int, by: str, key: str) -> None:
        """Take away a node that the console keeps; what waits for it stays. Raises NoNode, NodeChanged and KeyUsed."""
        self.book.changed(NodeChange(node_id, None, by, key), version)

    def echo(self, node_id: str) -> Probe:
        """Ask a node whether it answers, within five seconds. Raises NoNode, NotReached and NotAsked."""
        node = self.node(node_id)
        good, told, seconds = self.asking(self._reached(node))
        probe = Probe(node_id, time.time(), good, told, round(seconds, 3))
        self.book.probed(probe)
        return probe

    def _understood(self, node_id: str, told: Mapping[str, Any]) -> KeptScanner | KeptDestination:
        """Read a node whose certificates there are. Raises UnfitNode."""
        entry = understood(node_id, told)
        if isinstance(entry, KeptDestination):
            secured(entry, self.file)
        return entry

    def _with_certificates(self, node: Node) -> Node:
        """Give a node as it is called; one whose profile went is not in force."""
        if not isinstance(node.entry, KeptDestination):
            return node
        try:
            return replace(node, entry=secured(node.entry, self.file))
        except UnfitNode as error:
            return replace(node, lacks=str(error))

    def _of_file(self) -> dict[str, Scanner | DestinationEntry]:
        """Give the nodes of the settings file, by id."""
        return {id_of(one): one for one in (*self.file.scanner, *self.file.destination)}

    def _check_title(self, entry: Scanner | DestinationEntry) -> None:
        """Let each scanner have an AE title of its own. Raises NodeExists."""
        if _same_title(entry, self.file):
            raise NodeExists("the settings file has a scanner of this AE title")
        others = [row for row in self.book.all() if row.id.startswith(SCANNER) and row.id != id_of(entry)]
        titles = {(row.told or {}).get("ae_title") for row in others}
        if isinstance(entry, Scanner) and entry.ae_title in titles - {None}:
            raise NodeExists("there is another scanner of this AE title")

    def _reached(self, node: Node) -> Destination:
        entry, settings = node.entry, self.roster()
        if node.lacks:
            raise NotReached(node.lacks)
        if not isinstance(entry, Scanner):
            return self.build(entry, settings)
        if entry.host is None or entry.port is None or entry.ae_title is None:
            raise NotReached(NotReached.__doc__)
        return Pacs(entry.name, entry.host, entry.port, entry.ae_title, settings.ae_title)

    def _known(
        self,
        entry: Scanner | DestinationEntry,
        row: NodeRow | None,
        probes: Mapping[str, Probe],
        sendings: Mapping[str, Sending],
        calls: Mapping[str, Call],
        *,
        overridden: bool = False,
    ) -> Node:
        node_id = id_of(entry)
        of_here = partial(Node, node_id, entry, row, overridden, probe=probes.get(node_id))
        if isinstance(entry, Scanner):
            return of_here(call=calls.get(entry.ae_title or ""))
        return of_here(sending=sendings.get(node_id.removeprefix(TO)))


def _last_calls(calls: list[Call]) -> dict[str, Call]:
    """Give the last call that came in under each AE title; they are ordered, the last one first."""
    found: dict[str, Call] = {}
    for call in calls:
        if call.ae_title and call.result in CAME_IN:
            found.setdefault(call.ae_title, call)
    return found


def _same_title(entry: Scanner | DestinationEntry, file: Settings) -> bool:
    titles = {one.ae_title for one in file.scanner if one.ae_title}
    return isinstance(entry, Scanner) and entry.ae_title in titles
