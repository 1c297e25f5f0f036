"""Evidence metrics: each artifact moves its own, on phantoms; none where there is no air."""

import time

import cv2
import numpy as np
import pytest

from inference.evidence import METRICS, NAMES, Reading, from_json, to_json
from inference.ground import MASKED, NO_AIR, NO_SIGNAL
from inference.image import Slice
from inference.postprocess import body_of
from inference.preprocess import to_canvas
from inference.signal import NOT_DIRECTED, measure
from models.head import draw_anatomy, head_slice
from models.simulate import Plan, Planted, simulate

SEEDS = range(8)


def readings(pixels, phase_encoding="COL"):
    image = Slice.from_array(pixels, phase_encoding=phase_encoding)
    return {reading.metric: reading for reading in measure(image, body_of(to_canvas(image)))}


def head(seed=3, height=0.1):
    return head_slice(draw_anatomy(np.random.default_rng(seed)), height)


def scanned(seed, *planted):
    """A phantom of its own for each seed, with the same noise whatever is planted."""
    plan = Plan(tuple(Planted(name, severity) for name, severity in planted), benign=False)
    return simulate(np.random.default_rng(seed), head(seed, 0.05 * seed - 0.2), plan).image


def medians(metric, *planted):
    """The metric over the phantoms that it applies to, and how many these are."""
    values = [readings(scanned(seed, *planted))[metric].value for seed in SEEDS]
    known = [value for value in values if value is not None]
    return float(np.median(known)), len(known)


def test_every_metric_is_read_in_the_tables_order():
    assert tuple(readings(scanned(1))) == NAMES


@pytest.mark.parametrize(
    ("artifact", "metric", "worse"),
    [
        ("ghost", "gsr_pe", "high"),
        ("ghost", "gsr_fe", "low"),
        ("ghost", "psg", "high"),
        ("ghost", "qi_1", "high"),
        ("ghost", "efc", "high"),
        ("motion", "aes", "low"),
        ("motion", "laplacian", "low"),
        ("motion", "qi_1", "high"),
        ("noise", "wavelet_sigma", "high"),
        ("noise", "fber", "low"),
        ("noise", "snrd", "low"),
        ("noise", "efc", "high"),
        ("wrap", "edge_pe", "high"),
        ("wrap", "air_fraction", "low"),
        ("bias", "lowpass_cv", "high"),
        ("gibbs", "laplacian", "low"),
        ("gibbs", "wavelet_sigma", "low"),
        ("spike", "spike", "high"),
        ("zipper", "zipper", "high"),
    ],
)
def test_an_artifact_moves_its_metric_in_the_stated_direction(artifact, metric, worse):
    clean, artifacts = medians(metric), medians(metric, (artifact, 2.5))
    assert clean[1] == len(SEEDS)
    assert artifacts[1] >= 2
    assert artifacts[0] > clean[0] if worse == "high" else artifacts[0] < clean[0]


def test_clean_phantoms_stay_within_bounds_that_artifacts_leave():
    clean = [readings(scanned(seed)) for seed in range(16)]
    assert max(each["gsr_pe"].value for each in clean) < 0.01
    assert max(each["psg"].value for each in clean) < 0.5
    assert max(each["spike"].value for each in clean) < 13.0
    assert max(each["zipper"].value for each in clean) < 6.0
    assert medians("gsr_pe", ("ghost", 2.5))[0] > 0.03
    assert medians("spike", ("spike", 2.5))[0] > 18.0
    assert medians("zipper", ("zipper", 2.5))[0] > 20.0


def test_the_ghost_to_signal_ratio_is_that_of_the_ghost():
    still = head().astype(np.float32)
    ghosted = still + 0.1 * np.roll(still, 128, axis=0)
    grain = np.hypot(*np.random.default_rng(2).normal(0.0, 0.002, (2, *still.shape)))
    found = readings((ghosted + grain).astype(np.float32))
    assert found["gsr_pe"].value == pytest.approx(0.1, rel=0.35)
    assert found["gsr_fe"].value < 0.0


def test_signal_to_noise_is_the_one_that_was_added():
    sigma, still = 0.02, head()
    two = np.random.default_rng(6).normal(0.0, sigma, (2, *still.shape))
    noisy = np.hypot(still + two[0], two[1]).astype(np.float32)
    level = float(np.median(still[still > 0.05]))
    found = readings(noisy)
    assert found["snrd"].value == pytest.approx(level / sigma, rel=0.15)
    assert found["wavelet_sigma"].value == pytest.approx(sigma / level, rel=0.3)


@pytest.mark.parametrize("scale", [1e-30, 1e30, 1e38])
def test_values_at_the_ends_of_single_precision_give_numbers_or_reasons(scale):
    found = readings((scanned(1) * np.float32(scale)).astype(np.float32))
    assert all(one.reason if one.value is None else np.isfinite(one.value) for one in found.values())


def test_metrics_are_ratios_that_no_scale_of_the_pixels_moves():
    image = scanned(4, ("ghost", 1.0))
    plain, scaled = readings(image), readings((image * 731.0).astype(np.float32))
    for name in NAMES:
        assert scaled[name].value == pytest.approx(plain[name].value, rel=1e-2, abs=1e-4)


def test_the_phase_encoding_may_lie_along_either_axis():
    image = scanned(4, ("ghost", 2.0))
    upright, lying = readings(image, "COL"), readings(np.ascontiguousarray(image.T), "ROW")
    for name in NAMES:
        assert lying[name].value == pytest.approx(upright[name].value, rel=0.02, abs=1e-4)


def test_without_air_background_metrics_do_not_apply():
    filled = cv2.resize(head()[76:180, 92:164], (256, 256))
    found = readings((filled + 0.3).astype(np.float32))
    for name in ("gsr_pe", "gsr_fe", "psg", "qi_1", "fber", "snrd", "zipper"):
        assert (found[name].value, found[name].reason) == (None, NO_AIR)
    for name in ("aes", "laplacian", "efc", "lowpass_cv", "edge_pe", "air_fraction", "spike"):
        assert found[name].value is not None


def test_a_background_that_was_masked_is_no_air():
    skull_stripped = head()
    skull_stripped[skull_stripped < 0.02] = 0.0
    assert readings(skull_stripped)["snrd"].reason == MASKED


def test_without_a_phase_encoding_nothing_is_said_along_it():
    found = readings(scanned(2), "")
    for name in ("gsr_pe", "gsr_fe", "psg", "edge_pe", "edge_fe"):
        assert found[name].reason == NOT_DIRECTED
    assert found["snrd"].value is not None


def test_an_empty_slice_has_no_readings():
    found = readings(np.zeros((128, 128)))
    assert {reading.reason for reading in found.values()} == {NO_SIGNAL}


@pytest.mark.parametrize("shape", [(64, 64), (320, 96), (65, 127)])
def test_odd_matrices_are_measured(shape):
    small = cv2.resize(scanned(1), shape[::-1], interpolation=cv2.INTER_AREA)
    found = readings(np.ascontiguousarray(small))
    assert all(reading.value is None or np.isfinite(reading.value) for reading in found.values())
    assert found["aes"].value > 0.0


def test_readings_survive_json_with_their_reasons():
    given = (Reading.of("efc", 0.123456), Reading("snrd", None, NO_AIR))
    assert to_json(given) == {"efc": 0.1235, "snrd": NO_AIR}
    assert from_json(to_json(given)) == given


def test_names_are_unique_and_every_metric_has_source_and_direction():
    assert len(set(NAMES)) == len(METRICS)
    assert all(metric.source and metric.worse in ("high", "low") for metric in METRICS)


def test_all_metrics_of_a_slice_cost_little_time():
    image = Slice.from_array(scanned(1), phase_encoding="COL")
    body = body_of(to_canvas(image))
    measure(image, body)
    began = time.process_time()
    for _ in range(10):
        measure(image, body)
    assert (time.process_time() - began) / 10 < 0.03  # s; 4 ms are usual
