"""The tools that artifacts are made with, each on a point or a wave."""

import numpy as np
import pytest

from models import fields
from models.fields import Complex


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def spot(y: float, x: float, size: int = 96) -> Complex:
    rows, columns = np.indices((size, size))
    return np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 8).astype(np.complex64)


def centre_of(image: Complex) -> tuple[float, float]:
    weight = np.abs(image) / np.abs(image).sum()
    rows, columns = np.indices(image.shape)
    return float((weight * rows).sum()), float((weight * columns).sum())


@pytest.mark.parametrize(("angle", "down", "right"), [(0, 2.5, -1.25), (30, 0, 0), (-10, 3, 4)])
def test_a_moved_object_is_turned_about_the_centre_by_degrees_and_shifted_by_px(
    angle: float, down: float, right: float
) -> None:
    y, x = centre_of(fields.moved(spot(40, 70), angle, down, right))

    turn = np.deg2rad(angle)
    assert y == pytest.approx(48 + (40 - 48) * np.cos(turn) - (70 - 48) * np.sin(turn) + down, abs=0.05)
    assert x == pytest.approx(48 + (40 - 48) * np.sin(turn) + (70 - 48) * np.cos(turn) + right, abs=0.05)


def test_a_shift_along_x_is_exact_to_a_fraction_of_a_pixel() -> None:
    assert centre_of(fields.shifted_along_x(spot(40, 50), 1.37)) == pytest.approx((40, 51.37), abs=1e-3)


def test_lines_are_the_transform_along_y_numbered_from_minus_ky_to_plus_ky() -> None:
    wave = np.exp(2j * np.pi * 5 * np.arange(64) / 64).astype(np.complex64)[:, None] * np.ones(
        (1, 3), np.complex64
    )

    lines = np.abs(fields.to_lines(wave))

    assert np.argwhere(lines[:, 0] > 1e-3).tolist() == [[5]]
    assert np.allclose(lines[5], 64)
    assert float(fields.frequencies(64)[5]) == 5
    assert int(fields.line_numbers(64)[5]) == 32 + 5
    assert np.array_equal(np.argsort(fields.line_numbers(64)), np.argsort(fields.frequencies(64)))
    assert np.allclose(fields.from_lines(fields.to_lines(wave)), wave, atol=1e-5)


@pytest.mark.parametrize(
    ("axis", "down", "across"), [("y", 2, -1), ("x", -1, 2), ("z", -1, -1)]
)  # 3 cos^2 - 1 along both axes
def test_the_field_of_a_dipole_falls_with_the_third_power_of_the_distance(
    axis: str, down: float, across: float
) -> None:
    field = fields.dipole((129, 129), (64, 64), 6.0, axis)

    for distance in (8, 16, 32):
        assert float(field[64 + distance, 64]) == pytest.approx(down * (6 / distance) ** 3, rel=1e-4)
        assert float(field[64, 64 - distance]) == pytest.approx(across * (6 / distance) ** 3, rel=1e-4)
    diagonal = (down + across) / 2 * 6**3 / np.hypot(20, 20) ** 3
    assert float(field[84, 84]) == pytest.approx(diagonal, rel=1e-3)


def test_a_gain_spans_its_ratio_over_the_body_and_changes_slowly() -> None:
    body = np.hypot(*(np.indices((128, 128)) - 64)) < 50
    for seed in range(12):
        gain = fields.gain_field(rng(seed), body, 3.0)
        assert float(gain[body].max()) == pytest.approx(3.0, rel=1e-3)
        assert float(gain[body].min()) == pytest.approx(1.0, rel=1e-3)
        steps = np.abs(np.diff(np.log(gain), axis=0))
        assert float(steps.max()) < 0.08 * np.log(3.0)


def test_a_smooth_phase_leaves_the_magnitude_alone() -> None:
    image = fields.with_phase(rng(), np.abs(spot(40, 50)))

    assert np.allclose(np.abs(image), np.abs(spot(40, 50)), atol=1e-6)
    assert float(np.ptp(np.angle(image[np.abs(image) > 0.3]))) > 1e-3


def test_a_log_uniform_number_is_as_often_below_the_geometric_mean_as_above() -> None:
    drawn = np.array([fields.log_uniform(generator, 0.8, 3.4) for generator in [rng()] * 2000])

    assert drawn.min() >= 0.8
    assert drawn.max() <= 3.4
    assert float((drawn < np.sqrt(0.8 * 3.4)).mean()) == pytest.approx(0.5, abs=0.03)
