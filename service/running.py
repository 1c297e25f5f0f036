"""The parts of the house as processes: the door, the worker, the web."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from urllib.request import urlopen

from dicom_scp.listener import DoorEvents, Listener, ListenerConfig
from inference.card import Card
from service.bootstrap import (
    Foundation,
    Pictures,
    deidentifier,
    destinations,
    lay_foundation,
    model_card,
    patience,
    product,
    scanner_book,
    subscriptions,
    thresholds,
)
from service.door import door_events
from service.ledger import Closings, Intake, LedgerUnavailable, Outbox, Reports, Scoring, Views, Worker
from service.ledger_views import PartView
from service.metrics import Metrics
from service.metrics_merge import merged
from service.parts import ALIVE_S, Part, health_server
from service.reception import Reception
from service.settings import Settings

Checks = Mapping[str, bool | str]

SLICES_AT_ONCE = (
    8  # claimed together: enough to fill a GPU's batch, few enough to let other series have their turn
)


def run_receive(settings: Settings, supervised: bool) -> None:  # noqa: FBT001 - a fact, handed on
    """Run the door until it is told to stop."""
    foundation = lay_foundation(settings)
    metrics = _metrics(settings)
    part = Part("receive", foundation.upkeep, foundation.database, metrics)
    intake = Intake(foundation.database)
    reception = Reception(
        spool=foundation.spool,
        vault=foundation.vault,
        intake=intake,
        scanners=scanner_book(foundation),
        metrics=metrics,
        min_free_bytes=settings.min_free_mb * 2**20,
    )
    events: DoorEvents = door_events(metrics, intake)
    listener = Listener(_listener_config(settings), reception, deidentifier(foundation), events)
    port = listener.start()
    part.facts |= {"ae_title": settings.ae_title, "port": port}
    with (
        part.running(),
        health_server(
            0 if supervised else settings.receive_health_port, metrics, _basics(foundation)
        ) as health,
    ):
        part.facts["health_port"] = health
        part.beat()
        part.stop.wait()
        listener.stop(drain_s=5.0)


def _listener_config(settings: Settings) -> ListenerConfig:
    return ListenerConfig(
        ae_title=settings.ae_title,
        host=settings.dicom_host,
        port=settings.dicom_port,
        ae_titles=settings.allow.ae_titles,
        networks=settings.allow.networks,
        max_pdu=settings.max_pdu,
        pdu_deadline_s=settings.pdu_deadline_s,
        idle_s=settings.idle_s,
        max_associations=settings.max_associations,
        max_associations_per_peer=settings.max_associations_per_peer,
        max_instance_bytes=settings.max_instance_mb * 2**20,
    )


def run_work(settings: Settings, supervised: bool) -> None:  # noqa: FBT001 - a fact, handed on
    """Run the worker until it is told to stop: scoring, closing, reporting, delivering."""
    # The network and the report builders are the worker's alone: the other parts stay small without them.
    from inference.eye import Eye  # noqa: PLC0415
    from service.delivery import Postman  # noqa: PLC0415
    from service.housekeeping import Housekeeper  # noqa: PLC0415
    from service.judging import Judge  # noqa: PLC0415
    from service.reporting import Reporter  # noqa: PLC0415
    from service.scoring import Scorer  # noqa: PLC0415

    foundation = lay_foundation(settings)
    card = model_card(settings)
    eye = Eye(card, provider=settings.provider, threads=settings.threads)
    eye.warm()
    metrics = _metrics(settings)
    metrics.name_model(card.name, version=card.version, sha256=card.sha256, provider=eye.provider)
    part = Part("work", foundation.upkeep, foundation.database, metrics)
    part.facts |= {"provider": eye.provider, "model": card.title}
    worker = Worker(foundation.database, f"{socket.gethostname()}:{os.getpid()}:{time.time_ns():x}")
    closings, outbox = Closings(worker), Outbox(worker, give_up_s=settings.give_up_hours * 3600)
    scorer = Scorer(Scoring(worker), foundation.spool, eye, metrics, batch=SLICES_AT_ONCE)
    judge = Judge(
        closings=closings,
        patience=patience(settings),
        thresholds=thresholds(settings),
        listening_since=_ListeningSince(Views(foundation.database)),
        model=card.title,
        provider=eye.provider,
        metrics=metrics,
    )
    reporter = Reporter(
        reports=Reports(worker),
        closings=closings,
        vault=foundation.vault,
        spool=foundation.spool,
        outbox=foundation.outbox,
        subscriptions=subscriptions(settings),
        product=product(foundation, card),
    )
    housekeeper = Housekeeper(foundation, metrics, Views(foundation.database))
    with (
        part.running(),
        health_server(0 if supervised else settings.work_health_port, metrics, _basics(foundation)) as health,
    ):
        part.facts["health_port"] = health
        part.beat()
        housekeeper.reconcile()
        part.loop(scorer.score_next, "score")
        part.loop(judge.close_next, "close")
        part.loop(reporter.report_next, "report")
        for destination in destinations(settings):
            postman = Postman(outbox, foundation.outbox, destination, metrics)
            part.loop(postman.deliver_next, f"deliver {destination.name}")
        part.spawn(lambda: _renew(worker, part), "leases")
        part.spawn(lambda: housekeeper.run(part.stop), "housekeeping")
        part.stop.wait()
    worker.let_go()


def _renew(worker: Worker, part: Part) -> None:
    while not part.stop.wait(worker.lease_s / 3):
        worker.beat()


class _ListeningSince:
    """Since when a door hears what comes: quiet before that says nothing. Asks the ledger once a second."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._asked_at = 0.0
        self._since = 0.0

    def __call__(self) -> float:
        now = time.time()
        if abs(now - self._asked_at) > 1.0:
            doors = [part for part in living(self._views.parts(), now) if part.facts.get("kind") == "receive"]
            self._since = max((part.started_at for part in doors), default=now)
            self._asked_at = now
        return self._since


def living(parts: list[PartView], now: float) -> list[PartView]:
    """Give the parts that gave a sign of life lately."""
    return [part for part in parts if now - part.heartbeat_at < ALIVE_S]


def run_web(settings: Settings, supervised: bool) -> None:  # noqa: FBT001 - a fact, handed on
    """Run the console and the API until they are told to stop."""
    from inference.masks import MaskStack  # noqa: PLC0415 - as above
    from service.web.app import create_app  # noqa: PLC0415
    from service.web.house import House, ModelFacts  # noqa: PLC0415
    from service.web.server import run_web as serve  # noqa: PLC0415

    foundation = lay_foundation(settings)
    card = model_card(settings)
    metrics = _metrics(settings)
    part = Part("web", foundation.upkeep, foundation.database, metrics)
    views = Views(foundation.database)
    house = House(
        ledger=views,
        picture=Pictures(foundation.spool),
        masks=lambda packed: MaskStack.unpack(packed).probabilities,
        ready=_readiness(foundation, views),
        registry=merged(metrics.registry, lambda: _pages(views)) if supervised else metrics.registry,
        version=product(foundation, card).version,
        model=ModelFacts(card.name, card.version, card.sha256, card.limits, _headline(card)),
    )

    def bound(port: int) -> None:
        part.facts["port"] = port
        part.beat()

    with part.running():
        serve(create_app(house), settings.http_host, settings.http_port, part.stop, bound=bound)


def _headline(card: Card) -> dict[str, float]:
    return {name: float(value) for name, value in card.metrics.items() if isinstance(value, int | float)}


def _basics(foundation: Foundation) -> Callable[[], Checks]:
    def ready() -> Checks:
        return {"database": _answers(foundation), "disk": _has_room(foundation)}

    return ready


def _readiness(foundation: Foundation, views: Views) -> Callable[[], Checks]:
    def ready() -> Checks:
        database = _answers(foundation)
        kinds = (
            {part.facts.get("kind") for part in living(views.parts(), time.time())}
            if database is True
            else set()
        )
        return {
            "database": database,
            "disk": _has_room(foundation),
            "listener": "receive" in kinds or "no door gives a sign of life",
            "model": "work" in kinds or "no worker gives a sign of life",
        }

    return ready


def _answers(foundation: Foundation) -> bool | str:
    try:
        foundation.upkeep.installation()
    except LedgerUnavailable:
        return "does not answer"
    return True


def _has_room(foundation: Foundation) -> bool | str:
    free = foundation.spool.free_bytes()
    return free > foundation.settings.min_free_mb * 2**20 or "below the watermark"


def _metrics(settings: Settings) -> Metrics:
    return Metrics.build(
        version=version("scanside"),
        scanners=[entry.name for entry in settings.scanner],
        destinations=[entry.name for entry in settings.destination],
    )


def _pages(views: Views) -> Iterator[str]:
    """Fetch the metrics of the other parts under the same supervisor; one that does not answer is left out."""
    for part in living(views.parts(), time.time()):
        port = part.facts.get("health_port")
        if isinstance(port, int):
            with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as page:
                yield page.read().decode()
