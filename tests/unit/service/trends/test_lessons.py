"""What a verdict adds to the trends, which bands are learnt of them, and when drift is told."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from prometheus_client import generate_latest
from sqlalchemy import insert, select, update

from inference.score import UNFAMILIAR
from service.ledger import Bands, Closings, Database, Drifts, Intake, Trends, Views
from service.ledger.tables import event, feedback
from service.ledger.tables_review import review
from service.ledger.tables_trends import METRIC_NAMES, trend
from service.lessons import DAY_S, Lessons
from service.metrics import Metrics
from service.trends import measure_of
from service.trends.bands import FEWEST, band_of
from service.trends.views import Selection
from service.understanding import COIL, FACT
from tests.unit.service.test_ledger import Clock, arrival, judgement, score_all, worker
from tests.year import PROTOCOLS, Year, fill

NOW = 1_700_000_000.0


def judge(database: Database, clock: Clock, *, provisional: bool = False, **quality: object) -> None:
    """Judge whatever is open."""
    score_all(database, clock)
    closings = Closings(worker(database, clock))
    plain = judgement(provisional=provisional)
    for item in closings.open_series():
        assert closings.closed(item, replace(plain, quality={**plain.quality, **quality}))


def received(database: Database, clock: Clock, number: int) -> None:
    facts = {FACT: PROTOCOLS[0].to_json(), COIL: "Head 32"}
    Intake(database, clock).received(replace(arrival(number), facts=facts))


def test_a_verdict_is_in_the_trends_in_the_same_transaction_and_a_provisional_one_is_not(
    database: Database, clock: Clock
) -> None:
    received(database, clock, 1)
    judge(database, clock, provisional=True)
    assert list(Trends(database).rows(Selection())) == []
    judge(database, clock)
    (row,) = Trends(database).rows(Selection())
    assert (row.verdict, row.coil, row.protocol) == (
        "Usable",
        "Head 32",
        Trends(database).groups()[0].protocol,
    )
    assert "part=BRAIN" in row.protocol


def test_a_late_image_makes_the_series_count_anew_and_not_twice(database: Database, clock: Clock) -> None:
    received(database, clock, 1)
    judge(database, clock, index=3.0)
    received(database, clock, 2)
    judge(database, clock, index=9.0)
    (row,) = Trends(database).rows(Selection())
    assert json.loads(row.values)[0] == 9.0
    (newest,) = [view for view in Views(database).series_page(10)[0] if view.generation == 2]
    assert row.series_id == newest.id


def test_an_abstention_is_told_from_a_kind_that_is_not_scored(database: Database, clock: Clock) -> None:
    for number, reason in ((1, UNFAMILIAR), (2, "a localizer is not scored")):
        Intake(database, clock).received(arrival(number, series=f"2.25.{number}"))
        judge(database, clock, scored=False, reason=reason, index=None, suitability=None)
    (bucket,) = Trends(database).course(Selection(), measure_of("abstained"), "day")
    assert (bucket.n, bucket.value) == (1, 1.0)


def test_a_band_is_of_the_fifth_and_ninety_fifth_percentile_and_of_enough_series() -> None:
    values = [float(value) for value in np.random.default_rng(3).normal(100, 10, 500)]
    found = band_of("snrd", [*values, None])
    assert found is not None
    assert (found.low, found.middle, found.high) == pytest.approx(
        np.quantile(values, [0.05, 0.5, 0.95]), rel=1e-3
    )
    assert found.n == 500
    assert band_of("snrd", values[: FEWEST - 1]) is None


def test_bands_are_learnt_of_usable_series_that_nobody_contradicted(database: Database) -> None:
    fill(database, Year(until=NOW, days=30, scanners=1, a_day=200))
    bands = Bands(database)
    assert bands.learn(NOW) > 0
    with database.read() as connection:
        usable = connection.execute(select(trend).where(trend.c.verdict == "Usable")).all()
    protocol = usable[0].protocol
    mine = [row for row in usable if row.protocol == protocol]
    learnt = {one.metric: one for one in bands.of("MR 1", protocol)}
    assert learnt.keys() <= set(METRIC_NAMES)
    assert learnt["snrd"].n == len(mine)
    assert learnt["snrd"].low == pytest.approx(np.quantile([row.metric_snrd for row in mine], 0.05), rel=1e-3)
    assert bands.of_series(mine[0].series_id) == bands.of("MR 1", protocol)

    contradicted = {"kind": "wrong alarm", "author": "pia", "role": "physicist", "at": NOW, "about": "-"}
    with database.write() as connection:
        connection.execute(insert(feedback), contradicted | {"series_id": mine[0].series_id, "key": "k"})
        connection.execute(
            insert(review),
            {
                "series_id": mine[1].series_id,
                "scanner_id": 1,
                "protocol_key": "P",
                "verdict": "Usable",
                "about": "-",
                "artifacts": "",
                "why": [],
                "blind": False,
                "tier": 0,
                "entered_at": NOW,
                "outcome": "unusable",
                "decided_at": NOW,
            },
        )
    bands.learn(NOW)
    assert {one.metric: one.n for one in bands.of("MR 1", protocol)}["snrd"] == len(mine) - 2
    bands.learn(NOW + 400 * DAY_S)
    assert bands.of("MR 1", protocol) == []


def events(database: Database) -> list[dict[str, object]]:
    with database.read() as connection:
        return list(
            connection.scalars(select(event.c.data).where(event.c.kind == "drift").order_by(event.c.id))
        )


def test_drift_is_told_once_when_it_begins_and_once_when_it_ends(database: Database) -> None:
    fill(database, Year(until=NOW, days=100, scanners=2, a_day=10))
    metrics = Metrics.build(version="0", scanners=["MR 1", "MR 2"])
    clock = Clock()
    clock.now = NOW
    lessons = Lessons(Bands(database), Drifts(database), Trends(database), metrics, clock)
    lessons.learn()
    told = {(one.scanner, one.measure): one for one in Trends(database).drifts()}
    assert {key for key, one in told.items() if one.alarm} == {("MR 2", "metric.snrd")}
    assert told["MR 2", "metric.snrd"].now < told["MR 2", "metric.snrd"].before
    begun = {"scanner": "MR 2", "measure": "metric.snrd", "alarm": True}
    assert events(database) == [begun]
    page = generate_latest(metrics.registry).decode()
    assert 'scanside_drift_alarm{measure="metric.snrd",scanner="MR 2"} 1.0' in page
    assert 'scanside_drift_alarm{measure="metric.snrd",scanner="MR 1"} 0.0' in page

    unnamed = Metrics.build(version="0")  # the settings name no scanner: they count together
    Lessons(Bands(database), Drifts(database), Trends(database), unnamed, clock).learn()
    page = generate_latest(unnamed.registry).decode()
    assert 'scanside_drift_alarm{measure="metric.snrd",scanner="other"} 1.0' in page

    clock.now = NOW + DAY_S
    lessons.learn()
    assert events(database) == [begun]
    again = {(one.scanner, one.measure): one for one in Trends(database).drifts()}
    assert again["MR 2", "metric.snrd"].since == NOW

    with database.write() as connection:  # another model begins: nothing is comparable any more
        connection.execute(update(trend).where(trend.c.day >= 0).values(model="another"))
        connection.execute(update(trend).where(trend.c.opened_at < NOW - 20 * DAY_S).values(model="before"))
    clock.now = NOW + 2 * DAY_S
    lessons.learn()
    assert events(database) == [begun, begun | {"alarm": False}]
    page = generate_latest(metrics.registry).decode()
    assert "scanside_drift_alarm{" not in page  # nor does the gauge alarm for ever


def test_two_workers_that_learn_at_once_do_not_disturb_one_another(database: Database) -> None:
    fill(database, Year(until=NOW, days=100, scanners=2, a_day=10))
    bands, drifts = Bands(database), Drifts(database)
    with ThreadPoolExecutor(4) as pool:
        learnt = set(pool.map(bands.learn, [NOW] * 4))
        list(pool.map(drifts.measure, [NOW] * 4))
    assert len(learnt) == 1
    assert len(events(database)) == 1


def test_learning_waits_a_day_where_nothing_can_be_compared_yet(database: Database, clock: Clock) -> None:
    fill(database, Year(until=NOW, days=25, scanners=1, a_day=240))
    bands, drifts = Bands(database), Drifts(database)
    lessons = Lessons(bands, drifts, Trends(database), Metrics.build(version="0"), clock)
    clock.now = NOW
    lessons.learn()
    assert drifts.measured_at() is None
    clock.now += DAY_S / 2
    lessons.learn()
    assert bands.learnt_at() == NOW


def test_learning_waits_a_day(database: Database, clock: Clock) -> None:
    fill(database, Year(until=NOW, days=100, scanners=1, a_day=5))
    clock.now = NOW
    lessons = Lessons(Bands(database), Drifts(database), Trends(database), Metrics.build(version="0"), clock)
    lessons.learn()
    clock.now += DAY_S / 2
    lessons.learn()
    assert Drifts(database).measured_at() == NOW
    clock.now += DAY_S
    lessons.learn()
    assert Drifts(database).measured_at() == clock.now
