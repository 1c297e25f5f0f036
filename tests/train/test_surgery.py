"""Channels that others can speak for: a twin goes first, and its part is taken over."""

import numpy as np
import pytest
import torch
from torch import nn

from models.answers import simulated
from models.dataset import phantom_pool
from models.network import Network, Shape
from models.prune import at_random, cut, surgery, widths_of
from models.shelf import Batch, unpacked
from models.surgery import Reader, eliminated, hand_over, products
from models.widen import widened

SMALL = Shape((8, 16, 16, 24, 24), (24, 16, 16, 8), (8, 16, 8), 16, 16, 16)
READER = Reader("0", np.arange(6).reshape(6, 1))


@pytest.fixture(scope="module")
def batch() -> Batch:
    slots, _ = simulated(phantom_pool(6, 2), 8, seed=1)
    return unpacked(slots)


@pytest.fixture(scope="module")
def network(batch: Batch) -> Network:
    """One whose features differ, as those of a trained one do."""
    torch.manual_seed(3)
    network = Network(SMALL).train()
    with torch.no_grad():
        for _ in range(12):
            network(torch.from_numpy(batch.image))
    return network.eval()


def linear() -> tuple[nn.Module, torch.Tensor]:
    """A layer that reads six channels, of which the last nearly is a mixture of the first two."""
    torch.manual_seed(1)
    inputs = torch.randn(4000, 6)
    inputs[:, 5] = 0.6 * inputs[:, 0] - 0.3 * inputs[:, 1] + 0.05 * inputs[:, 5]
    return nn.Sequential(nn.Linear(6, 3, bias=False)), inputs


def test_what_a_channel_costs_is_the_error_that_least_squares_leaves() -> None:
    layer, inputs = linear()
    seen = products(layer, [inputs])

    worth = eliminated(layer, [READER], seen)

    answers = layer(inputs).detach()
    left = np.delete(np.arange(6), worth.argmin())
    best = torch.linalg.lstsq(inputs[:, left], answers).solution
    error = (answers - inputs[:, left] @ best).square().mean() / answers.square().mean()
    assert worth.argmin() in (0, 1, 5)
    assert worth.min() == pytest.approx(float(error), rel=0.1, abs=2e-4)
    assert sorted(worth)[1] > 20 * worth.min()


def test_those_that_stay_take_the_part_over_as_least_squares_would() -> None:
    layer, inputs = linear()
    answers = layer(inputs).detach()
    gone = torch.tensor([2, 5])
    left = [0, 1, 3, 4]

    hand_over(layer, [([READER], gone.numpy())], products(layer, [inputs]))

    best = torch.linalg.lstsq(inputs[:, left], answers).solution.T
    assert torch.allclose(layer[0].weight[:, left], best, atol=0.01)


def test_of_each_pair_of_twins_one_goes_and_the_network_answers_as_before(
    network: Network, batch: Batch
) -> None:
    wide = widened(network)
    half = widths_of(network)

    worth, seen = surgery(wide, [batch])
    narrow = cut(wide, worth, half, seen).eval()
    blind = cut(wide, at_random(wide), half).eval()

    image = torch.from_numpy(batch.image)
    with torch.no_grad():
        before, after, without = wide(image), narrow(image), blind(image)
    spread = float(before.log_visibility.std())
    assert float((after.log_visibility - before.log_visibility).square().mean().sqrt()) < 0.05 * spread
    assert float((without.log_visibility - before.log_visibility).square().mean().sqrt()) > 0.3 * spread
    assert torch.allclose(after.presence, before.presence, atol=0.1)
