"""Burned-in text: does a frame show what its header does not admit? This finds out.

A small convolutional network says for each cell of 4 x 4 pixels whether it lies in a line of text. It is trained by
`models/train_lettering.py` on text drawn over real slices, and measured by `benchmarks/bench_burned_in.py`. It runs in
OpenCV: some 2 ms of one core for 256 x 256 pixels, twice that where values lie far beyond the window of the tissue.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from inference.decoding import stored_values
from inference.text import Text

REASON = Text("text is burned into the pixels", "in die Pixel ist Schrift eingebrannt")
WEIGHTS = Path(__file__).parent / "burned_in.onnx"
CELL = 4  # px: the network's stride
RUN = 5  # cells in a row that a line of text has at least
THRESHOLD = 0.9  # of the mean over RUN cells; chosen on sources that the weights have not seen
_WINDOW = (1.0, 99.5)  # percentiles that become 0 and 1
_FAR = 1.5  # widths of the window
_LARGEST = 1024  # px of the longer side; larger frames are made smaller first

Frame = npt.NDArray[np.float32]


class TextDetector:
    """Looks for text; one for each thread, for the network keeps its last answer."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network: Any = cv2.dnn.readNetFromONNX(np.frombuffer(weights.read_bytes(), np.uint8))

    def shows_text(self, ds: Dataset, frame: int) -> bool:
        """Tell whether a frame (1-based) shows text. Raises UnreadableImage.

        Stored values are looked at, and not the magnitude: what a header calls padding may be text too.
        """
        return self.evidence(stored_values(ds, frame - 1)) >= THRESHOLD

    def evidence(self, stored: npt.ArrayLike) -> float:
        """Give the evidence for text, 0..1, in an image (rows, columns) of any scale."""
        image = np.asarray(stored, np.float32)
        return max(evidence(self.cells(normalised(image, window))) for window in windows(image))

    def cells(self, image: Frame) -> Frame:
        """Give the probability of text for each cell of a normalised image."""
        self._network.setInput(image[None, None])
        return np.asarray(self._network.forward()[0, 0], np.float32)


def windows(image: Frame) -> list[tuple[float, float]]:
    """Give what is to become 0 and 1: two percentiles and, where values lie far beyond them, the extremes too."""
    low, high = (float(value) for value in np.percentile(image[::2, ::2], _WINDOW))
    least, most = float(image.min()), float(image.max())
    if high <= low:
        return [(least, most)]
    return [(low, high), (least, most)] if most - least > _FAR * (high - low) else [(low, high)]


def normalised(image: Frame, window: tuple[float, float] | None = None) -> Frame:
    """Clip to a window, by default the first of `windows`, scale to 0..1 and pad with zeros to whole cells."""
    low, high = windows(image)[0] if window is None else window
    grey = np.clip((image - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
    shrink = _LARGEST / max(grey.shape)
    if shrink < 1:
        size = max(1, round(grey.shape[1] * shrink)), max(1, round(grey.shape[0] * shrink))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
    down, right = (-side % (2 * CELL) for side in grey.shape)
    return np.pad(grey, ((0, down), (0, right)))


def evidence(cells: Frame) -> float:
    """Give the highest mean probability over RUN cells in a row or in a column."""
    runs = (cv2.blur(cells, size, borderType=cv2.BORDER_CONSTANT) for size in ((RUN, 1), (1, RUN)))
    return max(float(run.max()) for run in runs)
