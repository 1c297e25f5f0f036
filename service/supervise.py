"""`scanside serve`: the three parts as child processes; one that dies is started again, none outlives its parent."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

from service.parts.part import stop_on_signals

PARTS = ("receive", "work", "web")
PARENT = "SCANSIDE_PARENT_PID"
PR_SET_PDEATHSIG = 1  # prctl(2)
GRACE_S = 12.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
SETTLED_S = 30.0  # a part that ran so long starts again at once

log = logging.getLogger(__name__)


class Child:
    """One part, kept running."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self._environ = dict(environ)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._not_before = 0.0
        self._pause_s = FIRST_PAUSE_S

    def keep(self, now: float) -> None:
        """Start the part where it does not run; wait longer each time that it dies young."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            log.error("part died", extra={"part": self.name, "exit_code": status})
            self._process = None
            self._pause_s = (
                FIRST_PAUSE_S
                if now - self._started_at > SETTLED_S
                else min(2 * self._pause_s, LONGEST_PAUSE_S)
            )
            self._not_before = now + self._pause_s
        if now >= self._not_before:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
                [sys.executable, "-m", "service", self.name], env=self._environ, stdin=subprocess.DEVNULL
            )
            self._started_at = now

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def see_off(self, deadline: float) -> None:
        """Wait for the end, and force it at the deadline."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.exception("part had to be killed", extra={"part": self.name})
            self._process.kill()
            self._process.wait()


def supervise(environ: Mapping[str, str]) -> None:
    """Run the parts until SIGTERM or SIGINT."""
    stop = threading.Event()
    stop_on_signals(stop)
    shared = {**environ, PARENT: str(os.getpid())}
    children = [Child(name, shared) for name in PARTS]
    while not stop.is_set():
        for child in children:
            child.keep(time.monotonic())
        stop.wait(0.1)
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + GRACE_S
    for child in children:
        child.see_off(deadline)


def die_with_parent() -> bool:
    """Let this process die when its supervisor does, however that happens: the port must be free for the next one.

    Gives whether there is a supervisor.
    """
    parent = os.environ.pop(PARENT, "")
    if not parent:
        return False
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it died before the call
        os._exit(1)
    return True
