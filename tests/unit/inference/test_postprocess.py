"""From the network's probabilities to findings."""

from dataclasses import replace

import numpy as np
import pytest

from inference.artifacts import NAMES
from inference.card import Calibration, load_card, released
from inference.image import Slice
from inference.postprocess import Answer, body_of, findings_of, has_signal, score_of, stack_of
from inference.preprocess import to_canvas

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def card():
    """The released card with plain operating points: these tests are of the way, not of one model."""
    given = load_card(released())
    plain = {
        "mask_threshold": 0.5,
        "presence_threshold": 0.5,
        "presence_temperature": 1.0,
        "presence_bias": 0.0,
    }
    return replace(
        given, classes=tuple(replace(each, **plain) for each in given.classes), suitability=Calibration()
    )


def disc(rows=256, columns=256, radius=0.35, noise=0.01):
    """A bright disc with some texture, in air."""
    y, x = np.mgrid[0:rows, 0:columns]
    inside = np.hypot((y - rows / 2) / rows, (x - columns / 2) / columns) < radius
    texture = 0.8 + 0.2 * np.sin(x / 9.0) * np.cos(y / 7.0)
    return (inside * texture + np.abs(RNG.normal(0.0, noise, (rows, columns)))).astype(np.float32)


IMAGE = Slice.from_array(disc(), phase_encoding="COL")


def canvas_of(pixels, phase_encoding="COL", spacing=(1.0, 1.0)):
    return to_canvas(Slice.from_array(pixels, spacing=spacing, phase_encoding=phase_encoding))


def answer(*, shape=(128, 128), suitability=0.9, outlier=1.0, **regions):
    """An answer in which the named classes are present over the given index (rows, columns) of cells."""
    masks = np.full((len(NAMES), *shape), 0.02, np.float32)
    presence = np.full(len(NAMES), 0.05)
    for name, region in regions.items():
        presence[NAMES.index(name)] = 0.9
        if region is not None:
            masks[NAMES.index(name)][region] = 0.8
    return Answer(masks, presence, suitability, outlier)


def found(name, card, seen, pixels=None):
    canvas = canvas_of(disc() if pixels is None else pixels)
    return findings_of(seen, body_of(canvas), canvas, card)[NAMES.index(name)]


def test_the_body_is_the_disc_and_not_the_air():
    body = body_of(canvas_of(disc()))
    assert body.shape == (128, 128)
    assert body[64, 64] == 1
    assert body[5, 5] == 0
    assert body.mean() == pytest.approx(np.pi * 0.35**2, rel=0.1)


def test_holes_in_the_body_belong_to_it_and_crumbs_do_not():
    pixels = disc()
    pixels[120:136, 120:136] = 0.0
    pixels[4:10, 4:10] = 1.0
    body = body_of(canvas_of(pixels))
    assert body[64, 64] == 1
    assert body[3, 3] == 0


def test_the_body_lies_in_the_slices_own_orientation():
    pixels = disc(200, 256)
    pixels[:, :128] = 0.0  # the right half is left
    for direction in ("COL", "ROW"):
        body = body_of(canvas_of(pixels, direction))
        assert body.shape == (100, 128)
        assert body[50, 80] == 1
        assert body[50, 40] == 0


def rayleigh(side, coils=1):
    channels = RNG.normal(size=(2 * coils, side, side))
    return np.sqrt((channels**2).sum(axis=0)).astype(np.float32)


def speck():
    pixels = np.zeros((256, 256), np.float32)
    pixels[100:104, 100:104] = 500.0
    return pixels


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((128, 128), np.float32),
        np.full((128, 128), 700.0, np.float32),
        speck(),
        rayleigh(64),
        rayleigh(128),
        rayleigh(256),
        rayleigh(512),
        rayleigh(256, coils=8),
    ],
    ids=["black", "flat", "speck", "noise-64", "noise-128", "noise-256", "noise-512", "noise-8-coils"],
)
def test_a_slice_without_an_object_has_no_signal(pixels, card):
    canvas = canvas_of(pixels)
    score = score_of(answer(), canvas, card, IMAGE)
    assert not score.signal


@pytest.mark.parametrize(
    "pixels",
    [
        disc(),
        disc(64, 64),
        disc(512, 400),
        disc(radius=0.9),
        disc(noise=0.3),
        disc() * 300.0 + 1024.0,
        disc(radius=0.09),
    ],
    ids=["disc", "small-matrix", "large-matrix", "fills-the-field", "noisy", "on-an-offset", "small-object"],
)
def test_a_slice_with_an_object_has_signal(pixels):
    y, x = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]]
    shaded = pixels * (1.0 + 0.5 * np.sin(3.0 * x / pixels.shape[1]) * np.sin(4.0 * y / pixels.shape[0]))
    assert has_signal(canvas_of(shaded.astype(np.float32)))
    assert body_of(canvas_of(shaded.astype(np.float32))).any()


def test_a_class_that_is_not_present_has_neither_severity_nor_place(card):
    seen = answer(motion=(slice(40, 90), slice(40, 90)))
    seen.presence[NAMES.index("motion")] = 0.4
    finding = found("motion", card, seen)
    assert (finding.present, finding.severity, finding.area, finding.box) == (False, 0.0, 0.0, None)
    assert finding.probability == pytest.approx(0.4)


def test_severity_grows_with_the_share_of_the_body_touched(card):
    small = found("motion", card, answer(motion=(slice(60, 70), slice(50, 80))))
    large = found("motion", card, answer(motion=(slice(45, 85), slice(50, 80))))
    assert 0.0 < small.severity < large.severity <= 1.0
    assert 0.0 < small.area < large.area <= 1.0


def test_severity_is_visibility_times_the_share(card):
    finding = found("motion", card, answer(motion=(slice(None), slice(None))))
    assert finding.area == pytest.approx(1.0)
    assert finding.severity == pytest.approx(0.8, abs=0.01)
    assert found("noise", card, answer(noise=(slice(40, 90), slice(40, 90)))).severity < 0.8


def test_the_same_region_outside_the_anatomy_weighs_a_fifth(card):
    inside = found("ghost", card, answer(ghost=(slice(59, 69), slice(59, 69))))
    outside = found("ghost", card, answer(ghost=(slice(2, 12), slice(2, 12))))
    assert outside.severity == pytest.approx(0.2 * inside.severity, abs=2e-4)
    assert outside.area == 0.0
    assert outside.box is not None


def test_specks_are_dropped_and_the_box_is_that_of_the_largest_region(card):
    seen = answer(spike=(slice(20, 40), slice(30, 60)))
    index = NAMES.index("spike")
    seen.masks[index, 100:104, 100:104] = 0.9
    seen.masks[index, 120, 120] = 0.9
    finding = found("spike", card, seen)
    assert finding.box == (60, 40, 120, 80)  # left, top, right, bottom; a cell is two pixels here
    only_speck = answer(spike=None)
    only_speck.masks[index, 120, 120] = 0.9
    assert found("spike", card, only_speck).box is None


def test_what_is_present_but_nowhere_in_particular_weighs_a_little(card):
    finding = found("noise", card, answer(noise=None))
    assert finding.present
    assert finding.box is None
    assert 0.0 < finding.severity <= 0.1


@pytest.mark.parametrize(
    ("rows", "columns", "direction"), [(300, 200, "COL"), (300, 200, "ROW"), (64, 96, "")]
)
def test_boxes_count_the_slices_own_pixels(card, rows, columns, direction):
    canvas = canvas_of(disc(rows, columns), direction)
    shape = body_of(canvas).shape
    seen = answer(shape=shape, zipper=(slice(None), slice(shape[1] // 2, None)))
    finding = findings_of(seen, body_of(canvas), canvas, card)[NAMES.index("zipper")]
    left, top, right, bottom = finding.box
    assert (top, right, bottom) == (0, columns, rows)
    assert left == pytest.approx(columns / 2, abs=columns / shape[1])


def test_a_class_is_present_from_the_threshold_of_the_card(card):
    first = replace(card.classes[0], presence_threshold=0.95)
    strict = replace(card, classes=(first, *card.classes[1:]))
    seen = answer(motion=(slice(40, 90), slice(40, 90)))
    assert found("motion", card, seen).present
    judged = found("motion", strict, seen)
    assert not judged.present
    assert judged.probability == pytest.approx(0.9)


def test_the_score_carries_the_slices_numbers_and_its_suitability(card):
    canvas = canvas_of(disc())
    score = score_of(answer(suitability=0.5), canvas, card, replace(IMAGE, instance_number=17, frame=3))
    assert (score.instance_number, score.frame, score.signal) == (17, 3, True)
    assert score.suitability == pytest.approx(0.5)
    assert score.index == pytest.approx(5.0)


def test_masks_are_brought_to_one_operating_point(card):
    lenient = replace(card.classes[0], mask_threshold=0.3)
    strict = replace(card.classes[1], mask_threshold=0.9)
    mixed = replace(card, classes=(lenient, strict, *card.classes[2:]))
    seen = answer()
    seen.masks[:2] = RNG.random((2, 128, 128), dtype=np.float32)
    stack = stack_of(seen, mixed)
    assert np.array_equal(stack.probabilities[0] >= 128, seen.masks[0] >= np.float32(0.3))
    assert np.array_equal(stack.probabilities[1] >= 128, seen.masks[1] >= np.float32(0.9))


def test_a_slice_farther_from_the_training_than_the_card_allows_is_not_familiar(card):
    canvas = canvas_of(disc())
    assert score_of(answer(outlier=card.outlier), canvas, card, IMAGE).familiar
    assert not score_of(answer(outlier=card.outlier + 0.01), canvas, card, IMAGE).familiar
