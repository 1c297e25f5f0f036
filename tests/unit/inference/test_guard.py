"""Which kinds of image are scored, and the reason given for those that are not."""

import csv
import warnings
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
    MRSpectroscopyStorage,
    SecondaryCaptureImageStorage,
)

from inference.guard import unsuited
from tests.series import mr_series


def one(**values: object) -> Dataset:
    ds = mr_series(slices=1)[0]
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


@pytest.mark.parametrize(
    "image_type",
    [
        ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"],
        ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"],
        ["ORIGINAL", "PRIMARY", "OTHER"],
        ["ORIGINAL", "PRIMARY", "FMRI", "NONE"],
        ["ORIGINAL", "PRIMARY", "PERFUSION", "NONE"],
        ["ORIGINAL", "PRIMARY", "T1", "NONE"],
        ["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"],
        ["DERIVED", "PRIMARY", "DIXON", "WATER"],
        ["ORIGINAL", "PRIMARY", "DIXON", "IN_PHASE"],
        ["ORIGINAL", "PRIMARY", "T2_STAR", "NONE"],
        ["DERIVED", "SECONDARY"],
        [],
    ],
)
def test_magnitude_images_are_scored_derived_or_not(image_type: list[str]) -> None:
    assert unsuited(one(ImageType=image_type)) == ""


@pytest.mark.parametrize(
    ("image_type", "reason"),
    [
        (["DERIVED", "PRIMARY", "DIFFUSION", "ADC"], "a derived map is not scored"),
        (["DERIVED", "PRIMARY", "DIFFUSION", "FA", "ND"], "a derived map is not scored"),
        (["DERIVED", "SECONDARY", "PROCESSED"], "a derived map is not scored"),
        (["DERIVED", "PRIMARY", "T1 MAP"], "a derived map is not scored"),
        (["DERIVED", "SECONDARY", "MPR"], "a reformatted image is not scored"),
        (["DERIVED", "PRIMARY", "MIP"], "a projection is not scored"),
        (["DERIVED", "PRIMARY", "PROJECTION IMAGE"], "a projection is not scored"),
        (["DERIVED", "PRIMARY", "MNIP", "ND", "NORM"], "a projection is not scored"),
        (["DERIVED", "PRIMARY", "MAX_IP", "NONE"], "a projection is not scored"),
        (["DERIVED", "PRIMARY", "ANGIO", "MAXIMUM"], "a projection is not scored"),
        (["DERIVED", "PRIMARY", "T1", "T1_MAP"], "a derived map is not scored"),
        (["DERIVED", "PRIMARY", "DIXON", "FAT_FRACTION"], "a derived map is not scored"),
        (["DERIVED", "PRIMARY", "FMRI", "T_TEST"], "a derived map is not scored"),
        (["DERIVED", "PRIMARY", "PERFUSION", "RCBF"], "a derived map is not scored"),
        (["DERIVED", "PRIMARY", "SUBTRACTION"], "a subtraction is not scored"),
        (["ORIGINAL", "PRIMARY", "P", "ND"], "a phase image is not scored"),
        (["ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"], "a phase image is not scored"),
        (["ORIGINAL", "PRIMARY", "R_IR", "R", "IR"], "a real or imaginary image is not scored"),
        (["ORIGINAL", "PRIMARY", "I"], "a real or imaginary image is not scored"),
        (["ORIGINAL", "PRIMARY", "LOCALIZER"], "a localizer is not scored"),
        (["ORIGINAL", "PRIMARY", "CALIBRATION"], "a calibration image is not scored"),
        (["DERIVED", "SECONDARY", "SCREEN SAVE"], "a screen save is not scored"),
        (
            ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
            "the mosaic does not tell how many images it holds",
        ),
    ],
)
def test_other_kinds_are_named(image_type: list[str], reason: str) -> None:
    assert unsuited(one(ImageType=image_type)) == reason


def test_words_in_the_first_two_places_say_nothing_of_the_kind() -> None:
    assert unsuited(one(ImageType=["DERIVED", "SECONDARY"])) == ""


@pytest.mark.parametrize(
    "sop_class", [MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage]
)
def test_mr_objects_are_scored(sop_class: str) -> None:
    assert unsuited(one(SOPClassUID=sop_class)) == ""


@pytest.mark.parametrize("sop_class", [CTImageStorage, SecondaryCaptureImageStorage, MRSpectroscopyStorage])
def test_other_objects_are_not(sop_class: str) -> None:
    assert unsuited(one(SOPClassUID=sop_class)) == "the object is no MR image"


def test_other_modalities_are_not() -> None:
    assert unsuited(one(Modality="CT")) == "the modality is not MR"


def test_an_object_that_says_nothing_of_itself_is_not() -> None:
    assert unsuited(Dataset()) == "the object is no MR image"


@pytest.mark.parametrize(("rows", "columns"), [(63, 256), (256, 32)])
def test_small_matrices_are_not(rows: int, columns: int) -> None:
    ds = mr_series(slices=1, pixels=np.zeros((1, rows, columns), np.uint16))[0]
    assert unsuited(ds) == "the matrix is smaller than 64 x 64"


def test_burned_in_text_is_not() -> None:
    assert "burned-in" in unsuited(one(BurnedInAnnotation="YES"))


@pytest.mark.parametrize("component", ["PHASE", "REAL", "IMAGINARY", "MIXED"])
def test_the_complex_component_of_the_frame_counts(component: str) -> None:
    (ds,) = mr_series(slices=2, enhanced=True)
    assert unsuited(ds) == ""
    shared = ds.SharedFunctionalGroupsSequence[0].MRImageFrameTypeSequence[0]
    shared.ComplexImageComponent = component
    assert unsuited(ds)


def test_frames_of_a_mixed_object_are_judged_one_by_one() -> None:
    (ds,) = mr_series(slices=2, enhanced=True)
    ds.ComplexImageComponent = "MIXED"
    frame_type = ds.SharedFunctionalGroupsSequence[0].MRImageFrameTypeSequence
    del ds.SharedFunctionalGroupsSequence[0].MRImageFrameTypeSequence
    for group, component in zip(ds.PerFrameFunctionalGroupsSequence, ("MAGNITUDE", "PHASE"), strict=True):
        item = deepcopy(frame_type[0])
        item.ComplexImageComponent = component
        group.MRImageFrameTypeSequence = [item]
    assert unsuited(ds, 1) == ""
    assert unsuited(ds, 2) == "a phase image is not scored"


@pytest.mark.parametrize(("kind", "scored"), [(0, True), (1, False), (2, False), (3, False)])
@pytest.mark.parametrize(
    ("group", "creator", "element", "vr"),
    [(0x0043, "GEMS_PARM_01", 0x2F, "SS"), (0x0073, "SCANSIDE", 0x0C, "US")],
)
def test_the_private_image_kind_counts_in_the_file_and_in_its_clean_copy(
    group: int, creator: str, element: int, vr: str, kind: int, scored: bool
) -> None:
    ds = mr_series(slices=1)[0]
    ds.private_block(group, creator, create=True).add_new(element, vr, kind)
    assert (unsuited(ds) == "") is scored


@pytest.mark.parametrize("nothing", [None, [1, 2]])
def test_a_private_image_kind_that_says_nothing_turns_no_image_away(nothing: object) -> None:
    ds = mr_series(slices=1)[0]
    ds.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", nothing)
    assert unsuited(ds) == ""


@pytest.mark.parametrize("technique", ["MAX_IP", "MIN_IP", "MPR", "CURVED_MPR", "VOLUME_RENDER"])
def test_what_was_calculated_from_a_volume_is_not(technique: str) -> None:
    (ds,) = mr_series(slices=2, enhanced=True)
    ds.SharedFunctionalGroupsSequence[0].MRImageFrameTypeSequence[
        0
    ].VolumeBasedCalculationTechnique = technique
    assert unsuited(ds)


def test_a_header_that_cannot_be_read_gives_a_reason_and_no_warning() -> None:
    ds = mr_series(slices=1)[0]
    tag = Tag("Rows")
    ds._dict[tag] = RawDataElement(tag, "US", 3, b"abc", 0, False, True)
    assert unsuited(ds) == "the header cannot be read"
    ds = mr_series(slices=1)[0]
    tag = Tag("SamplesPerPixel")  # pydicom would warn, and quote it
    ds._dict[tag] = RawDataElement(tag, "IS", 8, b"Oberkofl", 0, False, True)
    assert unsuited(ds) == "the header cannot be read"


@pytest.mark.data
def test_every_real_object_gets_a_verdict(data_dir: Path) -> None:
    verdicts: dict[str, str] = {}
    with (data_dir / "e2e" / "manifest.csv").open() as stream:
        for row in csv.DictReader(stream):
            with warnings.catch_warnings(action="ignore"):
                ds = dcmread(data_dir / "e2e" / row["path"], force=True, stop_before_pixels=True)
            reason = unsuited(ds)
            verdicts[row["path"]] = reason
            words = row["path"].upper().split("/")[-2].split("_")  # the folder is named after the series
            if reason != "the object is no MR image" and ("ADC" in words or {"DWI", "FA"} <= set(words)):
                assert reason == "a derived map is not scored", row["path"]
            if "TRACEW" in words:
                assert reason in ("", "the object is no MR image"), row["path"]
    assert list(verdicts.values()).count("") > 150
    assert len(set(verdicts.values())) >= 8


def test_reasons_hold_no_header_value() -> None:
    ds = one(ImageType=["DERIVED", "PRIMARY", "ADC"], SeriesDescription="Quastenflosser")
    assert "ADC" not in unsuited(ds)


def test_a_header_that_cannot_be_read_is_not_scored() -> None:
    ds = mr_series(slices=1)[0]
    ds._dict[Tag("SamplesPerPixel")] = RawDataElement(Tag("SamplesPerPixel"), "US", 1, b"x", 0, False, True)
    assert unsuited(ds) == "the header cannot be read"
