"""A ledger made of recorded values, and pictures of a drawn phantom: what the web is tested against."""

import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from weakref import finalize

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter

from dicom_scp.identity import KeyRing, Vault
from dicom_scp.profile import LIVE
from dicom_scp.spool import Spool
from inference.artifacts import CATALOGUE
from inference.series import Answer, Description
from inference.series.advice import advice_on
from inference.series.situation import Situation
from inference.verdict import Thresholds
from service.access import Gate, Limits
from service.board_views import MadeView, ScannerView, StepView, StudyView
from service.bootstrap import destination_of
from service.ledger import (
    Bands,
    Callers,
    Control,
    Database,
    Desk,
    Disputes,
    NodeBook,
    ReviewBook,
    Search,
    Trends,
)
from service.ledger.audit import AuditBook
from service.ledger.deid import DeidTally
from service.ledger.feedback import SaidMeanwhile, Saying
from service.ledger.tables import metadata
from service.ledger.thresholds import ThresholdBook
from service.ledger_views import (
    ALL,
    ArtifactView,
    BadCursor,
    Counts,
    DeliverySelection,
    DeliveryView,
    EventKind,
    EventView,
    FeedbackView,
    FindingView,
    PartView,
    SeriesFeedback,
    SeriesView,
    SliceSource,
    SliceView,
    Verdict,
)
from service.naming import Screen
from service.operating.acceptance import Accepted
from service.operating.audit_log import AuditLog
from service.operating.deid_log import DeidLog
from service.operating.deliveries import DeliveryDesk
from service.operating.node_desk import NodeDesk
from service.operating.nodes import Roster
from service.operating.system import System
from service.review.reviewing import Reviewing
from service.settings import Settings
from service.web import House, ModelFacts, Picture, PictureGone
from service.web.house import KeyElsewhere, NoIdentity, Patient
from tests.rules import a_rules_desk
from tests.unit.service.review.reviewing import MODEL

T = TypeVar("T")

VAULT = Vault(KeyRing(bytes(range(32))))
ACCEPTED = Accepted.of(Thresholds(), "3f2a9c0d1e5b" + "0" * 52)
NAMES = [artifact.name for artifact in CATALOGUE]
MASK = 128  # rows and columns of a mask
DESCRIPTION = Description.of(
    [
        Answer("weighting", "T2", ("RepetitionTime", "EchoTime")),
        Answer("family", "SE", ("ScanningSequence",)),
    ],
    1.5,
)


class RecordedLedger:
    """Keeps series, slices, deliveries and events in memory and answers like the real one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._marker = 0
        self.series: dict[str, SeriesView] = {}
        self.slices: dict[str, list[SliceView]] = {}
        self.deliveries: list[DeliveryView] = []
        self.events: list[EventView] = []
        self.failing: Exception | None = None
        self.steps: tuple[StepView, ...] = ()
        self.patient = Patient("Doe^Jane", "4711")
        self.asked: list[tuple[str, str]] = []  # identities: of which series, by whom

    def put(self, series: SeriesView, slices: Sequence[SliceView] = (), kind: EventKind = "series") -> int:
        """Commit a series with its slices and the event that tells it; gives the event's id."""
        with self._changed:
            self.series[series.id] = series
            if slices:
                self.slices[series.id] = list(slices)
            self.events.append(EventView(len(self.events) + 1, time.time(), kind, series.id))
            self._marker += 1
            self._changed.notify_all()
            return len(self.events)

    def _answer(self) -> None:
        if self.failing is not None:
            raise self.failing

    def series_page(
        self, limit: int, cursor: str | None = None, verdict: Verdict | None = None, scanner_name: str = ""
    ) -> tuple[list[SeriesView], str | None]:
        self._answer()
        found = sorted(self.series.values(), key=lambda series: (-series.opened_at, series.id))
        found = [series for series in found if verdict is None or series.verdict == verdict]
        found = [series for series in found if scanner_name in {"", series.scanner}]
        return _page(found, limit, cursor)

    def series_view(self, series_id: str) -> SeriesView | None:
        self._answer()
        return self.series.get(series_id)

    def slices_of(self, series_id: str) -> list[SliceView]:
        return self.slices.get(series_id, [])

    def slice_source(self, series_id: str, position: int) -> SliceSource | None:
        slices = self.slices.get(series_id, [])
        if not 0 <= position < len(slices):
            return None
        found = [finding.artifact for finding in slices[position].findings if finding.present]
        return SliceSource(f"{series_id}/{position}", 1, 0, ",".join(found).encode() or None)

    def deliveries_page(
        self,
        limit: int,
        cursor: str | None = None,
        selection: DeliverySelection = ALL,
        scanner_name: str = "",
    ) -> tuple[list[DeliveryView], str | None]:
        found = [
            one
            for one in self.deliveries
            if selection.series_id in {None, one.series_id}
            and selection.destination in {None, one.destination}
            and selection.state in {None, one.state}
        ]
        found = [one for one in found if scanner_name in {"", self.scanner_of(one.series_id)}]
        return _page(found, limit, cursor)

    def scanner_of(self, series_id: str) -> str | None:
        series = self.series.get(series_id)
        return None if series is None else series.scanner

    def events_after(self, event_id: int, limit: int = 500) -> list[EventView]:
        self._answer()
        return self.events[event_id : event_id + limit]

    def last_event_id(self) -> int:
        self._answer()
        return len(self.events)

    def wait_for_change(self, seen: int, timeout_s: float) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self._marker != seen, timeout_s)
            return self._marker

    def of(self, series_id: str) -> SeriesFeedback | None:
        series = self.series.get(series_id)
        return None if series is None else series.feedback

    def say(self, saying: Saying, version: str) -> SeriesFeedback:
        series = self.series[saying.series_id]
        if series.feedback.version != version:
            raise SaidMeanwhile(SaidMeanwhile.__doc__)
        fresh = FeedbackView(saying.kind, saying.author, saying.role, time.time())
        items = (*series.feedback.items, fresh)
        self.put(replace(series, feedback=SeriesFeedback(items, str(len(items)))), kind="feedback")
        return self.series[saying.series_id].feedback

    def scanners(self) -> list[ScannerView]:
        made: dict[str, ScannerView] = {}
        for series in sorted(self.series.values(), key=lambda one: one.opened_at):
            known = made.get(series.scanner, ScannerView(series.scanner))
            told = {"verdict": series.verdict, "series": series.id} if series.verdict else {}
            last, count = series.last_instance_at, known.open + (not series.verdict)
            made[series.scanner] = replace(known, last_instance_at=last, open=count, **told)  # type: ignore[arg-type]  # fields
        return sorted(made.values(), key=lambda view: view.name)

    def study(self, study: str, scanner_name: str = "") -> StudyView | None:
        made = [
            one for one in self.series.values() if one.study == study and scanner_name in {"", one.scanner}
        ]
        made.sort(key=lambda one: one.opened_at)
        told = tuple(MadeView(one.id, one.opened_at, one.repeats) for one in made)
        return StudyView(study, told, self.steps) if made else None

    def whose(self, series_id: str, by: str) -> Patient:
        """Notes who asked; the series ``nobody`` has lost its identity, ``elsewhere`` its key."""
        if series_id == "nobody":
            raise NoIdentity(NoIdentity.__doc__)
        if series_id == "elsewhere":
            raise KeyElsewhere(KeyElsewhere.__doc__)
        self.asked.append((series_id, by))
        return self.patient

    def counts(self) -> Counts:
        states: dict[str, int] = {}
        for series in self.series.values():
            states[series.state] = states.get(series.state, 0) + 1
        return Counts(series=states, slices_waiting=3, deliveries={"sent": 2}, oldest_waiting_s=1.5)

    def parts(self) -> list[PartView]:
        now = time.time()
        return [PartView("work-1", 4711, now - 60, now - 1, {"provider": "CPUExecutionProvider"})]


def _page(found: list[T], limit: int, cursor: str | None) -> tuple[list[T], str | None]:
    if cursor is not None and not cursor.isdecimal():
        raise BadCursor(BadCursor.__doc__)
    start = int(cursor or 0)
    following = start + limit
    return found[start:following], str(following) if following < len(found) else None


def head(position: int, size: int = 192) -> NDArray[np.float32]:
    """Draw something like a head: an ellipse of skull and brain with ventricles, brighter towards the middle slice."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    image = np.zeros((size, size), np.float32)
    grow = 0.85 + 0.02 * position
    for radius, cx, cy, a, b, value in (
        (1.0, 0.0, 0.0, 0.72, 0.88, 900.0),
        (1.0, 0.0, 0.0, 0.66, 0.82, 320.0),
        (1.0, 0.0, 0.02, 0.6, 0.74, 520.0),
        (1.0, -0.16, -0.08, 0.09, 0.26, 130.0),
        (1.0, 0.16, -0.08, 0.09, 0.26, 130.0),
        (1.0, 0.0, 0.42, 0.22, 0.12, 640.0),
    ):
        image[((x - cx) / (a * grow)) ** 2 + ((y - cy) / (b * grow)) ** 2 < radius] = value
    noise = np.random.default_rng(position).normal(0, 14, image.shape).astype(np.float32)
    return np.abs(image + noise + 0.16 * np.roll(image, size // 2, axis=0))


def blob(order: int) -> NDArray[np.uint8]:
    """Draw the mask of one artifact: a soft band or disc that differs from class to class."""
    y, x = np.mgrid[0:MASK, 0:MASK].astype(np.float32)
    if order % 2:
        distance = np.abs(y - MASK * (0.15 + 0.06 * order)) / 12
    else:
        distance = np.hypot(x - MASK * (0.3 + 0.05 * order), y - MASK * 0.55) / (14 + order)
    mask: NDArray[np.uint8] = np.clip(255 * np.exp(-(distance**2)), 0, 255).astype(np.uint8)
    return mask


def picture(source: SliceSource) -> Picture:
    """Give the drawn head; the series ``gone`` has lost its pixels."""
    series_id, _, position = source.spool_name.partition("/")
    if series_id == "gone":
        raise PictureGone(PictureGone.__doc__)
    return Picture(head(int(position)), (1.25, 1.0))


def unpack(packed: bytes) -> NDArray[np.uint8]:
    """Give (classes, rows, columns) with a blob for each artifact that is named."""
    named = packed.decode().split(",")
    empty = np.zeros((MASK, MASK), np.uint8)
    return np.stack([blob(order) if name in named else empty for order, name in enumerate(NAMES)])


def a_series(series_id: str, verdict: Verdict = "", **changes: object) -> SeriesView:
    """Give a series as the ledger would show it, opened now."""
    now = time.time()
    plain = SeriesView(
        id=series_id,
        generation=1,
        study="study-1",
        scanner="MR 2",
        state="reported" if verdict else "receiving",
        series_number=5,
        description=DESCRIPTION,
        opened_at=now - 30,
        last_instance_at=now,
        closed_at=now if verdict else None,
        close_reason="count" if verdict else "",
        received=24,
        expected=24,
        verdict=verdict,
        model=MODEL if verdict else "",
        provider="CPUExecutionProvider" if verdict else "",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # whatever the test says


def some_slices(series_id: str, found: dict[str, float], count: int = 24) -> list[SliceView]:
    """Give slices of which the middle third shows the artifacts (name -> severity), worst in the middle."""
    slices = []
    for position in range(count):
        near = 1 - abs(position - count // 2) / (count / 6)
        findings = tuple(
            FindingView(name, 0.95, severity * near, near > 0, 0.2 * near, (20, 30, 150, 90))
            for name, severity in found.items()
            if near > 0
        )
        loss = sum(finding.severity * 6 for finding in findings)
        slices.append(
            SliceView(
                f"{series_id}-{position}", series_id, position, position + 1, 1, 192, 192,
                index=max(0.4, 9.3 - loss), suitability=0.9, signal=True, findings=findings,
            )
        )  # fmt: skip
    return slices


def judged(series_id: str, verdict: Verdict, found: dict[str, float], **changes: object) -> SeriesView:
    """Give a series with its verdict and artifacts (name -> severity)."""
    artifacts = tuple(
        ArtifactView(a.name, 0.97 if a.name in found else 0.03, found.get(a.name, 0.0), a.name in found, (12, 11, 13))
        for a in CATALOGUE
    )  # fmt: skip
    advice = tuple(advice_on(a.name, Situation()).line for a in CATALOGUE if a.name in found)
    told: dict[str, object] = {"artifacts": artifacts, "advice": advice, "suitability": 0.4, **changes}
    return a_series(series_id, verdict, **told)


def an_empty_database() -> Database:
    """Give a database of its own with empty tables."""
    folder = TemporaryDirectory(prefix="ledger-")
    database = Database(f"sqlite:///{folder.name}/ledger.sqlite")
    finalize(database, folder.cleanup)
    metadata.create_all(database.engine)
    return database


def a_gate(clock: Callable[[], float] = time.time, **limits: float) -> Gate:
    """Give a gate on a database of its own, without any user."""
    folder = TemporaryDirectory(prefix="gate-")
    database = Database(f"sqlite:///{folder.name}/gate.sqlite")
    finalize(database, folder.cleanup)  # when the gate is gone
    metadata.create_all(database.engine)
    return Gate.of(
        database, lambda text: f"pseudonym {text}", Limits(**limits), open_when_empty=True, clock=clock
    )


def a_review_room() -> Reviewing:
    """Give review on a database of its own, without any series; nothing that people write is refused."""
    database = an_empty_database()
    return Reviewing(
        book=ReviewBook(database, time.time),
        thresholds=ThresholdBook(database, Thresholds(), MODEL, time.time),
        screen=lambda _text, _by, _about: None,
        samples=lambda _limit, _after: ([], None),
    )


def a_spool() -> Spool:
    """Give a place for built results."""
    folder = TemporaryDirectory(prefix="outbox-")
    made = Spool(Path(folder.name), VAULT)
    finalize(made, folder.cleanup)
    return made


def a_house(
    ledger: RecordedLedger,
    *,
    ready: dict[str, bool | str] | None = None,
    gate: Gate | None = None,
    past: Database | None = None,
    settings: Settings | None = None,
    files: Spool | None = None,
) -> House:
    """Give a house around a recorded ledger; ``past`` holds what its trends, searches and desks look at."""
    past = past or an_empty_database()
    settings = settings or Settings()
    force = Roster(settings, NodeBook(past), Control(past), ACCEPTED.digest())
    registry = CollectorRegistry()
    Counter("scanside_test", "A counter of the test", registry=registry).inc()
    checks: dict[str, bool | str] = {"database": True, "disk": True, "model": True, "listener": True}
    told = ready if ready is not None else checks
    return House(
        ledger=ledger,
        picture=picture,
        masks=unpack,
        ready=lambda: told,
        registry=registry,
        gate=gate or a_gate(),
        feedback=ledger,
        reviewing=a_review_room(),
        rules=a_rules_desk(past, vault=VAULT),
        boards=ledger,
        trends=Trends(past),
        bands=Bands(past),
        search=Search(past),
        deliveries=DeliveryDesk(Desk(past), Screen.of(past, VAULT), files or a_spool(), force),
        disputes=Disputes(past),
        nodes=NodeDesk(NodeBook(past), Callers(past), settings, force, destination_of),
        system=System(
            Control(past),
            settings,
            force,
            ACCEPTED,
            lambda file: zipfile.ZipFile(file, "w").close(),
            Screen.of(past, VAULT),
        ),
        audit=AuditLog(AuditBook(past), lambda: None),
        deid=DeidLog(DeidTally(past), {LIVE.name: LIVE}, {}),
        whose=ledger.whose,
        version="0.1.0",
        model=ModelFacts(
            "scanside-artifacts",
            "0.1.0",
            "3f2a9c0d1e5b" + "0" * 52,
            ("Artifacts smaller than about four pixels.", "Wrong positioning or a wrong contrast."),
            {"iou_mean": 0.41},
            dict.fromkeys(NAMES, 0.4),
            12.5,
            {"usable_index": 7.0, "repeat_index": 3.5, "repeat_suitability": 0.35},
        ),
    )
