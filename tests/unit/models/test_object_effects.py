"""The physics of what happens before the coil, each law measured on a disc, a point or a flat field."""

from functools import cache

import cv2
import numpy as np
import pytest

from models import object_effects as objects
from models.fields import Complex
from models.object_effects import Displacement
from models.visibility import Image, Mask

ROWS = 128
FLAT = np.ones((ROWS, ROWS), dtype=np.complex64)
DISC: Mask = np.hypot(*(np.indices((ROWS, ROWS)) - ROWS // 2)) < 50


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def square(level: complex = 1) -> Complex:
    image = np.zeros((ROWS, ROWS), dtype=np.complex64)
    image[60:70, 60:70] = level
    return image


def column_of(image: Complex) -> float:
    """Return the centre of the signal along x, px."""
    weight = np.abs(image).sum(axis=0)
    return float((weight * np.arange(ROWS)).sum() / weight.sum())


# Chemical shift


def test_fat_is_the_brightest_28_percent_of_the_body_within_20_to_26_px_of_the_skin() -> None:
    depth = 50 - np.hypot(*(np.indices((ROWS, ROWS)) - ROWS // 2))
    magnitude = (DISC * rng().uniform(1, 2, DISC.shape)).astype(np.float32)
    deepest = []
    for seed in range(40):
        fat = objects.fat_share(rng(seed), magnitude, DISC)
        near = DISC & (depth < 17)
        assert float((fat[near] > 0.5).mean()) == pytest.approx(0.28, abs=0.015)
        assert magnitude[near & (fat > 0.5)].min() >= magnitude[near & (fat < 0.5)].max()
        assert not fat[~DISC].any()
        deepest.append(float(depth[fat > 0.5].max()))
    assert 20 - 1.5 <= min(deepest) < 21.5
    assert 24.5 < max(deepest) <= 26 + 1.5


@pytest.mark.parametrize("severity", [0.8, 3.4])
def test_chemical_shift_moves_fat_along_the_frequency_encoding_by_the_stated_pixels(severity: float) -> None:
    fat = np.abs(square())
    moves = []
    for seed in range(80):
        shifted = objects.chemical_shift(rng(seed), square(), fat, severity)
        moves.append((column_of(shifted) - 64.5) / (1 + 0.5 * severity))
        assert float(np.abs(shifted)[:60].max()) == 0  # never along the phase encoding
    sizes = np.abs(moves)
    assert 0.6 - 0.03 <= sizes.min() < 0.65
    assert 1.15 < sizes.max() <= 1.2 + 0.03
    assert 0.3 < float(np.mean(np.array(moves) > 0)) < 0.7


def test_chemical_shift_leaves_water_and_turns_fat_by_90_degrees_in_a_third() -> None:
    water = np.zeros((ROWS, ROWS), dtype=np.complex64)
    water[100:110] = 0.7
    turned = []
    for seed in range(120):
        shifted = objects.chemical_shift(rng(seed), water + square(), np.abs(square()), 2.0)
        assert np.allclose(shifted[100:110], 0.7, atol=1e-6)
        angle = float(np.angle(shifted[64].sum()))
        assert angle == pytest.approx(0, abs=0.01) or angle == pytest.approx(np.pi / 2, abs=0.01)
        turned.append(angle > 1)
    assert float(np.mean(turned)) == pytest.approx(1 / 3, abs=0.1)


# Susceptibility


SEVERITY = 2.0


@cache
def metals() -> list[Displacement]:
    return [objects.susceptibility(rng(seed), FLAT, DISC, SEVERITY) for seed in range(60)]


def lossy() -> list[Displacement]:
    return [metal for metal in metals() if metal.loss.any()]


def test_the_field_of_metal_shifts_by_a_peak_of_3_to_8_px_times_the_root_of_severity_either_way() -> None:
    peaks = np.array([float(np.abs(metal.shift).max()) for metal in metals()]) / SEVERITY**0.5
    signs = {bool(metal.shift.flat[int(np.abs(metal.shift).argmax())] > 0) for metal in metals()}

    assert 3 - 1e-3 <= peaks.min() < 3.4
    assert 7.6 < peaks.max() <= 8 + 1e-3
    assert signs == {True, False}


def test_a_gradient_echo_loses_all_signal_within_3_to_8_px_times_the_root_of_severity() -> None:
    areas = np.array([float((metal.loss == 1).sum()) for metal in lossy()])
    radii = np.sqrt(areas / np.pi / SEVERITY)

    assert len(lossy()) / len(metals()) == pytest.approx(0.6, abs=0.1)
    assert 3 - 0.15 <= radii.min() < 3.6
    assert 7.4 < radii.max() <= 8 + 0.15


def test_a_gradient_echo_dephases_by_the_gradient_of_the_field() -> None:
    for metal in lossy():
        gradient = np.hypot(*np.gradient(metal.shift))
        around = (metal.loss < 1) & (gradient > 0.02)
        slopes = -np.log(1 - metal.loss[around]) / gradient[around]
        assert float(np.ptp(slopes)) < 0.05
        assert 0.6 - 0.05 <= float(slopes.mean()) <= 1.6 + 0.05


def test_the_field_of_metal_is_a_dipole_along_x_along_y_or_through_the_plane() -> None:
    axes = set()
    for metal in metals():
        field = metal.shift * np.sign(metal.shift.flat[int(np.abs(metal.shift).argmax())])
        if field.min() > -1e-3 * field.max():
            axes.add("z")  # one sign everywhere
            continue
        assert 1.5 < float(field.max() / -field.min()) <= 2.01  # along it and across it, on a grid
        lobes = np.argwhere(field > 0.5 * field.max())
        down, across = lobes.std(axis=0)
        assert max(down, across) > 1.3 * min(down, across)
        axes.add("y" if down > across else "x")
    assert axes == {"x", "y", "z"}


def test_metal_moves_signal_along_the_frequency_encoding_by_the_shift_of_its_place() -> None:
    bar = np.zeros_like(FLAT)
    bar[:, 60] = 1
    for seed, metal in enumerate(metals()):
        if metal.loss.any():
            continue
        moved = np.abs(objects.susceptibility(rng(seed), bar, DISC, SEVERITY).image)
        columns = (moved * np.arange(ROWS)).sum(axis=1) / moved.sum(axis=1)
        gentle = np.abs(np.gradient(metal.shift, axis=1))[:, 58:63].max(axis=1) < 0.2
        assert np.allclose((columns - 60)[gentle], metal.shift[gentle, 60], atol=0.15)


def test_metal_piles_signal_up_and_loses_none_without_dephasing() -> None:
    lossless = [metal for metal in metals() if not metal.loss.any()]
    assert len(lossless) > 10
    for metal in lossless:
        kept = np.abs(metal.shift[:, [0, -1]]).max(axis=1) < 0.05  # nothing is carried over the edge
        assert np.allclose(metal.image.real.sum(axis=1)[kept], ROWS, rtol=0.01)
        assert float(np.abs(metal.image).max()) > 1.5


# Fat suppression


def off_resonance(seed: int, severity: float) -> tuple[Image, Image, Image]:
    """Return abs(D), told from the fat that is left, and the water that failed and perfect suppression leave."""
    ones = np.ones((ROWS, ROWS), dtype=np.float32)
    failed_fat, _ = objects.fat_suppression(rng(seed), ones, severity)
    failed_water, perfect_water = objects.fat_suppression(rng(seed), 0 * ones, severity)
    suppressed = np.clip((1 - failed_fat) / 0.95, 1e-6, 1 - 1e-6)
    return 0.45 * (1 / suppressed - 1) ** (1 / 6), failed_water, perfect_water


def test_suppression_takes_95_percent_of_fat_and_no_water_where_the_field_is_right() -> None:
    fat = np.zeros((ROWS, ROWS), dtype=np.float32)
    fat[:64] = 1

    _, perfect = objects.fat_suppression(rng(), fat, 2.0)

    assert np.allclose(perfect[:64], 0.05, atol=1e-3)
    assert float(perfect[64:].min()) > 0.99


@pytest.mark.parametrize("severity", [0.8, 2.0, 3.4])
def test_the_field_is_off_by_a_quarter_of_1_plus_0_6_severity_at_its_99th_percentile(severity: float) -> None:
    for seed in range(4):
        off, _, _ = off_resonance(seed, severity)
        assert float(np.percentile(off, 99)) == pytest.approx(0.25 * (1 + 0.6 * severity), rel=0.01)


def test_water_is_suppressed_where_the_field_is_off_by_one_fat_water_shift_towards_fat() -> None:
    taken = kept = 0
    for seed in range(8):
        off, water, perfect = off_resonance(seed, 6.0)
        assert float(water[off < 0.2].min()) > 0.95
        at_fat = np.abs(off - 1) < 0.05
        assert bool(((water[at_fat] < 0.01) | (water[at_fat] > 0.98)).all())  # D of -1, or of +1
        taken, kept = taken + int((water[at_fat] < 0.01).sum()), kept + int((water[at_fat] > 0.98).sum())
        assert float(perfect.min()) > 0.99
    assert taken > 100
    assert kept > 100


def test_half_of_the_fat_stays_where_the_field_is_off_by_the_half_width_of_the_stop_band() -> None:
    fat = np.ones((ROWS, ROWS), dtype=np.float32)
    severity = (0.45 / 0.25 - 1) / 0.6  # its 99th percentile is the half width of 0.45

    failed, _ = objects.fat_suppression(rng(2), fat, severity)

    assert float(np.percentile(failed, 99)) == pytest.approx(1 - 0.95 / 2, abs=0.01)


# Flow


def test_vessels_are_one_to_three_bright_spots_1_8_to_6_px_wide() -> None:
    counts, widths = set(), []
    for seed in range(60):
        vessels = objects.vessels(rng(seed), DISC, 0.5)
        assert 1.5 * 0.5 <= float(vessels.max()) <= 3.5 * 0.5 + 1e-6
        count = cv2.connectedComponents((vessels > 0).astype(np.uint8))[0] - 1
        counts.add(count)
        if count == 1:
            widths.append(2 * np.sqrt(float(vessels.sum() / vessels.max()) / np.pi))
    assert counts == {1, 2, 3}
    assert min(widths) >= 1.8 - 0.2
    assert max(widths) <= 6 + 0.2


def pulsation(seed: int, severity: float, y: int = 0) -> Complex:
    """Return what a pulsating point at row `y` adds to a steady one, along its column of 240 rows."""
    vessel = np.zeros((240, 4), dtype=np.complex64)
    vessel[y, 2] = 1
    added = objects.pulsating(rng(seed), vessel, severity) - vessel
    assert not added[:, [0, 1, 3]].any()  # along the phase encoding alone
    return np.asarray(added[:, 2])


def beats_of(lines: Complex) -> float:
    """Return how often a modulation of the lines (in the order of acquisition) swings, by its changes of sign."""
    turned = (lines * np.exp(-0.5j * np.angle((lines**2).sum()))).real
    return float((np.diff(np.sign(turned)) != 0).sum() / 2)


def test_the_ghosts_of_a_vessel_lie_at_the_field_of_view_over_the_period_on_both_sides() -> None:
    for seed in range(40):
        added = pulsation(seed, 2.0)
        power = np.abs(added) ** 2
        half = power[1:120] + power[:120:-1]
        offset = int(np.searchsorted(half.cumsum(), half.sum() / 2)) + 1
        beats = beats_of(np.fft.fftshift(np.fft.fft(added)))
        assert offset == pytest.approx(beats, abs=1.5)
        assert float(power[1:120].sum()) == pytest.approx(float(power[:120:-1].sum()), rel=0.25)


def test_the_period_of_a_heartbeat_is_2_2_to_24_lines() -> None:
    periods = [240 / beats_of(np.fft.fftshift(np.fft.fft(pulsation(seed, 2.0)))) for seed in range(400)]

    assert 2.2 - 0.05 <= min(periods) < 3
    assert 22 < max(periods) <= 24 + 1.2  # half a beat


@pytest.mark.parametrize("severity", [0.8, 3.4])
def test_a_heartbeat_modulates_the_lines_by_65_percent_times_severity(severity: float) -> None:
    for seed in range(20):
        lines = np.abs(np.fft.fft(pulsation(seed, severity)))
        assert float(lines.max()) == pytest.approx(0.65 * severity, rel=0.02)
        assert float(np.sqrt(2 * np.mean(lines**2))) == pytest.approx(0.65 * severity, rel=0.06)


# Bias


@pytest.mark.parametrize("severity", [0.8, 3.4])
def test_shading_spans_a_ratio_of_1_plus_1_5_to_2_8_times_severity_over_the_body(severity: float) -> None:
    gains = [objects.shading(rng(seed), DISC, severity)[DISC] for seed in range(60)]
    factors = [(float(gain.max() / gain.min()) - 1) / severity for gain in gains]

    assert 1.5 - 0.01 <= min(factors) < 1.6
    assert 2.7 < max(factors) <= 2.8 + 0.01
