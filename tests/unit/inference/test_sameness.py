"""The same image in another encoding is the same; other values, another place or another meaning are not."""

from copy import deepcopy

import pytest
from pydicom import Dataset

from inference.sameness import same_image
from tests.compressed import LOSSLESS, compressed
from tests.series import mr_series


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("enhanced", [False, True])
def test_a_compressed_image_is_the_same_image(syntax: str, *, enhanced: bool) -> None:
    plain = mr_series(slices=2, enhanced=enhanced)[-1]
    assert same_image(plain, compressed(plain, syntax))


def changed(ds: Dataset, keyword: str, value: object) -> Dataset:
    other = deepcopy(ds)
    setattr(other, keyword, value)
    return other


def test_another_value_place_or_meaning_makes_another_image() -> None:
    plain = mr_series(slices=1)[0]
    one_more = bytes([plain.PixelData[0] ^ 1]) + plain.PixelData[1:]
    assert same_image(plain, deepcopy(plain))
    assert not same_image(plain, changed(plain, "PixelData", one_more))
    assert not same_image(plain, changed(plain, "PixelData", b""))
    assert not same_image(plain, changed(plain, "RescaleSlope", 2.0))
    assert not same_image(plain, changed(plain, "PhotometricInterpretation", "MONOCHROME1"))
    assert not same_image(plain, changed(plain, "ImagePositionPatient", [1.0, 2.0, 3.0]))
