"""The service is killed again and again while a scanner sends: nothing that was acknowledged is lost."""

import os
import random
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import pytest

from service.scu import NoAssociation, send
from tests.peers import free_port, scanside, wait_until
from tests.series import mr_series, write_series

SERIES, SLICES, KILLS = 5, 40, 10


class Scanner(threading.Thread):
    """Sends files as a scanner does: what has no Success goes again, until all have one."""

    def __init__(self, paths: list[Path], port: int) -> None:
        super().__init__(daemon=True)
        self.pending = paths
        self.port = port
        self.acknowledged: list[Path] = []

    def run(self) -> None:
        while self.pending:
            with suppress(NoAssociation):
                send(self.pending, "127.0.0.1", self.port, pace=30.0, on_sent=self._note)
            self.pending = [path for path in self.pending if path not in self.acknowledged]
            time.sleep(0.1)

    def _note(self, sent: object) -> None:
        if sent.stored:  # type: ignore[attr-defined]
            self.acknowledged.append(sent.path)  # type: ignore[attr-defined]


# pynetdicom leaves the sockets of broken connections to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nothing_acknowledged_is_lost_when_the_service_is_killed_at_random(tmp_path: Path) -> None:
    chance = random.Random(7)
    paths: list[Path] = []
    for number in range(SERIES):
        series = mr_series(slices=SLICES, key=f"s{number}", series_number=number + 1)
        paths += write_series(tmp_path / f"series{number}", series)
    state, out = tmp_path / "state", tmp_path / "out"
    state.mkdir()
    settings = {
        "dicom_port": free_port(),
        "http_port": free_port(),
        "quiet_s": 3.0,
        "destination": [{"name": "out", "kind": "folder", "folder": str(out)}],
    }
    scanner = Scanner(list(paths), int(str(settings["dicom_port"])))
    scanner.start()
    for number in range(KILLS):
        with scanside(state_dir=state, **settings) as house:
            before = len(scanner.acknowledged)
            wait_until(
                lambda known=before: len(scanner.acknowledged) > known or not scanner.pending or None,
                process=house.process,
                log=house.log,
                what="an acknowledgement",
            )
            time.sleep(chance.uniform(0.1, 0.5))
            if number % 2:
                house.kill()
            else:  # the supervisor alone: its parts must go with it
                os.kill(house.process.pid, SIGKILL)
                house.process.wait()
    with scanside(state_dir=state, **settings) as house:
        wait_until(
            lambda: not scanner.pending or None,
            within_s=60,
            process=house.process,
            log=house.log,
            what="the scanner's last acknowledgement",
        )
        wait_until(
            lambda: (
                [one["state"] for one in house.get("/api/v1/series?limit=200")["items"]].count("delivered")
                == len(house.get("/api/v1/series?limit=200")["items"])
                or None
            ),
            within_s=90,
            process=house.process,
            log=house.log,
            what="the results",
        )
        items = house.get("/api/v1/series?limit=200")["items"]
        newest = {}
        for one in sorted(items, key=lambda one: one["generation"]):
            newest[one["series_number"]] = one
        slices = {n: house.get(f"/api/v1/series/{one['id']}/slices")["items"] for n, one in newest.items()}
    assert len(scanner.acknowledged) == len(paths)
    assert {number: one["received"] for number, one in newest.items()} == dict.fromkeys(range(1, 6), SLICES)
    assert all(one["verdict"] for one in newest.values())
    for found in slices.values():
        assert [one["instance_number"] for one in found] == list(range(1, SLICES + 1))
        assert all(one["index"] is not None for one in found)
    assert len(list(out.glob("SR-*.dcm"))) == len(items), "one report for each generation, none twice"


def test_the_parts_die_with_their_supervisor(tmp_path: Path) -> None:
    with scanside() as house:
        os.kill(house.process.pid, SIGKILL)
        house.process.wait()
        wait_until(
            lambda: subprocess.run(["pgrep", "-g", str(house.process.pid)], check=False).returncode or None,
            within_s=5,
            what="the end of the parts",
        )
