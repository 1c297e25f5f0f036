"""Make a trained network wider without changing what it says, so that it goes on learning with more channels.

    python -m models.widen CHECKPOINT [CHECKPOINT ...] --out FILE     then models.train --weights FILE

Every channel is doubled, and who reads both copies reads each with a random share of the old weight (Chen, Goodfellow
and Shlens 2016, "Net2Net"): the sums stay, and the copies, which are told apart by who reads them, learn apart. A
network pruned to a quarter is then as large as the one that was begun with.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.learning import averaged, save_compact
from models.network import Network, shape_by

TIMES = 2
SHARES = (0.3, 0.7)  # of a weight that go to the first copy

Places = NDArray[np.intp]  # for each channel of the wide network, that of the narrow one it comes from


def widened(network: Network, seed: int = 0) -> Network:
    """Return a network with twice the channels that says the same."""
    old = dict(network.named_modules())
    wide = Network(shape_by(lambda layer: TIMES * _outputs(old[layer])))
    rng = np.random.default_rng(seed)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    for name, layer in wide.named_modules():
        if isinstance(layer, nn.BatchNorm2d):
            for part in ("weight", "bias", "running_mean", "running_var"):
                state[f"{name}.{part}"] = state[f"{name}.{part}"].repeat(TIMES)
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            weight = state[f"{name}.weight"]
            outputs = _places(layer.weight.shape[0], (weight.shape[0],))
            inputs = _places(layer.weight.shape[1], _segments(name, network, weight.shape[1]))
            state[f"{name}.weight"] = _shared(weight[outputs][:, inputs], inputs, rng)
            if layer.bias is not None:
                state[f"{name}.bias"] = state[f"{name}.bias"][outputs]
    wide.load_state_dict(state)
    return wide.eval()


def _outputs(layer: nn.Module) -> int:
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    return layer.weight.shape[0]


def _segments(name: str, network: Network, inputs: int) -> tuple[int, ...]:
    """Return the lengths of the parts that a layer's input is put together of, each of which is doubled by itself."""
    deep = network.context.in_features - _outputs(network.spectrum.read)
    if name == "context":
        return (deep // 2, deep // 2, inputs - deep)
    if name == "global_head.0":
        context, evidence = _outputs(network.context), len(network.evidence_scale)
        risen = inputs - deep - context - evidence
        return (deep // 2, deep // 2, risen // 2, risen // 2, context, evidence)
    return (inputs,)


def _places(count: int, segments: tuple[int, ...]) -> Places:
    """Return where each of `count` channels comes from; what is left when a part stays as it was is told by `count`."""
    ends = np.cumsum(segments)
    parts = [np.arange(end - length, end) for end, length in zip(ends, segments, strict=True)]
    grown = [np.tile(part, TIMES) for part in parts]
    for places in ([*grown], [*grown[:-1], parts[-1]]):
        if sum(map(len, places)) == count:
            return np.concatenate(places)
    raise ValueError(f"no way from {sum(segments)} channels to {count}")


def _shared(weight: Tensor, inputs: Places, rng: np.random.Generator) -> Tensor:
    """Split what is read twice: the copies of a channel get shares that sum to one."""
    share = np.ones(weight.shape[:2])
    for place, count in zip(*np.unique(inputs, return_counts=True), strict=True):
        if count == TIMES:
            first, second = np.flatnonzero(inputs == place)
            share[:, first] = rng.uniform(*SHARES, len(share))
            share[:, second] = 1 - share[:, first]
    wanted = torch.from_numpy(share).to(weight.dtype)
    return weight * wanted.reshape(*wanted.shape, *[1] * (weight.dim() - 2))


def main() -> None:
    """Widen as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    save_compact(widened(averaged(*chosen.checkpoint)), chosen.out)


if __name__ == "__main__":
    main()
