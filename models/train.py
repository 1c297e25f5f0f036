"""Train the network on freshly simulated artifacts, within a budget of minutes; resumes where it was stopped.

python -m models.train [--minutes 60]    checkpoints, log.csv and pictures go to the cache folder; takes up the last
python -m models.train --weights FILE    begin from compact weights (models/checkpoints) where there is no checkpoint
python -m models.train --compact FILE    write such, from the last checkpoint
python -m models.train --smoke           the whole way in under three minutes
"""

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from models.answers import simulated
from models.classes import CLASSES
from models.dataset import cache_folder, data_folder, load_pool
from models.learning import (
    CPU,
    Options,
    Run,
    averaged,
    begin,
    emphasis_of,
    fastest,
    save_compact,
    step,
    take_up,
)
from models.metrics import Overlap, auc, weighted
from models.modelcard import MASK_SIZE
from models.network import Network, network_of
from models.shelf import Batch, Shelf, unpacked
from models.teaching import Teacher

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
SHELF = "shelf.bin"
BAR = "{l_bar}{bar}| {n:.1f}/{total:.1f} min{postfix}"
LIKELY = 0.0  # log2 E from which a mask is drawn while training

SMOKE = Options(minutes=0.5, batch=8, shelf=64, first=24, check_minutes=0.2, validation=16)


@torch.inference_mode()
def check(run: Run, batch: Batch, pictures: Path) -> dict[str, float]:
    """Measure the averaged network on the validation slices and draw some of them."""
    overlap, presence, masks = Overlap(), [], []
    for at in range(0, len(batch.image), 16):
        part = slice(at, at + 16)
        answer = run.average(torch.from_numpy(batch.image[part]).to(run.device))
        said = answer.log_visibility.cpu().numpy() > LIKELY
        overlap.add(said, batch.mask[part], ~batch.band[part])
        presence.append(answer.presence.cpu().numpy())
        masks.append(said)
    scores = np.concatenate(presence)
    areas = [
        auc(scores[known, k], batch.presence[known, k] == 1)
        for k in range(len(CLASSES))
        if (known := batch.presence[:, k] >= 0).any()
    ]
    _draw(batch, np.concatenate(masks), pictures / f"step-{run.step:06d}.png")
    iou = overlap.iou()
    named = {f"iou_{name}": float(value) for name, value in zip(CLASSES, iou, strict=True)}
    means = {"iou_mean": float(np.nanmean(iou)), "iou_weighted": weighted(iou)}
    return means | {"presence_auc": float(np.nanmean(areas))} | named


def _draw(batch: Batch, said: NDArray[np.bool_], path: Path) -> None:
    """Write the first slices: as they are, with the true masks (green) and with what was said (red)."""
    columns = []
    for k in range(min(8, len(said))):
        grey = cv2.resize(
            (batch.image[k, 0] * 255).astype(np.uint8), (MASK_SIZE, MASK_SIZE), interpolation=cv2.INTER_AREA
        )
        plain = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
        true, claimed = plain.copy(), plain.copy()
        true[batch.mask[k].any(axis=0)] //= 2
        true[batch.mask[k].any(axis=0), 1] += 100
        claimed[said[k].any(axis=0)] //= 2
        claimed[said[k].any(axis=0), 2] += 100
        columns.append(np.vstack([plain, true, claimed]))
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.hstack(columns))


def train(
    options: Options,
    folder: Path,
    network: Network | None = None,
    shelf: Path | None = None,
    teacher: Network | None = None,
) -> Run:
    """Train until the minutes are spent; checkpoints, log and pictures go to `folder`.

    Takes up the checkpoint that lies there, else begins with `network`, or with fresh weights. `shelf` is the file of
    simulated slices, which trainings that follow each other may share. A `teacher` is learnt from beside the truth.
    The averaged network of the run that is returned lies on the processor, wherever it was trained.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    if (folder / CHECKPOINT).is_file():
        run = take_up(options, folder / CHECKPOINT, fastest())
    else:
        run = begin(options, network or Network(), fastest())
    if teacher is not None:
        run.teacher = Teacher(network_of(teacher.state_dict()).to(run.device), options.shelf)
    slots, _ = simulated(load_pool(cache_folder()).of("validation"), options.validation, seed=options.seed)
    validation = unpacked(slots)
    if run.step:
        run.emphasis = _emphasis(run, check(run, validation, folder / "pictures"), options)
    rng = np.random.default_rng([options.seed, run.step])
    ring = Shelf(
        shelf or folder / SHELF,
        options.shelf,
        first=options.first,
        workers=options.workers,
        seed=options.seed,
        favoured=options.favoured,
    )
    with ring:
        ring.wait()
        spent = min(run.minutes, options.minutes)
        with tqdm(total=options.minutes, initial=spent, bar_format=BAR, mininterval=5) as bar:
            while run.minutes < options.minutes:
                _stretch(run, options, ring, rng, (folder, validation), bar)
    run.average.to(CPU)
    return run


def _stretch(
    run: Run,
    options: Options,
    shelf: Shelf,
    rng: np.random.Generator,
    where: tuple[Path, Batch],
    bar: "tqdm[NoReturn]",
) -> None:
    """Train for `check_minutes`, then save, measure and log."""
    folder, validation = where
    ends = min(run.minutes + options.check_minutes, options.minutes)
    sums: dict[str, float] = {}
    steps = 0
    batches = _ahead(lambda: shelf.draw(rng, options.batch))
    while run.minutes < ends:
        began = time.monotonic()
        parts = step(run, next(batches), options)
        for name, value in parts.values().items():
            sums[name] = sums.get(name, 0.0) + float(value)
        run.minutes, steps = run.minutes + (time.monotonic() - began) / 60, steps + 1
        bar.n = min(run.minutes, options.minutes)  # the last step ends a little later
        bar.update(0)
    batches.close()
    run.save(folder / CHECKPOINT)
    figures = check(run, validation, folder / "pictures")
    run.emphasis = _emphasis(run, figures, options)
    bar.set_postfix(iou=f"{figures['iou_mean']:.3f}", auc=f"{figures['presence_auc']:.3f}")
    counts = {"step": run.step, "minutes": run.minutes, "seen": run.seen, "made": shelf.made}
    append(folder / LOG, counts | {name: value / steps for name, value in sums.items()} | figures)


def _emphasis(run: Run, figures: Mapping[str, float], options: Options) -> torch.Tensor:
    return emphasis_of([figures[f"iou_{name}"] for name in CLASSES], options.favoured).to(run.device)


def _ahead(draw: Callable[[], Batch]) -> Generator[Batch]:
    """Draw the next batch while the last one is learnt from."""
    with ThreadPoolExecutor(1) as other:
        coming = other.submit(draw)
        while True:
            batch, coming = coming.result(), other.submit(draw)
            yield batch


def append(path: Path, row: Mapping[str, float | str]) -> None:
    """Add a row to a table, which its first row begins."""
    fresh_file = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(row))
        if fresh_file:
            writer.writeheader()
        writer.writerow(
            {name: round(value, 5) if isinstance(value, float) else value for name, value in row.items()}
        )


def smoke() -> None:
    """Train for half a minute, export and evaluate in a scratch folder."""
    from models.evaluate import evaluate  # noqa: PLC0415  a training needs neither onnx nor a runtime
    from models.export import export, typical_slices  # noqa: PLC0415

    torch.compiler.set_stance("force_eager")  # compiling would take the half minute
    with tempfile.TemporaryDirectory() as scratch:
        run = train(SMOKE, Path(scratch))
        typical = typical_slices(load_pool(cache_folder()), SMOKE.validation)
        card = export(run.average, typical, Path(scratch), version="0.0.0")
        folder = Path(scratch) / card.folder_name
        measured = evaluate(folder, load_pool(cache_folder()), SMOKE.validation, log=Path(scratch) / LOG)
        measured.write(folder)
    anatomy = "the data of SCANSIDE_DATA" if data_folder() else "phantoms only (SCANSIDE_DATA is not set)"
    iou, auc_mean = measured.card.metrics["iou_mean"], measured.card.metrics["presence_auc_macro"]
    print(f"smoke: {run.step} steps on {anatomy}; exported {card.folder_name} {card.sha256[:12]}")
    print(
        f"smoke: mean IoU {iou:.3f}, presence AUC {auc_mean:.3f} after half a minute, which proves nothing but the way"
    )


def main() -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=Options().rate, help="of learning, at its peak")
    parser.add_argument(
        "--favour", choices=CLASSES, nargs="+", default=(), help="classes that lag far behind"
    )
    parser.add_argument("--folder", type=Path, help="of checkpoints and log (default: the cache)")
    parser.add_argument("--fresh", action="store_true", help="set the last checkpoint aside and begin anew")
    parser.add_argument("--weights", type=Path, help="begin from these compact weights")
    parser.add_argument("--compact", type=Path, help="write the last checkpoint's weights, small, and stop")
    parser.add_argument("--smoke", action="store_true", help="the whole way, small")
    chosen = parser.parse_args()
    if chosen.smoke:
        smoke()
        return
    options = Options(
        minutes=chosen.minutes,
        rate=chosen.rate,
        workers=chosen.workers,
        threads=chosen.threads,
        seed=chosen.seed,
        favoured=tuple(chosen.favour),
    )
    folder = chosen.folder or cache_folder()
    checkpoint = folder / CHECKPOINT
    if chosen.compact:
        save_compact(averaged(checkpoint), chosen.compact)
        return
    if chosen.fresh and checkpoint.is_file():
        checkpoint.replace(checkpoint.with_suffix(".old.pt"))
    run = train(options, folder, averaged(chosen.weights) if chosen.weights else None)
    print(f"trained: {run.step} steps in {run.minutes:.1f} minutes -> {folder / CHECKPOINT}")


if __name__ == "__main__":
    main()
