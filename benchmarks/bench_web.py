"""How fast the pages are over a year of 5 scanners with 60 series a day: lists, trends, search and files.

`python -m benchmarks.bench_web` fills a ledger with 109,500 judged series, SQLite and PostgreSQL, runs `scanside web`
on it, asks as the pages ask, and opens the page of trends in Chromium. A question that takes longer than it may is
told, and ends it with 1. Beside it: what `SELECT 1` costs over the same connection, the floor of any answer.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from playwright.sync_api import sync_playwright
from sqlalchemy import text

from service.ledger import Bands, Database, Drifts, prepare
from tests.peers import CHROMIUM_ARGS, House, chromium, postgres, scanside
from tests.year import Year, fill

ROUNDS = 7
LIST_MS, PAINT_MS, FILE_MS = 300.0, 2000.0, 5000.0


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a page asks."""

    name: str
    path: str
    most_ms: float


QUESTIONS = (
    Question("series", "/api/v1/series?limit=50", LIST_MS),
    Question("series of a scanner", "/api/v1/series?limit=50&scanner=MR+3", LIST_MS),
    Question("rare verdict", "/api/v1/series?limit=50&verdict=Repeat", LIST_MS),
    Question("deliveries", "/api/v1/deliveries?limit=50", LIST_MS),
    Question("status", "/api/v1/status", LIST_MS),
    Question("scanners", "/api/v1/scanners", LIST_MS),
    Question("search", "/api/v1/search?limit=50", LIST_MS),
    Question(
        "search, a term and a verdict", "/api/v1/search?limit=50&term=part%3DKNEE&verdict=Repeat", LIST_MS
    ),
    Question("search, an artifact", "/api/v1/search?limit=50&artifact=noise&scanner=MR+2", LIST_MS),
    Question("search, not reviewed", "/api/v1/search?limit=50&reviewed=false&verdict=Repeat", LIST_MS),
    Question("search, nothing found", "/api/v1/search?limit=50&term=part%3DHEART", LIST_MS),
    Question("search, state", "/api/v1/search?limit=50&state=provisional", LIST_MS),
    Question("choices", "/api/v1/trends/choices", LIST_MS),
    Question("trend by day", "/api/v1/trends?measure=index", PAINT_MS / 2),
    Question("trend of a metric", "/api/v1/trends?measure=metric.snrd&scanner=MR+2", PAINT_MS / 2),
    Question("presence", "/api/v1/trends/presence", PAINT_MS / 2),
    Question("drift", "/api/v1/trends/drift", LIST_MS),
    Question("trend as CSV", "/api/v1/trends/export?format=csv", FILE_MS),
    Question("trend as JSON, of which nothing is promised", "/api/v1/trends/export?format=json", inf),
    Question("search as CSV", "/api/v1/search/export?format=csv", FILE_MS),
)


def asked(house: House, question: Question) -> tuple[float, float, int]:
    """Ask some times; gives the median and the longest time in ms, and the bytes of the answer."""
    times: list[float] = []
    size = 0
    for _ in range(1 if question.most_ms >= FILE_MS else ROUNDS):
        start = time.perf_counter()
        with urlopen(house.url + question.path, timeout=120) as answer:
            size = len(answer.read())
        times.append(1000 * (time.perf_counter() - start))
    return median(times), max(times), size


def painted(house: House) -> dict[str, float]:
    """Open the page of trends in a fresh browser; gives the first paint and the first charts, in ms."""
    found: dict[str, list[float]] = {"first paint": [], "charts": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGS))
        for _ in range(3):
            page = browser.new_context(viewport={"width": 1366, "height": 900}).new_page()
            page.goto(f"{house.url}/trends")
            page.wait_for_selector("body[data-drawn]", timeout=60_000)
            for name, mark in (("first paint", "first-contentful-paint"), ("charts", "trend-drawn")):
                found[name].append(page.evaluate(f"performance.getEntriesByName('{mark}')[0].startTime"))
            page.context.close()
        browser.close()
    return {name: median(times) for name, times in found.items()}


@contextmanager
def sqlite(room: Path) -> Generator[str]:
    """Give an empty SQLite database."""
    yield f"sqlite:///{room / 'scanside.sqlite'}"


@contextmanager
def postgresql(_room: Path) -> Generator[str]:
    """Give an empty database of a PostgreSQL cluster."""
    with postgres() as cluster:
        yield cluster.database()


def floor_ms(database: Database) -> float:
    """Give what the smallest question of all costs."""
    times = []
    for _ in range(50):
        start = time.perf_counter()
        with database.read() as connection:
            connection.execute(text("SELECT 1"))
        times.append(1000 * (time.perf_counter() - start))
    return median(times)


def measure(name: str, place: Callable[[Path], object], year: Year) -> bool:
    """Fill a ledger and ask; tell whether every answer came in time."""
    with tempfile.TemporaryDirectory(prefix="scanside-year-") as folder:
        room = Path(folder) / "state"
        room.mkdir()
        with place(room) as url:  # type: ignore[attr-defined]
            database = Database(url)
            prepare(database)
            start = time.perf_counter()
            fill(database, year)
            told = [f"{year.series} series in {time.perf_counter() - start:.0f} s"]
            for what, deed in (("bands", Bands(database).learn), ("drift", Drifts(database).measure)):
                start = time.perf_counter()
                deed(year.until)
                told.append(f"{what} learnt in {time.perf_counter() - start:.1f} s")
            print(f"web {name}: {'; '.join(told)}; SELECT 1 {floor_ms(database):.2f} ms", flush=True)
            database.close()
            with scanside("web", state_dir=room, database_url=url) as house:
                return all([*(_told(name, house, question) for question in QUESTIONS), _seen(name, house)])


def _told(name: str, house: House, question: Question) -> bool:
    middle, longest, size = asked(house, question)
    late = middle > question.most_ms
    print(
        f"web {name}: {question.name} {middle:.0f} ms (longest {longest:.0f}, {size / 1000:.0f} kB; "
        f"may take {question.most_ms:.0f}){' TOO LONG' if late else ''}",
        flush=True,
    )
    return not late


def _seen(name: str, house: House) -> bool:
    times = painted(house)
    late = max(times.values()) > PAINT_MS
    print(
        f"web {name}: Chromium, page of trends: {', '.join(f'{what} {at:.0f} ms' for what, at in times.items())} "
        f"(may take {PAINT_MS:.0f}){' TOO LONG' if late else ''}",
        flush=True,
    )
    return not late


def main() -> None:
    """Measure both engines, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"))
    parser.add_argument("--days", type=int, default=365)
    arguments = parser.parse_args()
    places: dict[str, Callable[[Path], object]] = {"sqlite": sqlite, "postgresql": postgresql}
    year = Year(until=time.time(), days=arguments.days)
    chosen = [arguments.engine] if arguments.engine else list(places)
    met = [measure(name, places[name], year) for name in chosen]
    if not all(met):
        sys.exit(1)


if __name__ == "__main__":
    main()
