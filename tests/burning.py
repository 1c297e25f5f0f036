"""Text burned into pixels, as an export or a screen capture leaves it."""

import cv2
import numpy as np
import numpy.typing as npt


def burnt(
    image: npt.NDArray[np.float32],
    text: str,
    *,
    value: float = 4095.0,
    at: tuple[int, int] = (6, 20),
    scale: float = 0.42,
) -> npt.NDArray[np.float32]:
    """Write over a copy of an image: the baseline begins `at` (column, row)."""
    alpha = np.zeros(image.shape, np.uint8)
    cv2.putText(alpha, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 1, cv2.LINE_AA)
    share = alpha.astype(np.float32) / 255
    return np.asarray(image * (1 - share) + value * share, np.float32)
