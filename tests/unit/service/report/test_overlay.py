"""The overlay shows the slices that show something, drawn over, and says what compression took."""

import numpy as np
import pytest

from service.report import encode
from service.report.overlay import CAPTION, MOST_FRAMES, SIDE, build_overlay
from tests.series import Patient, mr_series
from tests.unit.service.report.results import scored_result, unscored_result


def look(_):
    return np.add.outer(np.arange(64.0), np.arange(64.0)).astype(np.float32)


def test_each_slice_that_shows_something_is_a_frame_and_names_its_image():
    images = mr_series(slices=6)
    overlay = build_overlay(scored_result(images, flagged=(1, 4)), look)
    assert overlay.pixel_array.shape == (2, SIDE + CAPTION, SIDE, 3)
    named = [one.ReferencedSOPInstanceUID for one in overlay.SourceImageSequence]
    assert named == [images[n].SOPInstanceUID for n in (1, 4)]
    enhanced = build_overlay(scored_result(mr_series(slices=4, enhanced=True), flagged=(2,)), look)
    assert [one.ReferencedFrameNumber for one in enhanced.SourceImageSequence] == [3]


def test_what_was_compressed_looks_like_what_was_not():
    result = scored_result(mr_series(slices=3))
    native, lossy = build_overlay(result, look, "native"), build_overlay(result, look)
    assert native.LossyImageCompression == "00"
    assert (lossy.LossyImageCompression, lossy.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert float(lossy.LossyImageCompressionRatio) == pytest.approx(
        len(native.PixelData) / len(lossy.PixelData), rel=0.05
    )
    assert native.SOPInstanceUID != lossy.SOPInstanceUID
    one, other = native.pixel_array.astype(int), lossy.pixel_array.astype(int)
    assert np.abs(one.mean(axis=3) - other.mean(axis=3)).mean() < 4  # colours apart: pydicom gives YBR


def test_a_long_series_is_cut_to_its_worst_slices():
    result = scored_result(mr_series(slices=MOST_FRAMES + 6, rows=32, columns=32))
    overlay = build_overlay(result, look)
    assert overlay.NumberOfFrames == MOST_FRAMES
    named = {one.ReferencedSOPInstanceUID for one in overlay.SourceImageSequence}
    assert result.instance(result.worst).sop_instance_uid in named


def test_slices_that_cannot_be_seen_any_more_are_left_out():
    result = scored_result(mr_series(slices=4))
    overlay = build_overlay(result, lambda n: None if n else look(n))
    assert overlay.NumberOfFrames == 1
    assert "FrameIncrementPointer" not in overlay
    assert build_overlay(result, lambda _: None) is None
    assert build_overlay(scored_result(found=(), verdict="Usable"), look) is None
    assert build_overlay(unscored_result(), look) is None


def test_nothing_of_the_patient_is_drawn():
    other = mr_series(slices=3, patient=Patient(name="Somebody^Else", id="0"), study="other")
    one, two = (build_overlay(scored_result(each), look) for each in (mr_series(slices=3), other))
    assert one.PixelData == two.PixelData
    assert one.BurnedInAnnotation == "NO"
    assert encode(one) != encode(two)
