"""A real PostgreSQL cluster in a temporary folder, run by a user who is not root."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT
from typing import Any

import psycopg

from tests.peers.processes import stop, wait_until
from tests.peers.programs import free_port, give_up, program

USER = "postgres"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A cluster that runs."""

    port: int

    def database(self) -> str:
        """Create an empty database and return its SQLAlchemy URL."""
        name = f"scanside_{secrets.token_hex(4)}"
        with psycopg.connect(
            f"host=127.0.0.1 port={self.port} user={USER} dbname=postgres", autocommit=True
        ) as c:
            c.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{name}"


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """Run an empty cluster; ``durable`` keeps fsync on, for tests of what a crash leaves."""
    initdb, server = program("initdb"), program("postgres")
    who = _user()
    with tempfile.TemporaryDirectory(prefix="scanside-pg-") as folder:
        room = Path(folder)
        if who:
            shutil.chown(room, USER)
        data, log = room / "data", room / "log"
        made = subprocess.run(
            [initdb, "-D", data, "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"],
            capture_output=True, text=True, check=False, cwd="/", **who,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        port = free_port()
        command: list[str | Path] = [
            server,
            "-D",
            data,
            "-p",
            str(port),
            "-k",
            room,
            "-c",
            "listen_addresses=127.0.0.1",
        ]
        command += [] if durable else ["-c", "fsync=off", "-c", "synchronous_commit=off"]
        with log.open("wb") as sink:
            process = subprocess.Popen(command, stdout=sink, stderr=sink, cwd="/", **who)
        try:
            wait_until(lambda: _answers(port), process=process, log=log, what="PostgreSQL")
            yield Postgres(port)
        finally:
            stop(process, signal=SIGINT)  # "fast": sessions that are open are rolled back


def _user() -> dict[str, Any]:
    """Say as whom to run it: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        give_up(f"no user {USER}")
        raise
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _answers(port: int) -> bool:
    try:
        psycopg.connect(f"host=127.0.0.1 port={port} user={USER} dbname=postgres connect_timeout=2").close()
    except psycopg.OperationalError:
        return False
    return True
