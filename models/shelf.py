"""A shelf of freshly simulated slices on disk, filled by worker processes and read by the training, over and over.

Simulating costs half as much as training on a slice. Workers therefore write round a ring of slots and training draws
from all that are filled, so that a slice is seen a few times before a fresh one replaces it. The workers keep pace with
what is drawn: what they would make beyond that costs the training its processor. Slices are numbered for as long as the
file stands, and each follows from a seed and its number alone: a run that is taken up goes on where the last stopped.
"""

import multiprocessing
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from models import visibility
from models.classes import CLASSES, INDEX
from models.dataset import Pool, cache_folder, load_pool, phantom_pool, varied
from models.fields import Rng, uniform
from models.modelcard import CANVAS, MASK_SIZE, PERCENTILE
from models.simulate import SEVERITY, SHARES, Sample, draw_plan, simulate
from models.visibility import Image

KEPT_CLASSES = 6  # traces kept per slice: up to three planted, noise and bias
LOG_FLOOR, LOG_STEPS = -4.0, 32.0  # log2 E is kept as (value + 4) x 32 in a byte
PHANTOM_SHARE = 0.04
TEST_OBJECT_WEIGHT = 0.25  # of a slice of a test object: the pool holds many
FAVOUR = 3.0  # times as often as its share: much more, and the others' prior shifts
SEED = 707  # beside that of the training, so that nothing is drawn here as in a trial
SEEN_TIMES = 4.0  # how often a slice is drawn, on average
OBLONG_SHARE = 0.3  # of slices whose field of view is shorter along one axis
COARSE_SHARE = (
    0.2  # of slices that are acquired on a smaller matrix, and enlarged to the canvas as a reader does
)
COARSE = (0.38, 0.9)  # of the canvas' matrix

SLOT = np.dtype(
    [
        ("image", np.float16, (CANVAS, CANVAS)),
        ("which", np.int8, (KEPT_CLASSES,)),  # class of each map, -1: none
        ("log_visibility", np.uint8, (KEPT_CLASSES, MASK_SIZE, MASK_SIZE)),
        (
            "mask",
            np.uint8,
            (KEPT_CLASSES, MASK_SIZE, MASK_SIZE),
        ),  # 1: mask, 2: band; of bias 4: brighter, 8: darker
        ("presence", np.int8, (len(CLASSES),)),  # 1, 0, or -1 unknown
        ("similarity", np.float32, (2,)),
    ]
)
PLACE = np.dtype([("slot", SLOT), ("number", np.int64)])  # of the ring; the number is written last, 0: empty


Counter: TypeAlias = "Synchronized[int]"
Slots = NDArray[np.void]  # of SLOT


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Simulated slices as the network and the losses want them."""

    image: NDArray[np.float32]  # (n, 1, 256, 256) in 0..1
    log_visibility: NDArray[np.float32]  # (n, 13, 128, 128), log2 E, LOG_FLOOR where there is no trace
    mask: NDArray[np.bool_]  # (n, 13, 128, 128)
    band: NDArray[np.bool_]  # (n, 13, 128, 128)
    presence: NDArray[np.int8]  # (n, 13)
    similarity: NDArray[np.float32]  # (n, 2)
    side: NDArray[
        np.int8
    ]  # (n, 128, 128) of bias: 1 where it brightens, -1 where it darkens, 0 where there is none


def normalised(image: Image) -> Image:
    """Clip at the percentile of the card and scale to 0..1, as preprocessing does."""
    top = float(np.percentile(image, PERCENTILE))
    return np.asarray(np.clip(image / max(top, 1e-9), 0, 1), dtype=np.float32)


def centred(plane: Image) -> Image:
    """Return a field of view on the square canvas, zeros around it."""
    down, right = CANVAS - plane.shape[0], CANVAS - plane.shape[1]
    return np.pad(plane, ((down // 2, down - down // 2), (right // 2, right - right // 2)))


def packed(sample: Sample) -> Slots:
    """Return a sample as one slot."""
    slot = np.zeros((), dtype=SLOT)
    slot["image"] = centred(normalised(sample.image))
    slot["presence"] = sample.presence()
    slot["similarity"] = sample.similarity
    slot["which"] = -1
    half = (MASK_SIZE, MASK_SIZE)
    traces = [(name, seen) for name, seen in sample.visibility.items() if float(seen.max()) > 2**LOG_FLOOR]
    for place, (name, trace) in enumerate(traces[:KEPT_CLASSES]):
        seen = centred(trace)
        slot["which"][place] = INDEX[name]
        log = cv2.resize(np.log2(np.maximum(seen, 2**LOG_FLOOR)), half, interpolation=cv2.INTER_AREA)
        slot["log_visibility"][place] = np.clip((log - LOG_FLOOR) * LOG_STEPS, 0, 255)
        mask, band = (
            cv2.resize(flags.astype(np.float32), half, interpolation=cv2.INTER_AREA) >= 0.5
            for flags in (visibility.mask_of(seen), visibility.band_of(seen))
        )
        slot["mask"][place] = mask + 2 * band
        if name == "bias" and sample.shading is not None:
            signed = cv2.resize(centred(sample.shading), half, interpolation=cv2.INTER_AREA)
            slot["mask"][place] += (4 * (signed > 0) + 8 * (signed < 0)).astype(np.uint8)
    return slot


def unpacked(slots: Slots) -> Batch:
    """Return slots (n,) as a batch."""
    n = len(slots)
    shape = (n, len(CLASSES), MASK_SIZE, MASK_SIZE)
    log = np.full(shape, LOG_FLOOR, dtype=np.float32)
    mask, band = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    side = np.zeros((n, MASK_SIZE, MASK_SIZE), dtype=np.int8)
    for row, place in np.argwhere(slots["which"] >= 0):
        target = row, slots["which"][row, place]
        log[target] = slots["log_visibility"][row, place] / np.float32(LOG_STEPS) + np.float32(LOG_FLOOR)
        flags = slots["mask"][row, place]
        mask[target], band[target] = flags & 1 > 0, flags & 2 > 0
        side[row] += (flags >> 2 & 1).astype(np.int8) - (flags >> 3 & 1).astype(np.int8)
    image = slots["image"].astype(np.float32)[:, None]
    presence, similarity = (np.ascontiguousarray(slots[name]) for name in ("presence", "similarity"))
    return Batch(image, log, mask, band, presence, similarity, side)


def fresh(
    rng: Rng,
    clean: Image,
    severity: tuple[float, float] = SEVERITY,
    shares: Mapping[str, float] = SHARES,
) -> Sample:
    """Return one simulated slice over a clean canvas, varied as clean images vary."""
    base = shortened(rng, varied(rng, clean))
    plan = draw_plan(rng, severity, shares=shares)
    if rng.random() < COARSE_SHARE:
        return _enlarged(simulate(rng, _shrunk(rng, base), plan), base.shape)
    return simulate(rng, base, plan)


def shortened(rng: Rng, image: Image) -> Image:
    """Return a canvas, or in some cases its middle, shorter along one axis: an oblong field of view."""
    if rng.random() >= OBLONG_SHARE:
        return image
    size = 2 * int(rng.integers(CANVAS * 3 // 10, CANVAS // 2))
    above = (CANVAS - size) // 2
    cut = image[above : above + size] if rng.random() < 0.7 else image[:, above : above + size]
    return np.ascontiguousarray(cut)


def _shrunk(rng: Rng, image: Image) -> Image:
    rows, columns = (2 * round(side * share / 2) for share in [uniform(rng, *COARSE)] for side in image.shape)
    return np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _enlarged(sample: Sample, shape: tuple[int, ...]) -> Sample:
    """Return a sample interpolated to a finer matrix; its similarity stays that of what was acquired."""

    def grown(plane: Image) -> Image:
        return np.asarray(cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)

    return replace(
        sample,
        image=grown(sample.image),
        reference=grown(sample.reference),
        body=grown(sample.body.astype(np.float32)) >= 0.5,
        visibility={name: grown(seen) for name, seen in sample.visibility.items()},
        shading=None if sample.shading is None else grown(sample.shading),
    )


def chances_of(source: NDArray[np.str_], weight: NDArray[np.float64] | float = 1.0) -> NDArray[np.float64]:
    """Return the chance of each slice: a source counts as the root of its slices, so that a large one does not rule.

    `weight` (n,) says how much a slice counts besides.
    """
    _, inverse, counts = np.unique(source, return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(counts[inverse]) * weight
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def training_chances(pool: Pool) -> NDArray[np.float64]:
    """Return the chance of each slice in a training, where test objects come less often."""
    objects = np.char.startswith(pool.anatomy, "phantom")
    return chances_of(pool.source, np.where(objects, TEST_OBJECT_WEIGHT, 1.0))


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the processes tell each other."""

    begun: Counter  # the number of the last slice that one of them set about
    made: Counter
    wanted: Counter


class Shelf:
    """A ring of slots in a file; `first` slices are made at once, the others as slices are drawn."""

    def __init__(
        self, path: Path, size: int, *, first: int, workers: int, seed: int, favoured: Collection[str] = ()
    ) -> None:
        kept = path.is_file() and path.stat().st_size == size * PLACE.itemsize  # of a run that was stopped
        self._ring = np.memmap(path, dtype=PLACE, mode="r+" if kept else "w+", shape=(size,))
        context = multiprocessing.get_context("spawn")
        made = int(self._ring["number"].max())
        first = max(first, made)
        self._counts = _Counts(*(context.Value("q", value) for value in (made, made, first)))
        self._first, self._drawn = first, 0
        order = path, size, seed, tuple(favoured), self._counts
        self._workers: list[BaseProcess] = [
            context.Process(target=_fill, args=order, daemon=True) for _ in range(workers)
        ]

    def __enter__(self) -> "Shelf":
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.terminate()
            worker.join()

    @property
    def made(self) -> int:
        """The number of slices simulated so far, in this run and in those before."""
        return int(self._counts.made.value)

    def wait(self) -> None:
        """Wait until the first slices were made. Raises RuntimeError if the workers died."""
        while self.made < self._first:
            if not any(worker.is_alive() for worker in self._workers):
                raise RuntimeError("the simulating processes ended")
            time.sleep(0.2)

    def draw(self, rng: Rng, number: int) -> Batch:
        """Return `number` slices, drawn from all that are filled."""
        self._drawn += number
        self._counts.wanted.value = self._first + int(self._drawn / SEEN_TIMES)
        filled = np.flatnonzero(self._ring["number"])
        return unpacked(np.array(self._ring["slot"][rng.choice(filled, number)]))


class Source:
    """What the slices of a shelf are simulated on."""

    def __init__(self, pool: Pool, phantoms: Pool, seed: int, favoured: Collection[str] = ()) -> None:
        self._pools = tuple((each, training_chances(each)) for each in (pool, phantoms))
        self._seed = seed
        self._shares = {name: share * (FAVOUR if name in favoured else 1.0) for name, share in SHARES.items()}

    def slot(self, number: int, size: int) -> Slots:
        """Return the slice of a number on a ring of a size, whose first round goes from severe to subtle."""
        ease = max(0.0, 1 - number / size)
        rng = np.random.default_rng([SEED, self._seed, number])
        pool, chances = self._pools[rng.random() < PHANTOM_SHARE]
        clean = pool.image(int(rng.choice(len(pool), p=chances)))
        return packed(fresh(rng, clean, (SEVERITY[0] * (1 + ease), SEVERITY[1]), self._shares))


def source_of(cache: Path, seed: int, favoured: Collection[str] = ()) -> Source:
    """Return what slices of a training are simulated on."""
    return Source(load_pool(cache).of("train"), phantom_pool(subjects=60).of("train"), seed, favoured)


def _fill(path: Path, size: int, seed: int, favoured: Collection[str], counts: _Counts) -> None:
    """Simulate the next slice whenever one is wanted."""
    cv2.setNumThreads(1)
    source = source_of(cache_folder(), seed, favoured)
    ring = np.memmap(path, dtype=PLACE, mode="r+", shape=(size,))
    while True:
        while counts.begun.value >= counts.wanted.value:
            time.sleep(0.05)
        with counts.begun.get_lock():
            counts.begun.value += 1
            number = counts.begun.value
        ring["slot"][number % size] = source.slot(number, size)
        ring["number"][number % size] = number
        with counts.made.get_lock():
            counts.made.value += 1
