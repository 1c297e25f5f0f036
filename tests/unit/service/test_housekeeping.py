"""What is let go and what is kept, on a real state folder."""

import os
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from inference.burned_in import REASON
from service.bootstrap import Foundation, lay_foundation, metrics_of
from service.housekeeping import Housekeeper
from service.ledger import Closings, Intake, Reports, Scoring, SliceNote, SliceState, Views, Worker
from service.settings import Settings
from tests.unit.service.test_ledger import SCORE, arrival, claimed, judgement

DAY = 86400.0


@pytest.fixture
def foundation(tmp_path: Path) -> Iterator[Foundation]:
    made = lay_foundation(Settings(state_dir=tmp_path, retention_days=1.0, min_free_mb=0))
    yield made
    made.database.close()


def housekeeper(foundation: Foundation) -> Housekeeper:
    views, settings = Views(foundation.database), foundation.settings
    return Housekeeper(foundation, metrics_of(settings), views, lambda: settings)


def received(foundation: Foundation, *, days_ago: float) -> str:
    """Spool and note one instance; gives its spool name."""
    content = b"clean pixels"
    digest = sha256(content).hexdigest()
    name = foundation.spool.write(content, digest)
    Intake(foundation.database, lambda: time.time() - days_ago * DAY).received(arrival(1, digest=digest))
    return name


def delivered(foundation: Foundation) -> None:
    worker = Worker(foundation.database, "w")
    scoring, closings, reports = Scoring(worker), Closings(worker), Reports(worker)
    scoring.scored([SliceNote(task, SliceState.SCORED, score=SCORE) for task in claimed(scoring, 9)])
    closings.closed(
        closings.open_series()[0],
        judgement(),
    )
    task = reports.claim_report()
    assert task is not None
    reports.reported(task, [], {})


def test_pixels_leave_when_their_time_after_the_delivery_is_over(foundation: Foundation) -> None:
    name = received(foundation, days_ago=2)
    delivered(foundation)
    housekeeper(foundation).sweep()
    assert not foundation.spool.holds(name)


def test_pixels_stay_while_their_time_lasts(foundation: Foundation) -> None:
    name = received(foundation, days_ago=0.5)
    delivered(foundation)
    housekeeper(foundation).sweep()
    assert foundation.spool.holds(name)


def test_pixels_of_an_undelivered_series_never_leave(foundation: Foundation) -> None:
    name = received(foundation, days_ago=100)
    housekeeper(foundation).sweep()
    assert foundation.spool.holds(name)


def test_a_file_that_no_instance_names_goes_but_not_while_it_may_be_noted(
    foundation: Foundation, tmp_path: Path
) -> None:
    young, old = (foundation.spool.write(word, sha256(word).hexdigest()) for word in (b"young", b"old"))
    path = tmp_path / "spool" / old[:2] / old
    os.utime(path, (time.time() - 3600,) * 2)
    housekeeper(foundation).sweep()
    assert (foundation.spool.holds(young), foundation.spool.holds(old)) == (True, False)


def test_a_lost_file_is_noticed_at_the_start_and_its_series_still_ends(foundation: Foundation) -> None:
    foundation.spool.delete(received(foundation, days_ago=0))
    housekeeper(foundation).reconcile()
    (item,) = Closings(Worker(foundation.database, "w")).open_series()
    assert item.unscored == 0


def test_the_gauges_tell_how_much_waits(foundation: Foundation) -> None:
    received(foundation, days_ago=0)
    keeper = housekeeper(foundation)
    keeper.measure()
    sample = keeper.metrics.registry.get_sample_value
    assert sample("scanside_queue_depth", {"queue": "score"}) == 1
    assert sample("scanside_series_open") == 1


def test_an_erased_image_goes_again_when_it_is_sent_again(foundation: Foundation) -> None:
    """Also what a worker left behind that died between the note and the file."""
    name = received(foundation, days_ago=0)
    scoring = Scoring(Worker(foundation.database, "w"))
    (task,) = claimed(scoring, 1)
    scoring.erased(task, REASON)
    assert foundation.spool.holds(name)
    housekeeper(foundation).sweep()
    assert not foundation.spool.holds(name)
    received(foundation, days_ago=0)
    assert foundation.spool.holds(name)
    housekeeper(foundation).sweep()
    assert not foundation.spool.holds(name)
    housekeeper(foundation).reconcile()
    assert foundation.upkeep.spooled() == []
