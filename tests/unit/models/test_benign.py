"""Oddities that are no artifacts: each changes what it should, and leaves the rest alone."""

import numpy as np
import pytest

from models import benign
from models.dataset import phantom_pool
from models.simulate import Plan, simulate
from models.visibility import find_body

CLEAN = phantom_pool(2, 3).image(1)
BODY = find_body(CLEAN)


@pytest.mark.parametrize("name", list(benign.CHANGES))
def test_an_oddity_follows_from_the_seed_changes_the_body_and_stays_an_image(name: str) -> None:
    changed, again = (benign.CHANGES[name](np.random.default_rng(7), CLEAN, BODY) for _ in range(2))

    assert np.array_equal(changed, again)
    assert changed.shape == CLEAN.shape
    assert changed.dtype == np.float32
    assert np.abs(changed - CLEAN)[BODY].mean() > 1e-4
    assert changed.max() < 4 * CLEAN.max()


@pytest.mark.parametrize("name", list(benign.CHANGES))
def test_an_oddity_has_no_mask(name: str) -> None:
    odd = np.maximum(benign.CHANGES[name](np.random.default_rng(3), CLEAN, BODY), 0)

    sample = simulate(np.random.default_rng(4), odd, Plan())

    assert all(state <= 0 for state in sample.presence())
    assert sample.suitable


def test_stripping_and_defacing_leave_black_behind_and_touch_nothing_else() -> None:
    for change in (benign.stripped, benign.defaced):
        left = change(np.random.default_rng(5), CLEAN, BODY)

        assert np.array_equal(left[left > 0], CLEAN[left > 0])
        assert 0.03 < (BODY & (left == 0)).sum() / BODY.sum() < 0.75


def test_a_coarse_image_has_little_detail() -> None:
    def detail(image: np.ndarray) -> float:
        waves = np.abs(np.fft.fftshift(np.fft.fft2(image))) ** 2
        rows, columns = np.indices(image.shape)
        return float(waves[np.hypot(rows - 128, columns - 128) > 100].sum() / waves.sum())

    assert detail(benign.coarse(np.random.default_rng(1), CLEAN, BODY)) < 0.3 * detail(CLEAN)


def test_an_empty_slice_stays_empty() -> None:
    assert benign.odd(np.random.default_rng(0), np.zeros((256, 256), np.float32)).max() == 0
