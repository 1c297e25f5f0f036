"""Segmenter: runs the network; the only module that imports onnxruntime."""

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from inference.card import Card, UnfitModel

Array = npt.NDArray[np.float32]
Provider = Literal["auto", "cpu", "cuda"]

GPU_BATCH = 32
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_OUTPUTS = ("masks", "presence", "suitability", "outlier")


class ModelFailed(Exception):
    """The network gave no valid answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What the network says of n canvases: probabilities, finite and within 0..1, and a distance."""

    masks: Array  # (n, classes, mask size, mask size)
    presence: Array  # (n, classes), not calibrated
    suitability: Array  # (n,), not calibrated
    outlier: Array  # (n,) >= 0: how far from what the model was made with; about 1 is usual


class Segmenter:
    """A released model, loaded on the GPU where there is one, else on the CPU."""

    def __init__(self, card: Card, *, provider: Provider = "auto", threads: int = 0) -> None:
        """Load the model. `threads` 0: as many as there are cores. Raises UnfitModel."""
        self._card = card
        self._session = _session(card.model_bytes(), provider, threads)
        if provider == "cuda" and self.provider != CUDA:
            raise UnfitModel("the CUDA provider was asked for and cannot be used here")
        _check_contract(self._session, card)
        self.batch = GPU_BATCH if self.provider == CUDA else 1  # canvases run at a time

    @property
    def provider(self) -> str:
        """The execution provider that is really in use, which may be the CPU's though another was wished for."""
        return str(self._session.get_providers()[0])

    def warm(self) -> None:
        """Run once, so that the first slice does not wait for kernels and memory. Raises ModelFailed."""
        self(np.zeros((self.batch, 1, self._card.size, self._card.size), np.float32))

    def __call__(self, canvases: Array) -> Prediction:
        """Run the network over canvases (n, 1, size, size).

        On the CPU one at a time: as fast as a batch there, in a tenth of the memory. On the GPU in batches of one
        fixed shape, the last one filled up. Raises ModelFailed on anything but probabilities, and on canvases that are
        not finite: the network may make a probability even of those.
        """
        if not np.isfinite(canvases).all():
            raise ModelFailed("a canvas is not finite")
        parts = [
            self._run(canvases[start : start + self.batch]) for start in range(0, len(canvases), self.batch)
        ]
        if not parts:
            raise ValueError("no canvas was given")
        return Prediction(*(np.concatenate(outputs) for outputs in zip(*parts, strict=True)))

    def _run(self, batch: Array) -> list[Array]:
        count = len(batch)
        if count < self.batch:
            filler = np.zeros((self.batch - count, *batch.shape[1:]), np.float32)
            batch = np.concatenate([batch, filler])
        try:
            outputs = self._session.run(list(_OUTPUTS), {"image": batch})
        except Exception as error:  # onnxruntime's exceptions share no base class but Exception
            raise ModelFailed(f"the runtime gave up ({type(error).__name__})") from error
        answers = [np.asarray(output, np.float32)[:count] for output in outputs]
        *probabilities, outlier = answers
        for values in probabilities:
            # Written so that NaN fails, which compares false with everything.
            if not (values.min() >= -1e-4 and values.max() <= 1.0 + 1e-4):
                raise ModelFailed("an output is not a probability")
        if not (outlier.min() >= 0.0 and np.isfinite(outlier).all()):
            raise ModelFailed("an output is not a distance")
        return answers


def _session(model: bytes, provider: Provider, threads: int) -> ort.InferenceSession:
    """Load from the bytes that were hashed: what was checked is what runs."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A waiting eye leaves the cores alone; where the cores are shared it is even faster so (10 ms for 30).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wished = [CPU] if provider == "cpu" else [CUDA, CPU]
    usable = [name for name in wished if name in ort.get_available_providers()]
    if CUDA in usable:
        with redirect_stdout(sys.stderr):  # it prints, and standard output belongs to results
            ort.preload_dlls()  # CUDA and cuDNN as pip installs them lie where the loader does not look
    if provider == "cuda" and CUDA not in usable:
        raise UnfitModel("the CUDA provider was asked for and is not installed here")
    try:
        return ort.InferenceSession(model, options, providers=usable)
    except Exception as error:  # onnxruntime's exceptions share no base class but Exception
        raise UnfitModel(f"the runtime cannot load the model ({type(error).__name__})") from error


def _check_contract(session: ort.InferenceSession, card: Card) -> None:
    """Hold the model's inputs and outputs against what the card says."""
    classes, mask = len(card.classes), card.mask_size
    expected: dict[str, list[int]] = {
        "image": [1, card.size, card.size],
        "masks": [classes, mask, mask],
        "presence": [classes],
        "suitability": [],
        "outlier": [],
    }
    nodes = (*session.get_inputs(), *session.get_outputs())
    found = {node.name: list(node.shape[1:]) for node in nodes}
    fixed = any(node.type != "tensor(float)" or isinstance(node.shape[0], int) for node in nodes)
    if found != expected or fixed:
        raise UnfitModel("the model's inputs and outputs are not those of its card")
