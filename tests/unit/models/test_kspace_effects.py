"""The physics from the coil to the image, each law measured on a point, a line or a bar."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from models import kspace_effects as kspace
from models.fields import Complex, frequencies, to_lines
from models.visibility import Image

AIR = np.zeros((256, 256), dtype=np.complex64)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def point(rows: int, columns: int, y: int, x: int) -> Complex:
    image = np.zeros((rows, columns), dtype=np.complex64)
    image[y, x] = 1
    return image


# Wrap


@pytest.mark.parametrize(("outside", "inside"), [(100, 228), (127, 255), (384, 0), (450, 66)])
def test_a_wrap_folds_what_lay_outside_to_the_other_side_of_the_field_of_view(
    outside: int, inside: int
) -> None:
    folded = kspace.folded(rng(), point(512, 8, outside, 5), 256)  # the field of view is rows 128..383

    assert np.argwhere(folded).tolist() == [[inside, 5]]


def test_a_wrap_adds_what_it_folds_with_a_weight_of_a_half_to_one_in_any_phase() -> None:
    added = np.array([kspace.folded(rng(seed), point(64, 4, 4, 2), 32)[20, 2] for seed in range(60)])
    weights, phases = np.abs(added), np.angle(added)

    assert 0.5 <= weights.min() < 0.55
    assert 0.95 < weights.max() <= 1
    assert phases.min() < -2.5
    assert phases.max() > 2.5


def test_a_wrap_leaves_what_lies_within_the_field_of_view() -> None:
    assert np.array_equal(kspace.folded(rng(), point(64, 4, 20, 2), 32), point(32, 4, 4, 2))


# Parallel imaging


def test_a_failed_unfolding_by_r_aliases_at_multiples_of_the_field_of_view_over_r() -> None:
    factors = set()
    for seed in range(12):
        image, _ = kspace.unfolded_badly(rng(seed), point(240, 16, 50, 9), 3.0)
        rows, columns = np.nonzero(np.abs(image) > 1e-4)
        factor = len(rows)
        assert set(columns) == {9}
        assert {(int(row) - 50) % 240 for row in rows} == {k * 240 // factor for k in range(factor)}
        factors.add(factor)
    assert factors == {2, 3, 4}


def test_unfolding_with_true_sensitivities_leaves_no_alias_where_the_coils_tell_the_places_apart() -> None:
    images = [kspace.unfolded_badly(rng(seed), point(48, 48, 20, 20), 0.0)[0] for seed in range(12)]
    apart = [image for image in images if np.count_nonzero(np.abs(image) > 1e-6) < 4]  # R = 2 and 3

    assert len(apart) >= 4
    for image in apart:
        assert np.allclose(image, point(48, 48, 20, 20), atol=0.03)


def test_the_sensitivities_that_unfold_have_moved_by_a_normal_4_5_px_times_severity() -> None:
    severity, moves = 0.05, []
    for seed in range(100):
        _, still = kspace.unfolded_badly(rng(seed), AIR[:48, :48], 0.0)
        if still.max() == 6:
            continue  # clipped: the g-factor, which moves as the sensitivities do, cannot be followed
        _, after = kspace.unfolded_badly(rng(seed), AIR[:48, :48], severity)
        inner = np.s_[1:15]  # of the first fold, be it 24 rows high or 16
        slopes = np.stack([slope[inner].ravel() for slope in np.gradient(still)], axis=1)
        moves.append(np.linalg.lstsq(slopes, (still - after)[inner].ravel(), rcond=None)[0])
    assert len(moves) >= 30
    assert float(np.std(moves)) == pytest.approx(4.5 * severity, rel=0.15)


# Ghosts


def test_an_odd_even_phase_puts_a_ghost_of_its_half_sine_at_half_the_field_of_view() -> None:
    phase = np.linspace(-0.8, 0.8, 9, dtype=np.float32)
    image = np.repeat(point(64, 1, 10, 0), 9, axis=1)

    ghosted = np.abs(kspace.nyquist_ghost(image, phase))

    assert np.allclose(ghosted[42], np.abs(np.sin(phase / 2)), atol=1e-6)
    assert np.allclose(ghosted[10], np.cos(phase / 2), atol=1e-6)
    assert float(np.delete(ghosted, (10, 42), axis=0).max()) < 1e-6


def ghost_kind(lines: Complex) -> str:
    """Tell from the lines of a bar along x, whose lines are all alike, what was done to them."""
    strength = np.abs(lines[:, 0])
    if np.allclose(np.abs(lines), 1, atol=1e-5):
        return "phase"
    return "dropped" if np.allclose(strength[[0, 1, 2, 3, -3, -2, -1]], 1, atol=1e-5) else "periodic"


ROWS = 840  # divides by every period from 2 to 8
BAR = np.zeros((ROWS, 5), dtype=np.complex64)
BAR[0] = 1


@cache
def ghosted() -> list[tuple[str, Complex]]:
    """Return kind and image of many ghosted bars."""
    images = [kspace.ghosted(rng(seed), BAR, 2.0) for seed in range(80)]
    return [(ghost_kind(to_lines(image)), image) for image in images]


def ghosts_of(kind: str) -> list[Image]:
    return [np.abs(image) for found, image in ghosted() if found == kind]


def test_ghosts_come_in_three_kinds_odd_even_phase_in_half_of_the_cases() -> None:
    share = {kind: n / len(ghosted()) for kind, n in Counter(kind for kind, _ in ghosted()).items()}

    assert share["phase"] == pytest.approx(0.5, abs=0.1)
    assert share["periodic"] == pytest.approx(0.35, abs=0.1)
    assert share["dropped"] == pytest.approx(0.15, abs=0.1)


def test_a_nyquist_ghost_has_about_7_percent_times_severity_and_changes_evenly_across() -> None:
    slopes = []
    for image in ghosts_of("phase"):
        ghost = np.arcsin(image[ROWS // 2])
        assert float(ghost[2]) == pytest.approx(0.07 * 2.0, rel=1e-3)
        assert np.allclose(np.diff(ghost), ghost[1] - ghost[0], atol=1e-4)
        assert float(np.delete(image, (0, ROWS // 2), axis=0).max()) < 1e-5
        slopes.append(float(ghost[1] - ghost[0]))
    assert min(slopes) < -0.01
    assert max(slopes) > 0.01


def test_a_periodic_modulation_puts_its_ghosts_at_the_field_of_view_over_the_period() -> None:
    periods = set()
    for image in ghosts_of("periodic"):
        rows = np.flatnonzero(image[:, 0] > 1e-3)
        period = ROWS // int(rows[1])
        assert set(rows) == {0, ROWS // period, ROWS - ROWS // period}
        strength = image[rows[1:], 0]
        if period == 2:  # both ghosts at one place, in whatever phase
            assert float(strength[0]) <= 2 * 0.07 * 2.0 + 1e-4
        else:
            assert strength == pytest.approx(0.07 * 2.0, rel=1e-3)
        periods.add(period)
    assert periods == set(range(2, 9))


def test_dropped_lines_return_every_so_many_lines_outside_the_centre_of_k_space() -> None:
    seen = [to_lines(image) for kind, image in ghosted() if kind == "dropped"]
    assert len(seen) >= 5
    for lines in seen:
        order = np.fft.fftshift(np.abs(lines[:, 0]))
        dropped = np.flatnonzero(order < 0.5)
        steps = np.diff(dropped)
        assert float(np.delete(order, dropped).min()) > 0.999
        assert 4 <= steps.min() <= 16
        assert set(steps) <= {steps.min(), 2 * steps.min()}  # twice where the centre is spared
        assert np.abs(dropped - ROWS // 2).min() > 3


# Truncation


def width_at_half(profile: Complex) -> float:
    """Return the full width at half maximum of a point's image along one axis, px."""
    finely = 32
    spectrum = np.fft.fftshift(np.fft.fft(profile))
    padded = np.pad(spectrum, (len(profile) * (finely - 1)) // 2)
    drawn = np.abs(np.fft.ifft(np.fft.ifftshift(padded)))
    # The point lies in the middle: widen from there until the half is reached.
    half = drawn.max() / 2
    peak = int(drawn.argmax())
    right = int(np.argmax(drawn[peak:] < half))
    left = int(np.argmax(drawn[peak::-1] < half))
    return (left + right - 1) / finely


def test_the_gaussian_twin_of_a_truncation_has_the_same_full_width_at_half_maximum() -> None:
    compared = 0
    for seed in range(8):
        ringing, soft, hard = kspace.truncated(rng(seed), point(256, 256, 128, 128), 2.0)
        for sharp, twin, cut in (
            (ringing[:, 128], soft[:, 128], hard[:, 0]),
            (ringing[128], soft[128], hard[0]),
        ):
            if cut.all():
                continue
            assert width_at_half(twin) == pytest.approx(width_at_half(sharp), rel=0.03)
            assert np.abs(twin)[:100].max() < 1e-3 * np.abs(twin).max()  # no ringing far off
            assert np.abs(sharp)[:100].max() > 1e-3 * np.abs(sharp).max()
            compared += 1
    assert compared >= 8


def test_a_truncation_keeps_the_inner_20_to_60_percent_of_one_or_both_directions_less_if_severe() -> None:
    directions, cuts = set(), {}
    for severity in (0.8, 2.0, 3.4):
        shares = []
        for seed in range(12):
            ringing, _, hard = kspace.truncated(rng(seed), point(64, 128, 32, 64), severity)
            kept = np.abs(np.fft.fft2(ringing)) > 0.5
            assert np.array_equal(kept, hard > 0)
            down, across = kept[:, 0].mean(), kept[0].mean()
            directions.add((bool(down < 1), bool(across < 1)))
            shares += [share for share in (down, across) if share < 1]
        assert min(shares) >= 0.2 - 1 / 64
        assert max(shares) <= 0.6 + 1 / 64
        cuts[severity] = float(np.mean(shares))
    assert directions == {(True, False), (False, True), (True, True)}
    assert cuts[0.8] > 0.55 > cuts[2.0] > 0.3 > cuts[3.4]


def test_a_truncated_edge_overshoots_by_nine_percent_and_its_gaussian_twin_does_not() -> None:
    bar = AIR.copy()
    bar[96:160] = 1
    for seed in range(6):
        ringing, soft, hard = kspace.truncated(rng(seed), bar, 2.0)
        if not hard[:, 0].all():
            assert float(np.abs(ringing).max()) == pytest.approx(1.09, abs=0.03)
        assert float(np.abs(soft).max()) < 1.001


# Spikes


def samples_of(change: Complex) -> list[tuple[float, complex]]:
    """Return radius (cycles per px) and value of the samples of k-space that differ."""
    space = np.fft.fft2(change)
    y, x = np.nonzero(np.abs(space) > 1)
    rows, columns = change.shape
    radii = np.hypot(frequencies(rows)[y] / rows, frequencies(columns)[x] / columns)
    return list(zip(radii.tolist(), space[y, x].tolist(), strict=True))


@pytest.mark.parametrize("acquired", [1.0, 0.5])
def test_a_spike_is_one_sample_of_k_space_of_4_5_percent_times_severity_n_squared_s(acquired: float) -> None:
    severity, level, radii, counts = 2.0, 0.5, [], set()
    for seed in range(40):
        spikes = samples_of(kspace.spiked(rng(seed), AIR[:128], severity, level, acquired))
        counts.add(len(spikes))
        for radius, value in spikes:
            assert abs(value) == pytest.approx(0.045 * severity * 128 * 256 * level, rel=1e-3)
            radii.append(radius)
    assert counts == {1, 2, 3}
    assert 0.06 * acquired - 0.005 <= min(radii) < 0.09 * acquired + 0.005
    assert 0.43 * acquired < max(radii) <= 0.46 * acquired + 0.005


# Zippers


def test_a_zipper_is_a_line_of_22_percent_times_severity_s_at_a_fixed_x() -> None:
    severity, level = 2.0, 0.5
    kinds, lit = Counter(), []
    for seed in range(30):
        change = kspace.zippered(rng(seed), AIR, severity, level) / (0.22 * severity * level)
        columns = np.flatnonzero(np.abs(change).any(axis=0))
        assert 1 <= len(columns) <= 6
        lines = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
        for line in lines:
            if not np.allclose(change[:, line], change[:, line[:1]]):
                continue  # two that lie side by side
            assert len(line) <= 2
            on = np.abs(change[:, line[0]]) > 0
            strength = np.abs(change[on, line[0]])
            kinds["coherent" if np.ptp(strength) < 1e-4 else "noise-like"] += 1
            assert float(np.sqrt(np.mean(strength**2))) == pytest.approx(1, abs=0.25)
            lit.append(float(on.mean()))
    assert min(kinds.values()) > 0.25 * kinds.total()
    assert min(lit) < 0.6  # broken
    assert lit.count(1.0) > 0.25 * len(lit)  # continuous


# Noise


def test_noise_in_air_has_a_rayleigh_mean_of_1_25_and_a_deviation_of_0_655_of_sigma() -> None:
    magnitude = np.abs(kspace.noise(rng(), (512, 512), 0.1, None))

    assert float(magnitude.mean()) == pytest.approx(0.1 * np.sqrt(np.pi / 2), rel=0.01)
    assert float(magnitude.std()) == pytest.approx(0.1 * 0.655, rel=0.01)


@pytest.mark.parametrize("signal", [0.5, 1.0, 3.0])
def test_noise_on_a_signal_is_rician(signal: float) -> None:
    power = np.abs(signal + kspace.noise(rng(), (512, 512), 1.0, None)) ** 2

    assert float(power.mean()) == pytest.approx(signal**2 + 2, rel=0.01)
    assert float(power.var()) == pytest.approx(4 * signal**2 + 4, rel=0.02)


def test_noise_lies_on_the_acquired_samples_alone_and_keeps_its_sigma() -> None:
    window = np.zeros((256, 256), dtype=np.float32)
    window[:20], window[-20:] = 1, 1

    noise = kspace.noise(rng(), (256, 256), 0.1, window)

    spectrum = np.abs(np.fft.fft2(noise))
    assert float(spectrum[window == 0].max()) < 1e-4 * float(spectrum.max())
    assert float(noise.real.std()) == pytest.approx(0.1, rel=0.02)
    assert float(noise.imag.std()) == pytest.approx(0.1, rel=0.02)


def test_noise_follows_the_g_factor_from_place_to_place() -> None:
    sigma: NDArray[np.float32] = np.repeat(np.float32([[1.0], [3.0]]), 128, axis=0) * np.ones(
        (1, 256), np.float32
    )

    noise = kspace.noise(rng(), (256, 256), sigma, None)

    assert float(noise[:128].real.std()) == pytest.approx(1, rel=0.02)
    assert float(noise[128:].real.std()) == pytest.approx(3, rel=0.02)
