"""How well burned-in text is found: text drawn over real slices, and the same slices without.

Sources, fonts and e2e files are none that the detector was trained or tuned on. Every readable line counts: 8 to 32 px
em, bright, dark, outlined, in a box, brighter than all else, in the corners and in the anatomy.

    python -m benchmarks.bench_burned_in    (needs SCANSIDE_DATA)
"""

import csv
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from inference.burned_in import THRESHOLD, TextDetector
from inference.decoding import UnreadableImage, stored_values
from inference.guard import SCORED_CLASSES
from inference.image import number_of_frames
from models.lettering import LARGEST, SMALLEST, STYLES, fonts, lettered, pattern
from models.train_lettering import KEPT_FONTS, learnt_from
from models.visibility import Image

MOST_FRAMES = 8  # of one object
SMALLEST_MATRIX = 64
SHOWN = 8  # false alarms that are named
PATTERNS = 400


class Frame(NamedTuple):
    source: str
    name: str
    pixels: Image


class Hit(NamedTuple):
    size: int
    style: str
    place: str
    font: str
    evidence: float


def main() -> None:
    cv2.setNumThreads(1)
    data = Path(os.environ["SCANSIDE_DATA"])
    detector = TextDetector()
    frames = list(held_out(data))
    rng = np.random.default_rng(2026)
    clean = [(frame, detector.evidence(frame.pixels)) for frame in frames]
    hits = [hit for frame in frames if (hit := written(rng, detector, frame.pixels)) is not None]
    drawn = [detector.evidence(on_a_test_object(rng)) for _ in range(PATTERNS)]
    alarms = [frame for frame, evidence in clean if evidence >= THRESHOLD]
    print(
        f"burned-in text: recall {recall(hits):.4f} of {len(hits)} slices; "
        f"false alarms {len(alarms)} of {len(clean)} clean slices ({len(alarms) / len(clean):.4f}), "
        f"{len({frame.source for frame in frames})} sources; "
        f"{sum(one >= THRESHOLD for one in drawn)} of {PATTERNS} drawn test objects"
    )
    for title, key in KEYS.items():
        print(f"burned-in text: recall by {title}: {by(hits, key)}")
    for frame in alarms[:SHOWN]:
        print(f"burned-in text: false alarm: {frame.source} {frame.name}")
    for side in (256, 512):
        print(f"burned-in text: {milliseconds(detector, side):.1f} ms CPU for {side} x {side}")


def held_out(data: Path) -> Iterator[Frame]:
    """Give frames of every source that neither trained nor tuned the detector."""
    seen = set().union(*learnt_from(data))
    digests: set[str] = set()
    for part in ("train", "e2e"):
        with (data / part / "manifest.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            if row["source_repo"] in seen or row["format"] != "DICOM" or row["sha256"] in digests:
                continue
            digests.add(row["sha256"])
            for number, pixels in enumerate(frames_of(data / part / row["path"])):
                yield Frame(row["source_repo"], f"{row['path']} {number}", pixels)


def frames_of(path: Path) -> Iterator[Image]:
    try:
        dataset = dcmread(path)
        if dataset.get("SOPClassUID") not in SCORED_CLASSES:
            return
        count = number_of_frames(dataset)
        for index in np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).astype(int)):
            pixels = stored_values(dataset, int(index))
            if min(pixels.shape) >= SMALLEST_MATRIX and pixels.max() > pixels.min():
                yield pixels.astype(np.float32)
    except (UnreadableImage, InvalidDicomError, EOFError):
        return


def written(rng: np.random.Generator, detector: TextDetector, pixels: Image) -> Hit | None:
    """Write on a slice in a way drawn at random; None where what was drawn could not be read there."""
    kept = [font for font in fonts() if any(name in font for name in KEPT_FONTS)]
    for _ in range(6):
        size, style = int(rng.integers(SMALLEST, LARGEST + 1)), str(rng.choice(STYLES))
        font, corner = str(rng.choice(kept)), bool(rng.random() < 0.5)
        found = lettered(rng, pixels, font=font, size=size, style=style, corner=corner)
        if found is not None:
            place = "corner" if corner else "inside"
            return Hit(size, style, place, Path(font).stem, detector.evidence(found.image))
    return None


def on_a_test_object(rng: np.random.Generator) -> Image:
    """Draw a disc of water with a grid, bars, dots, rings, ticks or strokes in or on it."""
    side = int(rng.choice([192, 256, 320, 512]))
    disc = np.zeros((side, side), np.float32)
    cv2.circle(disc, (side // 2, side // 2), int(side * 0.4), 1.0, -1)
    image = np.maximum(disc * 800 + rng.choice([-700, 500]) * pattern(rng, side, side), 0)
    return np.asarray(np.hypot(image, rng.normal(0, 15, image.shape)), np.float32)


def recall(hits: Iterable[Hit]) -> float:
    return float(np.mean([hit.evidence >= THRESHOLD for hit in hits]))


KEYS: dict[str, Callable[[Hit], str]] = {
    "size": lambda hit: f"{hit.size // 4 * 4:02d}-{hit.size // 4 * 4 + 3} px",
    "style": lambda hit: hit.style,
    "place": lambda hit: hit.place,
    "font": lambda hit: hit.font.split("-")[0],
}


def by(hits: list[Hit], key: Callable[[Hit], str]) -> str:
    groups = {name: [hit for hit in hits if key(hit) == name] for name in sorted(map(key, hits))}
    return ", ".join(f"{name} {recall(group):.3f} of {len(group)}" for name, group in groups.items())


def milliseconds(detector: TextDetector, side: int) -> float:
    image = np.random.default_rng(0).random((side, side), np.float32)
    taken = []
    for _ in range(15):
        began = time.process_time()
        detector.evidence(image)
        taken.append(time.process_time() - began)
    return 1e3 * statistics.median(taken)


if __name__ == "__main__":
    main()
