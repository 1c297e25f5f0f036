"""The programs that tests talk to: found, or the test skips (or fails, where they are required)."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

_BESIDE_PATH = (
    "/usr/sbin",
    "/sbin",
    *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
)


def found(name: str) -> Path | None:
    """Look for a program, also where Debian keeps what is not for users."""
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(_BESIDE_PATH))
    return Path(path) if path else None


def requires(*names: str) -> None:
    """Skip the test where a program is absent; fail it where ``SCANSIDE_REQUIRE_PEERS`` is 1."""
    if absent := [name for name in names if found(name) is None]:
        give_up(f"{', '.join(absent)} not installed")


def program(name: str) -> Path:
    """Find a program that the test cannot do without."""
    requires(name)
    path = found(name)
    assert path is not None
    return path


def give_up(reason: str) -> None:
    """Skip for a reason that lies in the machine; fail where every peer is promised to be there."""
    if os.environ.get("SCANSIDE_REQUIRE_PEERS") == "1":
        pytest.fail(f"required: {reason}", pytrace=False)
    pytest.skip(reason)


def chromium() -> Path:
    """Find the browser, for playwright's ``executable_path``; start it with ``CHROMIUM_ARGS``."""
    return program("chromium")


CHROMIUM_ARGS = (
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def dciodvfy(path: Path) -> list[str]:
    """Check an object with dicom3tools and return the lines that say error."""
    done = subprocess.run(
        [program("dciodvfy"), "-new", path], capture_output=True, text=True, check=False, errors="replace"
    )
    return [line for line in (done.stdout + done.stderr).splitlines() if "error" in line.casefold()]


def dsrdump(path: Path) -> str:
    """Print a structured report with dcmtk; fails where dcmtk cannot read it."""
    done = subprocess.run(
        [program("dsrdump"), "+Pl", path], capture_output=True, text=True, errors="replace", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def storescu(
    paths: Iterable[Path],
    host: str,
    port: int,
    *,
    called: str = "SCANSIDE",
    calling: str = "SCANNER",
    more: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Send files in one association with dcmtk."""
    command: list[str | Path] = [
        program("storescu"),
        *more,
        "-aet",
        calling,
        "-aec",
        called,
        host,
        str(port),
        *paths,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def echoscu(host: str, port: int, *, called: str = "SCANSIDE", calling: str = "SCANNER") -> bool:
    """Ask with dcmtk whether somebody answers a C-ECHO."""
    command: list[str | Path] = [
        program("echoscu"),
        "-to",
        "5",
        "-aet",
        calling,
        "-aec",
        called,
        host,
        str(port),
    ]
    return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0


def free_port(host: str = "127.0.0.1") -> int:
    """Find a TCP port that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
