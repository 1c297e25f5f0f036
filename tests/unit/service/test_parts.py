"""The threads of a part: nothing that happens in them may end them."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.bootstrap import lay_foundation, metrics_of
from service.ledger import Intake, LedgerUnavailable
from service.parts.part import Part
from service.settings import Settings
from tests.unit.service.test_ledger import arrival


@pytest.fixture
def part(tmp_path: Path) -> Iterator[Part]:
    foundation = lay_foundation(Settings(state_dir=tmp_path))
    made = Part("work", foundation.upkeep, foundation.database, metrics_of(foundation.settings))
    with made.running():
        yield made
    foundation.database.close()


@pytest.mark.parametrize("error", [LedgerUnavailable("busy"), ValueError("a bug")])
def test_a_loop_goes_on_after_an_error(part: Part, error: Exception) -> None:
    turns: list[float] = []
    again = threading.Event()

    def step() -> bool:
        turns.append(time.monotonic())
        if len(turns) == 1:
            raise error
        again.set()
        return False

    part.loop(step, "test")
    assert again.wait(5)


def test_what_is_done_now_and_then_goes_on_after_an_error(part: Part) -> None:
    turns: list[int] = []
    again = threading.Event()

    def step() -> None:
        turns.append(1)
        if len(turns) == 1:
            raise LedgerUnavailable("busy")
        again.set()

    part.every(0.01, step, "test")
    assert again.wait(5)


def test_a_loop_wakes_when_somebody_commits(part: Part, tmp_path: Path) -> None:
    looked: list[float] = []

    def step() -> bool:
        looked.append(time.monotonic())
        return False

    part.loop(step, "test")
    time.sleep(0.4)
    other = lay_foundation(Settings(state_dir=tmp_path))
    Intake(other.database).received(arrival(1))
    committed = time.monotonic()
    time.sleep(0.15)
    other.database.close()
    assert any(committed - 0.02 < at < committed + 0.1 for at in looked)
