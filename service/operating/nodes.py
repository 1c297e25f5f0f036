"""Scanners and destinations in force: those of the settings file, and beside them those that the console keeps."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import TypeAdapter, ValidationError, model_validator

from service.ledger import Control, LedgerUnavailable, NodeBook
from service.ledger.control import TO
from service.operating.node_views import NodeRow
from service.settings import Settings
from service.settings_tables import Destination as DestinationEntry
from service.settings_tables import DicomDestination, Name, Network, Scanner

SCANNER = "scanner:"  # before the name of a scanner, as TO is before that of a destination
LOOKED_UP_S = 1.0  # what people change is in force everywhere after so long
MOST = 64  # nodes that the console keeps: each destination has a thread, and a label of the metrics

log = logging.getLogger(__name__)


class UnfitNode(ValueError):
    """This cannot be a node; the message says why."""


class KeptScanner(Scanner):
    """A scanner that the console keeps."""

    network: Network | None = None
    """from where it calls: let in where ``[allow]`` names networks"""


class KeptDestination(DicomDestination):
    """A PACS that the console keeps."""

    tls_profile: Name | None = None
    """a profile of the settings file, whose certificates it is called with"""

    @model_validator(mode="after")
    def _names_no_file(self) -> Self:
        """Let nobody name files of this machine from elsewhere; reports of commitment are offered at the start only."""
        tls = self.tls
        if tls is not None and (tls.ca or tls.certificate or tls.private_key):
            raise ValueError("certificates and keys are named in the settings file, by a tls_profile")
        if tls is not None and self.tls_profile is not None:
            raise ValueError("tls and tls_profile exclude each other")
        if self.commitment:
            raise ValueError("storage commitment is asked for by destinations of the settings file")
        return self


_SCANNER: TypeAdapter[KeptScanner] = TypeAdapter(KeptScanner)
_DESTINATION: TypeAdapter[KeptDestination] = TypeAdapter(KeptDestination)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the console keeps, as it is understood."""

    scanners: tuple[KeptScanner, ...] = ()
    destinations: tuple[KeptDestination, ...] = ()


def id_of(entry: Scanner | DestinationEntry) -> str:
    """Give the id of a node."""
    return f"{SCANNER if isinstance(entry, Scanner) else TO}{entry.name}"


def understood(node_id: str, told: Mapping[str, Any]) -> KeptScanner | KeptDestination:
    """Read a node as it was told. Raises UnfitNode."""
    adapter: TypeAdapter[Any] = _SCANNER if node_id.startswith(SCANNER) else _DESTINATION
    try:
        entry: KeptScanner | KeptDestination = adapter.validate_python(dict(told))
    except ValidationError as error:
        raise UnfitNode(_why(error)) from error
    if id_of(entry) != node_id:
        raise UnfitNode("a node keeps its name and its kind")
    return entry


def _why(error: ValidationError) -> str:
    """Say what does not fit, without repeating the values."""
    return "; ".join(
        f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ").replace("Value error, ", "")
        for one in error.errors(include_input=False)
    )


def secured(entry: KeptDestination, settings: Settings) -> KeptDestination:
    """Give a destination with the certificates of its profile. Raises UnfitNode where there is no such profile."""
    if entry.tls_profile is None:
        return entry
    for profile in settings.tls_profile:
        if profile.name == entry.tls_profile:
            return entry.model_copy(update={"tls": profile})
    raise UnfitNode(f"the settings file has no tls_profile {entry.tls_profile!r}")


def told_of(entry: Scanner | DicomDestination) -> dict[str, Any]:
    """Give a node as it is kept: what differs from the defaults."""
    return entry.model_dump(mode="json", exclude_defaults=True) | {"name": entry.name}


def kept(rows: Sequence[NodeRow]) -> Kept:
    """Read what the console keeps; what this version does not understand is left out, and said."""
    found: list[KeptScanner | KeptDestination] = []
    for row in rows:
        try:
            found.append(understood(row.id, row.told or {}))
        except UnfitNode as error:
            log.warning("node left out", extra={"peer": row.id, "reason": str(error)})
    return Kept(
        tuple(one for one in found if isinstance(one, KeptScanner)),
        tuple(one for one in found if isinstance(one, KeptDestination)),
    )


def in_force(settings: Settings, more: Kept, mode: Literal["live", "shadow"]) -> Settings:
    """Give the settings with what the console keeps; where both name a thing the file wins.

    Lists of who is let in are made longer, and an empty one, which lets everyone in, stays empty.
    """
    names = {entry.name for entry in settings.scanner}
    titles = {entry.ae_title for entry in settings.scanner if entry.ae_title}
    scanners = [one for one in more.scanners if one.name not in names and one.ae_title not in titles]
    taken = set(settings.destination_names)
    destinations = list(_secured((one for one in more.destinations if one.name not in taken), settings))
    allow = settings.allow
    let_in = [one.ae_title for one in scanners if one.ae_title]
    networks = [one.network for one in scanners if one.network]
    return settings.model_copy(
        update={
            "mode": mode,
            "scanner": (*settings.scanner, *scanners),
            "destination": (*settings.destination, *destinations),
            "allow": allow.model_copy(
                update={
                    "ae_titles": allow.ae_titles and (*allow.ae_titles, *let_in),
                    "networks": allow.networks and (*allow.networks, *networks),
                }
            ),
        }
    )


def _secured(entries: Iterable[KeptDestination], settings: Settings) -> Iterator[KeptDestination]:
    """Leave out what lacks its certificates, and say so: without them nothing leaves."""
    for entry in entries:
        try:
            yield secured(entry, settings)
        except UnfitNode as error:
            log.warning("node left out", extra={"peer": id_of(entry), "reason": str(error)})


class Roster:
    """Gives the settings in force, looked up in the ledger at most once a second; safe for threads.

    Args:
        settings: of the file.
        book: the nodes that the console keeps.
        control: where an acceptance stands.
        accepted: digest of the thresholds and the model of this process; with an acceptance of just these a site
            whose settings say shadow is live. None: this process has no model, and shadow stays shadow.

    """

    def __init__(
        self,
        settings: Settings,
        book: NodeBook,
        control: Control,
        accepted: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._book = book
        self._control = control
        self._accepted = accepted
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._known: tuple[object, Settings] | None = None

    def __call__(self) -> Settings:
        """Give them; where the ledger does not answer, those that were in force last."""
        with self._lock:
            now = self._clock()
            if self._known is None or now - self._looked_at >= LOOKED_UP_S:
                self._looked_at = now
                self._look()
            return self._settings if self._known is None else self._known[1]

    def fresh(self) -> Settings:
        """Give them as they are at this moment."""
        with self._lock:
            self._looked_at = float("-inf")
        return self()

    def _look(self) -> None:
        try:
            rows, mode = self._book.all(), self._mode()
        except LedgerUnavailable:
            return
        seen = ([(row.id, row.version) for row in rows], mode)
        if self._known is None or self._known[0] != seen:
            self._known = seen, in_force(self._settings, kept(rows), mode)

    def _mode(self) -> Literal["live", "shadow"]:
        if self._settings.mode == "live":
            return "live"
        standing = self._control.standing()
        return "live" if standing is not None and standing.digest == self._accepted else "shadow"
