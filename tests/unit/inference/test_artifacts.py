"""The catalogue of artifacts."""

import cv2
import numpy as np
import pytest
from pydicom.sr.codedict import codes

from inference.artifacts import CATALOGUE, NAMES, by_name

CHANNELS = [
    "motion",
    "ghost",
    "flow",
    "wrap",
    "gibbs",
    "spike",
    "zipper",
    "noise",
    "bias",
    "susceptibility",
    "chemshift",
    "parallel",
    "fatsat",
]


def test_the_order_is_that_of_the_networks_channels():
    assert list(NAMES) == CHANNELS


def test_codes_are_those_of_the_standard_and_radlex():
    assert {artifact.name: artifact.coded for artifact in CATALOGUE} == {
        "motion": "RADLEX:RID11423",
        "ghost": "RADLEX:RID11426",
        "flow": "RADLEX:RID11438",
        "wrap": "RADLEX:RID11395",
        "gibbs": "RADLEX:RID11470",
        "spike": "RADLEX:RID11359",
        "zipper": "RADLEX:RID11336",
        "noise": "DCM:130578",
        "bias": "RADLEX:RID11408",
        "susceptibility": "RADLEX:RID11372",
        "chemshift": "RADLEX:RID11374",
        "parallel": "RADLEX:RID11464",
        "fatsat": "99SCANSIDE:FATSAT",
    }


def test_the_dicom_code_means_what_the_standard_says():
    assert codes.DCM.PoorSNR.value == by_name("noise").code
    assert codes.DCM.PoorSNR.meaning == by_name("noise").meaning


@pytest.mark.parametrize("artifact", CATALOGUE, ids=lambda artifact: artifact.name)
def test_values_fit_dicom_and_the_console(artifact):
    assert len(artifact.code) <= 16
    assert len(artifact.meaning) <= 64
    assert 0.0 < artifact.weight <= 1.0
    assert artifact.advice.endswith(".")
    assert 40 <= len(artifact.advice) <= 300


def test_what_a_new_scan_does_not_mend_says_check_at_most():
    capped = {artifact.name for artifact in CATALOGUE if artifact.cap == "Check"}
    assert capped == {"bias", "gibbs", "chemshift", "susceptibility"}


def test_nobody_is_told_to_swap_the_phase_encoding_of_an_epi():
    for artifact in CATALOGUE:
        if "swap" in artifact.advice.lower():
            assert "never in epi" in artifact.advice.lower()


def test_inhomogeneity_is_mended_in_the_reconstruction_first():
    assert "no new scan" in by_name("bias").advice


def test_colours_are_told_apart():
    rgb = np.array(
        [[int(artifact.colour[n : n + 2], 16) for n in (1, 3, 5)] for artifact in CATALOGUE], np.float32
    )
    lab = cv2.cvtColor(rgb[None] / 255.0, cv2.COLOR_RGB2Lab)[0]
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2)[np.triu_indices(len(lab), 1)]
    assert apart.min() >= 20.0


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError):
        by_name("smudge")
