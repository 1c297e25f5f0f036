"""Detectors of what the eye misses after resampling: spikes in k-space, zippers in air; both on the native matrix."""

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

CENTRE = 0.03  # of the sampling rate: anatomy's own peaks lie nearer to the centre of k-space
FLOOR = 1e-12  # of the strongest sample's power: what rounding leaves
AXES = 2  # samples beside the axes, where the edges of the field of view leave their lines
SURROUNDINGS = 5  # samples; OpenCV's median of floats takes no more
NEIGHBOURS = 9  # lines whose median a line is compared with
LEAST_ACROSS = 24  # air pixels on a line for its mean to count
LEAST_LINES = 24
EVEN = 0.005  # of the signal: air whose lines agree better than that is no evener than ghosts leave it


def spike_db(image: Image) -> float:
    """Give by how many dB the most outstanding sample of k-space tops the median of its surroundings.

    The medians are widened, so that neither the fall-off from the centre nor the edge of zero-filled k-space counts.
    A pure noise image gives about 8 dB.
    """
    space = np.fft.fftshift(np.fft.rfft2(image), axes=0)
    power = space.real**2 + space.imag**2
    decibels = (
        10.0 / float(np.log(10.0)) * np.asarray(cv2.log(power + np.float32(FLOOR * float(power.max()))))
    )
    middle = np.asarray(cv2.medianBlur(decibels, SURROUNDINGS))
    reference = np.asarray(cv2.dilate(middle, np.ones((SURROUNDINGS, SURROUNDINGS), np.uint8)))
    down, across = np.arange(len(space)) - len(space) // 2, np.arange(space.shape[1])
    far = (down / image.shape[0])[:, None] ** 2 + (across / image.shape[1])[None, :] ** 2 > CENTRE**2
    counted = far & (np.abs(down) > AXES)[:, None] & (across > AXES)[None, :]
    return float((decibels - reference)[counted].max()) if counted.any() else 0.0


def zipper_score(image: Image, air: Mask, level: float) -> float | None:
    """Give how far the brightest row or column in air stands out, in robust SD; None where too few cross the air.

    `level` is the signal of the body.
    """
    found = [_lines(image, air, level), _lines(image.T, air.T, level)]
    return max((score for score in found if score is not None), default=None)


def _lines(image: Image, air: Mask, level: float) -> float | None:
    """Compare the mean over air of each column with the median of its neighbours."""
    counts = air.sum(axis=0)
    crossing = counts >= LEAST_ACROSS
    if int(crossing.sum()) < LEAST_LINES:
        return None
    means = np.einsum("ij,ij->j", image, air)[crossing] / counts[crossing]
    padded = np.pad(means, NEIGHBOURS // 2, mode="reflect")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, NEIGHBOURS), axis=1)
    excess = means - around
    spread = max(float(np.median(np.abs(excess))) / 0.6745, EVEN * level)
    return float(excess.max()) / spread
