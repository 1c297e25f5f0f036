"""A slice with what was planted on it: visible, named, deterministic, and its parameters as stated."""

from collections import Counter

import numpy as np
import pytest

from models import visibility
from models.classes import CLASSES, INDEX
from models.head import draw_anatomy, head_slice
from models.simulate import Plan, Planted, Sample, draw_plan, simulate
from models.visibility import Image

DISC = (np.hypot(*(np.indices((192, 192)) - 96)) < 60).astype(np.float32)
FLAT = np.ones((128, 128), dtype=np.float32)
HEAD = head_slice(draw_anatomy(np.random.default_rng(3)), 0.1)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def planted(name: str, severity: float = 2.0, seed: int = 1) -> Sample:
    return simulate(rng(seed), HEAD, Plan((Planted(name, severity),), benign=False))


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


def test_the_object_of_a_wrap_is_so_large_that_the_field_of_view_covers_60_to_88_percent_of_it() -> None:
    object_ = np.zeros((256, 256), dtype=np.float32)
    object_[28:228, 113:143] = 1  # 200 rows high, 30 columns wide; the width tells how it was magnified
    shares = []
    for seed in range(16):
        sample = simulate(rng(seed), object_, Plan((Planted("wrap", 2.0),), benign=False))
        height = 200 * float(np.median(sample.reference.sum(axis=1))) / 30
        shares.append(256 / height)
        assert sample.reference[4:-4, 128].min() > 0.9  # it fills the field of view
        folded = np.abs(sample.image - sample.reference)[:, 120:136].mean(axis=1) > 0.1
        assert float(folded.sum()) <= height - 256 + 4  # nothing changes but where the rest comes down
        assert not folded[int(np.ceil(height - 256)) + 2 : 256 - int(np.ceil(height - 256)) - 2].any()
    assert 0.60 - 0.01 <= min(shares) < 0.65
    assert 0.83 < max(shares) <= 0.88 + 0.01


def sigmas_of(sample: Sample) -> Image:
    """Return sigma in the four corners of the air, from the mean of a Rayleigh distribution."""
    corners = (
        sample.image[rows, columns]
        for rows in (np.s_[:40], np.s_[-40:])
        for columns in (np.s_[:40], np.s_[-40:])
    )
    return np.array([corner.mean() for corner in corners], dtype=np.float32) / np.float32(np.sqrt(np.pi / 2))


@pytest.mark.parametrize("severity", [0.8, 3.4])
def test_noise_is_rician_with_a_signal_of_12_over_severity_times_sigma(severity: float) -> None:
    samples = [simulate(rng(s), DISC, Plan((Planted("noise", severity),), benign=False)) for s in range(24)]
    even = [sample for sample in samples if np.ptp(sigmas := sigmas_of(sample)) < 0.1 * sigmas.mean()]

    assert 0.5 < len(even) / len(samples) < 0.85  # coils shape it in a third of the cases
    ratios = [1 / float(sigmas_of(sample).mean()) for sample in even]
    assert ratios == pytest.approx([12 / severity] * len(even), rel=0.03)
    air = np.concatenate([sample.image[:36] for sample in even])
    assert float(air.std()) == pytest.approx(0.655 * severity / 12, rel=0.02)
    power = float(np.mean([np.square(sample.image[80:112, 80:112]).mean() for sample in even]))
    assert power == pytest.approx(1 + 2 * (severity / 12) ** 2, rel=0.02)


def test_a_slice_without_planted_noise_has_a_signal_of_28_to_300_sigma() -> None:
    sigmas = [sigmas_of(simulate(rng(seed), DISC, Plan(benign=False))) for seed in range(40)]
    ratios = [1 / float(sigma.mean()) for sigma in sigmas if np.ptp(sigma) < 0.1 * sigma.mean()]

    assert 28 * 0.97 <= min(ratios) < 40
    assert 200 < max(ratios) <= 300 * 1.03


def test_the_g_factor_of_a_failed_unfolding_raises_the_noise() -> None:
    step = 1e-3  # so little noise that the magnitude takes its part along the signal
    raised = []
    for seed in range(8):
        less, more = (
            simulate(
                rng(seed), FLAT, Plan((Planted("parallel", 2.0), Planted("noise", k * step)), benign=False)
            )
            for k in (1, 2)
        )
        sigma = (more.image - less.image).reshape(8, 16, 8, 16).std(axis=(1, 3)) * 12 / step
        assert float(sigma.min()) > 1 - 0.15  # g is 1 at least, told from 256 px
        raised.append(float(sigma.mean()))
    assert max(raised) > 3


def test_noise_after_a_truncation_is_of_the_truncated_samples() -> None:
    plan = Plan((Planted("gibbs", 3.4), Planted("noise", 0.8)), benign=False)
    v, u = (np.abs(np.fft.fftfreq(128)) * 2 for _ in range(2))
    for seed in range(4):
        power = np.abs(np.fft.fft2(simulate(rng(seed), FLAT, plan).image)) ** 2
        outside = power[np.ix_(v > 0.7, u > 0.7)].mean()
        assert outside < 0.05 * power[np.ix_((v > 0.06) & (v < 0.15), (u > 0.06) & (u < 0.15))].mean()


def test_a_spike_lies_within_the_acquired_part_of_a_truncated_k_space() -> None:
    quiet = Planted("noise", 1e-6)
    reach = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    for seed in range(12):
        plain, spiked = (
            simulate(rng(seed), FLAT, Plan((Planted("gibbs", 3.4), quiet, *spike), benign=False)).image
            for spike in ((), (Planted("spike", 0.8),))
        )
        power = np.abs(np.fft.fft2(spiked - plain)) ** 2
        assert power[reach > 0.25].sum() < 0.05 * power.sum()  # 0.46 of the root of a fifth is 0.21


def test_a_chemical_shift_is_a_property_of_the_protocol_and_leaves_a_slice_suitable() -> None:
    for seed in range(3):
        sample = planted("chemshift", 3.4, seed)
        assert sample.similarity[0] > 0.95
        assert sample.visibility["chemshift"].max() > 1


def test_plans_hold_none_to_three_classes_of_log_uniform_severity() -> None:
    generator = rng()
    plans = [draw_plan(generator) for _ in range(1500)]
    severities = np.array([planted.severity for plan in plans for planted in plan.artifacts])
    names = Counter(planted.name for plan in plans for planted in plan.artifacts)
    counts = Counter(len(plan.artifacts) for plan in plans)

    assert set(counts) == {0, 1, 2, 3}
    assert counts[0] / len(plans) == pytest.approx(0.2, abs=0.04)
    assert set(names) == set(CLASSES)
    assert 0.8 <= severities.min() < 0.85
    assert 3.3 < severities.max() <= 3.4
    assert float(np.median(severities)) == pytest.approx(np.sqrt(0.8 * 3.4), rel=0.05)


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
