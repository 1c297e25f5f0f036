"""Widening: the same answers from twice the channels, which learn apart."""

import numpy as np
import pytest
import torch

from models.cost import cost_of
from models.dataset import phantom_pool
from models.learning import Options, begin, step
from models.network import Network, Shape
from models.shelf import fresh, packed, unpacked
from models.widen import widened

SMALL = Shape((8, 12, 16, 20, 24), (20, 16, 12, 8), (8, 16, 4), 12, 16, 20)


@pytest.fixture
def network() -> Network:
    torch.manual_seed(3)
    made = Network(SMALL)
    with torch.no_grad():  # statistics that are not all alike
        for _ in range(3):
            made(torch.rand(4, 1, 256, 256))
    return made.eval()


def test_a_wide_network_says_the_same(network: Network) -> None:
    image = torch.rand(2, 1, 256, 256)

    wide = widened(network)

    with torch.no_grad():
        before, after = network(image), wide(image)
    assert torch.allclose(after.log_visibility, before.log_visibility, atol=1e-4)
    assert torch.allclose(after.presence, before.presence, atol=1e-4)
    assert torch.allclose(after.suitability, before.suitability, atol=1e-4)
    assert torch.allclose(after.shading, before.shading, atol=1e-4)


def test_it_has_twice_the_channels_and_a_quarter_of_it_is_what_it_was(network: Network) -> None:
    wide = widened(network)

    assert wide.get_parameter("down.4.second.weight").shape[0] == 2 * SMALL.widths[-1]
    parameters, energy = cost_of(network).share_of(cost_of(wide))
    assert 0.24 < parameters < 0.30
    assert 0.24 < energy < 0.45  # of a small network the maps weigh, which grow by two alone


def test_the_copies_of_a_channel_learn_apart(network: Network) -> None:
    pool, rng = phantom_pool(subjects=6), np.random.default_rng(1)
    batch = unpacked(np.stack([packed(fresh(rng, pool.image(k))) for k in range(4)]))
    run = begin(Options(batch=4), widened(network))
    layer = run.network.get_parameter("down.2.first.weight")
    first, second = layer.detach().chunk(2)
    assert torch.allclose(first.sum((1, 2, 3)), second.sum((1, 2, 3)), atol=1e-5)

    for _ in range(2):
        step(run, batch, Options(batch=4))

    first, second = layer.detach().chunk(2)
    assert (first.sum((1, 2, 3)) - second.sum((1, 2, 3))).abs().min() > 1e-5
