"""What a network costs: parameters, multiplications, and energy by the model of Yang, Chen and Sze (CVPR 2017).

Energy is in units of one multiply-accumulate. A datum costs by where it comes from, with the ratios that Chen, Krishna,
Emer and Sze (JSSC 2017) measured: register 1, on-chip buffer 6, DRAM 200. Each multiply-accumulate moves four data
through registers; a feature map is written and read once, through the buffer if it fits; weights come from DRAM once a
slice.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.modelcard import CANVAS
from models.network import Network

REGISTER, BUFFER, DRAM = 1.0, 6.0, 200.0
MOVES = 4  # weight, activation, partial sum in and out
BUFFER_BYTES = 1 << 20  # the second-level cache of one core
WORD = 4  # bytes of a datum


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one slice."""

    parameters: int
    macs: int
    energy: float

    def times(self, looks: int) -> "Cost":
        """Return the cost of so many looks at a slice."""
        return Cost(self.parameters, self.macs * looks, self.energy * looks)

    def share_of(self, full: "Cost") -> tuple[float, float]:
        """Return which share of the parameters and of the energy of another network this is."""
        return self.parameters / full.parameters, self.energy / full.energy


def cost_of(network: Network) -> Cost:
    """Count a network's costs for one slice; layers without weights (the transform too) count by their arithmetic."""
    macs: list[int] = []
    energy: list[float] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        weights = layer.weight.numel()
        done = output.numel() * (weights // output.shape[1])
        moved = sum(tensor.numel() * _fetch(tensor) for tensor in (inputs[0], output))
        macs.append(done)
        energy.append(done * (1 + MOVES * REGISTER) + moved + weights * DRAM)

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, 1, CANVAS, CANVAS, device=next(network.parameters()).device))
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    fixed = 2 * CANVAS * CANVAS * CANVAS // 2 + 4 * (CANVAS // 2) * CANVAS * (CANVAS // 2)  # of the spectrum
    return Cost(
        parameters=sum(weight.numel() for weight in network.parameters()),
        macs=sum(macs) + fixed,
        energy=sum(energy) + fixed * (1 + MOVES * REGISTER),
    )


def _fetch(tensor: Tensor) -> float:
    return BUFFER if tensor.numel() * WORD <= BUFFER_BYTES else DRAM
