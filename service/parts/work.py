"""The worker as a process: scoring, closing, reporting, delivering."""

import os
import socket
import time
from contextlib import suppress
from functools import partial
from importlib.metadata import version

from inference.burned_in import TextDetector
from inference.card import Card
from inference.eye import Eye
from service.bootstrap import (
    Foundation,
    accepted,
    commitments,
    destination_of,
    lay_foundation,
    metrics_of,
    model_card,
    patience,
    profiles,
    roster,
    sampling,
    thresholds,
)
from service.comparing import Comparer
from service.housekeeping import Housekeeper
from service.judging import Judge
from service.ledger import (
    Bands,
    Closings,
    Disputes,
    Drifts,
    LedgerUnavailable,
    Outbox,
    Places,
    Reports,
    Scoring,
    Trends,
    Views,
    Worker,
)
from service.ledger.actions import Errands
from service.ledger.deid import DeidTally
from service.ledger.rules import Rulebooks
from service.ledger.thresholds import ThresholdBook
from service.lessons import Lessons
from service.operating.deid_log import Tally
from service.parts.errand_room import ErrandRoom
from service.parts.health import basics, health_server
from service.parts.part import Part, living
from service.parts.post_room import PostRoom
from service.report.result import Product
from service.report.uids import derive
from service.reporting import Reporter, Subscription
from service.research import Curator, Repository
from service.routing.clerk import Clerk
from service.routing.file import RulesFile
from service.routing.names import Names
from service.scoring import Scorer
from service.settings import Settings
from service.settings_tables import ResearchDestination

MEASURE_EVERY_S, SWEEP_EVERY_S, STUDY_EVERY_S, STRAYS_EVERY_S = 5.0, 60.0, 1.0, 3600.0
LET_GO_EVERY_S = 600.0
COMPARE_EVERY_S = 2.0
TALLY_EVERY_S = 10.0
REVIEW_EVERY_S = 60.0
LEARN_EVERY_S = 300.0  # looked at; learnt once a day
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
    force = roster(foundation, accepted(settings, card).digest())
    build = partial(destination_of, take_report=commitments(foundation))
    worker = Worker(foundation.database, f"{socket.gethostname()}:{os.getpid()}:{time.time_ns():x}")
    places = Places(worker, settings.volumes)
    give_up_s = settings.give_up_hours * 3600
    closings, outbox = Closings(worker), Outbox(worker, give_up_s=give_up_s)
    rulebooks, errands = Rulebooks(foundation.database, time.time), Errands(worker, give_up_s=give_up_s)
    tally = Tally(DeidTally(foundation.database))
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
        thresholds=ThresholdBook(foundation.database, thresholds(settings), card.title, time.time).in_force,
        sampling=sampling(settings),
        listening_since=_ListeningSince(Views(foundation.database)),
        model=card.title,
        provider=eye.provider,
        metrics=metrics,
        ruling=Clerk(rulebooks, force).ruling,
    )
    reporter = Reporter(
        reports=Reports(worker),
        closings=closings,
        vault=foundation.vault,
        spool=foundation.spool,
        outbox=foundation.outbox,
        subscriptions=lambda: subscriptions(force()),
        curator=Curator(foundation.keyring, foundation.spool, foundation.outbox, tally.done),
        repositories=lambda: repositories(force()),
        product=product(foundation, card),
    )
    housekeeper = Housekeeper(foundation, metrics, Views(foundation.database), force)
    lessons = Lessons(
        Bands(foundation.database), Drifts(foundation.database), Trends(foundation.database), metrics
    )
    with (
        part.running(),
        health_server(0 if supervised else settings.work_health_port, metrics, basics(foundation)) as health,
    ):
        part.facts["health_port"] = health
        part.beat()
        housekeeper.reconcile()
        RulesFile(settings.rules_path, rulebooks, Names.of(force())).taken_in()
        part.loop(scorer.score_next, "score")
        part.loop(judge.close_next, "close")
        part.loop(reporter.report_next, "report")
        PostRoom(part, outbox, foundation.outbox, metrics, force, build).open()
        ErrandRoom(part, errands, foundation.vault, foundation.installation_id, metrics, force).open()
        part.every(worker.lease_s / 3, worker.beat, "leases")
        part.every(MEASURE_EVERY_S, housekeeper.measure, "gauges")
        part.every(SWEEP_EVERY_S, housekeeper.sweep, "sweep")
        part.every(LET_GO_EVERY_S, housekeeper.let_go, "let go")
        part.every(REVIEW_EVERY_S, housekeeper.measure_review, "review")
        part.every(LEARN_EVERY_S, lessons.learn, "lessons")
        part.every(
            COMPARE_EVERY_S, Comparer(Disputes(foundation.database), foundation.spool).compare, "compare"
        )
        housekeeper.tell_strays()
        part.every(STRAYS_EVERY_S, housekeeper.tell_strays, "strays")
        part.every(TALLY_EVERY_S, tally.note, "tally")
        part.every(STUDY_EVERY_S, lambda: reporter.reports.gathered(settings.study_quiet_s), "studies")
        part.stop.wait()
        with suppress(LedgerUnavailable):
            tally.note()


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
            send=entry.send,
            bundle=entry.bundle == "study",
        )
        for entry in settings.destination
        if not isinstance(entry, ResearchDestination)
    )


def repositories(settings: Settings) -> tuple[Repository, ...]:
    """Give what each research destination wants; nothing leaves in shadow mode."""
    if settings.mode == "shadow":
        return ()
    known = profiles(settings)
    return tuple(
        Repository(entry.name, known[entry.profile], send=entry.send)
        for entry in settings.destination
        if isinstance(entry, ResearchDestination)
    )


def product(foundation: Foundation, card: Card) -> Product:
    """Give who scores: this installation, the model, and the settings that change a result."""
    return Product(
        version=version("scanside"),
        installation_uid=derive("installation", foundation.installation_id),
        model_name=card.name,
        model_version=card.version,
        model_sha256=card.sha256,
        config_digest=accepted(foundation.settings, card).digest(),
    )
