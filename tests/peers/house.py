"""Scanside itself as a process, started as its users start it and stopped by SIGTERM."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

from tests.peers.processes import stop, wait_until
from tests.peers.programs import free_port

ROOT = Path(__file__).parents[2]
KEPT = ("SCANSIDE_DATA", "SCANSIDE_CACHE")  # of our own variables, those that are no settings
HEALTH_PORTS = {"receive": "SCANSIDE_RECEIVE_HEALTH_PORT", "work": "SCANSIDE_WORK_HEALTH_PORT"}

READY = {"web": "/livez"}  # alone it is never ready: nobody receives, nobody works


@dataclass(frozen=True, slots=True)
class House:
    """A part of Scanside that runs, or all of it."""

    process: subprocess.Popen[bytes]
    state_dir: Path
    dicom_port: int
    http_port: int  # of /livez, /readyz, /metrics; and of the console where it has one
    log: Path  # standard output and error

    @property
    def url(self) -> str:
        """The base of its HTTP interface, without a slash at the end."""
        return f"http://127.0.0.1:{self.http_port}"

    def get(self, path: str) -> Any:
        """GET a JSON resource."""
        return json.loads(self.text(path))

    def text(self, path: str) -> str:
        """GET a text, such as ``/metrics``."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return str(answer.read().decode())

    def metric(self, sample: str) -> float:
        """Read one sample of /metrics by its full name with labels; 0 where it is absent."""
        lines = self.text("/metrics").splitlines()
        return next(
            (float(line.rpartition(" ")[2]) for line in lines if line.rpartition(" ")[0] == sample), 0.0
        )

    def said(self) -> str:
        """Return everything it wrote."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """Take it down as a power cut would, children included where they lead no session of their own."""
        os.killpg(self.process.pid, SIGKILL)
        self.process.wait()

    def stop(self, within_s: float = 15.0) -> int:
        """Stop it by SIGTERM and return its exit status."""
        return stop(self.process, within_s=within_s)


def command(*words: str) -> list[str]:
    """Return the command line that runs ``scanside`` with this environment's Python."""
    return [sys.executable, "-m", "service", *words]


def environment(**settings: object) -> dict[str, str]:
    """Return this process's environment with no setting of Scanside but the given ones (lists go as JSON)."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SCANSIDE_") or k in KEPT}
    given = {k.upper(): v if isinstance(v, str | Path) else json.dumps(v) for k, v in settings.items()}
    return kept | {f"SCANSIDE_{k}": str(v) for k, v in given.items()}


@contextmanager
def scanside(
    *words: str,
    state_dir: Path | None = None,
    env: Mapping[str, str] | None = None,
    within_s: float = 60.0,
    **settings: object,
) -> Iterator[House]:
    """Run ``scanside WORDS`` until the block is left, and wait until it is ready.

    Args:
        words: the command, ``serve`` where nothing is said.
        state_dir: an existing state folder; else a fresh one that goes with the block.
        env: further variables of the environment, as they are.
        within_s: how long readiness may take.
        settings: field -> value, as ``SCANSIDE_*``; ports are chosen where nothing is said.

    """
    words = words or ("serve",)
    with ExitStack() as stack:
        room = state_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scanside-state-")))
        parts = {"receive_health_port": 0, "work_health_port": 0}
        settings = parts | {"dicom_port": free_port(), "http_port": free_port()} | settings
        health = HEALTH_PORTS.get(words[0], "SCANSIDE_HTTP_PORT")
        variables = environment(state_dir=room, **settings) | dict(env or {})
        if words[0] in HEALTH_PORTS:
            variables[health] = str(free_port())
        log = room.parent / f"{room.name}-{words[0]}.log"
        with log.open("ab") as sink:
            process = subprocess.Popen(
                command(*words), env=variables, cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=sink, stderr=sink, start_new_session=True,
            )  # fmt: skip
        made = House(process, room, int(variables["SCANSIDE_DICOM_PORT"]), int(variables[health]), log)
        try:
            wait_until(
                lambda: made.text(READY.get(words[0], "/readyz")),
                within_s=within_s,
                process=process,
                log=log,
                what=" ".join(words),
            )
            yield made
        finally:
            if process.poll() is None:
                made.stop()
            if state_dir is None:
                log.unlink(missing_ok=True)


def run(*words: str, within_s: float = 120.0, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a command of Scanside to its end, with nothing but the given settings."""
    return subprocess.run(
        command(*words),
        env=environment(**settings),
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=within_s,
    )
