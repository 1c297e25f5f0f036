"""Eye: slices in, scores and masks out. The one way from `Slice` to `SliceScore`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from inference import looks
from inference.card import Card
from inference.explain import Explanation, explain
from inference.image import Slice
from inference.masks import MaskStack
from inference.postprocess import Answer, score_of, stack_of
from inference.preprocess import Canvas, from_canvas, orientations, to_canvas
from inference.score import SliceScore
from inference.segmenter import Prediction, Provider, Segmenter

__all__ = ["Examined", "Eye", "MaskStack"]

CPU_BATCH = 4  # slices whose canvases and masks are held at a time where the network runs one by one


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """What was seen on one slice."""

    score: SliceScore
    masks: MaskStack


class Eye:
    """A model at work."""

    def __init__(self, card: Card, *, provider: Provider = "auto", threads: int = 0) -> None:
        """Load the model (see `Segmenter`). Raises UnfitModel."""
        self.card = card
        self._segmenter = Segmenter(card, provider=provider, threads=threads)

    @property
    def provider(self) -> str:
        """The execution provider that is really in use."""
        return self._segmenter.provider

    @property
    def model(self) -> str:
        """Name, version and the beginning of the hash."""
        return self.card.title

    @property
    def batch(self) -> int:
        """How many slices are worth handing over at a time."""
        return max(CPU_BATCH, self._segmenter.batch)

    def warm(self) -> None:
        """Run the network once. Raises ModelFailed."""
        self._segmenter.warm()

    def examine(self, slices: Sequence[Slice]) -> list[Examined]:
        """Score slices; they may differ in matrix. Raises ModelFailed: no answer is never a good answer.

        Where the header does not tell the phase-encoding direction both orientations are shown to the network, and
        `looks` joins what it says. A class is located the way that finds it more probable; a slice that is familiar
        one way is familiar.
        """
        examined: list[Examined] = []
        for start in range(0, len(slices), self.batch):
            examined += self._examine(slices[start : start + self.batch])
        return examined

    def explain(self, image: Slice) -> Explanation:
        """Show where the reasons for a slice's suitability lie, in some 250 looks at it. Raises ModelFailed."""
        asked = partial(self.suitability, ways=len(orientations(image)))
        return explain(image, asked, self.card.size, percentile=self.card.percentile)

    def suitability(self, canvases: npt.NDArray[np.float32], ways: int = 1) -> list[float]:
        """Give the calibrated suitability of canvases (n, 1, size, size), shown one way or both. Raises ModelFailed."""
        shown = (canvases, canvases.swapaxes(2, 3))[:ways]
        said = np.stack([self._segmenter(each).suitability for each in shown], axis=1)
        return [looks.suitability(of_one, self.card) for of_one in said]

    def _examine(self, slices: Sequence[Slice]) -> list[Examined]:
        canvases = [tuple(self._canvases(image)) for image in slices]
        stacked = np.stack([canvas.image for each in canvases for canvas in each])[:, None]
        prediction = self._segmenter(stacked)
        examined: list[Examined] = []
        place = 0
        for image, ways in zip(slices, canvases, strict=True):
            answer = _answer(prediction, place, ways, self.card)
            place += len(ways)
            score = score_of(answer, ways[0], self.card, image)
            examined.append(Examined(score, stack_of(answer, self.card)))
        return examined

    def _canvases(self, image: Slice) -> Iterator[Canvas]:
        for transpose in orientations(image):
            yield to_canvas(image, self.card.size, transpose=transpose, percentile=self.card.percentile)


def _answer(prediction: Prediction, place: int, ways: Sequence[Canvas], card: Card) -> Answer:
    """Bring the answers for one slice back to its orientation, and join them."""
    rows = slice(place, place + len(ways))
    masks = np.stack(
        [from_canvas(canvas, mask) for canvas, mask in zip(ways, prediction.masks[rows], strict=True)]
    )
    found = prediction.presence[rows].argmax(axis=0)  # (classes,)
    return Answer(
        masks=masks[found, np.arange(len(found))],
        presence=looks.presence(prediction.presence[rows], card),
        suitability=looks.suitability(prediction.suitability[rows], card),
        outlier=float(prediction.outlier[rows].min()),
    )
