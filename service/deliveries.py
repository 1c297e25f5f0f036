"""`scanside deliveries`: what waits, is held or was given up, and the ways out for people."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from pydicom.dataset import Dataset

from dicom_scp.identity import WrongKey
from dicom_scp.instance import header_dataset
from service.bootstrap import Foundation, lay_foundation
from service.ledger import Deed, Desk, Selected, Views
from service.ledger_views import DeliverySelection, DeliveryView
from service.operator import operator_name
from service.reception import header_context
from service.settings import Settings
from service.settings_tables import FolderDestination, ResearchDestination

DEEDS = ("resend", "hold", "release", "discard", "move")
LONGEST_REASON = 200
_NAMING = ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber")
_SHORTEST_NAME = 3  # letters of a part of a name that counts as naming somebody
_RESEARCH_KINDS = frozenset({"IMAGE", "MANIFEST"})


class Refused(ValueError):
    """This cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a deed."""

    changed: int
    left: int  # selected, but their built objects have been let go


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
    try:
        done = _act(lay_foundation(settings), what, selection, reason.strip(), to)
    except Refused as refusal:
        print(f"scanside: {refusal}", file=sys.stderr)
        return 2
    print(json.dumps(asdict(done)))
    return 0 if done.changed else 1


def _act(
    foundation: Foundation, what: str, selection: DeliverySelection, reason: str, to: str | None
) -> Done:
    if not selection:
        raise Refused("say which: ids, --destination, --state, --series or --older-than")
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise Refused(f"--reason wants up to {LONGEST_REASON} printable characters")
    desk = Desk(foundation.database)
    selected = desk.selected(selection, what)
    if _names_somebody(reason, _headers(foundation, desk, selected)):
        raise Refused("the reason names the patient: it is kept in clear text")
    deed = Deed(what, operator_name(), reason)
    if what == "move":
        _check_move(foundation.settings, selected, selection.destination, to)
    fit = [one for one in selected if what in {"hold", "discard"} or foundation.outbox.holds(one.name)]
    return Done(_deed(desk, deed, to)([one.id for one in fit]), len(selected) - len(fit))


def _deed(desk: Desk, deed: Deed, to: str | None) -> Callable[[Sequence[int]], int]:
    if deed.what == "move":
        return lambda ids: desk.move(ids, to or "", deed)
    plain = {"resend": desk.resend, "hold": desk.hold, "release": desk.release, "discard": desk.discard}
    return lambda ids: plain[deed.what](ids, deed)


def _check_move(settings: Settings, selected: Sequence[Selected], source: str | None, to: str | None) -> None:
    """Refuse a move that would send identity to research, or what has none to a PACS."""
    by_name = {entry.name: entry for entry in settings.destination}
    if to is None or to not in by_name:
        raise Refused(f"--to wants a destination of the settings: {', '.join(sorted(by_name)) or 'none'}")
    if source is None or source == to:
        raise Refused("move wants the --destination that the deliveries are to leave")
    target = isinstance(by_name[to], ResearchDestination)
    if source in by_name:
        without_identity = isinstance(by_name[source], ResearchDestination)
    else:
        without_identity = any(one.kind in _RESEARCH_KINDS for one in selected)
    if without_identity != target:
        raise Refused("what is without identity goes to research, and nothing else does")
    if not isinstance(by_name[to], FolderDestination) and any(one.kind == "FHIR" for one in selected):
        raise Refused("what is of the kind FHIR goes to a folder only")


def _headers(foundation: Foundation, desk: Desk, selected: Iterable[Selected]) -> Iterable[Dataset]:
    """Open the headers of the series that are touched."""
    for uid, sealed in desk.headers({one.series_id for one in selected}).items():
        try:
            yield header_dataset(foundation.vault.open(sealed, header_context(uid)))
        except WrongKey:
            continue


def _names_somebody(reason: str, headers: Iterable[Dataset]) -> bool:
    """Tell whether a text holds a part of a name, an id, a date of birth or an accession number."""
    text = reason.casefold()
    words = set(re.findall(r"\w+", text))
    for header in headers:
        name, *numbers = (str(header.get(keyword) or "").casefold().strip() for keyword in _NAMING)
        parts = {part for part in re.findall(r"\w+", name) if len(part) >= _SHORTEST_NAME}
        if words & parts or any(number and number in text for number in numbers):
            return True
    return False
