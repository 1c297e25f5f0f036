"""The console and the API as a process."""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from http.client import HTTPException
from importlib.metadata import version
from io import BytesIO
from urllib.request import urlopen

from prometheus_client import generate_latest
from pydicom import dcmread

from dicom_scp.identity import WrongKey
from dicom_scp.spool import Spool
from inference.card import Card
from inference.image import Slice, UnreadableImage
from inference.masks import MaskStack
from inference.verdict import Thresholds
from service.bootstrap import (
    Foundation,
    accepted,
    audit_log,
    deid_log,
    gate_of,
    lay_foundation,
    metrics_of,
    model_card,
    roster,
    thresholds,
)
from service.ledger import (
    Bands,
    Boards,
    Control,
    Disputes,
    LedgerUnavailable,
    ReviewBook,
    Search,
    Trends,
    Views,
)
from service.ledger.feedback import FeedbackBook
from service.ledger.samples import SampleBook
from service.ledger.thresholds import ThresholdBook
from service.ledger_views import SliceSource
from service.metrics_merge import merged
from service.naming import Screen
from service.operating.deliveries import DeliveryDesk
from service.operating.node_desk import NodeDesk
from service.operating.support import Support
from service.operating.system import System
from service.parts.health import readiness
from service.parts.part import Part, living
from service.review.reviewing import Reviewing
from service.review.samples import Sampler
from service.routing.desk import RulesDesk
from service.settings import Settings
from service.tls import TlsFiles, server_context
from service.vault import Keeper
from service.web.app import create_app
from service.web.house import (
    LOOPBACK_NAMES,
    House,
    KeyElsewhere,
    ModelFacts,
    NoIdentity,
    Patient,
    Picture,
    PictureGone,
)
from service.web.proxy import Proxies
from service.web.server import run_web


def run(settings: Settings, *, supervised: bool) -> None:
    """Run the console and the API until they are told to stop."""
    foundation = lay_foundation(settings)
    card = model_card(settings)
    metrics = metrics_of(settings)
    part = Part("web", foundation.upkeep, foundation.database, metrics)
    views = Views(foundation.database)
    registry = merged(metrics.registry, lambda: _pages(views)) if supervised else metrics.registry
    force = roster(foundation, accepted(settings, card).digest())
    house = House(
        ledger=views,
        picture=Pictures(foundation.spool),
        masks=lambda packed: MaskStack.unpack(packed).probabilities,
        ready=readiness(foundation, views),
        gate=gate_of(foundation),
        feedback=FeedbackBook(foundation.database, time.time),
        reviewing=reviewing(foundation, card),
        rules=RulesDesk.of(foundation, force),
        trends=Trends(foundation.database),
        bands=Bands(foundation.database),
        search=Search(foundation.database),
        boards=Boards(foundation.database, (entry.name for entry in settings.scanner)),
        deliveries=DeliveryDesk.of(foundation, force),
        disputes=Disputes(foundation.database),
        nodes=NodeDesk.of(foundation, force),
        system=System(
            Control(foundation.database),
            settings,
            force,
            accepted(settings, card),
            Support(foundation, card, lambda: generate_latest(registry)),
            Screen.of(foundation.database, foundation.vault),
        ),
        audit=audit_log(foundation),
        deid=deid_log(foundation),
        whose=Whose(Keeper.of(foundation)),
        registry=registry,
        version=version("scanside"),
        model=model_facts(card, thresholds(settings)),
        hosts=LOOPBACK_NAMES.union(settings.http_names),
        proxies=Proxies(settings.http_proxies) if settings.http_behind_proxy else None,
    )

    def bound(port: int) -> None:
        part.facts["port"] = port
        part.beat()

    with part.running():
        run_web(
            create_app(house),
            settings.http_host,
            settings.http_port,
            part.stop,
            bound=bound,
            tls=_tls(settings),
        )


def _tls(settings: Settings) -> Callable[[], ssl.SSLContext] | None:
    """Give what makes the console's side of https; None where it speaks http."""
    if settings.http_certificate is None or settings.http_key is None:
        return None
    files = TlsFiles(certificate=settings.http_certificate, key=settings.http_key)
    return partial(server_context, files)


def reviewing(foundation: Foundation, card: Card) -> Reviewing:
    """Give what the pages of review need."""
    settings = foundation.settings
    return Reviewing(
        book=ReviewBook(foundation.database, time.time),
        thresholds=ThresholdBook(foundation.database, thresholds(settings), card.title, time.time),
        screen=Screen.of(foundation.database, foundation.vault),
        samples=Sampler(SampleBook(foundation.database), foundation.keyring, foundation.spool).page,
        rules=settings.review,
    )


def model_facts(card: Card, verdict: Thresholds) -> ModelFacts:
    """Say which model judges, and by which thresholds."""
    return ModelFacts(
        name=card.name,
        version=card.version,
        sha256=card.sha256,
        limits=card.limits,
        metrics=card.headline(),
        presence={one.name: one.presence_threshold for one in card.classes},
        outlier=card.outlier,
        verdict=asdict(verdict),
    )


@dataclass(frozen=True, slots=True)
class Whose:
    """Opens the vault for one person at the console; who asked is on record before the answer."""

    keeper: Keeper

    def __call__(self, series_id: str, by: str) -> Patient:
        """Give the patient of a series. Raises NoIdentity and KeyElsewhere."""
        try:
            told = self.keeper.whose(series_id, by)
        except WrongKey as error:
            raise KeyElsewhere(KeyElsewhere.__doc__) from error
        if told is None:
            raise NoIdentity(NoIdentity.__doc__)
        return Patient(told["PatientName"], told["PatientID"])


@dataclass(frozen=True, slots=True)
class Pictures:
    """Opens the pixels of a slice for the console."""

    spool: Spool

    def __call__(self, source: SliceSource) -> Picture:
        """Give the picture. Raises PictureGone."""
        try:
            content = self.spool.read(source.spool_name)
            seen = Slice.from_dataset(dcmread(BytesIO(content)), source.frame, source.tile)
        except (FileNotFoundError, WrongKey, UnreadableImage) as error:
            raise PictureGone(PictureGone.__doc__) from error
        return Picture(seen.pixels, seen.spacing)


def _pages(views: Views) -> Iterator[str]:
    """Fetch the metrics of the other parts under the same supervisor; one that does not answer is left out."""
    try:
        parts = living(views.parts(), time.time())
    except LedgerUnavailable:
        return
    for part in parts:
        port = part.facts.get("health_port")
        if isinstance(port, int):
            with (
                suppress(OSError, HTTPException),
                urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as page,
            ):
                yield page.read().decode()
