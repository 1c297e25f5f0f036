"""Pruning: what goes is what is worth least for its cost, and the rest answers as before."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from models.answers import simulated
from models.cost import cost_of
from models.dataset import phantom_pool
from models.learning import Options, begin, step
from models.losses import likeness
from models.network import Network, Shape
from models.prune import Worth, affordable, at_random, cut, magnitude, taylor, tickets, widths_of
from models.shelf import unpacked
from models.teaching import Teacher

SMALL = Shape((8, 16, 16, 24, 24), (24, 16, 16, 8), (8, 16, 8), 16, 16, 16)


@pytest.fixture
def network() -> Network:
    torch.manual_seed(3)
    return Network(SMALL).eval()


def _without(network: Network, worth: Worth, kept: dict[str, int]) -> None:
    """Silence what would be cut: what makes a channel makes zeros."""
    with torch.no_grad():
        for layer, count in kept.items():
            gone = np.argsort(worth[layer], kind="stable")[: len(worth[layer]) - count]
            makers = [layer]
            if layer.startswith("down."):  # the shortcut and the rising features are laid over these channels
                level = int(layer.split(".")[1])
                makers += [layer.replace("first", "second")]
                makers += (
                    [f"up.{3 - level}.{part}" for part in ("reduce", "scale", "shift")] if level < 4 else []
                )
            if layer.startswith("up."):
                makers += [layer.replace("first", "second")]
            for name in makers:
                norm = {"first": "first_norm", "second": "second_norm"}.get(name.rpartition(".")[2])
                inner = name.rpartition(".")[0] + f".{norm}" if norm else name
                if layer.startswith("spectrum.layers"):
                    head, _, place = name.rpartition(".")
                    inner = f"{head}.{int(place) + 1}"
                for values in ("weight", "bias"):
                    network.get_parameter(f"{inner}.{values}")[gone.tolist()] = 0.0


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_left_answers_as_if_the_cut_channels_were_silent(network: Network, seed: int) -> None:
    worth = at_random(network, seed)
    kept = {layer: width - 4 for layer, width in widths_of(network).items()}
    image = torch.rand(2, 1, 256, 256)

    pruned = cut(network, worth, kept).eval()
    _without(network, worth, kept)

    with torch.no_grad():
        left, whole = pruned(image), network(image)
    assert torch.allclose(left.log_visibility, whole.log_visibility, atol=1e-4)
    assert torch.allclose(left.presence, whole.presence, atol=1e-4)
    assert torch.allclose(left.suitability, whole.suitability, atol=1e-4)


def test_a_quarter_is_a_quarter_of_parameters_and_of_energy(network: Network) -> None:
    whole = cost_of(network)

    kept = affordable(network, magnitude(network), whole, 0.5)
    shares = cost_of(cut(network, magnitude(network), kept)).share_of(whole)

    assert max(shares) <= 0.5
    assert min(kept.values()) >= 4


def test_of_channels_that_cost_the_same_the_least_worth_go_first(network: Network) -> None:
    worth = {layer: np.ones(width) for layer, width in widths_of(network).items()}
    worth["down.4.first"] = np.full(24, 1e-6)

    kept = affordable(network, worth, cost_of(network), 0.85)

    assert kept["down.4.first"] < 24
    assert sum(kept.values()) - kept["down.4.first"] >= sum(widths_of(network).values()) - 24 - 12


def test_worth_is_what_the_loss_would_feel(network: Network) -> None:
    slots, _ = simulated(phantom_pool(6, 2), 4, seed=1)
    with torch.no_grad():
        for silent in ("spectrum.layers.1.weight", "spectrum.layers.1.bias"):
            network.get_parameter(silent)[3] = 0.0
        network.get_parameter("spectrum.layers.3.weight")[:, 3] = 0.0

    worth = taylor(network, [unpacked(slots)])

    assert worth["spectrum.layers.0"][3] == 0 < worth["spectrum.layers.0"].max()
    assert set(worth) == set(widths_of(network))


def test_costs_follow_the_arithmetic() -> None:
    tiny = cost_of(Network(SMALL))
    wider = cost_of(Network(Shape((16, 16, 16, 24, 24), (24, 16, 16, 8), (8, 16, 8), 16, 16, 16)))

    def finest(width: int) -> int:
        """Count what hangs on the width of the finest level: 16 -> width -> width, on to 16, and the way up."""
        down = 128 * 128 * 9 * (16 * width + width * width) + 64 * 64 * 9 * width * 16
        return down + 64 * 64 * 16 * width + 128 * 128 * 9 * width * 8 + 2 * 16 * width

    assert wider.macs - tiny.macs == finest(16) - finest(8)
    assert wider.energy > tiny.energy
    assert wider.parameters > tiny.parameters


def test_tickets_have_one_shape_and_one_table(network: Network, tmp_path: Path) -> None:
    options = Options(minutes=0.01, batch=2, shelf=8, first=8, check_minutes=0.01, validation=4, threads=1)

    tickets(network, network, options, 0.6, tmp_path, tmp_path / "shelf.bin")

    with (tmp_path / "tickets.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["ticket"]: row for row in csv.DictReader(stream)}
    assert set(rows) == {"surgery", "taylor", "magnitude", "random", "anew", "rewound"}
    assert len({rows[name]["parameters"] for name in ("surgery", "random", "anew", "rewound")}) == 1
    assert all(float(row["energy"]) <= 0.6 and float(row["parameters"]) <= 0.6 for row in rows.values())


def test_a_pupil_comes_nearer_to_its_teacher_than_by_the_truth_alone() -> None:
    torch.manual_seed(4)
    teacher = Network(SMALL).eval()
    slots, _ = simulated(phantom_pool(2, 2), 4, seed=2)
    batch = unpacked(slots)
    options, image = Options(minutes=1.0, rate=3e-3), torch.from_numpy(batch.image)

    def apart(taught: Teacher | None) -> float:
        torch.manual_seed(5)
        run = begin(options, Network(SMALL))
        run.minutes, run.teacher = 0.1, taught
        for _ in range(15):
            step(run, batch, options)
        with torch.no_grad():
            return float(likeness(run.network(image), Teacher(teacher, 4)(image)))

    assert apart(Teacher(teacher, 4)) < 0.9 * apart(None)


def test_a_teacher_is_asked_once_about_a_slice_and_about_its_mirror_image() -> None:
    torch.manual_seed(6)
    network = Network(SMALL).eval()
    asked: list[int] = []
    network.register_forward_hook(lambda _module, inputs, _answer: asked.append(len(inputs[0])))
    slots, _ = simulated(phantom_pool(2, 2), 6, seed=3)
    image = torch.from_numpy(unpacked(slots).image)
    teacher = Teacher(network, 4)

    first = teacher(image[:3])
    again = teacher(image[[2, 0, 3]])

    assert asked == [3, 3, 1, 1]
    assert torch.equal(again.log_visibility[0], first.log_visibility[2])
    with torch.no_grad():
        plain, mirrored = network(image[:1]), network(image[:1].flip(3))
    expected = (plain.log_visibility + mirrored.log_visibility.flip(3)) / 2
    assert torch.allclose(first.log_visibility[:1], expected, atol=0.02)
    assert torch.allclose(first.presence[:1], (plain.presence + mirrored.presence) / 2, atol=0.01)
    teacher(image[3:])  # four are kept: the oldest, of which slice 1 was one, have gone
    asked.clear()
    teacher(image[1:2])
    assert asked == [1, 1]
