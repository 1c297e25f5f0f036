"""How long released models take for a series of 32 x 384 x 512 on two threads, and how much memory.

    python -m benchmarks.bench_model [MODEL FOLDER ...] [--runs 7]

The way of the service from pixels to scores (`inference.eye.Eye`), the phase-encoding direction known. Every model
has a process of its own; they take turns, so that a busy machine slows all of them alike. The ratio is that of the
best rounds, to the largest model of the run. Target: 1.0 s a series and 600 MB for the default model, and no pruned
one slower than its full one.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from inference.card import load_card, released
from inference.eye import Eye
from inference.image import Slice
from tests.series import head

SLICES, ROWS, COLUMNS = 32, 384, 512
THREADS = 2


def serve(folder: Path) -> None:
    """Score the series once for every line on standard input, and write the seconds; at the end the peak memory."""
    eye = Eye(load_card(folder), provider="cpu", threads=THREADS)
    series = [Slice.from_array(pixels, phase_encoding="COL") for pixels in head(SLICES, ROWS, COLUMNS)]
    eye.warm()
    for _ in sys.stdin:
        began = time.perf_counter()
        eye.examine(series)
        print(time.perf_counter() - began, flush=True)
    print(peak_mb(), flush=True)


def peak_mb() -> float:
    """The most memory this process ever held, in MB; `ru_maxrss` would count what it was forked from."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def measure(folders: list[Path], runs: int) -> list[tuple[list[float], float]]:
    """Seconds of each round, and peak memory, of each model."""
    command = [sys.executable, "-m", "benchmarks.bench_model", "--serve"]
    children = [
        subprocess.Popen([*command, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for folder in folders
    ]
    took: list[list[float]] = [[] for _ in children]
    for _ in range(runs + 1):
        for child, times in zip(children, took, strict=True):
            assert child.stdin is not None
            assert child.stdout is not None
            print("go", file=child.stdin, flush=True)
            times.append(float(child.stdout.readline()))
    peaks = [float(child.communicate()[0]) for child in children]
    return [(times[1:], peak) for times, peak in zip(took, peaks, strict=True)]  # the first round warms up


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="*", help="of models (default: all released)")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.folders[0])
        return
    folders = chosen.folders or sorted(card.parent for card in released().parent.glob("*/card.toml"))
    folders = sorted(folders, key=lambda folder: -(folder / "model.onnx").stat().st_size)
    found = measure(folders, chosen.runs)
    for folder, (rounds, peak) in zip(folders, found, strict=True):
        line = {
            "model": folder.name,
            "slices": SLICES,
            "runs": chosen.runs,
            "series_p50_s": round(median(rounds), 3),
            "series_best_s": round(min(rounds), 3),
            "ms_per_slice": round(1000 * median(rounds) / SLICES, 1),
            "peak_mb": round(peak),
            "of_the_largest": round(min(rounds) / min(found[0][0]), 2),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
