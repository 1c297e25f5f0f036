"""From DICOM to pixels: what is written in the header is what comes out, and what cannot be read says so."""

import csv
import traceback
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.pixels.utils import pixel_array
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag
from pydicom.uid import (
    ExplicitVRBigEndian,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from inference import Slice, UnreadableImage
from inference.image import number_of_frames
from tests.enhanced import items
from tests.series import mr_series
from tests.unit.dicom_scp.encodings import cleaned


def one(**kwargs: object) -> Dataset:
    return mr_series(slices=1, **kwargs)[0]  # type: ignore[arg-type]


def with_words(
    ds: Dataset, words: np.ndarray, *, stored: int = 16, high: int | None = None, signed: int = 0
) -> Dataset:
    ds.Rows, ds.Columns = words.shape
    ds.BitsAllocated, ds.BitsStored = words.itemsize * 8, stored
    ds.HighBit = stored - 1 if high is None else high
    ds.PixelRepresentation = signed
    ds.PixelData = words.tobytes()
    return ds


def ramp(rows: int = 63, columns: int = 61) -> np.ndarray:
    return np.arange(rows * columns, dtype=np.uint16).reshape(rows, columns) % 4000


def test_pixels_of_any_matrix_are_read_in_place() -> None:
    image = Slice.from_dataset(with_words(one(), ramp(63, 61)))
    assert image.pixels.dtype == np.float32
    assert np.array_equal(image.pixels, ramp(63, 61))


def test_slope_and_intercept_are_applied() -> None:
    ds = with_words(one(), ramp())
    ds.RescaleSlope, ds.RescaleIntercept = 0.7, 12
    assert np.allclose(Slice.from_dataset(ds).pixels, ramp() * 0.7 + 12, rtol=1e-6)


@pytest.mark.parametrize("slope", [0, "", None])
def test_a_slope_that_would_erase_the_image_counts_as_one(slope: object) -> None:
    ds = with_words(one(), ramp())
    ds.RescaleSlope, ds.RescaleIntercept = slope, 0
    assert np.array_equal(Slice.from_dataset(ds).pixels, ramp())


def test_monochrome1_is_inverted() -> None:
    ds = with_words(one(), ramp())
    ds.PhotometricInterpretation = "MONOCHROME1"
    assert np.array_equal(Slice.from_dataset(ds).pixels, ramp().max() - ramp().astype(np.float32))


def test_signed_values_keep_their_sign_within_the_bits_stored() -> None:
    words = np.array([[5, 0x0FFF], [7, 9]], np.uint16).repeat(8, 0).repeat(8, 1)  # 0x0FFF is -1 in 12 bits
    image = Slice.from_dataset(with_words(one(), words, stored=12, signed=1))
    assert image.pixels[0, 0] == 5
    assert image.pixels[0, -1] == 0  # overshoot below zero is no signal


def test_an_image_that_lies_on_a_negative_offset_is_lifted() -> None:
    words = ramp().astype(np.int16) - 32768 // 2
    image = Slice.from_dataset(with_words(one(), words.astype(np.int16), signed=1))
    assert np.array_equal(image.pixels, ramp())


def test_an_image_on_a_positive_offset_is_lowered() -> None:
    words = (ramp() // 40 + 1024).astype(np.uint16)
    assert np.array_equal(Slice.from_dataset(with_words(one(), words)).pixels, ramp() // 40)


def test_an_even_image_keeps_its_value() -> None:
    assert (Slice.from_dataset(with_words(one(), np.full((64, 64), 700, np.uint16))).pixels == 700).all()


def test_bits_above_and_below_the_stored_ones_do_not_count() -> None:
    words = (ramp() << 4 | 0x000A).astype(np.uint16)
    assert np.array_equal(Slice.from_dataset(with_words(one(), words, stored=12, high=15)).pixels, ramp())
    overlay = (ramp() | 0xF000).astype(np.uint16)
    assert np.array_equal(Slice.from_dataset(with_words(one(), overlay, stored=12, high=11)).pixels, ramp())


def test_padding_takes_the_lowest_signal() -> None:
    words = (ramp() + 100).astype(np.uint16)
    words[:5] = 63536  # brighter than all that is image
    ds = with_words(one(), words)
    ds.PixelPaddingValue = 63536
    image = Slice.from_dataset(ds)
    assert image.pixels.max() <= ramp().max() + 100
    assert (image.pixels[:5] == words[5:].min()).all()


def test_padding_of_the_other_signedness_is_understood() -> None:
    words = (ramp() + 10).astype(np.int16)
    words[:5] = -32768
    ds = with_words(one(), words, signed=1)
    ds.add_new("PixelPaddingValue", "US", 0x8000)
    assert Slice.from_dataset(ds).pixels[:5].max() == words[5:].min()


def test_eight_bit_pixels_are_read() -> None:
    words = (ramp() % 256).astype(np.uint8)
    assert np.array_equal(Slice.from_dataset(with_words(one(), words, stored=8)).pixels, words)


def test_big_endian_pixels_are_read() -> None:
    ds = with_words(one(), ramp().astype(">u2"))
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    assert np.array_equal(Slice.from_dataset(ds).pixels, ramp())


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_compressed_pixels_are_decoded(syntax: str) -> None:
    ds = with_words(one(), ramp(), stored=12)
    plain = Slice.from_dataset(ds).pixels
    ds.compress(syntax, generate_instance_uid=False)
    assert np.array_equal(Slice.from_dataset(ds).pixels, plain)


def test_one_frame_is_cut_out_of_many_with_its_own_rescale_and_place() -> None:
    (ds,) = mr_series(slices=5, enhanced=True)
    frames = ds.PerFrameFunctionalGroupsSequence
    del ds.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence
    for n, group in enumerate(frames):
        group.PixelValueTransformationSequence = items(
            RescaleSlope=1.0 + n, RescaleIntercept=0.0, RescaleType="US"
        )
    raw = pixel_array(ds, raw=True)
    fourth = Slice.from_dataset(ds, 4)
    assert number_of_frames(ds) == 5
    assert np.allclose(fourth.pixels, raw[3] * 4.0)
    assert fourth.frame == 4
    assert fourth.position == frames[3].PlanePositionSequence[0].ImagePositionPatient[2]
    assert fourth.spacing == (240 / 64, 240 / 64)


def test_one_frame_is_decoded_of_a_compressed_object_whose_other_frames_are_broken() -> None:
    (ds,) = mr_series(slices=3, enhanced=True)
    expected = Slice.from_dataset(ds, 1).pixels
    ds.compress(RLELossless, generate_instance_uid=False)
    ds.PixelData = ds.PixelData[:-200] + bytes(200)
    assert np.array_equal(Slice.from_dataset(ds, 1).pixels, expected)


@pytest.mark.parametrize(
    ("written", "understood"),
    [("COL", "COL"), ("ROW", "ROW"), ("COLUMN", "COL"), ("OTHER", ""), ("", ""), (None, "")],
)
def test_phase_encoding_is_read_in_classic_words(written: str | None, understood: str) -> None:
    ds = one()
    ds.InPlanePhaseEncodingDirection = written
    assert Slice.from_dataset(ds).phase_encoding == understood


@pytest.mark.parametrize(("written", "understood"), [("COL", "COL"), ("ROW", "ROW"), ("OTHER", "")])
def test_phase_encoding_is_read_from_the_functional_groups(written: str, understood: str) -> None:
    (ds,) = mr_series(slices=2, enhanced=True, phase_encoding=written)
    assert Slice.from_dataset(ds, 2).phase_encoding == understood


@pytest.mark.parametrize("spacing", [[0, 1], [1], [-1, 1], ["nan", 1], [1, 500], None])
def test_spacing_that_makes_no_sense_counts_as_square(spacing: object) -> None:
    ds = one()
    del ds.PixelSpacing
    ds["PixelSpacing"] = RawDataElement(
        Tag("PixelSpacing"),
        "DS",
        1,
        "\\".join(map(str, spacing or [])).encode(),
        0,
        False,
        True,  # type: ignore[call-overload]
    )
    assert Slice.from_dataset(ds).spacing == (1.0, 1.0)


def test_position_is_measured_along_the_normal() -> None:
    ds = one()
    ds.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]  # sagittal
    ds.ImagePositionPatient = [12.5, -100, 90]
    assert Slice.from_dataset(ds).position == pytest.approx(-12.5)
    del ds.ImagePositionPatient
    assert Slice.from_dataset(ds).position is None


def test_a_missing_instance_number_is_zero() -> None:
    ds = one()
    ds.InstanceNumber = None
    assert Slice.from_dataset(ds).instance_number == 0


def philips(pixels: np.ndarray, slope: float, scale: float | None, intercept: float = 0.0) -> Dataset:
    """Write stored values as Philips does."""
    ds = with_words(mr_series(slices=1, vendor="philips")[0], pixels)
    ds.RescaleSlope, ds.RescaleIntercept = slope, intercept
    if scale is not None:
        block = ds.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
        block.add_new(0x0E, "FL", scale)
    return ds


def test_images_that_philips_scaled_for_display_agree_in_signal() -> None:
    first = Slice.from_dataset(philips(ramp(), slope=2.5, scale=0.125))
    other = Slice.from_dataset(philips(ramp() // 2, slope=0.7, scale=0.0625))
    assert np.array_equal(first.pixels, ramp() * 8.0)
    assert np.abs(other.pixels - first.pixels).max() <= 8.0  # the half value that was cut off


@pytest.mark.parametrize("scale", [None, 0.0, -1.0, float("nan")])
def test_a_scale_slope_that_is_none_leaves_the_rescaled_values(scale: float | None) -> None:
    assert np.allclose(Slice.from_dataset(philips(ramp(), slope=2.5, scale=scale)).pixels, ramp() * 2.5)


def test_the_intercept_of_philips_is_of_the_displayed_values() -> None:
    image = Slice.from_dataset(philips(ramp() + np.uint16(100), slope=2.0, scale=0.5, intercept=-200.0))
    assert np.array_equal(image.pixels, ramp() * 2.0)


def test_the_scale_slope_passes_the_door() -> None:
    ds = philips(ramp(), slope=2.5, scale=0.125)
    clean = dcmread(BytesIO(cleaned(ds).content))
    assert np.array_equal(Slice.from_dataset(clean).pixels, Slice.from_dataset(ds).pixels)


def test_a_real_world_value_mapping_is_not_applied() -> None:
    ds = with_words(one(), ramp())
    plain = Slice.from_dataset(ds).pixels
    mapping = Dataset()
    mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = 7.0, 3.0
    mapping.RealWorldValueFirstValueMapped, mapping.RealWorldValueLastValueMapped = 0, 4095
    ds.RealWorldValueMappingSequence = [mapping]
    assert np.array_equal(Slice.from_dataset(ds).pixels, plain)


def absurd(ds: Dataset) -> None:
    ds.Rows = ds.Columns = 65535


def no_rows(ds: Dataset) -> None:
    del ds.Rows


def short(ds: Dataset) -> None:
    ds.PixelData = ds.PixelData[:-2]


def no_pixels(ds: Dataset) -> None:
    del ds.PixelData


def colour(ds: Dataset) -> None:
    ds.SamplesPerPixel = 3


def palette(ds: Dataset) -> None:
    ds.PhotometricInterpretation = "PALETTE COLOR"


def odd_bits(ds: Dataset) -> None:
    ds.BitsAllocated = 12


def bits_beyond(ds: Dataset) -> None:
    ds.BitsStored, ds.HighBit = 16, 3


def garbage(ds: Dataset) -> None:
    ds.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    ds.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00\xde\xad\xbe\xef"
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True


def unknown_syntax(ds: Dataset) -> None:
    ds.file_meta.TransferSyntaxUID = "1.2.3.4.5"


def broken_number(ds: Dataset) -> None:
    ds._dict[Tag("RescaleSlope")] = RawDataElement(  # as read from a file: not converted yet
        Tag("RescaleSlope"), "FD", 3, b"abc", 0, False, True
    )


@pytest.mark.parametrize(
    "spoil",
    [
        absurd,
        no_rows,
        short,
        no_pixels,
        colour,
        palette,
        odd_bits,
        bits_beyond,
        garbage,
        unknown_syntax,
        broken_number,
    ],
)
def test_what_cannot_be_read_says_why_without_a_header_value(spoil: object) -> None:
    ds = one()
    spoil(ds)  # type: ignore[operator]
    with pytest.raises(UnreadableImage) as caught:
        Slice.from_dataset(ds)
    assert str(caught.value)
    for token in ("65535", "Quasten", "PID-", "abc", str(ds.SOPInstanceUID)):
        assert token not in str(caught.value)


def test_a_value_that_pydicom_warns_of_is_not_quoted_anywhere() -> None:
    ds = one()
    for keyword, vr in (
        ("InPlanePhaseEncodingDirection", "UI"),
        ("NumberOfFrames", "UI"),
        ("PixelSpacing", "DS"),
    ):
        ds._dict[Tag(keyword)] = RawDataElement(Tag(keyword), vr, 8, b"Oberkofl", 0, False, True)
    with pytest.raises(UnreadableImage) as caught:  # a warning would be an error here
        Slice.from_dataset(ds)
    assert "Oberkofl" not in "".join(traceback.format_exception(caught.value))


def test_a_rescale_that_overflows_gives_finite_pixels_and_no_warning() -> None:
    ds = with_words(one(), ramp())
    ds.RescaleSlope, ds.RescaleIntercept = "1e300", "-1e300"
    assert np.isfinite(Slice.from_dataset(ds).pixels).all()


@pytest.mark.parametrize("frame", [0, -1, 6])
def test_a_frame_that_is_not_there_is_refused(frame: int) -> None:
    (ds,) = mr_series(slices=5, enhanced=True)
    with pytest.raises(UnreadableImage):
        Slice.from_dataset(ds, frame)


def test_a_sequence_that_claims_more_frames_than_it_holds_is_read_from_what_is_shared() -> None:
    (ds,) = mr_series(slices=3, enhanced=True)
    ds.PerFrameFunctionalGroupsSequence = Items(list(ds.PerFrameFunctionalGroupsSequence)[:1])
    assert Slice.from_dataset(ds, 3).position is None


def test_arrays_from_elsewhere_become_magnitudes() -> None:
    image = Slice.from_array([[np.nan, -1.0], [2.0, 3.0]], (2.0, 1.0))
    assert image.pixels.tolist() == [[0.0, 0.0], [2.0, 3.0]]
    assert image.spacing == (2.0, 1.0)


@pytest.mark.data
def test_every_real_object_gives_slices_or_says_why_not_and_no_warning(data_dir: Path) -> None:
    folder = data_dir / "e2e"
    with (folder / "manifest.csv").open() as stream:
        paths = [folder / row["path"] for row in csv.DictReader(stream)]
    readable = 0
    for path in paths:
        with warnings.catch_warnings(action="ignore"):  # reading the file is not the eye's business
            ds = dcmread(path, force=True)
        frames = number_of_frames(ds)
        for frame in sorted({1, frames // 2 + 1, frames}):
            try:
                image = Slice.from_dataset(ds, frame)
            except UnreadableImage:
                continue
            assert image.pixels.shape == (ds.Rows, ds.Columns)
            assert np.isfinite(image.pixels).all()
            assert image.pixels.min() >= 0
            readable += 1
    assert readable > 300
