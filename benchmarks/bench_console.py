"""How fast the board and the drill-down are, in Chromium on a running `scanside serve`, by the pages' own marks.

`python -m benchmarks.bench_console` sends a series through the service, then commits verdicts of copies of it straight
to the ledger, as the worker does: from the commit's end until the board's own mark, beside the same event over a bare
socket. Then slices, jumps and the window on the drill-down, the heap of a board over 10,000 events, and 200 event
streams at once. A figure beyond its limit is told, and ends it with 1.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright
from sqlalchemy import insert, select

from service.ledger import Database
from service.ledger.events import note_event
from service.ledger.tables import series
from tests.peers import CHROMIUM_ARGS, House, chromium, run, scanside
from tests.series import head, mr_series, write_series

SLICES, ROWS, COLUMNS = 40, 384, 512
SHOWN_MS, SLICE_MS, JUMP_MS, DRAW_MS, HEAP_MB, STREAM_MS = 1000.0, 50.0, 300.0, 16.0, 20.0, 1000.0
PAUSE_S = 0.25  # between two alerts to all streams: more than 200 scanners tell
EXAM = 8  # series of an exam
WARM = 500  # events before the heap is looked at
AT_ONCE = 50  # events in a transaction of the long run
WATCH = """window.marks = []; window.last = 0;
new PerformanceObserver((list) => {
  for (const { name, startTime, duration, detail } of list.getEntries())
    window.marks.push({ name, at: performance.timeOrigin + startTime, duration, detail });
}).observe({ entryTypes: ['mark', 'measure'] });
window.EventSource = class extends EventSource {
  addEventListener(kind, hear) {
    super.addEventListener(kind, (message) => {
      window.last = Number(message.lastEventId) || window.last;
      hear(message);
    });
  }
};"""

_beyond: list[str] = []


def tell(what: str, limit: float | None, **figures: float) -> None:
    """Print one line; the first figure is held against the limit."""
    line = {name: round(value, 2) for name, value in figures.items()}
    first = next(iter(figures.values()))
    over = limit is not None and first > limit
    print(json.dumps({"what": what, **line, "limit": limit, "ok": not over}), flush=True)
    if over:
        _beyond.append(what)


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Give the 99th, 95th and 50th percentile and how many they are of."""
    p99, p95, p50 = np.percentile(values, [99, 95, 50])
    return {"p99": float(p99), "p95": float(p95), "p50": float(p50), "n": float(len(values))}


@dataclass
class Verdicts:
    """Commits verdicts of copies of a series, as the worker does: row and event in one transaction."""

    database: Database
    row: dict[str, Any]
    made: int = 0
    committed: dict[str, float] = field(
        default_factory=dict[str, float]
    )  # series -> ms since 1970, after the commit

    def commit(self) -> str:
        """Judge one more series."""
        self.made += 1
        name, now = f"bench-{self.made}", time.time()
        new = {
            "id": name,
            "uid": f"2.25.{10**20 + self.made}",
            "study_uid": f"study-{self.made // EXAM}",
            "verdict": ("Usable", "Check", "Usable", "Repeat")[self.made % 4],
            "reason": f"Number {self.made}",
            "opened_at": now,
            "last_instance_at": now,
            "closed_at": now,
        }
        with self.database.write() as connection:
            connection.execute(insert(series), self.row | new)
            note_event(connection, now, "alert", name)
        self.committed[name] = time.time() * 1000
        return name

    def stir(self, events: int, names: int) -> None:
        """Tell of series that exist, some events in each transaction."""
        for start in range(0, events, AT_ONCE):
            with self.database.write() as connection:
                for number in range(start, min(events, start + AT_ONCE)):
                    note_event(connection, time.time(), "series", f"bench-{1 + number % names}")


async def hear(
    port: int, path: str, heard: list[tuple[float, str]], until: asyncio.Event, ready: asyncio.Event
) -> None:
    """Follow the events over a bare socket, and note when each alert came (ms since 1970) and of which series."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
    )
    kind = ""
    while not until.is_set():
        try:
            line = (await asyncio.wait_for(reader.readline(), 0.5)).decode().strip()
        except TimeoutError:
            continue
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
            if kind == "hello":
                ready.set()
        elif name == "data" and kind == "alert":
            heard.append((time.time() * 1000, json.loads(value)["series"]))
    writer.close()


async def streams(house: House, verdicts: Verdicts, clients: int, events: int) -> list[float]:
    """Give how long each alert took to each of the clients, in ms after its commit."""
    until = asyncio.Event()
    heard: list[list[tuple[float, str]]] = [[] for _ in range(clients)]
    ready = [asyncio.Event() for _ in range(clients)]
    tasks = [
        asyncio.create_task(hear(house.http_port, "/api/v1/events", one, until, there))
        for one, there in zip(heard, ready, strict=True)
    ]
    await asyncio.gather(*(one.wait() for one in ready))
    for _ in range(events):
        await asyncio.to_thread(verdicts.commit)
        await asyncio.sleep(PAUSE_S)
    await asyncio.sleep(3)
    until.set()
    await asyncio.gather(*tasks)
    for one in heard:
        names = [name for _, name in one]
        assert len(names) == len(set(names)) == events, "an event is missing or came twice"
    return [at - verdicts.committed[name] for one in heard for at, name in one]


def heard_by(house: House, verdicts: Verdicts, clients: int, events: int) -> list[float]:
    """Run the streams in a thread of their own: Playwright's loop holds this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, streams(house, verdicts, clients, events)).result()


def resident_mb(pid: int) -> float:
    """Give the memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def opened(browser: Browser, url: str) -> Page:
    """Open a page that is watched."""
    page = browser.new_page(viewport={"width": 1366, "height": 900})
    page.add_init_script(WATCH)
    page.goto(url)
    page.wait_for_selector("#live[data-state=live]")
    return page


def marks(page: Page, name: str) -> list[dict[str, Any]]:
    """Take the marks of a name off the page."""
    script = """(name) => {
      const found = marks.filter((mark) => mark.name === name);
      window.marks = marks.filter((mark) => mark.name !== name);
      return found;
    }"""
    taken: list[dict[str, Any]] = page.evaluate(script, name)
    return taken


def heap_mb(session: CDPSession) -> float:
    """Give what the page's scripts hold once what they let go is swept."""
    session.send("HeapProfiler.collectGarbage")
    told = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in told if one["name"] == "JSHeapUsedSize")) / 2**20


def bench_board(browser: Browser, house: House, board: str, verdicts: Verdicts, events: int) -> None:
    """From the commit of a verdict to the board's own mark."""
    page, waits = opened(browser, board), []
    bare = heard_by(house, verdicts, 1, 20)
    page.wait_for_timeout(1000)
    marks(page, "verdict-shown")
    for _ in range(events):
        verdicts.commit()
        page.wait_for_timeout(150)
        waits += [(mark["detail"], mark["at"]) for mark in marks(page, "verdict-shown")]
    page.wait_for_timeout(2000)
    waits += [(mark["detail"], mark["at"]) for mark in marks(page, "verdict-shown")]
    took = {name: at - verdicts.committed[name] for name, at in waits}
    assert len(took) == events, f"{events - len(took)} verdicts were never shown"
    figures = quantiles(list(took.values()))
    tell(
        "verdict committed -> shown on the board, ms",
        SHOWN_MS,
        **figures,
        bare_socket_p50=float(np.median(bare)),
    )
    page.close()


def bench_heap(browser: Browser, board: str, verdicts: Verdicts, events: int) -> None:
    """How much a board holds more after many events."""
    page = opened(browser, board)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    while verdicts.made < EXAM:
        verdicts.commit()

    def stir(count: int) -> None:
        verdicts.stir(count, min(verdicts.made, 40))
        with verdicts.database.read() as connection:
            last = connection.exec_driver_sql("select max(id) from event").scalar_one()
        while page.evaluate("last") < last:
            page.wait_for_timeout(200)
        page.wait_for_timeout(1000)
        page.evaluate("window.marks = []")

    stir(WARM)
    before = heap_mb(session)
    stir(events)
    after = heap_mb(session)
    tell(
        f"heap of a board over {events} events, MB more",
        HEAP_MB,
        growth=after - before,
        before=before,
        after=after,
    )
    page.close()


def bench_viewer(browser: Browser, house: House, series_id: str) -> None:
    """Slices, jumps and the window of the drill-down."""
    page = opened(browser, f"{house.url}/#/series/{series_id}")
    page.wait_for_selector(".picture[data-drawn]")
    page.locator(".picture").focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(1000)
    marks(page, "slice")
    for _ in range(SLICES - 1):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(250)
    tell("slice change from prefetch, ms", SLICE_MS, **_p95(page, "slice"))
    marks(page, "jump")
    for key in ("Home", "End") * 10:
        page.keyboard.press(key)
        page.wait_for_timeout(250)
        page.keyboard.press("w")
        page.wait_for_timeout(350)
    tell("jump to the worst slice with its overlay, ms", JUMP_MS, **_p95(page, "jump"))
    box = page.locator(".picture").bounding_box()
    assert box is not None
    marks(page, "draw")
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    for step in range(120):
        page.mouse.move(box["x"] + 50 + step, box["y"] + 50 + step % 40)
        page.wait_for_timeout(16)
    page.mouse.up()
    tell("draw while the window is dragged, ms", DRAW_MS, **_p95(page, "draw"))
    page.close()


def _p95(page: Page, name: str) -> dict[str, float]:
    found = quantiles([mark["duration"] for mark in marks(page, name)])
    return {"p95": found["p95"], **found}


def bench_streams(house: House, verdicts: Verdicts, clients: int) -> None:
    """Many event streams at once: how late the last hears, and what they cost the process."""
    parts = house.get("/api/v1/status")["parts"]
    pid = next(part["pid"] for part in parts if part["name"].startswith("web"))
    before = resident_mb(pid)
    waits = heard_by(house, verdicts, clients, 40)
    figures = quantiles(waits) | {"memory_mb_before": before, "memory_mb_after": resident_mb(pid)}
    tell(f"alert committed -> heard by each of {clients} event streams, ms", STREAM_MS, **figures)


def main() -> int:
    """Measure, and say whether all is within its limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=100)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--only", default="", help="board, viewer, heap or streams")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, scanside(quiet_s=1.0) as house:
        paths = write_series(
            Path(folder),
            mr_series(
                key="bench", slices=SLICES, rows=ROWS, columns=COLUMNS, pixels=head(SLICES, ROWS, COLUMNS)
            ),
        )
        assert run("send", *map(str, paths), "--to", f"127.0.0.1:{house.dicom_port}").returncode == 0
        while not (told := house.get("/api/v1/series")["items"]) or not told[0]["verdict"]:
            time.sleep(0.5)
        database = Database(f"sqlite:///{house.state_dir / 'scanside.sqlite'}")
        with database.read() as connection:
            row = connection.execute(select(series)).mappings().one()
        verdicts = Verdicts(database, dict(row))
        board = f"{house.url}/board/{quote(told[0]['scanner'], safe='')}"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGS))
            parts = {
                "board": lambda: bench_board(browser, house, board, verdicts, asked.alerts),
                "viewer": lambda: bench_viewer(browser, house, told[0]["id"]),
                "heap": lambda: bench_heap(browser, board, verdicts, asked.events),
                "streams": lambda: bench_streams(house, verdicts, asked.clients),
            }
            for name, measure in parts.items():
                if asked.only in {"", name}:
                    measure()
            browser.close()
    print(
        f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; beyond the limit: {_beyond or 'nothing'}"
    )
    return 1 if _beyond else 0


if __name__ == "__main__":
    sys.exit(main())
