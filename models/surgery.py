"""Which channels the others can speak for, and how these take their part over: the Optimal Brain Surgeon, by channels.

Who reads a channel that goes can read what is correlated with it instead. The error that is left of a reader's answers,
its other weights being corrected by least squares, is |w|^2 / (G^-1)_cc for a channel c with the weights w and the
products G of the reader's inputs (Hassibi and Stork 1993, for single weights). Channels are eliminated one by one, each
time the one with the least error over all of its readers, relative to what they answer; a twin is the first to go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

RIDGE = 1e-3  # of the mean square of a reader's inputs: what few slices show alike is not taken for alike
PLACES = 64  # of each plane, along an even grid, at which inputs are looked at
LEAST = 1e-12  # keeps a reader that answers nothing from dividing by nothing

Products = Mapping[
    str, Tensor
]  # of each reading layer: mean products of its inputs (inputs, inputs), doubles


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A layer that reads the channels of another one."""

    name: str
    inputs: NDArray[np.intp]  # (channels, places): which of its inputs each channel stands at


def products(network: nn.Module, images: Iterable[Tensor]) -> Products:
    """Return the mean products of what each layer reads, over images (n, 1, 256, 256)."""
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}

    def watch(name: str, layer: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def note(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            rows = _rows(inputs[0]).double()
            sums[name] = sums.get(name, 0.0) + rows.T @ rows
            counts[name] = counts.get(name, 0) + len(rows)

        return layer.register_forward_pre_hook(note)

    hooks = [
        watch(name, layer)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    try:
        with torch.no_grad():
            for image in images:
                network(image)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: _ridged(total / counts[name]) for name, total in sums.items()}


def _rows(inputs: Tensor) -> Tensor:
    """Return (samples, inputs) of what a layer reads."""
    if inputs.dim() == 2:
        return inputs
    step = max(1, inputs.shape[-1] * inputs.shape[-2] // PLACES)
    return inputs.flatten(2)[:, :, step // 2 :: step].transpose(1, 2).flatten(0, 1)


def _ridged(square: Tensor) -> Tensor:
    return square + (RIDGE * square.diagonal().mean() + LEAST) * torch.eye(len(square)).double()


def eliminated(network: nn.Module, readers: Iterable[Reader], seen: Products) -> NDArray[np.float64]:
    """Return what each channel (channels,) costs when it goes: higher for those that go later."""
    parts = [part for reader in readers for part in _parts(network, reader, seen)]
    channels = len(parts[0].weights)
    worth = np.zeros(channels)
    left = list(range(channels))
    dearest = 0.0
    while left:
        errors = torch.stack([part.errors() for part in parts]).sum(0)[left]
        goes = left[int(errors.argmin())]
        dearest = max(dearest, float(errors.min()))
        worth[goes] = dearest
        left.remove(goes)
        for part in parts:
            part.without(goes)
    return worth


@dataclass(slots=True, eq=False)
class _Part:
    """One place at which a reader reads every channel."""

    weights: Tensor  # (channels, what the reader makes of it)
    inverse: Tensor  # (channels, channels) of the products
    answers: float  # mean square of all that the reader answers

    def errors(self) -> Tensor:
        return self.weights.square().sum(1) / self.inverse.diagonal().clamp(min=LEAST) / self.answers

    def without(self, channel: int) -> None:
        """Let the others take a channel's part over."""
        column = self.inverse[:, channel] / self.inverse[channel, channel]
        self.weights = self.weights - column[:, None] * self.weights[channel]
        self.inverse = self.inverse - column[:, None] * self.inverse[channel]


def _parts(network: nn.Module, reader: Reader, seen: Products) -> Iterable[_Part]:
    weight = _weight(network, reader.name).detach().double()
    square = seen[reader.name]
    flat = weight.flatten(2).permute(1, 0, 2).flatten(1) if weight.dim() == 4 else weight.T  # (inputs, ...)
    answers = float(((square @ flat) * flat).sum()) + LEAST
    for place in reader.inputs.T:
        index = torch.from_numpy(place)
        yield _Part(flat[index].clone(), torch.linalg.inv(square[index][:, index]), answers)


def hand_over(
    network: nn.Module, goes: Iterable[tuple[Iterable[Reader], NDArray[np.intp]]], seen: Products
) -> None:
    """Correct the weights of all readers, in place, for the channels that will be gone."""
    gone: dict[str, list[NDArray[np.intp]]] = {}
    for readers, channels in goes:
        for reader in readers:
            gone.setdefault(reader.name, []).append(reader.inputs[channels].ravel())
    for name, inputs in gone.items():
        weight = _weight(network, name)
        lost = torch.from_numpy(np.unique(np.concatenate(inputs)))
        kept = torch.from_numpy(np.setdiff1d(np.arange(weight.shape[1]), lost.numpy()))
        square = seen[name]
        share = torch.linalg.solve(square[kept][:, kept], square[kept][:, lost]).to(
            weight.dtype
        )  # (kept, lost)
        with torch.no_grad():
            weight[:, kept] += torch.tensordot(weight[:, lost], share, dims=([1], [1])).movedim(-1, 1)


def _weight(network: nn.Module, name: str) -> Tensor:
    return network.get_parameter(f"{name}.weight")
