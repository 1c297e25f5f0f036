"""The presentation state draws the borders of what was found, where it was found; the key object names the images."""

import subprocess
from dataclasses import replace

import cv2
import numpy as np
import pytest

from service.report import codes, encode
from service.report.key_object import build_key_object
from service.report.outlines import MOST_POINTS, build_outlines, outlines_of
from tests.peers import program
from tests.series import mr_series
from tests.unit.service.report.results import NAMES, scored_result, unscored_result
from tests.unit.service.report.test_sr import walk


def filled(outlines, shape):
    """The region that outlines enclose, by OpenCV, border pixels included."""
    image = np.zeros(shape, np.uint8)
    corners = [np.round(points - 0.5).astype(np.int32) for points in outlines]
    cv2.fillPoly(image, corners, 1)
    return image > 0


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (63, 61), (384, 512)])
def test_the_outlines_enclose_the_masks(rows, columns):
    result = scored_result(mr_series(slices=3, rows=rows, columns=columns))
    state = build_outlines(result)
    masks = {
        (name, result.instance(scored).sop_instance_uid): result.mask(scored, NAMES.index(name))
        for scored in result.slices
        for name in ("motion", "wrap", "noise")
    }
    assert len(state.GraphicAnnotationSequence) == len(masks)
    for annotation in state.GraphicAnnotationSequence:
        image = annotation.ReferencedImageSequence[0].ReferencedSOPInstanceUID
        outlines = [np.array(one.GraphicData).reshape(-1, 2) for one in annotation.GraphicObjectSequence]
        assert all(np.array_equal(points[0], points[-1]) for points in outlines)
        wanted = masks[annotation.GraphicLayer.lower(), image]
        got = filled(outlines, (rows, columns))
        assert (got & wanted).sum() / (got | wanted).sum() > 0.97


def test_a_spot_of_one_pixel_is_drawn_around():
    mask = np.zeros((8, 8), np.bool_)
    mask[2, 5] = True
    (outline,) = outlines_of(mask)
    assert outline.tolist() == [[5, 2], [6, 2], [6, 3], [5, 3], [5, 2]]


def test_an_outline_fits_its_element():
    mask = np.zeros((1024, 1024), np.bool_)
    mask[::2] = True
    mask[:, 0] = True  # a comb: one region with a very long border
    assert max(len(points) for points in outlines_of(mask)) <= MOST_POINTS + 1


def test_frames_are_named_and_windows_are_those_of_the_images():
    result = scored_result(mr_series(slices=5, enhanced=True), flagged=(1, 2))
    state = build_outlines(result)
    (series,) = state.ReferencedSeriesSequence
    assert list(series.ReferencedImageSequence[0].ReferencedFrameNumber) == [2, 3]
    frames = {one.ReferencedImageSequence[0].ReferencedFrameNumber for one in state.GraphicAnnotationSequence}
    assert frames == {2, 3}
    windowed = [ref for one in state.SoftcopyVOILUTSequence for ref in one.ReferencedImageSequence]
    assert {int(number) for ref in windowed for number in np.atleast_1d(ref.ReferencedFrameNumber)} == {2, 3}


def test_a_window_is_given_in_stored_numbers():
    images = mr_series(slices=2)
    for image in images:
        image.WindowCenter, image.WindowWidth = [400, 100], [200, 50]
        image.RescaleSlope, image.RescaleIntercept = 2, 100
    (window,) = build_outlines(scored_result(images)).SoftcopyVOILUTSequence
    assert (window.WindowCenter, window.WindowWidth) == (150, 100)


def test_each_image_has_its_own_window_and_rescaling():
    images = mr_series(slices=2)
    for image, slope in zip(images, (2, 4), strict=True):
        image.WindowCenter, image.WindowWidth = 400, 200
        image.RescaleSlope, image.RescaleIntercept = slope, 0
    windows = build_outlines(scored_result(images)).SoftcopyVOILUTSequence
    shown = {one.ReferencedImageSequence[0].ReferencedSOPInstanceUID: one.WindowCenter for one in windows}
    assert shown == {images[0].SOPInstanceUID: 200, images[1].SOPInstanceUID: 100}


@pytest.mark.parametrize(("photometric", "shape"), [("MONOCHROME1", "INVERSE"), ("MONOCHROME2", "IDENTITY")])
def test_inverted_images_stay_inverted(photometric, shape):
    images = mr_series(slices=2)
    images[0].PhotometricInterpretation = photometric
    assert build_outlines(scored_result(images)).PresentationLUTShape == shape


def test_images_of_several_shapes_have_a_displayed_area_each():
    images = mr_series(slices=2) + mr_series(slices=1, rows=63, columns=61, key="b")
    areas = build_outlines(scored_result(images)).DisplayedAreaSelectionSequence
    corners = [list(area.DisplayedAreaBottomRightHandCorner) for area in areas]
    assert corners == [[64, 64], [61, 63]]


@pytest.mark.parametrize("enhanced", [False, True])
def test_dcmtk_takes_it_for_a_presentation_state(enhanced, tmp_path):
    path = tmp_path / "state.dcm"
    path.write_bytes(encode(build_outlines(scored_result(mr_series(slices=4, enhanced=enhanced)))))
    done = subprocess.run([program("dcmpschk"), path], capture_output=True, text=True, check=False)
    assert "Test passed" in done.stdout + done.stderr


def test_nothing_located_gives_no_outlines_and_no_key_object():
    for result in (scored_result(found=(), verdict="Usable"), unscored_result()):
        assert build_outlines(result) is None
        assert build_key_object(result) is None
    assert build_key_object(scored_result(verdict="Usable")) is None


def test_the_key_object_names_a_quality_issue_and_the_images_that_show_it():
    images = mr_series(slices=6)
    result = scored_result(images, flagged=(1, 4))
    document = build_key_object(result)
    title = document.ConceptNameCodeSequence[0]
    assert (title.CodeValue, title.CodingSchemeDesignator) == ("113010", "DCM")
    shown = [item.ReferencedSOPSequence[0] for item in walk(document) if item.ValueType == "IMAGE"]
    assert [one.ReferencedSOPInstanceUID for one in shown] == [images[n].SOPInstanceUID for n in (1, 4)]
    frames = build_key_object(scored_result(mr_series(slices=4, enhanced=True), flagged=(2,)))
    (frame,) = [item.ReferencedSOPSequence[0] for item in walk(frames) if item.ValueType == "IMAGE"]
    assert frame.ReferencedFrameNumber == 3


def test_no_object_has_a_title_for_which_archives_hide_images():
    hiding = {"113001", "113037", "113038", "113039"}
    values = {value.value for value in vars(codes).values() if isinstance(value, codes.Code)}
    assert not hiding & values
    assert replace(codes.QUALITY_ISSUE).value == "113010"
