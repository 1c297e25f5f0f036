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


@pytest.mark.parametrize("name", CLASSES)
def test_the_mask_of_every_class_follows_from_the_images(name: str) -> None:
    case = Case(name)
    where = visibility.ground(case.truth("body"), float(case["S"]), case["signal"], case["sigma"])

    mask = visibility.mask_of(visibility_of(case, where))

    assert iou(mask, case.truth("mask")) >= 0.99


@pytest.mark.parametrize("name", ["motion", "wrap", "spike", "noise", "bias", "fatsat"])
def test_suitability_is_the_similarity_to_the_clean_reference(name: str) -> None:
    case = Case(name)

    measured = visibility.similarity(case["image"], case["reference"], case.truth("body"))

    assert measured == pytest.approx(tuple(case["ssim"]), abs=0.003)


@pytest.mark.parametrize("name", ["ghost", "noise", "spike", "zipper", "bias"])
def test_the_body_is_found_in_the_image_before_artifacts(name: str) -> None:
    case = Case(name)

    assert iou(visibility.find_body(case["reference"]), case.truth("body")) >= 0.99


def test_an_empty_image_has_no_body_and_is_its_own_likeness() -> None:
    empty = np.zeros((64, 64), dtype=np.float32)

    assert not visibility.find_body(empty).any()
    assert visibility.similarity(empty, empty, visibility.find_body(empty)) == (1.0, 1.0)


def test_what_stays_below_the_band_gives_an_empty_mask() -> None:
    assert not visibility.mask_of(np.full((32, 32), 0.69, dtype=np.float32)).any()
    assert visibility.band_of(np.full((32, 32), 1.39, dtype=np.float32)).all()
