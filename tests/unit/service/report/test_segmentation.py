"""The segmentation holds exactly what was located, one object a 3-D stack, and every reader finds it there."""

from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import cv2
import highdicom as hd
import numpy as np
import pytest
from pydicom import Dataset, dcmread

from inference import CATALOGUE, MaskStack
from inference.masks import OPERATING_POINT
from service.report import build_report, build_segmentation, encode
from service.report.stacks import MOST_STACKS
from tests.series import mr_series
from tests.unit.service.report.results import NAMES, scored_result

FOUND = ("motion", "wrap", "noise")


def read(result) -> list[Dataset]:
    return [dcmread(BytesIO(encode(one))) for one in build_segmentation(result)]


def one(result) -> Dataset:
    (segmentation,) = read(result)
    return segmentation


def frames_by_reader(segmentation: Dataset) -> dict[tuple[str, str, int], np.ndarray]:
    """(class, source UID, source frame) -> mask, as highdicom reads the object."""
    reader = hd.seg.Segmentation.from_dataset(segmentation, copy=False)
    pixels = reader.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns)
    labels = {number: reader.get_segment_description(number).tracking_id for number in reader.segment_numbers}
    out = {}
    for group, mask in zip(segmentation.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        source = group.DerivationImageSequence[0].SourceImageSequence[0]
        name = labels[number].removeprefix("Scanside ")
        where = (str(source.ReferencedSOPInstanceUID), int(source.get("ReferencedFrameNumber", 1)))
        out[name, *where] = mask
    return out


def expected(result, found=FOUND) -> dict[tuple[str, str, int], np.ndarray]:
    out = {}
    for scored in result.slices:
        if scored.masks is None:
            continue
        instance = result.instance(scored)
        matrix = scored.masks.to_matrix(instance.rows, instance.columns)
        for name in found:
            mask = matrix[NAMES.index(name)] >= OPERATING_POINT
            out[name, instance.sop_instance_uid, scored.frame] = mask
    return out


def assert_same(segmentation: Dataset, wanted: dict[tuple[str, str, int], np.ndarray]) -> None:
    got = frames_by_reader(segmentation)
    assert got.keys() == wanted.keys()
    for key, mask in wanted.items():
        assert np.array_equal(got[key], mask), key


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (63, 61), (61, 63), (384, 512), (65, 257)])
def test_the_pixels_are_the_masks(rows, columns):
    result = scored_result(mr_series(slices=3, rows=rows, columns=columns))
    assert_same(one(result), expected(result))


def test_only_classes_that_are_present_have_a_segment():
    segmentation = one(scored_result(found=("wrap",)))
    assert [segment.SegmentNumber for segment in segmentation.SegmentSequence] == [1]
    code = segmentation.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0]
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("RID11395", "RADLEX")


def test_only_slices_where_something_was_found_have_a_frame():
    segmentation = one(scored_result(mr_series(slices=8), flagged=(2, 5)))
    assert segmentation.NumberOfFrames == 2 * len(FOUND)


def test_nothing_found_gives_no_segmentation():
    assert build_segmentation(scored_result(found=(), verdict="Usable")) == []


def test_present_but_nowhere_gives_no_segmentation():
    result = scored_result()
    nowhere = MaskStack(np.full((len(NAMES), 32, 32), OPERATING_POINT - 1, np.uint8))
    result = replace(result, slices=tuple(replace(scored, masks=nowhere) for scored in result.slices))
    assert build_segmentation(result) == []


def test_a_class_that_is_not_present_is_left_out_though_its_mask_has_a_spot():
    result = scored_result(found=("motion",))
    index = NAMES.index("zipper")
    for scored in result.slices:
        scored.masks.probabilities[index, 3:6, 3:6] = 255
    assert len(one(result).SegmentSequence) == 1


def test_a_spot_that_falls_between_the_pixels_of_the_matrix_is_kept():
    probabilities = np.zeros((len(NAMES), 32, 32), np.uint8)
    probabilities[NAMES.index("motion"), 7, 9] = OPERATING_POINT
    result = scored_result(mr_series(slices=2, rows=256, columns=256), found=("motion",))
    spot = MaskStack(probabilities)
    result = replace(result, slices=tuple(replace(scored, masks=spot) for scored in result.slices))
    for mask in frames_by_reader(one(result)).values():
        assert [tuple(int(x) for x in spot) for spot in np.argwhere(mask)] == [(60, 76)]


def test_frames_lie_where_their_images_lie():
    images = mr_series(slices=4)
    positions = {image.SOPInstanceUID: image.ImagePositionPatient for image in images}
    segmentation = one(scored_result(images))
    for group in segmentation.PerFrameFunctionalGroupsSequence:
        source = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert group.PlanePositionSequence[0].ImagePositionPatient == positions[source]
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == [1, 0, 0, 0, 1, 0]
    assert shared.PixelMeasuresSequence[0].PixelSpacing == images[0].PixelSpacing
    assert shared.PixelMeasuresSequence[0].SliceThickness == images[0].SliceThickness
    assert shared.PixelMeasuresSequence[0].SpacingBetweenSlices == 5
    assert segmentation.FrameOfReferenceUID == images[0].FrameOfReferenceUID


def test_highdicom_puts_the_frames_of_a_segment_into_one_volume():
    result = scored_result(mr_series(slices=5), found=("motion",))
    volume = hd.seg.Segmentation.from_dataset(one(result)).get_volume()
    assert volume.spatial_shape == (5, 64, 64)
    wanted = sum(int(mask.sum()) for mask in expected(result, ("motion",)).values())
    assert int((volume.array > 0).sum()) == wanted


def test_every_frame_of_a_multi_frame_object_is_referenced_by_number():
    result = scored_result(mr_series(slices=5, enhanced=True), flagged=(1, 2, 4))
    segmentation = one(result)
    assert_same(segmentation, expected(result))
    assert {key[2] for key in frames_by_reader(segmentation)} == {2, 3, 5}
    zs = [
        group.PlanePositionSequence[0].ImagePositionPatient[2]
        for group in segmentation.PerFrameFunctionalGroupsSequence[:3]
    ]
    assert all(below < above for below, above in pairwise(zs))


def test_positions_that_come_twice_make_two_stacks():
    images = mr_series(slices=4) + mr_series(slices=4, key="b")
    for image in images:
        image.SeriesInstanceUID = images[0].SeriesInstanceUID
    result = scored_result(images)
    both = read(result)
    assert [segmentation.NumberOfFrames for segmentation in both] == [12, 12]
    assert len({segmentation.SOPInstanceUID for segmentation in both}) == 2
    assert len({segmentation.SeriesInstanceUID for segmentation in both}) == 1
    assert [segmentation.InstanceNumber for segmentation in both] == [1, 2]
    merged = frames_by_reader(both[0]) | frames_by_reader(both[1])
    assert merged.keys() == expected(result).keys()
    evidence = build_report(result).CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[1]
    referenced = [item.ReferencedSOPInstanceUID for item in evidence.ReferencedSOPSequence]
    assert referenced == [segmentation.SOPInstanceUID for segmentation in both]


def test_three_planes_of_a_localizer_make_three_stacks():
    images = mr_series(slices=3)
    images[1].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    images[2].ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    assert len(read(scored_result(images))) == 3


def test_a_run_of_many_volumes_does_not_flood_the_archive():
    images = [image for n in range(20) for image in mr_series(slices=2, key=f"volume {n}")]
    result = scored_result(images)
    built = build_segmentation(result)
    assert len(built) == MOST_STACKS
    evidence = build_report(result).CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[1]
    assert len(evidence.ReferencedSOPSequence) == MOST_STACKS


@pytest.mark.parametrize(
    "keyword", ["FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
)
def test_images_without_geometry_get_a_report_and_no_segmentation(keyword):
    images = mr_series(slices=3)
    for image in images:
        del image[keyword]
    result = scored_result(images)
    assert build_segmentation(result) == []
    assert (
        len(build_report(result).CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence) == 1
    )


@pytest.mark.parametrize(
    "orientation", [[1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0, 0, float("nan"), 0]]
)
def test_an_orientation_that_makes_no_sense_counts_as_none(orientation):
    result = scored_result(mr_series(slices=2))
    instances = tuple(replace(i, orientation=tuple(orientation)) for i in result.source.instances)
    result = replace(result, source=replace(result.source, instances=instances))
    assert build_segmentation(result) == []


def test_the_distance_of_the_planes_stands_in_for_a_missing_thickness():
    images = mr_series(slices=3)
    for image in images:
        del image.SliceThickness
    measures = one(scored_result(images)).SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert measures.SliceThickness == 5


def test_a_multi_frame_object_without_its_header_gets_no_segmentation():
    result = scored_result(mr_series(slices=3, enhanced=True))
    instances = tuple(replace(instance, header=None) for instance in result.source.instances)
    assert build_segmentation(replace(result, source=replace(result.source, instances=instances))) == []


def test_a_segment_says_what_it_is_and_who_made_it():
    segment = one(scored_result(found=("motion",))).SegmentSequence[0]
    assert segment.SegmentAlgorithmType == "AUTOMATIC"
    algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == (
        "scanside-artifacts",
        "0.1.0+9f9f9f9f9f9f",
    )
    assert len(segment.RecommendedDisplayCIELabValue) == 3


def test_colours_are_the_catalogues():
    segments = one(scored_result(found=NAMES)).SegmentSequence
    for segment, artifact in zip(segments, CATALOGUE, strict=True):
        pixel = np.array([[[int(artifact.colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]]], np.float32)
        lightness, a, b = cv2.cvtColor(pixel, cv2.COLOR_RGB2Lab)[0, 0]
        scaled = (lightness * 655.35, (a + 128) * 257, (b + 128) * 257)
        assert segment.RecommendedDisplayCIELabValue == pytest.approx(scaled, abs=200)


def test_what_was_lossy_stays_marked_lossy():
    images = mr_series(slices=2)
    images[0].LossyImageCompression = "01"
    images[0].LossyImageCompressionRatio = 12
    images[0].LossyImageCompressionMethod = "ISO_10918_1"
    segmentation = one(scored_result(images))
    assert segmentation.LossyImageCompression == "01"
    assert segmentation.LossyImageCompressionRatio == 12
