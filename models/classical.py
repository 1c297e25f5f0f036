"""What classical metrics alone would tell: a logistic regression on the evidence of `inference.signal`.

The peer that a network has to beat. Fitted on validation slices only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.image import Slice
from inference.postprocess import body_of
from inference.preprocess import to_canvas
from inference.signal import measure
from models.metrics import Bits, Floats
from models.modelcard import CANVAS
from models.operating import sigmoid
from models.trial import Trial
from models.visibility import Image

RIDGE = 3.0
STEPS = 30
TAILS = (1.0, 99.0)  # percentiles at which a metric is clipped


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The metrics of n slices."""

    values: Floats  # (n, metrics), NaN where one does not apply


def evidence(trial: Trial) -> Evidence:
    """Return the metrics of the slices of a trial."""
    return Evidence(np.array([_metrics(slot["image"][()].astype(np.float32)) for slot in trial.slots]))


def _metrics(image: Image) -> list[float]:
    one = Slice.from_array(image, phase_encoding="COL")
    canvas = to_canvas(one, CANVAS)
    readings = measure(one, body_of(canvas))
    return [float("nan") if reading.value is None else reading.value for reading in readings]


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """The regression of one yes or no."""

    scale: tuple[Floats, Floats, Floats, Floats]  # lowest, highest, mean and SD of each metric
    weights: Floats  # (features,)

    def __call__(self, found: Evidence) -> Floats:
        """Return the log odds (n,)."""
        return np.asarray(_features(found.values, self.scale) @ self.weights, dtype=np.float64)


def fit(found: Evidence, truth: Bits) -> Baseline:
    """Return the ridge regression (Newton's method) of `truth` (n,) on the metrics, their squares and their absence."""
    never = np.isnan(found.values).all(
        axis=0
    )  # a metric that never applied says nothing, whatever it is elsewhere
    known = np.where(never, 0.0, found.values)
    low, high = np.nanpercentile(known, TAILS, axis=0)
    clipped = np.clip(known, low, high)
    spread = np.nanstd(clipped, axis=0)
    scale = (low, high, np.nanmean(clipped, axis=0), np.where(spread > 0, spread, 1.0))
    x = _features(found.values, scale)
    weights = np.zeros(x.shape[1])
    ridge = np.full(x.shape[1], RIDGE)
    ridge[-1] = 1e-3  # the constant
    for _ in range(STEPS):
        said = sigmoid(x @ weights)
        curvature = (x * np.maximum(said * (1 - said), 1e-6)[:, None]).T @ x + np.diag(ridge)
        weights = weights - np.linalg.solve(curvature, x.T @ (said - truth) + ridge * weights)
    return Baseline(scale, weights)


def _features(values: Floats, scale: tuple[Floats, Floats, Floats, Floats]) -> Floats:
    low, high, centre, spread = scale
    absent: NDArray[np.bool_] = np.isnan(values)
    plain = np.where(absent, 0.0, (np.clip(values, low, high) - centre) / spread)
    return np.concatenate([plain, plain**2, absent, np.ones((len(values), 1))], axis=1)
