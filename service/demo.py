"""`scanside demo`: a scanner's series through the whole service, as its users would see it.

The service runs as its own processes on free ports and a folder of its own; a phantom with planted artifacts
(or the files of a folder) is sent to it through a real association.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from service.scu import NoAssociation, Sent, send
from service.settings import Settings

READY_S = 60.0
PATIENCE_S = 120.0
POLL_S = 0.05
GRAVITY = ("Repeat", "Check", "Usable", "Not scored")  # the verdict to show where several series were sent


class DemoFailed(Exception):
    """The demonstration did not come to its end; the message says where."""


@dataclass(slots=True)
class Stream:
    """Listens to the service's events, and notes when each series' alert came."""

    base: str
    alerts: dict[str, float] = field(default_factory=dict)  # series id -> seconds since the epoch
    seen: set[str] = field(default_factory=set)

    def listen(self) -> None:
        """Follow the stream until it ends."""
        kind = ""
        try:
            with urlopen(f"{self.base}/api/v1/events", timeout=PATIENCE_S) as lines:  # noqa: S310 - our own address
                for line in lines:
                    name, _, value = line.decode().rstrip("\n").partition(": ")
                    if name == "event":
                        kind = value
                    elif name == "data" and kind in {"series", "alert"}:
                        series = json.loads(value)["series"]
                        self.seen.add(series)
                        if kind == "alert":
                            self.alerts.setdefault(series, time.time())
        except (OSError, HTTPException):  # the service has stopped
            return


def demo(settings: Settings, *, once: bool, as_json: bool, data: Path | None) -> int:
    """Run the demonstration; the delivered objects stay in the folder that it names."""
    room = Path(tempfile.mkdtemp(prefix="scanside-demo-"))
    say = partial(print, file=sys.stderr if as_json else sys.stdout)
    try:
        with _service(settings, room, once=once) as (base, port):
            stream = Stream(base)
            threading.Thread(target=stream.listen, daemon=True).start()
            source = data or _phantom(room / "scanner")
            say(f"sending {source} to 127.0.0.1:{port}")
            sent_at = _send(source, port)
            result = _result(base, stream, sent_at, room / "results")
            if as_json:
                print(json.dumps(result))
            else:
                _tell(result)
            if not once:
                say(f"console: {result['console']}   (Ctrl-C ends)")
                threading.Event().wait()
    except (DemoFailed, NoAssociation) as error:
        print(f"scanside: demo: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _service(settings: Settings, room: Path, *, once: bool) -> Generator[tuple[str, int]]:
    """Run the service for as long as the block lasts; gives its address and its DICOM port."""
    http = _free_port(0 if once else settings.http_port)
    dicom = _free_port(0 if once else settings.dicom_port)
    (room / "state").mkdir()
    destination = {"name": "results", "kind": "folder", "folder": str(room / "results")}
    given = {name: value for name, value in os.environ.items() if not name.startswith("SCANSIDE_")}
    ours = {
        "STATE_DIR": str(room / "state"),
        "HTTP_PORT": str(http),
        "DICOM_PORT": str(dicom),
        "DESTINATION": json.dumps([destination]),
        "PROVIDER": settings.provider,
        "MODEL": settings.model,
        "LOG_LEVEL": "WARNING",
    }
    environ = given | {f"SCANSIDE_{name}": value for name, value in ours.items()}
    with (room / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve"], env=environ, stdin=subprocess.DEVNULL, stderr=log
        )
        base = f"http://127.0.0.1:{http}"
        try:
            _await_ready(base, process, room / "service.log")
            yield base, dicom
        finally:
            process.terminate()
            process.wait(timeout=30)
            shutil.rmtree(room / "state", ignore_errors=True)


def _free_port(wanted: int) -> int:
    """Give the wanted port, or another one where it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoFailed("no port is free")


def _await_ready(base: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"{base}/readyz", timeout=2):  # noqa: S310 - our own address
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise DemoFailed(f"the service did not become ready; see {log}")


def _phantom(folder: Path) -> Path:
    """Let the phantom's own program write a series: what runs does not import what makes models."""
    made = subprocess.run(  # noqa: S603 - our own interpreter, our own words
        [sys.executable, "-m", "models.phantom", "--out", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        raise DemoFailed("the phantom could not be made")
    return folder


def _send(source: Path, port: int) -> float:
    """Send the files; gives the moment of the last answer (seconds since the epoch)."""
    answered = 0.0

    def note(sent: Sent) -> None:
        nonlocal answered
        if sent.stored:
            answered = time.time()

    send([source], "127.0.0.1", port, calling="DEMO", on_sent=note)
    if not answered:
        raise DemoFailed(f"nothing of {source} was stored")
    return answered


def _result(base: str, stream: Stream, sent_at: float, folder: Path) -> dict[str, Any]:
    """Wait for alerts, reports and deliveries, and put together what came."""
    _await(lambda: bool(stream.alerts) and _done(base), "the results were not delivered")
    reports = [path.stat().st_mtime for path in folder.glob("SR-*.dcm")]
    series = [_get(base, f"/series/{one['id']}") for one in _all_series(base)]
    shown = min(series, key=lambda one: GRAVITY.index(one["verdict"]))
    return {
        "verdict": shown["verdict"],
        "reason": shown["reason"],
        "index": shown["index"],
        "artifacts": [one for one in shown["artifacts"] if one["present"]],
        "advice": shown["advice"],
        "series": len(series),
        "timings": {
            "alert_s": round(max(stream.alerts.values()) - sent_at, 3),
            "sr_stored_s": round(max(reports) - sent_at, 3) if reports else None,
        },
        "results": sorted(str(path) for path in folder.glob("*.dcm")),
        "console": f"{base}/",
        "provider": shown["provider"],
        "model": shown["model"],
    }


def _done(base: str) -> bool:
    return all(one["state"] == "delivered" for one in _all_series(base))


def _all_series(base: str) -> list[dict[str, Any]]:
    page: list[dict[str, Any]] = _get(base, "/series?limit=200")["items"]
    return page


def _get(base: str, path: str) -> Any:  # noqa: ANN401 - JSON
    with urlopen(f"{base}/api/v1{path}", timeout=10) as answer:  # noqa: S310 - our own address
        return json.load(answer)


def _await(done: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise DemoFailed(failure)
        time.sleep(POLL_S)


def _tell(result: dict[str, Any]) -> None:
    index = "" if result["index"] is None else f"   index {result['index']:.1f} of 10"
    print(f"\n  {result['verdict'].upper()}{index}   {result['reason']}")
    for artifact in result["artifacts"]:
        worst = ", ".join(str(position + 1) for position in artifact["slices"][:5])
        sure, severity = artifact["probability"], artifact["severity"]
        print(f"    {artifact['name']:<15} probability {sure:.2f}  severity {severity:.2f}  slices {worst}")
    for line in result["advice"]:
        print(f"    - {line}")
    timings = result["timings"]
    report = "none" if timings["sr_stored_s"] is None else f"{timings['sr_stored_s']:.2f} s"
    print(f"\n  alert {timings['alert_s']:.2f} s after the last image was answered, report {report}")
    for path in result["results"]:
        print(f"  {path}")
