"""Do two objects hold the same image, whatever its encoding? Their decoded values and their places say."""

from pydicom.dataset import Dataset

from inference.decoding import UnreadableImage, stored_values
from inference.header import BROKEN, integer

# What the numbers mean, and where they lie: of the object, or by its functional groups (PS3.3, C.7.6.2 and C.7.6.16)
_SAME = (
    *("SOPClassUID", "Rows", "Columns", "NumberOfFrames", "PhotometricInterpretation"),
    *("RescaleSlope", "RescaleIntercept", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
)


def same_image(one: Dataset, other: Dataset) -> bool:
    """Tell whether two clean data sets show the same at the same place; what cannot be read is never the same.

    Decodes frame by frame up to the first that differs. Raises NoDecoder where a decoder cannot be had now.
    """
    try:
        if any(one.get(keyword) != other.get(keyword) for keyword in _SAME):
            return False
        frames = range(integer(one, "NumberOfFrames") or 1)
        return all((stored_values(one, n) == stored_values(other, n)).all() for n in frames)
    except (UnreadableImage, *BROKEN):
        return False
