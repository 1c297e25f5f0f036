"""Mosaics are taken apart into the slices that they were made of."""

from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from dicom_scp.deidentify import Deidentifier
from dicom_scp.identity import KeyRing
from inference.guard import unsuited
from inference.image import Slice, UnreadableImage
from inference.mosaic import mosaic_of
from inference.places import parts_of
from inference.stacks import stacks_of
from tests.mosaics import mosaic_series
from tests.series import head, mr_series
from tests.unit.dicom_scp.encodings import encoded

VOLUME = head(7, 64, 80)
DEIDENTIFY = Deidentifier(KeyRing.ephemeral())


def cleaned(ds):
    """What the worker sees of an object that came through the door."""
    return dcmread(BytesIO(DEIDENTIFY(encoded(ds), ExplicitVRLittleEndian).content))


@pytest.fixture(params=[True, False], ids=["CSA header", "(0019,100A)"])
def mosaic(request):
    return cleaned(mosaic_series(VOLUME, csa=request.param)[0])


def test_each_tile_is_a_slice_with_its_own_pixels_and_place(mosaic):
    parts = parts_of(mosaic, 1)
    assert [(part.frame, part.tile) for part in parts] == [(1, tile) for tile in range(1, 8)]
    for n, ds in enumerate(mr_series(pixels=VOLUME)):
        single, tile = Slice.from_dataset(ds), Slice.from_dataset(mosaic, 1, n + 1)
        assert np.array_equal(tile.pixels, single.pixels)
        assert tile.place.plane.corner == pytest.approx(single.plane.corner, abs=1e-3)
        assert tile.place.plane.extent == pytest.approx(single.plane.extent)
        assert tile.place == parts[n].place


def test_a_tile_knows_its_part_of_the_picture(mosaic):
    whole = mosaic.pixel_array
    for tile in range(1, 8):
        left, top, right, bottom = Slice.from_dataset(mosaic, 1, tile).region
        assert np.array_equal(whole[top:bottom, left:right], VOLUME[tile - 1])


def test_a_mosaic_is_scored_by_the_size_of_its_tiles(mosaic):
    assert unsuited(mosaic) == ""
    small = cleaned(mosaic_series(head(9, 48, 48))[0])
    assert unsuited(small) == "the matrix is smaller than 64 x 64"


def test_repetitions_are_volumes():
    objects = [cleaned(ds) for ds in mosaic_series(VOLUME, repetitions=3)]
    stacks = stacks_of([part.place for ds in objects for part in parts_of(ds, 1)])
    assert [(stack.volume, len(stack.slices)) for stack in stacks] == [(0, 7), (1, 7), (2, 7)]


@pytest.mark.parametrize(
    ("tiles", "reason"),
    [
        (0, "does not tell how many"),
        (60000, "does not tell how many"),
        (26, "does not hold the images"),  # six by six tiles, of which the picture is no multiple
    ],
)
def test_a_layout_that_cannot_be_known_is_a_reason_and_no_slice(tiles, reason):
    (ds,) = mosaic_series(VOLUME, csa=False)
    ds[0x0019, 0x100A].value = tiles
    ds.Columns = 230
    with pytest.raises(UnreadableImage, match=reason):
        mosaic_of(ds)
    with pytest.raises(UnreadableImage, match=reason):
        Slice.from_dataset(ds, 1, 1)
    assert [part.tile for part in parts_of(ds, 1)] == [0]
    assert reason in unsuited(ds)


@pytest.mark.parametrize("tile", [0, -1, 8, 10**9])
def test_a_tile_that_is_not_there_cannot_be_read(mosaic, tile):
    with pytest.raises(UnreadableImage, match="no such tile"):
        Slice.from_dataset(mosaic, 1, tile)


def test_an_image_is_no_mosaic():
    with pytest.raises(UnreadableImage, match="no mosaic"):
        Slice.from_dataset(mr_series(slices=1)[0], 1, 1)


def test_the_vendors_normal_turns_the_order_of_heights(mosaic):
    block = mosaic.private_block(0x0073, "SCANSIDE")
    block.add_new(0x0D, "FD", [0.0, 0.0, -1.0])
    heights = [Slice.from_dataset(mosaic, 1, tile).plane.height for tile in range(1, 8)]
    assert np.diff(heights) == pytest.approx([-5.0] * 6)
