"""Two looks at a slice, joined."""

from dataclasses import replace

import numpy as np
import pytest

from inference import looks
from inference.card import Calibration, load_card, released


@pytest.fixture(scope="module")
def card():
    return load_card(released())


def test_a_sure_look_half_convinces_and_a_half_sure_one_does_not():
    sure, doubtful, clean = looks.joined([[0.95, 0.55, 0.01], [0.01, 0.05, 0.01]])
    assert 0.9 < sure < 0.95
    assert 0.3 < doubtful < 0.5
    assert clean == pytest.approx(0.01)


def test_one_look_is_its_own_answer_and_their_order_does_not_matter():
    assert looks.joined([[0.2, 0.7]]) == pytest.approx([0.2, 0.7])
    assert looks.joined([0.2, 0.9]) == pytest.approx(looks.joined([0.9, 0.2]))


def test_a_look_without_any_doubt_is_joined_too():
    assert looks.joined([[1.0, 1.0, 0.0], [0.2, 1.0, 0.0]]) == pytest.approx([1.0, 1.0, 0.0])


def test_it_is_the_posterior_of_a_direction_that_nobody_told():
    """A scene whose ghost shows along the true direction only, counted out: which way is not told."""
    rng = np.random.default_rng(5)
    number = 400_000
    way = rng.integers(2, size=number)
    ghost = rng.random(number) < 0.2
    seen = rng.normal(size=(2, number))  # what each look measures along its direction
    seen[way, np.arange(number)] += 2.0 * ghost
    said = 1 / (1 + 4 * np.exp(2.0 - 2.0 * seen))  # each look's posterior, were its direction the true one
    joined = looks.joined(said)
    for low, high in ((0.05, 0.1), (0.3, 0.4), (0.6, 0.7)):
        chosen = (joined >= low) & (joined < high)
        assert ghost[chosen].mean() == pytest.approx(joined[chosen].mean(), abs=0.012)


def test_each_look_is_calibrated_before_it_is_joined(card):
    first = replace(card.classes[0], presence_temperature=1.0, presence_bias=-2.0)
    strict = replace(card, classes=(first, *card.classes[1:]), suitability=Calibration(1.0, -2.0))
    said = np.full((2, len(card.classes)), 0.5, np.float32)
    assert looks.presence(said, strict)[0] == pytest.approx(1 / (1 + np.exp(2.0)))
    assert looks.suitability(said[:, 0], strict) == pytest.approx(1 / (1 + np.exp(2.0)))


def test_a_slice_is_as_unsuitable_as_the_mean_of_the_odds(card):
    plain = replace(card, suitability=Calibration())
    assert looks.suitability(np.array([0.9, 0.5], np.float32), plain) == pytest.approx(
        1 - 0.5556 / 1.5556, abs=1e-3
    )
