"""The worker as a process: scoring, closing, reporting, delivering."""

import hashlib
import json
import os
import socket
import time
from dataclasses import asdict
from importlib.metadata import version

from inference.burned_in import TextDetector
from inference.card import Card
from inference.eye import Eye
from service.bootstrap import (
    Foundation,
    commitments,
    destinations,
    lay_foundation,
    metrics_of,
    model_card,
    patience,
    profiles,
    thresholds,
)
from service.comparing import Comparer
from service.delivery import Postman
from service.housekeeping import Housekeeper
from service.judging import Judge
from service.ledger import Closings, Disputes, Outbox, Places, Reports, Scoring, Views, Worker
from service.parts.health import basics, health_server
from service.parts.part import Part, living
from service.report.result import Product
from service.report.uids import derive
from service.reporting import Reporter, Subscription
from service.research import Curator, Repository
from service.scoring import Scorer
from service.settings import Settings
from service.settings_tables import ResearchDestination

MEASURE_EVERY_S, SWEEP_EVERY_S, STUDY_EVERY_S, STRAYS_EVERY_S = 5.0, 60.0, 1.0, 3600.0
COMPARE_EVERY_S = 2.0
SLICES_AT_ONCE = (
    8  # claimed together: enough to fill a GPU's batch, few enough to let other series have their turn
)


def run(settings: Settings, *, supervised: bool) -> None:
    """Run the worker until it is told to stop."""
    foundation = lay_foundation(settings)
    card = model_card(settings)
    eye = Eye(card, provider=settings.provider, threads=settings.threads)
    eye.warm()
    metrics = metrics_of(settings)
    metrics.name_model(card.name, version=card.version, sha256=card.sha256, provider=eye.provider)
    part = Part("work", foundation.upkeep, foundation.database, metrics)
    part.facts |= {"provider": eye.provider, "model": card.title}
    worker = Worker(foundation.database, f"{socket.gethostname()}:{os.getpid()}:{time.time_ns():x}")
    places = Places(worker, settings.volumes)
    closings, outbox = Closings(worker), Outbox(worker, give_up_s=settings.give_up_hours * 3600)
    scorer = Scorer(
        scoring=Scoring(worker),
        places=places,
        spool=foundation.spool,
        detector=TextDetector(),
        eye=eye,
        metrics=metrics,
        batch=SLICES_AT_ONCE,
    )
    judge = Judge(
        closings=closings,
        places=places,
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
        curator=Curator(foundation.keyring, foundation.spool, foundation.outbox),
        repositories=repositories(settings),
        product=product(foundation, card),
    )
    housekeeper = Housekeeper(foundation, metrics, Views(foundation.database))
    with (
        part.running(),
        health_server(0 if supervised else settings.work_health_port, metrics, basics(foundation)) as health,
    ):
        part.facts["health_port"] = health
        part.beat()
        housekeeper.reconcile()
        part.loop(scorer.score_next, "score")
        part.loop(judge.close_next, "close")
        part.loop(reporter.report_next, "report")
        for destination in destinations(settings, commitments(foundation)):
            postman = Postman(outbox, foundation.outbox, destination, metrics)
            part.loop(postman.deliver_next, f"deliver {destination.name}")
        part.every(worker.lease_s / 3, worker.beat, "leases")
        part.every(MEASURE_EVERY_S, housekeeper.measure, "gauges")
        part.every(SWEEP_EVERY_S, housekeeper.sweep, "sweep")
        part.every(
            COMPARE_EVERY_S, Comparer(Disputes(foundation.database), foundation.spool).compare, "compare"
        )
        housekeeper.tell_strays()
        part.every(STRAYS_EVERY_S, housekeeper.tell_strays, "strays")
        part.every(STUDY_EVERY_S, lambda: reporter.reports.gathered(settings.study_quiet_s), "studies")
        part.stop.wait()


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


def subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """Give what each destination wants; nothing is built in shadow mode."""
    if settings.mode == "shadow":
        return ()
    return tuple(
        Subscription(
            entry.name,
            entry.form,
            problems_only=entry.send == "problems",
            bundle=entry.bundle == "study",
        )
        for entry in settings.destination
        if not isinstance(entry, ResearchDestination) and entry.send != "never"
    )


def repositories(settings: Settings) -> tuple[Repository, ...]:
    """Give what each research destination wants; nothing leaves in shadow mode."""
    if settings.mode == "shadow":
        return ()
    known = profiles(settings)
    return tuple(
        Repository(entry.name, known[entry.profile], problems_only=entry.send == "problems")
        for entry in settings.destination
        if isinstance(entry, ResearchDestination) and entry.send != "never"
    )


def product(foundation: Foundation, card: Card) -> Product:
    """Give who scores: this installation, the model, and the settings that change a result."""
    deciding = {"thresholds": asdict(thresholds(foundation.settings)), "model": card.sha256}
    return Product(
        version=version("scanside"),
        installation_uid=derive("installation", foundation.installation_id),
        model_name=card.name,
        model_version=card.version,
        model_sha256=card.sha256,
        config_digest=hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest(),
    )
