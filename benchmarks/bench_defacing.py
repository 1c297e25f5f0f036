"""Whether the face goes and the brain stays: real heads, and a drawn one of which every voxel is known.

Of real heads nobody knows the brain voxel by voxel. It is taken here to be what most of six thresholds and wearings
agree on, of which the defacing uses one; the face is the skin before and below it. With --pictures each head is drawn
from the front, before and after: only a look at them tells whether somebody would be recognised.

    python -m benchmarks.bench_defacing [--pictures DIR]    (real heads need SCANSIDE_DATA)
"""

import argparse
import csv
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from inference.defacing import GRID_MM, Cut, Head, NoFaceFound, Stack, face_skin, heads, resampled
from inference.image import UnreadableImage
from service.faces import cut_of, stack_of
from service.research import counts_as_head
from tests.faces import CONTRASTS, faced_head
from tests.series import mr_series

LEAST_SLICES = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path)
    asked = parser.parse_args()
    for contrast in CONTRASTS:
        drawn(contrast)
    if "SCANSIDE_DATA" in os.environ:
        real(Path(os.environ["SCANSIDE_DATA"]), asked.pictures)


def drawn(contrast: str) -> None:
    head = faced_head(contrast=contrast)
    series = mr_series(pixels=head.pixels)
    began = time.process_time()
    cut = cut_of(series)
    taken = time.process_time() - began
    stack = stack_of(series)
    gone = np.stack([cut.face(plane, head.pixels.shape[1:]) for plane in stack.planes])
    print(
        f"defacing: drawn head, {contrast}: {gone[head.face].mean():.3f} of the face gone, "
        f"{(gone & head.brain).sum()} of {head.brain.sum()} brain voxels, {taken:.2f} s CPU"
    )


def real(data: Path, pictures: Path | None) -> None:
    faces, brains, refused, seconds = [], [], 0, []
    for name, series in series_of(data):
        began = time.process_time()
        try:
            cut = cut_of(series)
        except NoFaceFound as reason:
            refused += 1
            print(f"defacing: {name}: stays, {reason}")
            continue
        seconds.append(time.process_time() - began)
        stack = stack_of(series)
        found = next(iter(heads(stack)))
        brain = cut.takes(found.at(np.argwhere(core_of(stack))))
        skin = face_skin(Head(found.origin, found.head, core_of(stack)))
        faces.append(float(cut.takes(skin).mean()) if len(skin) else 1.0)
        brains.append(float(brain.mean()))
        print(
            f"defacing: {name}: {faces[-1]:.3f} of the skin gone, {brains[-1]:.5f} of the brain, "
            f"{seconds[-1]:.1f} s CPU"
        )
        if pictures is not None:
            draw(pictures / f"{name.replace('/', '_')}.png", stack, cut)
    print(
        f"defacing: real heads: {len(faces)} defaced, {refused} stay; of the face's skin at least "
        f"{min(faces):.3f} gone, median {np.median(faces):.3f}; of the brain at most {max(brains):.5f}; "
        f"{np.median(seconds):.2f} s CPU"
    )


def core_of(stack: Stack) -> NDArray[np.bool_]:
    """Give what most thresholds and wearings agree on."""
    every = [head.brain for head in heads(stack)]
    sizes = [brain.sum() * GRID_MM**3 / 1000 for brain in every]
    sound = [brain for brain, size in zip(every, sizes, strict=True) if 200 <= size <= 1900]
    return np.asarray(np.mean(sound, axis=0) >= 0.5)


def series_of(data: Path) -> Iterator[tuple[str, list[Dataset]]]:
    files: dict[str, dict[str, Path]] = defaultdict(dict)
    for part in ("train", "e2e"):
        with (data / part / "manifest.csv").open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row["format"] == "DICOM" and "brain" in row["anatomy"]:
                    files[f"{row['source_repo']} {row['series_id']}"].setdefault(
                        row["sha256"], data / part / row["path"]
                    )
    for name, paths in sorted(files.items()):
        try:
            series = [dcmread(path) for path in paths.values()]
            stack = stack_of(series)
        except (NoFaceFound, UnreadableImage, InvalidDicomError):
            continue
        if len(stack.planes) >= LEAST_SLICES and counts_as_head(series[0]):
            yield name, series


def draw(path: Path, stack: Stack, cut: Cut) -> None:
    """Draw the surface as seen from the front, before and after."""
    path.parent.mkdir(parents=True, exist_ok=True)
    origin, grid = resampled(stack)
    places = origin + GRID_MM * np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1)
    before = next(iter(heads(stack))).head
    sides = []
    for shown in (before, before & ~cut.takes(places)):
        depth = np.where(shown.any(1), shown.argmax(1), grid.shape[1]).astype(np.float32)
        down, across = np.gradient(cv2.GaussianBlur(depth, (0, 0), 0.6))
        light = np.where(shown.any(1), 255 / np.sqrt(1 + down**2 + across**2), 0)
        sides.append(light.T[::-1].astype(np.uint8))
    picture = cv2.resize(np.hstack(sides), None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), picture)


if __name__ == "__main__":
    main()
