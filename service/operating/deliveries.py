"""What people do about deliveries, for the command line and the API alike: checked, in pieces, once a request."""

import hashlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field

from dicom_scp.spool import Spool
from service.bootstrap import Foundation, lay_foundation, roster
from service.cli.operator import operator_name
from service.ledger import Deed, Desk, Done, Selected, Views
from service.ledger_views import DeliverySelection, DeliveryView
from service.naming import NamesSomebody, Screen, Screening
from service.settings import Settings
from service.settings_tables import FolderDestination, ResearchDestination

DEEDS = ("resend", "hold", "release", "discard", "move")
LONGEST_REASON = 200
AT_ONCE = 500  # rows of a transaction: the door waits no longer than for one
_RESEARCH_KINDS = frozenset({"IMAGE", "MANIFEST"})


class Refused(ValueError):
    """This cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class DeliveryDesk:
    """Where people look after deliveries; what they write is held against the patients it is about."""

    desk: Desk
    screen: Screening
    outbox: Spool
    settings: Callable[[], Settings]  # in force now
    _one_at_a_time: threading.Lock = field(
        default_factory=threading.Lock
    )  # a request that comes twice finds the first

    @classmethod
    def of(cls, foundation: Foundation, in_force: Callable[[], Settings]) -> "DeliveryDesk":
        """Give the desk of a house."""
        screen = Screen.of(foundation.database, foundation.vault)
        return cls(Desk(foundation.database), screen, foundation.outbox, in_force)

    def act(self, deed: Deed, selection: DeliverySelection, to: str | None = None) -> Done:
        """Do something to the deliveries of a selection to which it applies, those whose objects are here still.

        The same request again changes nothing more. Raises Refused and KeyUsed.
        """
        if not selection:
            raise Refused("say which: ids, destination, state, series, kind or age")
        if not deed.reason or len(deed.reason) > LONGEST_REASON or not deed.reason.isprintable():
            raise Refused(f"the reason wants up to {LONGEST_REASON} printable characters")
        with self._one_at_a_time:
            return self.desk.done_before(deed) or self._done(deed, selection, to)

    def _done(self, deed: Deed, selection: DeliverySelection, to: str | None) -> Done:
        selected = self.desk.selected(selection, deed.what)
        self._screened(deed, selected)
        if deed.what == "move":
            _check_move(self.settings(), selected, selection.destination, to)
        fit = [one.id for one in selected if deed.what in {"hold", "discard"} or self.outbox.holds(one.name)]
        change = self._change(deed, to)
        changed = sum(change(fit[start : start + AT_ONCE]) for start in range(0, len(fit), AT_ONCE))
        return self.desk.noted(deed, Done(changed, len(selected) - len(fit)))

    def _change(self, deed: Deed, to: str | None) -> Callable[[Sequence[int]], int]:
        desk = self.desk
        if deed.what == "move":
            return lambda ids: desk.move(ids, to or "", deed)
        plain = {"resend": desk.resend, "hold": desk.hold, "release": desk.release, "discard": desk.discard}
        return lambda ids: plain[deed.what](ids, deed)

    def _screened(self, deed: Deed, selected: Iterable[Selected]) -> None:
        """Hold the reason against whom the series are of that are touched. Raises Refused."""
        try:
            self.screen(deed.reason, deed.by, {one.series_id for one in selected})
        except NamesSomebody as error:
            raise Refused(str(error)) from error


def request_digest(what: str, selection: DeliverySelection, to: str | None) -> str:
    """Give what tells one request from another that came under the same key."""
    said = json.dumps([what, asdict(selection), to], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def list_deliveries(settings: Settings, selection: DeliverySelection, *, limit: int, as_json: bool) -> int:
    """Print deliveries, newest first."""
    views, cursor = Views(lay_foundation(settings).database).deliveries_page(limit, selection=selection)
    if as_json:
        print(json.dumps([asdict(view) for view in views], indent=1))
        return 0
    print(f"{'id':>7}  {'destination':<20}{'kind':<9}{'state':<12}{'tries':>5}  {'posted':<20}answer")
    for view in views:
        print(_row(view))
    if cursor is not None:
        print(f"scanside: there are more than {limit}: narrow down, or --limit", file=sys.stderr)
    return 0


def _row(view: DeliveryView) -> str:
    posted = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(view.created_at))
    told = "; ".join(text for text in (view.reason, view.answer) if text)
    return f"{view.id:>7}  {view.destination:<20}{view.kind:<9}{view.state:<12}{view.attempts:>5}  {posted:<20}{told}"


def act(settings: Settings, what: str, selection: DeliverySelection, *, reason: str, to: str | None) -> int:
    """Do something to deliveries, and print how many as JSON."""
    deed = Deed(what, operator_name(), reason.strip())
    try:
        foundation = lay_foundation(settings)
        done = DeliveryDesk.of(foundation, roster(foundation)).act(deed, selection, to)
    except Refused as refusal:
        print(f"scanside: {refusal}", file=sys.stderr)
        return 2
    print(json.dumps(asdict(done)))
    return 0 if done.changed else 1


def _check_move(settings: Settings, selected: Sequence[Selected], source: str | None, to: str | None) -> None:
    """Refuse a move that would send identity to research, or what has none to a PACS."""
    by_name = {entry.name: entry for entry in settings.destination}
    if to is None or to not in by_name:
        raise Refused(f"say where to: one of {', '.join(sorted(by_name)) or 'no destinations'}")
    if source is None or source == to:
        raise Refused("say which destination the deliveries are to leave: another one than they go to")
    target = isinstance(by_name[to], ResearchDestination)
    if source in by_name:
        without_identity = isinstance(by_name[source], ResearchDestination)
    else:
        without_identity = any(one.kind in _RESEARCH_KINDS for one in selected)
    if without_identity != target:
        raise Refused("what is without identity goes to research, and nothing else does")
    if not isinstance(by_name[to], FolderDestination) and any(one.kind == "FHIR" for one in selected):
        raise Refused("what is of the kind FHIR goes to a folder only")
