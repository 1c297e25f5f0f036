"""The physics of each artifact, on a numerical phantom."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models import fields, visibility
from models import kspace_effects as kspace
from models import object_effects as objects
from models.classes import CLASSES, INDEX
from models.head import draw_anatomy, head_slice
from models.simulate import Plan, Planted, Sample, draw_plan, simulate
from models.visibility import Image

HEAD = head_slice(draw_anatomy(np.random.default_rng(3)), 0.1)
BODY = visibility.find_body(HEAD)
STILL = HEAD.astype(np.complex64)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def planted(name: str, severity: float = 2.0, seed: int = 1) -> Sample:
    return simulate(rng(seed), HEAD, Plan((Planted(name, severity),), benign=False))


def centroid(plane: Image) -> float:
    """Of the columns, px."""
    return float((plane.sum(axis=0) * np.arange(plane.shape[1])).sum() / plane.sum())


@pytest.mark.parametrize("name", CLASSES)
def test_a_severe_artifact_of_every_class_is_visible_and_named(name: str) -> None:
    shares = [
        float(visibility.mask_of(planted(name, 3.2, seed).visibility[name]).mean()) for seed in range(3)
    ]
    assert max(shares) > 0.002
    assert max(planted(name, 3.2, seed).presence()[INDEX[name]] for seed in range(3)) == 1


def test_the_same_seed_gives_the_same_slice() -> None:
    first, second = (simulate(rng(5), HEAD, draw_plan(rng(5))) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert not np.array_equal(first.image, simulate(rng(6), HEAD, draw_plan(rng(5))).image)


def test_a_clean_slice_is_suitable_and_shows_no_planted_class() -> None:
    sample = simulate(rng(), HEAD, Plan(benign=False))
    assert sample.suitable
    absent = [name for name in CLASSES if name != "noise"]
    assert [sample.presence()[INDEX[name]] for name in absent] == [0] * len(absent)


def test_severity_makes_noise_and_motion_worse_and_slices_unsuitable() -> None:
    for name in ("noise", "motion"):
        similarities = [planted(name, severity).similarity[0] for severity in (0.8, 3.4)]
        assert similarities[0] > similarities[1]
        assert not planted(name, 3.4).suitable


def test_an_odd_even_phase_puts_a_ghost_of_its_half_sine_at_half_the_field_of_view() -> None:
    phase = np.full(256, 0.4, dtype=np.float32)
    ghosted = np.abs(kspace.nyquist_ghost(STILL, phase))
    only_ghost = np.roll(HEAD, 128, axis=0) * (HEAD == 0)
    seen = only_ghost > 0.3
    ratio = float(np.median(ghosted[seen] / only_ghost[seen]))
    assert ratio == pytest.approx(np.sin(0.2), rel=0.05)


def test_a_wrap_folds_what_lay_outside_the_field_of_view() -> None:
    enlarged = np.zeros((512, 256), dtype=np.complex64)
    enlarged[100, 50] = 1  # 28 rows above the field of view of rows 128..383
    folded = np.abs(kspace.folded(rng(), enlarged, 256))
    assert folded[100 + 256 - 128, 50] >= 0.5
    assert np.count_nonzero(folded) == 1


def test_a_spike_is_one_sample_of_k_space() -> None:
    spiked = next(
        image for seed in range(20) if _samples(image := kspace.spiked(rng(seed), STILL, 2.0, 0.5)) == 1
    )
    change = np.fft.fft2(spiked - STILL)
    assert float(np.abs(change).max()) == pytest.approx(0.045 * 2.0 * 256**2 * 0.5, rel=0.01)


def _samples(image: NDArray[np.complex64]) -> int:
    change = np.abs(np.fft.fft2(image - STILL))
    return int((change > 0.01 * change.max()).sum())


def test_a_zipper_stays_on_a_few_columns() -> None:
    changed = np.abs(kspace.zippered(rng(), STILL, 2.0, 0.5) - STILL).sum(axis=0) > 1e-3
    assert 1 <= int(changed.sum()) <= 6


def test_noise_is_rician_with_the_stated_ratio() -> None:
    sample = planted("noise", 2.0, seed=4)
    air = ~sample.body & (HEAD == 0)
    air[40:216, 40:216] = False
    level = float(np.median(HEAD[BODY]))
    sigma = float(sample.image[air].mean()) / np.sqrt(np.pi / 2)  # a Rayleigh distribution in air
    assert level / sigma == pytest.approx(12.0 / 2.0, rel=0.35)  # coils shape it in a third of the cases
    assert float(sample.image[air].std() / sample.image[air].mean()) == pytest.approx(0.523, abs=0.06)


def test_a_periodic_modulation_puts_its_ghosts_at_the_field_of_view_over_the_period() -> None:
    line = np.zeros((240, 240), dtype=np.complex64)
    line[60] = 1
    found = set()
    for seed in range(40):
        if not 0.5 <= rng(seed).random() < 0.85:  # the kind that is drawn first
            continue
        ghosted = np.abs(kspace.ghosted(rng(seed), line, 2.0))[:, 0]
        off = np.flatnonzero(ghosted > 0.5 * 0.07 * 2.0) - 60
        aside = {int(rows) % 240 for rows in off} - {0}
        period = round(240 / min(min(rows, 240 - rows) for rows in aside))
        assert 2 <= period <= 8
        assert all(abs(rows - 240 / period) <= 1 or abs(rows - 240 + 240 / period) <= 1 for rows in aside)
        found.add(period)
    assert len(found) >= 3


def test_noise_is_coloured_by_the_window_that_acquired_the_signal() -> None:
    window = np.zeros((256, 256), dtype=np.float32)
    window[:20], window[-20:] = 1, 1
    spectrum = np.abs(np.fft.fft2(kspace.noise(rng(), (256, 256), 0.1, window)))
    assert float(spectrum[window == 0].max()) < 1e-2 * float(spectrum.max())


def test_truncation_rings_beside_edges_and_its_gaussian_twin_does_not() -> None:
    bar = np.zeros((256, 256), dtype=np.complex64)
    bar[96:160] = 1
    for seed in range(8):
        ringing, soft, hard = kspace.truncated(rng(seed), bar, 2.5)
        assert 0.04 <= float(hard.mean()) <= 0.6
        across_the_bar = not hard[:, 0].all()
        assert (float(np.abs(ringing).max()) > 1.05) == across_the_bar  # an overshoot of 9 %
        assert float(np.abs(soft).max()) < 1.001


def test_chemical_shift_moves_fat_along_the_frequency_encoding_by_the_stated_pixels() -> None:
    fat = np.zeros((256, 256), dtype=np.float32)
    fat[100:120, 100:120] = 1
    moves = [
        abs(centroid(np.abs(objects.chemical_shift(rng(seed), fat.astype(np.complex64), fat, 2.0))) - 109.5)
        for seed in range(6)
    ]
    assert all(0.6 * 2 - 0.15 <= pixels <= 1.2 * 2 + 0.15 for pixels in moves)


def test_susceptibility_piles_signal_up_and_loses_none_without_dephasing() -> None:
    flat = np.ones((256, 256), dtype=np.complex64)
    results = [objects.susceptibility(rng(seed), flat, BODY, 2.0) for seed in range(12)]
    kept = [result for result in results if not result.loss.any()]
    assert kept
    for result in kept:
        assert 3 <= float(np.abs(result.shift).max()) <= 8 * 2**0.5 + 1e-3
        assert float(np.abs(result.image).max()) > 1.5
        along_rows = np.abs(result.image).sum(axis=1)  # signal moves along the frequency encoding alone
        assert np.allclose(along_rows, 256, rtol=0.02)


def test_a_gradient_echo_loses_all_signal_within_the_radius_and_some_around_it() -> None:
    flat = np.ones((256, 256), dtype=np.complex64)
    results = [objects.susceptibility(rng(seed), flat, BODY, 2.0) for seed in range(12)]
    lossy = [result for result in results if result.loss.any()]
    assert lossy
    for result in lossy:
        void = float((result.loss == 1).sum())
        assert np.pi * (3 * 2**0.5) ** 2 * 0.9 <= void <= np.pi * (8 * 2**0.5) ** 2 * 1.1
        assert float(((result.loss > 0.1) & (result.loss < 1)).sum()) > 0


def test_fat_suppression_keeps_water_and_takes_fat_where_the_field_is_right() -> None:
    fat = np.zeros((256, 256), dtype=np.float32)
    fat[:128] = 1
    failed, perfect = objects.fat_suppression(rng(), fat, 2.0)
    assert float(perfect[:128].max()) == pytest.approx(0.05, abs=0.01)
    assert float(perfect[128:].min()) > 0.98
    assert float(failed[:128].max()) > 0.3


def test_pulsation_leaves_the_vessels_own_columns_alone() -> None:
    vessel = np.zeros((256, 256), dtype=np.complex64)
    vessel[120:123, 80:83] = 1
    pulsing = np.abs(objects.pulsating(rng(), vessel, 2.0))
    assert float(pulsing[:, 90:].max()) == 0
    assert float(pulsing[:100, 80:83].max()) > 0.01


def test_motion_keeps_the_centre_of_k_space_and_corrupts_the_rest() -> None:
    moved = objects.motion(rng(7), STILL, 2.5)
    before, after = fields.to_lines(STILL), fields.to_lines(moved)
    assert np.allclose(before[0], after[0], atol=1e-2)
    assert not np.allclose(before[20:200], after[20:200], atol=1e-2)


def test_shading_spans_the_stated_ratio_over_the_body() -> None:
    gain = objects.shading(rng(), BODY, 1.5)
    ratio = float(gain[BODY].max() / gain[BODY].min())
    assert 1 + 1.5 * 1.5 - 0.05 <= ratio <= 1 + 2.8 * 1.5 + 0.05


def test_a_failed_unfolding_aliases_at_the_field_of_view_over_r() -> None:
    point = np.zeros((256, 256), dtype=np.complex64)
    point[60, 128] = 1
    image, g_factor = kspace.unfolded_badly(rng(3), point, 3.0)
    rows = np.flatnonzero(np.abs(image[:, 128]) > 1e-3)
    steps = {int(step) for step in np.diff(rows)}
    assert len(rows) >= 2
    assert steps <= {128, 85, 64, 170, 192}
    assert float(g_factor.min()) >= 1


def test_an_oblong_field_of_view_is_simulated_too() -> None:
    sample = simulate(
        rng(), np.ascontiguousarray(HEAD[40:216]), Plan((Planted("ghost", 3.0), Planted("wrap", 2.0)))
    )
    assert sample.image.shape == (176, 256)
    assert np.isfinite(sample.image).all()


def test_an_empty_slice_passes() -> None:
    empty = np.zeros((64, 64), dtype=np.float32)
    for name in CLASSES:
        assert np.isfinite(simulate(rng(), empty, Plan((Planted(name, 2.0),))).image).all()
