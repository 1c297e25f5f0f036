"""Prune a trained network to a quarter of its parameters and energy, and fine-tune it.

    python -m models.prune CHECKPOINT [--minutes 30] [--share 0.25]     prune in rounds, fine-tune; can be stopped
    python -m models.prune CHECKPOINT --tickets [--minutes 4] [--early CHECKPOINT]     compare ways of choosing

Structured: whole channels, and everywhere at once what depends on them (Torch-Pruning's groups). A channel is worth the
error that the others cannot make good (`surgery`), for the energy that it takes (Yang et al. 2017); they take its part
over as it goes. The tickets have the same training: chosen so, by what the loss would feel (first-order Taylor,
Molchanov et al. 2019), by magnitude, at random, rewound to early weights (Frankle and Carbin 2019), and begun anew.
"""

import argparse
import csv
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch_pruning
from numpy.typing import NDArray
from torch import Tensor, nn

from models.cost import Cost, cost_of
from models.dataset import cache_folder
from models.learning import CPU, Options, averaged, save_compact, tensors
from models.losses import losses
from models.modelcard import CANVAS
from models.network import Network, network_of, shape_by
from models.shelf import Batch, Shelf
from models.surgery import Products, Reader, eliminated, hand_over, products
from models.train import CHECKPOINT, LOG, SHELF, append, train

STEP = 4  # channels go in fours: processors work on several at once
FEWEST = 4
AT_ONCE = 3  # one in so many layers gives channels before the prices are looked at anew
ROUNDS = 3
ROUND_SHARE = 0.12  # of the minutes for each round
RATE = 8e-4
BATCHES = 24  # of simulated slices that tell what channels are worth

Worth = Mapping[str, NDArray[np.float64]]  # of each channel, by the layer that makes it


class _Outputs(nn.Module):
    """A network whose answer is a plain tuple, which the dependency graph can follow."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        answer = self.network(image)
        return answer.log_visibility, answer.presence, answer.suitability


def widths_of(network: Network) -> dict[str, int]:
    """Return how many channels each layer makes whose channels may go."""
    widths: dict[str, int] = {}

    def note(layer: str) -> int:
        weight = network.get_parameter(f"{layer}.weight")
        widths[layer] = weight.shape[0]
        return widths[layer]

    shape_by(note)
    return widths


def taylor(network: Network, batches: Iterable[Batch]) -> Worth:
    """Return how much the loss would change without each channel, to first order, over some batches.

    The network lies on the processor, as whatever was trained is handed out.
    """
    network.eval()  # the statistics of the batches stay out of it
    network.zero_grad()
    for batch in batches:
        image, truth = tensors(batch, CPU)
        torch.autograd.backward(losses(network(image), truth).total())
    return _by_group(
        network, torch_pruning.importance.GroupTaylorImportance(group_reduction="mean", normalizer=None)
    )


def surgery(network: Network, batches: Iterable[Batch]) -> tuple[Worth, Products]:
    """Return what each channel costs when the others take its part over, and what they need to do so."""
    network.eval()
    seen = products(network, (tensors(batch, CPU)[0] for batch in batches))
    graph = _graph(network)
    return {
        layer: eliminated(network, _readers(network, graph, layer), seen) for layer in widths_of(network)
    }, seen


def magnitude(network: Network) -> Worth:
    """Return the size of the weights of each channel."""
    return _by_group(network, torch_pruning.importance.GroupMagnitudeImportance())


def at_random(network: Network, seed: int = 0) -> Worth:
    """Return a worth by lot."""
    rng = np.random.default_rng(seed)
    return {layer: rng.random(width) for layer, width in widths_of(network).items()}


def affordable(network: Network, worth: Worth, whole: Cost, share: float) -> dict[str, int]:
    """Return how many channels of each layer to keep for `share` (of 1) of the parameters and the energy of `whole`.

    What is worth least for what it takes goes first, four channels at a time; what it takes counts as far as there is
    still too much of it.
    """
    kept = widths_of(network)
    ranked = {layer: np.sort(values) for layer, values in worth.items()}

    def cost(counts: Mapping[str, int]) -> Cost:
        return cost_of(Network(shape_by(counts.__getitem__)))

    while max(shares := cost(kept).share_of(whole)) > share:
        prices: list[tuple[float, str]] = []
        for layer, width in kept.items():
            if width - STEP < FEWEST:
                continue
            gone = len(worth[layer]) - width
            left = cost(kept | {layer: width - STEP}).share_of(whole)
            saved = sum(now - then for now, then in zip(shares, left, strict=True) if now > share)
            prices.append((float(ranked[layer][gone : gone + STEP].sum()) / max(saved, 1e-9), layer))
        if not prices:
            break
        for _, layer in sorted(prices)[: len(prices) // AT_ONCE + 1]:
            kept[layer] -= STEP
            if max(cost(kept).share_of(whole)) <= share:
                break
    return kept


def cut(network: Network, worth: Worth, kept: Mapping[str, int], seen: Products | None = None) -> Network:
    """Return the network with the worthiest `kept` channels of each layer; `network` itself is left alone.

    With `seen` these take over what they can of the others' part.
    """
    copy = network_of(network.state_dict())
    graph = _graph(copy)
    gone = {
        layer: np.argsort(values, kind="stable")[: len(values) - kept[layer]]
        for layer, values in worth.items()
    }
    if seen is not None:
        hand_over(copy, [(_readers(copy, graph, layer), channels) for layer, channels in gone.items()], seen)
    for layer, channels in gone.items():
        if len(channels):
            _group(graph, copy.get_submodule(layer), channels.tolist()).prune()
    return network_of(copy.state_dict())


def _readers(network: Network, graph: "torch_pruning.DependencyGraph", layer: str) -> list[Reader]:
    """Return who reads the channels that a layer makes."""
    names = {module: name for name, module in network.named_modules()}
    width = widths_of(network)[layer]
    readers = []
    for item in _group(graph, network.get_submodule(layer), list(range(width))):
        dependency, places = item
        if dependency.handler.__name__ == "prune_in_channels":
            order = np.argsort(np.array([int(channel) for channel in item.root_idxs]), kind="stable")
            inputs = np.array([int(place) for place in places])[order].reshape(width, -1)
            readers.append(Reader(names[dependency.target.module], inputs))
    return readers


def _graph(network: Network) -> "torch_pruning.DependencyGraph":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parameters outside layers: one a class, never pruned
        return torch_pruning.DependencyGraph().build_dependency(
            _Outputs(network), torch.rand(1, 1, CANVAS, CANVAS)
        )


def _group(graph: "torch_pruning.DependencyGraph", root: nn.Module, channels: list[int]) -> Any:  # noqa: ANN401 - untyped
    """Return what goes with these output channels of a layer."""
    linear, conv = torch_pruning.prune_linear_out_channels, torch_pruning.prune_conv_out_channels
    return graph.get_pruning_group(root, linear if isinstance(root, nn.Linear) else conv, channels)


def _by_group(network: Network, importance: Callable[..., Tensor]) -> Worth:
    graph = _graph(network)
    worth: dict[str, NDArray[np.float64]] = {}
    for layer, width in widths_of(network).items():
        group = _group(graph, network.get_submodule(layer), list(range(width)))
        worth[layer] = importance(group).detach().double().numpy().reshape(width, -1).sum(axis=1)
    return worth


def _drawn(path: Path, options: Options, number: int) -> list[Batch]:
    """Return batches of simulated slices."""
    ring = Shelf(path, options.shelf, first=options.first, workers=options.workers, seed=options.seed)
    rng = np.random.default_rng(options.seed)
    with ring:
        ring.wait()
        return [ring.draw(rng, options.batch) for _ in range(number)]


def prune(network: Network, options: Options, share: float, folder: Path, shelf: Path) -> Network:
    """Prune in rounds to `share` of parameters and energy; takes up where it was stopped.

    After each round it is fine-tuned on the truth and on the answers of the whole network.
    """
    whole, teacher = cost_of(network), network
    for number in range(1, ROUNDS + 1):
        place = folder / f"round-{number}"
        last = number == ROUNDS
        minutes = options.minutes * (1 - ROUND_SHARE * (ROUNDS - 1) if last else ROUND_SHARE)
        if not (place / CHECKPOINT).is_file():
            worth, seen = surgery(network, _drawn(shelf, options, BATCHES))
            kept = affordable(network, worth, whole, share ** (number / ROUNDS))
            network = cut(network, worth, kept, seen)
        network = train(replace(options, minutes=minutes), place, network, shelf, teacher).average
        shares = cost_of(network).share_of(whole)
        print(f"round {number}: {shares[0]:.3f} of the parameters, {shares[1]:.3f} of the energy")
    return network


def tickets(
    network: Network, early: Network | None, options: Options, share: float, folder: Path, shelf: Path
) -> None:
    """Fine-tune networks of one shape, chosen in different ways, for the same minutes; appends to tickets.csv."""
    whole = cost_of(network)
    drawn = _drawn(shelf, options, BATCHES)
    worth, seen = surgery(network, drawn)
    kept = affordable(network, worth, whole, share)

    def alone(worth: Worth) -> Network:
        return cut(network, worth, affordable(network, worth, whole, share))

    ways: dict[str, Callable[[], Network]] = {
        "surgery": lambda: cut(network, worth, kept, seen),
        "taylor": lambda: alone(taylor(network, drawn)),
        "magnitude": lambda: alone(magnitude(network)),
        "random": lambda: cut(network, at_random(network), kept),
        "anew": lambda: Network(shape_by(kept.__getitem__)),
    }
    if early is not None:
        ways["rewound"] = lambda: cut(early, worth, kept)
    for name, way in ways.items():
        torch.manual_seed(options.seed)
        run = train(options, folder / f"ticket-{name}", way(), shelf)
        spent = cost_of(run.average)
        share_of = spent.share_of(whole)
        with (folder / f"ticket-{name}" / LOG).open(encoding="utf-8", newline="") as stream:
            last = list(csv.DictReader(stream))[-1]
        row: dict[str, float | str] = {
            "ticket": name,
            "parameters": share_of[0],
            "energy": share_of[1],
            "slices": run.seen,
            **{key: float(last[key]) for key in ("iou_mean", "iou_weighted", "presence_auc")},
        }
        append(folder / "tickets.csv", row)
        print(row, flush=True)


def main() -> None:
    """Prune as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--share", type=float, default=0.25)
    parser.add_argument("--tickets", action="store_true", help="compare ways of choosing channels")
    parser.add_argument(
        "--early", type=Path, help="with --tickets: a checkpoint of the same training to rewind to"
    )
    parser.add_argument("--folder", type=Path, help="of checkpoints and logs (default: the cache)")
    parser.add_argument("--shelf", type=Path, help="of simulated slices (default: that of the training)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    chosen = parser.parse_args()
    options = Options(minutes=chosen.minutes, rate=RATE, threads=chosen.threads)
    folder = chosen.folder or cache_folder() / "pruned"
    shelf = chosen.shelf or cache_folder() / SHELF
    network = averaged(chosen.checkpoint)
    if chosen.tickets:
        early = averaged(chosen.early) if chosen.early else None
        tickets(network, early, options, chosen.share, folder, shelf)
    else:
        pruned = prune(network, options, chosen.share, folder, shelf)
        save_compact(pruned, folder / "pruned.pt")
        print(f"pruned: {folder / 'pruned.pt'}")


if __name__ == "__main__":
    main()
