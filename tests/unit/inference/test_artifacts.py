"""The catalogue of artifacts."""

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


def test_what_a_new_scan_does_not_mend_says_check_at_most():
    capped = {artifact.name for artifact in CATALOGUE if artifact.cap == "Check"}
    assert capped == {"bias", "gibbs", "chemshift", "susceptibility"}


# Machado, Oliveira, Fernandes 2009: how linear RGB looks without one kind of cone.
VISIONS = {
    "trichromat": np.eye(3),
    "protanope": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanope": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear_rgb():
    """(13, 3)"""
    stated = np.array([[int(each.colour[n : n + 2], 16) for n in (1, 3, 5)] for each in CATALOGUE]) / 255
    return np.where(stated <= 0.04045, stated / 12.92, ((stated + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.clip(rgb, 0, 1) @ XYZ.T / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return 116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])


def ciede2000(lightness, a, b):
    """Differences of all pairs (Sharma, Wu, Dalal 2005)."""
    l1, l2, b1, b2 = lightness[:, None], lightness[None], b[:, None], b[None]
    chroma7 = ((np.hypot(a, b)[:, None] + np.hypot(a, b)[None]) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(chroma7 / (chroma7 + 25**7))
    a1, a2 = a[:, None] * stretch, a[None] * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = (h2 - h1 + 180) % 360 - 180
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    hue = np.where(abs(h1 - h2) > 180, (h1 + h2 + 360) / 2, (h1 + h2) / 2)

    def wave(times, shift):
        return np.cos(np.radians(times * hue + shift))

    t = 1 - 0.17 * wave(1, -30) + 0.24 * wave(2, 0) + 0.32 * wave(3, 6) - 0.2 * wave(4, -63)
    by_l = (l2 - l1) / (1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2))
    by_c = (c2 - c1) / (1 + 0.045 * mean_c)
    by_h = d_hue / (1 + 0.015 * mean_c * t)
    bend = -2 * np.sqrt(mean_c**7 / (mean_c**7 + 25**7))
    bend *= np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    return np.sqrt(by_l**2 + by_c**2 + by_h**2 + bend * by_c * by_h)


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_are_told_apart_by_every_eye(vision):
    differences = ciede2000(*lab(linear_rgb() @ VISIONS[vision].T))
    assert differences[np.triu_indices(len(CATALOGUE), 1)].min() >= 10.0


def test_colours_stand_out_from_black():
    luminance = linear_rgb() @ XYZ[1]
    assert ((luminance + 0.05) / 0.05).min() >= 3.0


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError):
        by_name("smudge")
