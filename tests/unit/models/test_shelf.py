"""The shelf: what is simulated follows from the seed, whoever simulates it and however often it is stopped."""

from pathlib import Path

import numpy as np
import pytest

from models.dataset import phantom_pool
from models.shelf import PLACE, Shelf, Slots, Source, source_of

SIZE = 6


@pytest.fixture(autouse=True)
def phantoms_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCANSIDE_DATA", raising=False)


def filled(path: Path, first: int) -> dict[int, Slots]:
    """Let two processes fill a shelf with the slices up to the number `first`; return those on it by number."""
    with Shelf(path, SIZE, first=first, workers=2, seed=3) as shelf:
        shelf.wait()
    ring = np.fromfile(path, dtype=PLACE)
    return {int(place["number"]): place["slot"] for place in ring if place["number"]}


def test_a_seed_makes_the_same_slices_and_a_run_that_is_taken_up_makes_others(tmp_path: Path) -> None:
    begun = filled(tmp_path / "shelf.bin", 4)
    taken_up = filled(tmp_path / "shelf.bin", 8)

    assert set(begun) == {1, 2, 3, 4}
    assert set(taken_up) == {3, 4, 5, 6, 7, 8}  # six places: the oldest have gone
    slots = begun | taken_up
    assert len({slot["image"].tobytes() for slot in slots.values()}) == 8
    alone = source_of(tmp_path, seed=3)
    for number in (1, 5, 8):
        assert slots[number].tobytes() == alone.slot(number, SIZE).tobytes()


def test_another_seed_makes_other_slices() -> None:
    pool = phantom_pool(2, 2)
    one, same, other = (Source(pool, pool, seed) for seed in (1, 1, 2))

    assert one.slot(1, SIZE).tobytes() == same.slot(1, SIZE).tobytes()
    assert one.slot(1, SIZE).tobytes() != other.slot(1, SIZE).tobytes()


def test_it_goes_from_severe_to_subtle_while_the_ring_is_filled_for_the_first_time() -> None:
    pool = phantom_pool(2, 2)
    source = Source(pool, pool, 1)

    early, late = (
        np.mean([source.slot(number, size)["log_visibility"].max() for number in range(1, 7)])
        for size in (1000, 1)
    )

    assert early > late
