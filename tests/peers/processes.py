"""Starting and stopping peers by their own process id, and waiting for what they promise."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM, Signals
from typing import Any


class PeerDiedError(AssertionError):
    """A peer ended or stayed silent; the message holds the end of what it wrote."""


def stop(process: subprocess.Popen[Any], *, signal: Signals = SIGTERM, within_s: float = 15.0) -> int:
    """Ask a process to end and wait; one that does not is killed and counts as a failure."""
    if process.poll() is None:
        process.send_signal(signal)
    try:
        return process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise PeerDiedError(
            f"process {process.pid} did not end within {within_s} s of {signal.name}"
        ) from None


@contextmanager
def running(command: list[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a peer with its words in ``log`` until the block is left."""
    with log.open("ab") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, **options)
        try:
            yield process
        finally:
            stop(process)


def wait_until(
    holds: Callable[[], object],
    *,
    within_s: float = 30.0,
    every_s: float = 0.05,
    process: subprocess.Popen[Any] | None = None,
    log: Path | None = None,
    what: str = "",
) -> None:
    """Wait until something is true; connection errors count as not yet.

    Raises:
        PeerDiedError: it did not become true in time, or ``process`` ended before.

    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            if holds():
                return
        except OSError:  # refused, reset, timed out, HTTP error status: not yet
            pass
        said = log.read_text(errors="replace")[-4000:] if log and log.exists() else ""
        if process is not None and process.poll() is not None:
            raise PeerDiedError(f"{what or process.pid} ended with {process.returncode}\n{said}")
        if time.monotonic() > deadline:
            raise PeerDiedError(f"{what or 'it'} did not come within {within_s} s\n{said}")
        time.sleep(every_s)
