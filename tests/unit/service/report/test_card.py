"""The card says the verdict to a technologist, and never who the patient is."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread

from service.report import build_card, encode
from service.report.canvas import Type, fitted, width_of, wrapped
from service.report.card import BANDS, HEADER, draw_card
from service.report.picture import draw_masks, picture, rgb
from tests.series import Patient, mr_series
from tests.unit.service.report.results import masks, scored_result, unscored_result


def read(result, **options):
    return dcmread(BytesIO(encode(build_card(result, **options))))


def test_a_usable_or_unscored_series_gets_no_card():
    assert build_card(scored_result(verdict="Usable")) is None
    assert build_card(unscored_result()) is None


@pytest.mark.parametrize("verdict", ["Check", "Repeat"])
def test_the_card_shows_the_verdict_in_its_colour(verdict):
    card = read(scored_result(verdict=verdict))
    assert card.SeriesDescription == f"AI QC card: {verdict.upper()}"
    pixels = card.pixel_array
    assert pixels.shape == (512, 512, 3)
    assert card.PhotometricInterpretation == "RGB"
    assert tuple(pixels[HEADER - 2, 200]) == BANDS[verdict][0]


def test_a_console_can_have_it_without_colour():
    card = read(scored_result(), monochrome=True)
    assert card.PhotometricInterpretation == "MONOCHROME2"
    assert card.pixel_array.shape == (512, 512)
    assert "PlanarConfiguration" not in card


def test_nothing_of_the_patient_is_drawn():
    one = scored_result(mr_series(slices=3))
    other = scored_result(
        mr_series(slices=3, patient=Patient(name="Somebody^Else", id="0"), description="Else", study="other")
    )
    assert np.array_equal(draw_card(one), draw_card(other))
    card = read(one)
    assert card.BurnedInAnnotation == "NO"
    assert card.DerivationDescription == "AI image quality control; not for diagnosis"


@pytest.mark.parametrize(
    "change",
    [
        {"picture": None},
        {"advice": ()},
        {"advice": ("word " * 80, "unbreakable" * 30)},
        {"reason": "", "advice": ()},
        {"picture": np.zeros((7, 300), np.uint8)},
        {"picture": np.full((16, 16), np.nan, np.float32)},
    ],
    ids=" ".join,
)
def test_a_card_can_be_drawn_whatever_is_missing_or_odd(change):
    image = draw_card(replace(scored_result(), **change))
    assert image.shape == (512, 512, 3)
    assert image.dtype == np.uint8


def test_findings_beyond_the_space_are_counted():
    found = ("motion", "ghost", "flow", "wrap", "gibbs", "spike", "zipper")
    assert not np.array_equal(
        draw_card(scored_result(found=found)), draw_card(scored_result(found=found[:5]))
    )


def test_a_mask_is_tinted_and_outlined_in_its_colour():
    plain = np.full((96, 128, 3), 100, np.uint8)
    drawn = plain.copy()
    draw_masks(drawn, masks(["motion"]), ["motion"])
    assert (drawn != plain).any(axis=2).mean() > 0.05
    draw_masks(plain, masks(["motion"]), ["wrap"])
    assert (plain == 100).all()


def test_pixels_that_are_not_square_are_shown_in_proportion():
    image = picture(np.zeros((100, 100), np.float32), (2.0, 1.0), 280)
    assert image.shape == (280, 140, 3)


def test_the_side_of_a_knee_is_kept_and_an_unknown_side_is_empty():
    images = mr_series(slices=2)
    assert read(scored_result(images)).Laterality is None or read(scored_result(images)).Laterality == ""
    images[0].BodyPartExamined, images[0].Laterality = "KNEE", "R"
    card = read(scored_result(images))
    assert (card.BodyPartExamined, card.ImageLaterality) == ("KNEE", "R")
    assert "Laterality" not in card


def test_text_is_broken_between_words_and_shortened_where_it_must():
    style = Type(14)
    lines = wrapped("one two three four five six seven eight nine ten", style, 90)
    assert " ".join(lines) == "one two three four five six seven eight nine ten"
    assert all(width_of(line, style) <= 90 for line in lines)
    short = fitted("Intensity inhomogeneity", style, 80)
    assert short.endswith("…")
    assert width_of(short, style) <= 80


def test_a_colour_is_three_numbers():
    assert rgb("#D55E00") == (213, 94, 0)
