"""Trends, exports and searches over months of series, held against the same sums over the verdicts themselves."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

import pytest
from sqlalchemy import select

from inference.artifacts import NAMES
from inference.score import UNFAMILIAR
from service.ledger import Database, Search, Trends, Views, prepare
from service.ledger import search as search_room
from service.ledger import trends as trends_room
from service.ledger.tables import feedback, metadata, scanner, series
from service.ledger.trends import VALUES, coil_id, day_of
from service.ledger_views import BadCursor
from service.protocols import key_of, mark_of, protocol_of, words_of
from service.trends import MEASURES, measure_of
from service.trends.views import Query, Selection
from tests.year import PROTOCOLS, Year, fill

YEAR = Year(until=1_700_000_000.0, days=40, scanners=2, a_day=10)


@pytest.fixture(scope="module")
def past(engine_url: str) -> Iterator[Database]:
    made = Database(engine_url)
    prepare(made)
    fill(made, YEAR)
    yield made
    with made.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    made.close()


@pytest.fixture(scope="module")
def truth(past: Database) -> list[Any]:
    """Every series as the table of series holds it, newest first, with the name of its scanner."""
    query = (
        select(series, scanner.c.name).join(scanner).order_by(series.c.opened_at.desc(), series.c.id.desc())
    )
    with past.read() as connection:
        return list(connection.execute(query))


def value_of(name: str) -> Callable[[Any], float | None]:
    """Give what one series is worth in a measure, read from its verdict."""
    group, _, of = name.partition(".")

    def value(row: Any) -> float | None:
        quality = row.quality
        if group == "verdict":
            return float(row.verdict == of)
        if name == "abstained":
            strange = quality["reason"] == UNFAMILIAR
            return float(strange) if strange or quality["scored"] else None
        if name == "unfamiliar":
            return float(quality["unfamiliar"] / quality["n_slices"])
        if group in {"presence", "probability"}:
            key = "present" if group == "presence" else "probability"
            return next((float(one[key]) for one in quality["findings"] if one["artifact"] == of), None)
        if group == "metric":
            return next((one["median"] for one in quality["evidence"] if one["metric"] == of), None)
        return quality[name]  # type: ignore[no-any-return]  # JSON

    return value


@pytest.mark.parametrize("measure", [measure.name for measure in MEASURES])
def test_each_measure_over_time_is_what_the_verdicts_say(
    past: Database, truth: list[Any], measure: str
) -> None:
    by_day: dict[int, list[float]] = {}
    for row in truth:
        worth = value_of(measure)(row)
        by_day.setdefault(day_of(row.opened_at), []).extend(() if worth is None else (worth,))
    found = Trends(past).course(Selection(), measure_of(measure), "day")
    assert [(bucket.day, bucket.n) for bucket in found] == [(day, len(by_day[day])) for day in sorted(by_day)]
    for bucket in found:
        expected = by_day[bucket.day]
        assert bucket.value == (pytest.approx(fmean(expected)) if expected else None)


def test_weeks_begin_on_monday_and_hold_every_series(past: Database, truth: list[Any]) -> None:
    found = Trends(past).course(Selection(), measure_of("index"), "week")
    assert all(datetime.fromtimestamp(bucket.day * 86400, UTC).weekday() == 0 for bucket in found)
    assert sum(sum(bucket.verdicts.values()) for bucket in found) == len(truth) == YEAR.series
    assert len(found) in {6, 7}


def test_a_selection_narrows_to_scanner_protocol_coil_and_days(past: Database, truth: list[Any]) -> None:
    row = truth[300]
    day = day_of(row.opened_at)
    selection = Selection(row.name, row.protocol, coil_id(row.coil), day - 5, day + 5)
    expected = [
        one.id
        for one in truth
        if (one.name, one.protocol, one.coil) == (row.name, row.protocol, row.coil)
        and day - 5 <= day_of(one.opened_at) < day + 5
    ]
    assert {one.series_id for one in Trends(past).rows(selection)} == set(expected)
    assert 0 < len(expected) < 20
    nothing = (Selection("MR 9"), Selection(protocol=";part=HEART;"), Selection(coil="0" * 12))
    assert [list(Trends(past).rows(one)) for one in nothing] == [[], [], []]


def test_groups_count_every_series_once(past: Database, truth: list[Any]) -> None:
    groups = Trends(past).groups()
    assert sum(group.n for group in groups) == len(truth)
    assert {group.protocol for group in groups} == {row.protocol for row in truth}
    assert {group.scanner for group in Trends(past).groups("MR 2")} == {"MR 2"}


def test_presence_counts_what_was_found(past: Database, truth: list[Any]) -> None:
    scored = [row for row in truth if row.quality["scored"]]
    found = Trends(past).presence(Selection())
    assert [one.artifact for one in found] == list(NAMES)
    for one in found:
        assert (one.n, one.found) == (
            len(scored),
            sum(value_of(f"presence.{one.artifact}")(row) or 0 for row in scored),
        )
    nobody = Trends(past).presence(Selection("MR 9"))[0]
    assert (nobody.n, nobody.found, nobody.probability) == (0, 0, None)


def test_an_export_holds_every_series_once_in_order_with_its_values(
    past: Database, truth: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trends_room, "AT_ONCE", 70)
    rows = list(Trends(past).rows(Selection()))
    assert [row.series_id for row in rows] == [row.id for row in reversed(truth)]
    for row, expected in zip(rows, reversed(truth), strict=True):
        known = dict(zip(VALUES, json.loads(row.values), strict=True))
        assert known["index"] == expected.quality["index"]
        assert known["metric.snrd"] == value_of("metric.snrd")(expected)
        assert known["presence.noise"] == value_of("presence.noise")(expected)


TERM = ("part", "KNEE")
BOTH = (TERM, ("weighting", "T2"))
SPAN = (YEAR.until - 9e5, YEAR.until - 4e5)
SEARCHES: list[tuple[Query, Callable[[Any, set[str]], bool]]] = [
    (Query(), lambda _row, _said: True),
    (Query(scanner="MR 2"), lambda row, _: row.name == "MR 2"),
    (Query(verdict="Repeat"), lambda row, _: row.verdict == "Repeat"),
    (Query(terms=(TERM,)), lambda row, _: mark_of(*TERM) in row.protocol),
    (Query(terms=BOTH), lambda row, _: all(mark_of(*term) in row.protocol for term in BOTH)),
    (Query(artifact="noise"), lambda row, _: value_of("presence.noise")(row) == 1),
    (Query(state="delivered", verdict="Check"), lambda row, _: row.verdict == "Check"),
    (Query(state="receiving"), lambda _row, _said: False),
    (Query(reviewed=True), lambda row, said: row.id in said),
    (Query(reviewed=False, verdict="Repeat"), lambda row, said: row.verdict == "Repeat" and row.id not in said),
    (Query(since=SPAN[0], until=SPAN[1]), lambda row, _: SPAN[0] <= row.opened_at < SPAN[1]),
    (Query(scanner="nobody"), lambda _row, _said: False),
    (Query(terms=(("part", "%"),)), lambda _row, _said: False),
]  # fmt: skip


@pytest.mark.parametrize(("query", "meant"), SEARCHES)
def test_a_search_finds_what_it_means_and_nothing_else_page_by_page(
    past: Database, truth: list[Any], query: Query, meant: Callable[[Any, set[str]], bool]
) -> None:
    with past.read() as connection:
        said = set(connection.scalars(select(feedback.c.series_id)))
    expected = [row.id for row in truth if meant(row, said)]
    found: list[str] = []
    cursor: str | None = None
    while True:
        page, cursor = Search(past).page(query, 37, cursor)
        found += [one.id for one in page]
        if cursor is None:
            break
    assert found == expected


def test_a_search_tells_each_series_as_it_was_judged(
    past: Database, truth: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_room, "AT_ONCE", 90)
    for one, row in zip(Search(past).rows(Query()), truth, strict=True):
        present = tuple(found["artifact"] for found in row.quality["findings"] if found["present"])
        assert (one.artifacts, one.index, one.scanner) == (present, row.quality["index"], row.name)


@pytest.mark.parametrize("cursor", ["", "x_s", "1e3", "_"])
def test_a_cursor_that_was_never_given_is_refused_or_harmless(past: Database, cursor: str) -> None:
    try:
        page, _ = Search(past).page(Query(), 5, cursor)
    except BadCursor:
        return
    assert len(page) <= 5


def test_a_page_of_series_tells_the_same_as_one_series_by_itself(past: Database, truth: list[Any]) -> None:
    views = Views(past)
    page, _ = views.series_page(40)
    assert [view.id for view in page] == [row.id for row in truth[:40]]
    assert page == [views.series_view(view.id) for view in page]
    assert any(view.results for view in page)
    assert {view.scanner for view in views.series_page(40, scanner_name="MR 2")[0]} == {"MR 2"}


def test_every_protocol_is_told_in_words() -> None:
    for about in PROTOCOLS:
        assert words_of(key_of(about)) == about.words
        assert key_of(protocol_of(key_of(about))) == key_of(about)
    assert words_of("") == words_of("nonsense") == words_of(";part=NOWHERE;x;=;field=abc;") == ""
