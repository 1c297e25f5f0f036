"""The mask definition, held against worked cases on a numerical phantom."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models import visibility
from models.classes import CLASSES
from models.visibility import Ground, Image

VECTORS = np.load(Path(__file__).parent / "data" / "mask_vectors.npz")


class Case:
    """One worked case; uint16 arrays are value x 4096."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, key: str) -> Image:
        stored = VECTORS[f"{self.name}/{key}"]
        return stored.astype(np.float32) / np.float32(4096 if stored.dtype == np.uint16 else 1)

    def truth(self, key: str) -> NDArray[np.bool_]:
        return np.asarray(VECTORS[f"{self.name}/{key}"], dtype=bool)


def visibility_of(case: Case, where: Ground) -> Image:
    match case.name:
        case "bias":
            return visibility.bias_visibility(case["gain"], where)
        case "noise":
            return visibility.noise_visibility(case["sigma"], where)
        case "susceptibility":
            return visibility.susceptibility_visibility(case["shift"], case["loss"], where)
        case name:
            return visibility.difference_visibility(name, case["before"], case["after"], where)


def iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    return float((first & second).sum() / (first | second).sum())


def ground(case: Case) -> Ground:
    return visibility.ground(case.truth("body"), float(case["S"]), case["signal"], case["sigma"])


@pytest.mark.parametrize("name", CLASSES)
def test_visibility_mask_and_band_of_every_class_follow_from_the_images(name: str) -> None:
    case = Case(name)

    seen = visibility_of(case, ground(case))

    assert iou(visibility.mask_of(seen), case.truth("mask")) >= 0.99
    assert iou(visibility.band_of(seen), case.truth("band")) >= 0.99
    assert np.allclose(seen, case["E"], rtol=0.02, atol=0.005)  # the images are rounded to 1 / 4096


@pytest.mark.parametrize("name", CLASSES)
def test_suitability_is_the_similarity_of_every_class_to_its_clean_reference(name: str) -> None:
    case = Case(name)

    measured = visibility.similarity(case["image"], case["reference"], case.truth("body"))

    assert measured == pytest.approx(tuple(case["ssim"]), abs=0.0005)


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "fatsat"])
def test_the_body_of_every_class_is_found_in_the_magnitude_before_artifacts(name: str) -> None:
    case = Case(name)
    # The reference of chemshift holds the shift, which a protocol brings with it: its own image before does not.
    magnitude = case["before" if name == "chemshift" else "reference"]

    assert iou(visibility.find_body(magnitude), case.truth("body")) >= (1 if name == "chemshift" else 0.995)


def test_suppressed_fat_is_part_of_the_body_that_was_found_before() -> None:
    case = Case("fatsat")  # its images are all suppressed, the body is of the one before
    left = visibility.find_body(case["reference"])

    assert not (left & ~case.truth("body")).any()
    assert left.sum() < 0.9 * case.truth("body").sum()


@pytest.mark.parametrize("name", ["motion", "flow", "chemshift"])  # nothing but the phase comes before these
def test_the_level_is_the_median_magnitude_in_the_body_before_artifacts(name: str) -> None:
    case = Case(name)

    assert float(np.median(case["before"][case.truth("body")])) == pytest.approx(float(case["S"]), rel=0.001)


def test_an_empty_image_has_no_body_and_is_its_own_likeness() -> None:
    empty = np.zeros((64, 64), dtype=np.float32)

    assert not visibility.find_body(empty).any()
    assert visibility.similarity(empty, empty, visibility.find_body(empty)) == (1.0, 1.0)


def test_what_stays_below_the_band_gives_an_empty_mask() -> None:
    assert not visibility.mask_of(np.full((32, 32), 0.69, dtype=np.float32)).any()
    assert visibility.band_of(np.full((32, 32), 1.39, dtype=np.float32)).all()
