"""Clean slices of real anatomy, as canvases, split by subject and by source; and their benign variation.

The data are the `train` pool below SCANSIDE_DATA. DICOM goes through `inference.image.Slice`, the one way from a file
to pixels. Without data, slices of the numerical phantom stand in.
"""

import csv
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray

from inference import header, image, preprocess
from inference.image import Slice, UnreadableImage
from inference.preprocess import to_canvas
from models.benign import odd
from models.fields import Rng, uniform
from models.head import draw_anatomy, head_slice
from models.kept import digest, kept, state_of
from models.modelcard import CANVAS
from models.visibility import Image

SPLIT = Path(__file__).parent / "split.toml"
SPLITS = ("train", "validation", "test")
SMALLEST_MATRIX = 96
LEAST_FILLED = 0.08  # of the canvas above a tenth of the brightest: what is emptier teaches nothing
STORED_SCALE = 65535
FLOOR_SHARE = 0.25  # of varied slices whose air is not black
ODD_SHARE = 0.3  # of varied slices that show disease, surgery, contrast agent, a low resolution, a cut
VENDORS: Mapping[str, str] = {
    "siemens": "Siemens",
    "ge": "GE",
    "genesis": "GE",
    "philips": "Philips",
    "toshiba": "Canon/Toshiba",
    "canon": "Canon/Toshiba",
    "uih": "UIH",
}


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Clean canvases with phase encoding along y."""

    images: NDArray[np.uint16]  # (n, 256, 256), value / 65535 = 0..1
    split: NDArray[np.str_]  # (n,)
    source: NDArray[np.str_]  # (n,) repository / subject
    anatomy: NDArray[np.str_]  # (n,)
    vendor: NDArray[np.str_]  # (n,) of the scanner

    def of(self, split: str) -> "Pool":
        """Return the slices of one split."""
        return self.at(np.flatnonzero(self.split == split))

    def at(self, indices: NDArray[np.intp]) -> "Pool":
        """Return some slices."""
        columns = (column[indices] for column in (self.split, self.source, self.anatomy, self.vendor))
        return Pool(self.images[indices], *columns)

    def turned(self) -> "Pool":
        """Return the slices as if the phase encoding ran along the other axis."""
        return replace(self, images=self.images.swapaxes(1, 2))

    def image(self, index: int) -> Image:
        """Return one canvas as float."""
        return np.asarray(self.images[index] / np.float32(STORED_SCALE), dtype=np.float32)

    def __len__(self) -> int:
        return len(self.images)


READING = (Path(__file__), Path(header.__file__), Path(image.__file__), Path(preprocess.__file__))
"""Whose change makes the canvases that were kept worthless."""


def data_folder() -> Path | None:
    """Return the `train` pool below SCANSIDE_DATA, or None where there is none."""
    folder = Path(os.environ.get("SCANSIDE_DATA", "")) / "train"
    return folder if (folder / "manifest.csv").is_file() else None


def cache_folder() -> Path:
    """Return where canvases, checkpoints and logs are kept between runs."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = home / "scanside" / "train"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def load_pool(cache: Path) -> Pool:
    """Return the clean slices, from `cache` where they are; phantoms where there is no data."""
    folder = data_folder()
    if folder is None:
        return phantom_pool()
    name = digest(
        (folder / "manifest.csv").read_text(encoding="utf-8"),
        SPLIT.read_text(encoding="utf-8"),
        state_of(READING),
    )
    return kept(Pool, cache / f"canvases-{name}.npz", lambda: read_pool(folder))


def phantom_pool(subjects: int = 12, slices: int = 8) -> Pool:
    """Return slices of numerical phantoms, two in three for training."""
    images, split, source = [], [], []
    for subject in range(subjects):
        rng = np.random.default_rng(subject)
        anatomy = draw_anatomy(rng)
        for height in np.linspace(-0.6, 0.6, slices):
            images.append(_stored(head_slice(anatomy, float(height), CANVAS)))
            split.append(("train", "train", "train", "train", "validation", "test")[subject % 6])
            source.append(f"phantom/{subject}")
    names = np.full(len(images), "phantom")
    return Pool(np.stack(images), np.array(split), np.array(source), names, names)


def read_pool(folder: Path) -> Pool:
    """Read every clean slice of the pool."""
    table = split_table()
    images, split, source, anatomy, vendor = [], [], [], [], []
    for row in manifest(folder):
        for canvas in _canvases(folder, row):
            images.append(_stored(canvas))
            split.append(split_of(table, row["source_repo"], row["patient_id"]))
            source.append(f"{row['source_repo']}/{row['patient_id'] or row['series_id']}")
            anatomy.append(row["anatomy"])
            vendor.append(vendor_of(row["vendor"]))
    return Pool(np.stack(images), *map(np.array, (split, source, anatomy, vendor)))


def manifest(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the pool's manifest that are usable."""
    return [row for row in whole_manifest(folder) if usable(row)]


def whole_manifest(folder: Path) -> list[dict[str, str]]:
    """Return all rows of the pool's manifest."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def vendor_of(manufacturer: str) -> str:
    """Return whose scanner it is by the first word of a Manufacturer (0008,0070); "unknown" where that is none."""
    (first, *_) = manufacturer.lower().replace("_", " ").split() or ("",)
    return VENDORS.get(first, "unknown")


def usable(row: Mapping[str, str]) -> bool:
    """Say whether a row of the manifest is a clean, large enough magnitude image."""
    large = min(int(row["rows"]), int(row["cols"])) >= SMALLEST_MATRIX
    return row["quality"].startswith("clean") and row["role"] == "magnitude" and large


def split_table() -> dict[str, list[dict[str, str]]]:
    """Return the written split: for validation and test the sources (and subjects) that belong there."""
    return tomllib.loads(SPLIT.read_text(encoding="utf-8"))


def split_of(table: Mapping[str, list[dict[str, str]]], source: str, subject: str) -> str:
    """Return the split of a subject of a source; who is not named trains."""
    for name, rows in table.items():
        for row in rows:
            if row["source"] == source and row.get("subject", subject) == subject:
                return name
    return "train"


def _canvases(folder: Path, row: Mapping[str, str]) -> Iterator[Image]:
    for piece in slices_of(folder, row):
        canvas = to_canvas(piece, CANVAS, transpose=piece.phase_encoding == "ROW").image
        if float((canvas > 0.1).mean()) >= LEAST_FILLED:
            yield canvas


def slices_of(folder: Path, row: Mapping[str, str]) -> Iterator[Slice]:
    """Read the slices of a row of the manifest at their native matrix."""
    path = folder / row["path"]
    return _dicom(path) if row["format"] == "DICOM" else nifti_slices(path, row["slice_axis"])


def _dicom(path: Path) -> Iterator[Slice]:
    try:
        yield Slice.from_dataset(pydicom.dcmread(path))
    except UnreadableImage as unreadable:
        print(f"left out: {path.name}: {unreadable}")


def nifti_slices(path: Path, axis: str) -> Iterator[Slice]:
    """Return the slices of a volume along an axis (default: the last)."""
    from nibabel.loadsave import load  # noqa: PLC0415  needed where there are such files, and only to train

    image: Any = load(path)
    volume = np.asarray(image.dataobj, dtype=np.float32)
    volume = volume.reshape(volume.shape[:3])
    through = int(float(axis or 2))
    rows, columns = (size for k, size in enumerate(image.header.get_zooms()[:3]) if k != through)
    for piece in np.moveaxis(volume, through, 0):
        yield Slice.from_array(np.ascontiguousarray(piece), (float(rows), float(columns)))


def _stored(image: Image) -> NDArray[np.uint16]:
    return (np.clip(image, 0, 1) * STORED_SCALE + 0.5).astype(np.uint16)


def varied(rng: Rng, image: Image) -> Image:
    """Return a clean canvas as another patient might fill it: turned, mirrored, magnified, with another contrast."""
    out = np.rot90(image, int(rng.integers(4)))
    if rng.random() < 0.5:
        out = out[:, ::-1]
    size = image.shape[0]
    angle, zoom = float(rng.normal(0, 6)), uniform(rng, 0.78, 1.12)
    matrix = np.array(cv2.getRotationMatrix2D((size / 2, size / 2), angle, zoom), dtype=np.float64)
    matrix[:, 2] += rng.normal(0, 6, 2)
    moved = cv2.warpAffine(np.ascontiguousarray(out), matrix, (size, size), flags=cv2.INTER_LINEAR)
    if rng.random() < ODD_SHARE:
        moved = odd(rng, np.asarray(np.maximum(moved, 0), dtype=np.float32))
    bent = np.maximum(moved, 0) ** uniform(rng, 0.75, 1.35)
    if rng.random() < FLOOR_SHARE:  # the mean of noise that a filter has smoothed away
        bent = np.hypot(bent, uniform(rng, 0.01, 0.06))
    return np.asarray(bent, dtype=np.float32)
