"""Train the detector of burned-in text on text drawn over real slices, and write its weights.

    python -m models.train_lettering [--steps 6000] [--out inference/burned_in.onnx]

It learns from the sources of the train pool that are not in the e2e set: all others are left for the measurement.
A threshold is chosen on VALIDATION; needs SCANSIDE_DATA.
"""

import argparse
import csv
import multiprocessing
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydicom import dcmread
from torch import Tensor, nn

from inference.burned_in import CELL, WEIGHTS, evidence, normalised
from inference.decoding import UnreadableImage, stored_values
from models.fields import Rng, uniform
from models.lettering import LARGEST, SMALLEST, STYLES, fonts, lettered, pattern
from models.visibility import Image

VALIDATION = frozenset(  # sources that the weights have not seen
    {"FNNDSC/data", "neurolabusc/dcm_qa_deident", "neurolabusc/dcm_qa_stc", "neurolabusc/dcm_qa_philips"}
)
KEPT_FONTS = ("Liberation", "Noto", "NimbusMono", "hershey 2")  # for the measurement
CROP, BATCH = 224, 16
HARDEST = 24  # cells of a slice without text that count for themselves
WORKERS = 2


def slices(folder: Path, sources: set[str]) -> list[Image]:
    """Read the DICOM slices of some sources as they are stored."""
    found: list[Image] = []
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        rows = [
            row
            for row in csv.DictReader(stream)
            if row["source_repo"] in sources and row["format"] == "DICOM"
        ]
    for row in rows:
        try:
            found.append(stored_values(dcmread(folder / row["path"]), 0).astype(np.float32))
        except UnreadableImage:
            continue
    return found


def learnt_from(data: Path) -> tuple[set[str], set[str]]:
    """Give the sources to train and to validate on: none of them is in the e2e set."""

    def sources(part: str) -> set[str]:
        with (data / part / "manifest.csv").open(encoding="utf-8", newline="") as stream:
            return {row["source_repo"] for row in csv.DictReader(stream)}

    free = sources("train") - sources("e2e")
    return free - VALIDATION, free & VALIDATION


def example(rng: Rng, pool: Sequence[Image]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make a crop and its cells: 1 text, 0 none, -1 not asked."""
    image = _varied(rng, pool[int(rng.integers(len(pool)))] if rng.random() < 0.9 else _noise(rng))
    text = np.zeros(image.shape, bool)
    if rng.random() < 0.55:
        size = round(SMALLEST * (LARGEST / SMALLEST) ** rng.random())
        found = lettered(
            rng, image,
            font=str(rng.choice([font for font in fonts() if not any(name in font for name in KEPT_FONTS)])),
            size=size, style=str(rng.choice(STYLES)), corner=rng.random() < 0.5,
        )  # fmt: skip
        if found is not None:
            image, text = found.image, found.text
    seen = _worn(rng, normalised(image))
    share = cv2.resize(text.astype(np.float32), None, fx=1 / CELL, fy=1 / CELL, interpolation=cv2.INTER_AREA)
    return seen, np.where(share > 0.6, 1, np.where(share > 0, -1, 0)).astype(np.float32)


def _varied(rng: Rng, image: Image) -> Image:
    """Cut a piece out of a slice, turned, magnified, with another contrast, perhaps with a pattern on it."""
    image = np.rot90(image, int(rng.integers(4)))
    image = image[:, ::-1] if rng.random() < 0.5 else image
    zoom = float(np.exp(rng.uniform(np.log(0.6), np.log(2.5))))
    if min(image.shape) * zoom < 64 or max(image.shape) * zoom > 1200:
        zoom = 1.0
    ways = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_AREA)
    image = np.ascontiguousarray(image, np.float32)
    if rng.random() < 0.6:
        image = np.asarray(cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=int(rng.choice(ways))))
    image = np.pad(image, [(0, max(0, CROP - side)) for side in image.shape])
    top, left = (int(rng.integers(side - CROP + 1)) for side in image.shape)
    image = np.array(image[top : top + CROP, left : left + CROP], np.float32)
    low, high = (float(value) for value in np.percentile(image, (0, 99.8)))
    image = np.clip((image - low) / max(high - low, 1e-6), 0, 4) ** uniform(rng, 0.6, 1.5)
    if rng.random() < 0.25:
        amplitude = uniform(rng, 0.2, 1.2) * (1 if rng.random() < 0.6 else -1)
        image = np.maximum(image + amplitude * pattern(rng, CROP, CROP), 0)
    if rng.random() < 0.3:
        grain = rng.normal(0, uniform(rng, 0.01, 0.15), image.shape).astype(np.float32)
        image = np.asarray(np.hypot(image, grain), np.float32)
    if rng.random() < 0.15:
        levels = float(rng.choice([16, 32, 64, 255]))
        image = np.asarray(np.round(image * levels) / levels, np.float32)
    return np.asarray(image, np.float32)


def _noise(rng: Rng) -> Image:
    """Draw an image of noise, as phases and empty slices are."""
    noise = rng.uniform(-1, 1, (CROP, CROP)) if rng.random() < 0.5 else np.abs(rng.normal(size=(CROP, CROP)))
    if rng.random() < 0.6:
        noise = cv2.GaussianBlur(noise, (0, 0), uniform(rng, 0.4, 4))
    return np.asarray(noise - noise.min(), np.float32)


def _worn(rng: Rng, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lose a little, as an image that was compressed or resampled after somebody wrote on it."""
    if rng.random() < 0.1:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))]
        _, packed = cv2.imencode(".jpg", (image * 255).astype(np.uint8), quality)
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255)
    if rng.random() < 0.1:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), uniform(rng, 0.3, 0.7)), np.float32)
    return image


def network() -> nn.Module:
    """Make the network: stride 4, dilated and separable where the image is small."""

    def separable(wide: int, out: int, apart: int) -> list[nn.Module]:
        each = nn.Conv2d(wide, wide, 3, padding=apart, dilation=apart, groups=wide)
        return [each, nn.Conv2d(wide, out, 1), nn.ReLU()]

    return nn.Sequential(
        nn.Conv2d(1, 12, 3, 2, 1), nn.ReLU(), nn.Conv2d(12, 24, 3, 2, 1), nn.ReLU(),
        *separable(24, 32, 1), *separable(32, 32, 2), *separable(32, 32, 4), *separable(32, 32, 1),
        nn.Conv2d(32, 1, 1),
    )  # fmt: skip


def loss_of(logits: Tensor, cells: Tensor) -> Tensor:
    """Weigh text, background, and the background that looks most like text."""
    each = nn.functional.binary_cross_entropy_with_logits(logits, cells.clamp(min=0), reduction="none")
    text, none = cells == 1, cells == 0
    hardest = torch.where(none, each, each.new_zeros(())).flatten(1).topk(HARDEST).values
    return each[text].sum() / text.sum().clamp(min=1) + each[none].mean() + hardest.mean()


def _fill(queue: Any, stop: Event, seed: int, pool: Sequence[Image]) -> None:  # noqa: ANN401  of multiprocessing
    rng = np.random.default_rng(seed)
    cv2.setNumThreads(1)
    while not stop.is_set():
        pairs = [example(rng, pool) for _ in range(BATCH)]
        queue.put(tuple(np.stack(arrays)[:, None] for arrays in zip(*pairs, strict=True)))


def batches(pool: Sequence[Image], steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Give batches that other processes make meanwhile."""
    context = multiprocessing.get_context("fork")
    queue, stop = context.Queue(maxsize=8), context.Event()
    makers = [context.Process(target=_fill, args=(queue, stop, n, pool), daemon=True) for n in range(WORKERS)]
    for maker in makers:
        maker.start()
    for _ in range(steps):
        images, cells = queue.get()
        yield torch.from_numpy(images), torch.from_numpy(cells)
    stop.set()
    for maker in makers:
        maker.terminate()


def train(pool: Sequence[Image], steps: int) -> nn.Module:
    """Train for some steps on one thread."""
    torch.manual_seed(0)
    model = network()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=6e-3, total_steps=steps, pct_start=0.1)
    mean, began = 0.0, time.monotonic()
    for step, (images, cells) in enumerate(batches(pool, steps), 1):
        loss = loss_of(model(images), cells)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch wrote no types there
        optimiser.step()
        schedule.step()
        mean += 0.02 * (loss.item() - mean)
        if step % 250 == 0:
            print(f"step {step}: loss {mean:.3f}, {time.monotonic() - began:.0f} s", flush=True)
    return model


def validate(model: nn.Module, pool: Sequence[Image]) -> None:
    """Print recall and false alarms at some thresholds, on sources that the weights have not seen."""
    rng = np.random.default_rng(7)
    clean, texts = [], []
    with torch.no_grad():
        for image in pool:
            clean.append(_evidence(model, image))
            style, font = str(rng.choice(STYLES)), str(rng.choice(fonts()))
            size = int(rng.integers(SMALLEST, LARGEST + 1))
            found = lettered(rng, image, font=font, size=size, style=style, corner=rng.random() < 0.5)
            if found is not None:
                texts.append(_evidence(model, found.image))
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98):
        recall = float(np.mean(np.array(texts) >= threshold))
        alarms = float(np.mean(np.array(clean) >= threshold))
        print(
            f"threshold {threshold}: recall {recall:.4f} of {len(texts)}, alarms {alarms:.4f} of {len(clean)}"
        )


def _evidence(model: nn.Module, image: Image) -> float:
    cells = torch.sigmoid(model(torch.from_numpy(normalised(image)[None, None])))
    return evidence(cells[0, 0].numpy())


def write(model: nn.Module, path: Path) -> None:
    """Write the weights as ONNX, the answer as probabilities."""
    axes = {"image": {0: "n", 2: "rows", 3: "columns"}, "text": {0: "n", 2: "rows", 3: "columns"}}
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        torch.onnx.export(
            nn.Sequential(model, nn.Sigmoid()).eval(), (torch.zeros(1, 1, CROP, CROP),), str(path),
            input_names=["image"], output_names=["text"], dynamic_axes=axes, opset_version=18, dynamo=False,
        )  # fmt: skip


def main() -> None:
    """Train, validate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data = Path(os.environ["SCANSIDE_DATA"])
    training, validation = learnt_from(data)
    model = train(slices(data / "train", training), asked.steps)
    write(model, asked.out)
    validate(model, slices(data / "train", validation))


if __name__ == "__main__":
    main()
