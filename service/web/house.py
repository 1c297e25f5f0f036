"""What the web is handed: views of the ledger, pictures, checks. Nothing here knows a database or a file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from inference.text import Text
from service.access import Gate
from service.board_views import ScannerView, StudyView
from service.ledger import Disputes
from service.ledger.feedback import Saying
from service.ledger_views import (
    ALL,
    Counts,
    DeliverySelection,
    DeliveryView,
    EventView,
    PartView,
    SeriesFeedback,
    SeriesView,
    SliceSource,
    SliceView,
    Verdict,
)
from service.operating.audit_log import AuditLog
from service.operating.deid_log import DeidLog
from service.operating.deliveries import DeliveryDesk
from service.operating.node_desk import NodeDesk
from service.operating.system import System
from service.review.reviewing import Reviewing
from service.routing.desk import RulesDesk
from service.web.proxy import Proxies
from service.web.trend_house import Bands, Search, Trends

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class PictureGone(LookupError):
    """The pixels of this slice are no longer kept."""


class NoIdentity(LookupError):
    """The identity behind this series has been let go."""


class KeyElsewhere(RuntimeError):
    """This process holds no key that opens the identity behind this series."""


class Views(Protocol):
    """The part of the ledger that the web reads. Every method may block and is called in a thread."""

    def series_page(
        self, limit: int, cursor: str | None = None, verdict: Verdict | None = None, scanner_name: str = ""
    ) -> tuple[Sequence[SeriesView], str | None]:
        """Newest first, of one scanner or of all, and the cursor of the next page.

        Raises BadCursor for a cursor it never gave.
        """
        ...

    def series_view(self, series_id: str, /) -> SeriesView | None:
        """One series, or None where there is none of that id."""
        ...

    def slices_of(self, series_id: str, /) -> Sequence[SliceView]:
        """List the slices in the series' order; positions count from 0 without a gap."""
        ...

    def slice_source(self, series_id: str, position: int, /) -> SliceSource | None:
        """Where the pixels of one slice lie."""
        ...

    def deliveries_page(
        self,
        limit: int,
        cursor: str | None = None,
        selection: DeliverySelection = ALL,
        scanner_name: str = "",
    ) -> tuple[Sequence[DeliveryView], str | None]:
        """Newest first, of one scanner or of all, and the next page's cursor; raises BadCursor like ``series_page``."""
        ...

    def scanner_of(self, series_id: str, /) -> str | None:
        """Tell the scanner of a series, None where there is none of that id."""
        ...

    def events_after(self, event_id: int, limit: int = 500) -> Sequence[EventView]:
        """At most ``limit`` events with a greater id, oldest first."""
        ...

    def last_event_id(self) -> int:
        """Tell the id of the newest event, 0 where there is none."""
        ...

    def wait_for_change(self, seen: int, timeout_s: float) -> int:
        """Block until something was committed after the marker ``seen``, at most ``timeout_s``.

        Returns the new marker, or the old one at the timeout.
        """
        ...

    def counts(self) -> Counts:
        """Count for the status page."""
        ...

    def parts(self) -> Sequence[PartView]:
        """List the running parts and their last signs of life."""
        ...


class Boards(Protocol):
    """The part of the ledger that boards and time lines read; every method may block."""

    def scanners(self) -> Sequence[ScannerView]:
        """List every scanner that has a name or sent something, by name."""
        ...

    def study(self, study: str, scanner_name: str = "", /) -> StudyView | None:
        """Give an exam, as far as one scanner or all of them made it; None where nothing of it came."""
        ...


class Feedback(Protocol):
    """Where what people say to verdicts is kept."""

    def of(self, series_id: str, /) -> SeriesFeedback | None:
        """Give what was said to a series, None where there is none of that id."""
        ...

    def say(self, saying: Saying, version: str, /) -> SeriesFeedback:
        """Note what is said to the version that was seen; raises what `service.ledger.feedback` names."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The pixels of one slice as the eye sees them."""

    pixels: NDArray[np.float32] | NDArray[np.uint16]  # (rows, columns), MONOCHROME2: larger is brighter
    spacing: tuple[float, float] = (1.0, 1.0)  # mm between rows, mm between columns


@dataclass(frozen=True, slots=True)
class Patient:
    """Whose images they are; never kept, never logged."""

    name: str = field(repr=False)
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The released model in use, as its card says, and the thresholds in force."""

    name: str
    version: str
    sha256: str
    limits: tuple[Text, ...] = ()  # what it cannot see, in whole sentences
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])  # measured on held-out subjects
    presence: Mapping[str, float] = field(default_factory=dict[str, float])  # threshold by artifact, 0..1
    outlier: float | None = None  # distance beyond which a slice is too unlike what the model was made with
    verdict: Mapping[str, float] = field(default_factory=dict[str, float])  # where the verdicts part, by name


@dataclass(frozen=True, slots=True)
class House:
    """Everything that the console and the API need."""

    ledger: Views
    picture: Callable[[SliceSource], Picture]  # raises PictureGone
    masks: Callable[[bytes], NDArray[np.uint8]]  # packed -> (classes, rows, columns); 128: operating point
    ready: Callable[[], Mapping[str, bool | str]]  # by name: True, or False or the reason why not
    registry: CollectorRegistry
    gate: Gate  # who is who
    feedback: Feedback
    reviewing: Reviewing
    rules: RulesDesk
    boards: Boards
    trends: Trends
    bands: Bands
    search: Search
    deliveries: DeliveryDesk
    disputes: Disputes
    nodes: NodeDesk
    system: System
    audit: AuditLog
    deid: DeidLog
    whose: Callable[[str, str], Patient]  # series id, who asks; raises NoIdentity and KeyElsewhere
    version: str
    product: str = "Scanside"
    model: ModelFacts | None = None
    hosts: frozenset[str] = LOOPBACK_NAMES  # names under which a browser may ask, without the port
    proxies: Proxies | None = None  # that stand between; None: browsers ask directly
