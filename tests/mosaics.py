"""A Siemens mosaic of a phantom volume: its slices as tiles of one picture, with the header that tells of them."""

from copy import deepcopy
from math import ceil, sqrt
from struct import pack

import numpy as np
from pydicom import Dataset

from tests.series import Volume, mr_series, uid


def mosaic_series(
    volume: Volume, *, repetitions: int = 1, key: str = "mosaic", csa: bool = True
) -> list[Dataset]:
    """Tile ``volume`` (slices, rows, columns); one object for each repetition.

    Args:
        volume: stored values, uint16.
        repetitions: how often it was acquired; each is the same picture under its own acquisition number.
        key: other words give other series.
        csa: whether the number of images stands in the CSA header, else in (0019,100A).

    """
    slices, rows, columns = volume.shape
    side = ceil(sqrt(slices))
    picture = np.zeros((side * rows, side * columns), np.uint16)
    for n, image in enumerate(volume):
        row, column = divmod(n, side)
        picture[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns] = image
    (one,) = mr_series(pixels=volume[:1], key=key)
    out: list[Dataset] = []
    for repetition in range(1, repetitions + 1):
        ds = deepcopy(one)
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid(key, "mosaic", repetition)
        ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
        ds.ScanningSequence = "EP"
        ds.InstanceNumber = ds.AcquisitionNumber = repetition
        _picture(ds, one, picture, (rows, columns))
        _number_of_images(ds, slices, csa=csa)
        out.append(ds)
    return out


def _picture(ds: Dataset, one: Dataset, picture: Volume, tile: tuple[int, int]) -> None:
    """Put the picture in, at the place of a fictitious slice of its size that is centred on the first one."""
    down, across = (float(value) for value in one.PixelSpacing)
    left, top, height = (float(value) for value in one.ImagePositionPatient)
    shift = (picture.shape[1] - tile[1]) / 2 * across, (picture.shape[0] - tile[0]) / 2 * down
    ds.ImagePositionPatient = [left - shift[0], top - shift[1], height]
    ds.Rows, ds.Columns = picture.shape
    ds.SmallestImagePixelValue, ds.LargestImagePixelValue = 0, int(picture.max())
    ds.PixelData = picture.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"


def _number_of_images(ds: Dataset, count: int, *, csa: bool) -> None:
    if not csa:
        ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", count)
        return
    text = str(count).encode().ljust(16, b"\0")
    head = pack("<64sl4slll", b"NumberOfImagesInMosaic", 1, b"US\0\0", 6, 1, 77)
    elements = pack("<2l", 1, 77) + head + pack("<4l", 16, 16, 77, 16) + text
    ds[0x0029, 0x1010].value = b"SV10\x04\x03\x02\x01" + elements
