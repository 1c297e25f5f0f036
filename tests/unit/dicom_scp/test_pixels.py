"""An overlay in bits of the pixels goes; the pixels' own bits stay as they are."""

from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import RLELossless

from dicom_scp.errors import NotUnderstood, Skipped
from tests.series import mr_series
from tests.unit.dicom_scp.encodings import cleaned

OVERLAY = np.uint16(0x8000)  # bit 15 of pixels that have twelve


def with_overlay(*, signed: bool = False, said: bool = True) -> tuple[Dataset, np.ndarray]:
    """Give an object with an overlay over every other pixel, and its own pixels."""
    (ds,) = mr_series(slices=1)
    pixels = ds.pixel_array.astype(np.int16)
    if signed:
        ds.PixelRepresentation = 1
        pixels = (pixels - 600).clip(-2048, 2047)
    stored = pixels.view(np.uint16) & 0x0FFF
    stored[::2] |= OVERLAY
    ds.PixelData = stored.tobytes()
    if said:
        ds.add_new(0x60000010, "US", ds.Rows)
        ds.add_new(0x60000011, "US", ds.Columns)
        ds.add_new(0x60000040, "CS", "G")
        ds.add_new(0x60000100, "US", 16)
        ds.add_new(0x60000102, "US", 15)
    return ds, pixels


def pixels_of(content: bytes) -> np.ndarray:
    ds = dcmread(BytesIO(content))
    assert not [element for element in ds if element.tag.group & 0xFF00 == 0x6000]
    kind = "<i2" if ds.PixelRepresentation else "<u2"
    return np.frombuffer(ds.PixelData, kind).reshape(ds.Rows, ds.Columns)


@pytest.mark.parametrize("signed", [False, True])
def test_an_overlay_in_unused_bits_is_cleared(signed: bool) -> None:
    ds, own = with_overlay(signed=signed)
    assert (pixels_of(cleaned(ds).content) == own).all()


def test_pixels_stay_byte_for_byte_where_no_overlay_is_announced() -> None:
    ds, _ = with_overlay(said=False)
    assert dcmread(BytesIO(cleaned(ds).content)).PixelData == ds.PixelData


def test_an_overlay_in_compressed_pixels_is_not_taken() -> None:
    ds, _ = with_overlay()
    with pytest.raises(Skipped, match="overlay"):
        cleaned(ds, RLELossless)


def test_bits_that_do_not_fit_together_are_not_understood() -> None:
    ds, _ = with_overlay()
    ds.BitsStored, ds.HighBit = 16, 11
    with pytest.raises(NotUnderstood, match="bits"):
        cleaned(ds)
