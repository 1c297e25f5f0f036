"""Compressed pixels at the door: whole frames of the announced size pass as they are, and nothing else passes."""

import struct
from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate_extended, generate_fragments
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from dicom_scp.errors import NotUnderstood, Skipped
from inference.decoding import stored_values
from tests.compressed import LOSSLESS, compressed, frames_of, with_frames
from tests.series import mr_series
from tests.unit.dicom_scp.encodings import DEIDENTIFY, encoded

SYNTAXES = (*LOSSLESS, JPEGLSNearLossless, JPEG2000)
CODESTREAMS = tuple(syntax for syntax in SYNTAXES if syntax != RLELossless)


@pytest.fixture
def ds() -> Dataset:
    return mr_series(slices=1, rows=48, columns=64)[0]


@pytest.fixture
def enhanced() -> Dataset:
    return mr_series(slices=3, enhanced=True)[0]


def taken(packed: Dataset) -> Dataset:
    """Take an object that is compressed already."""
    syntax = packed.file_meta.TransferSyntaxUID
    return dcmread(BytesIO(DEIDENTIFY(encoded(packed, ExplicitVRLittleEndian), syntax).content))


def fragments_of(ds: Dataset) -> list[bytes]:
    """Give the fragments behind the offset table."""
    return list(generate_fragments(ds.PixelData))[1:]


def with_frame(ds: Dataset, syntax: str, frame: bytes) -> Dataset:
    return with_frames(ds, syntax, [frame + bytes(len(frame) % 2)])


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)
def test_compressed_bytes_stay_as_they_came(ds: Dataset, enhanced: Dataset, syntax: str) -> None:
    for source in (ds, enhanced):
        packed = compressed(source, syntax)
        clean = taken(packed)
        assert clean.file_meta.TransferSyntaxUID == syntax
        assert clean.PatientID != packed.PatientID
        assert frames_of(clean) == frames_of(packed)
        assert (stored_values(clean, 0) == stored_values(packed, 0)).all()


def test_a_baseline_image_passes(ds: Dataset) -> None:
    ds.PixelData = (ds.pixel_array >> 4).astype("u1").tobytes()
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    packed = compressed(ds, JPEGBaseline8Bit)
    assert frames_of(taken(packed)) == frames_of(packed)


def test_frames_in_several_fragments_are_told_apart_by_any_table_or_none(enhanced: Dataset) -> None:
    frames = frames_of(compressed(enhanced, JPEGLSLossless))
    fragments = [half for frame in frames for half in (frame[:500], frame[500:])]
    by_start = with_frames(enhanced, JPEGLSLossless, fragments, has_bot=False)
    basic = with_frames(enhanced, JPEGLSLossless, frames, fragments_per_frame=2)
    extended = with_frames(enhanced, JPEGLSLossless, frames)
    extended.PixelData, extended.ExtendedOffsetTable, extended.ExtendedOffsetTableLengths = (
        encapsulate_extended(frames)
    )
    for packed in (by_start, basic, extended):
        clean = taken(packed)
        assert "ExtendedOffsetTable" not in clean
        assert fragments_of(clean) == fragments_of(packed)
        for index in range(3):
            assert (stored_values(clean, index) == stored_values(enhanced, index)).all()


def test_a_table_that_leads_astray_is_not_believed(enhanced: Dataset) -> None:
    frames = frames_of(compressed(enhanced, JPEGLSLossless))
    packed = with_frames(enhanced, JPEGLSLossless, frames, fragments_per_frame=2)
    content = bytearray(packed.PixelData)
    content[8:20] = struct.pack("<3L", 0, 4, 8)
    packed.PixelData = bytes(content)
    assert (stored_values(taken(packed), 2) == stored_values(enhanced, 2)).all()


def test_text_in_an_offset_table_does_not_pass(enhanced: Dataset) -> None:
    packed = compressed(enhanced, JPEGLSLossless)
    content = bytearray(packed.PixelData)
    content[8:20] = b"Quasten^Wilh"
    packed.PixelData = bytes(content)
    assert b"Quasten" not in taken(packed).PixelData


@pytest.mark.parametrize("syntax", CODESTREAMS, ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda frame: frame[: len(frame) * 9 // 10], "cut"),
        (lambda frame: frame[:30], "cut"),
        (lambda frame: b"\0\0", "cut"),
        (lambda frame: b"GIF89a" + frame[6:], "no known kind"),
        (lambda frame: frame[:2] + b"\xff\x51\xff\xff" + frame[6:], "compressed frame"),
        (lambda frame: frame[:2] + b"\xff\xe1\0\2" * 20_000 + frame[2:], "too many|no known kind"),
    ],
)
def test_a_broken_frame_is_not_understood(ds: Dataset, syntax: str, spoil: object, reason: str) -> None:
    (frame,) = frames_of(compressed(ds, syntax))
    with pytest.raises(NotUnderstood, match=reason):
        taken(with_frame(ds, syntax, spoil(frame)))  # type: ignore[operator]


@pytest.mark.parametrize("syntax", CODESTREAMS, ids=lambda syntax: syntax.keyword)
def test_a_frame_of_another_size_is_not_understood(ds: Dataset, syntax: str) -> None:
    packed = compressed(ds, syntax)
    packed.Rows = 64
    with pytest.raises(NotUnderstood, match="size"):
        taken(packed)


def test_a_frame_in_colour_is_not_understood(ds: Dataset) -> None:
    (frame,) = frames_of(compressed(ds, JPEGLSLossless))
    at = frame.index(b"\xff\xf7") + 9
    with pytest.raises(NotUnderstood, match="colour"):
        taken(with_frame(ds, JPEGLSLossless, frame[:at] + b"\3" + frame[at + 1 :]))


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_more_or_fewer_frames_than_announced_are_not_understood(
    enhanced: Dataset, syntax: str, count: int
) -> None:
    frames = frames_of(compressed(enhanced, syntax))
    with pytest.raises(NotUnderstood, match="as many"):
        taken(with_frames(enhanced, syntax, [*frames, *frames][:count]))


def test_pixel_data_that_end_within_a_fragment_are_not_understood(ds: Dataset) -> None:
    data = encoded(ds, JPEGLSLossless)
    for cut in (1, 8, 9, 200, 1500):
        with pytest.raises(NotUnderstood):
            DEIDENTIFY(data[:-cut], JPEGLSLossless)


def test_an_overlay_in_compressed_bits_is_not_taken(ds: Dataset) -> None:
    ds.add_new(0x60000102, "US", 15)
    with pytest.raises(Skipped, match="overlay"):
        taken(compressed(ds, JPEGLosslessSV1))


def segment(marker: int, text: bytes) -> bytes:
    return struct.pack(">HH", marker, len(text) + 2) + text


@pytest.mark.parametrize("marker", [0xFFFE, 0xFFE1, 0xFFED])
@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLossless, JPEGLSLossless])
def test_a_patient_in_a_comment_does_not_pass(ds: Dataset, syntax: str, marker: int) -> None:
    (frame,) = frames_of(compressed(ds, syntax))
    text, end = segment(marker, b"Quastenflosser^Wilhelmine"), frame.rindex(b"\xff\xd9")
    for told in (frame[:2] + text + frame[2:], frame[:end] + text + frame[end:], frame + b"Quastenflosser"):
        clean = taken(with_frame(ds, syntax, told))
        assert b"Quasten" not in clean.PixelData
        assert (stored_values(clean, 0) == stored_values(ds, 0)).all()


def test_a_patient_in_a_comment_of_jpeg_2000_does_not_pass(ds: Dataset) -> None:
    (frame,) = frames_of(compressed(ds, JPEG2000Lossless))
    at = frame.index(b"\xff\x64")
    text = segment(0xFF64, b"\0\1Quastenflosser^Wilhelmine")
    wrapped = b"\0\0\0\x0cjP  \r\n\x87\n" + segment(0, b"Quastenflosser") + frame
    for told in (frame[:at] + text + frame[at:], wrapped, frame + b"Quastenflosser"):
        clean = taken(with_frame(ds, JPEG2000Lossless, told))
        assert b"Quasten" not in clean.PixelData
        assert np.array_equal(stored_values(clean, 0), stored_values(ds, 0))


@pytest.mark.parametrize("marker", [0xFF05, 0xFFD8, 0xFFD9, 0xFFDE, 0xFFF0, 0xFFFD])
@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless])
def test_a_patient_in_a_segment_of_no_use_does_not_pass(ds: Dataset, syntax: str, marker: int) -> None:
    (frame,) = frames_of(compressed(ds, syntax))
    text = segment(marker, b"Quastenflosser^Wilhelmine")
    for told in (frame[:2] + text + frame[2:], frame.rstrip(b"\0") + text[2:] + b"\xff\xd9"):
        with pytest.raises(NotUnderstood):
            taken(with_frame(ds, syntax, told))


@pytest.mark.parametrize("marker", [0xFF01, 0xFF30, 0xFF54, 0xFF65, 0xFF70])
def test_a_patient_in_a_segment_that_jpeg_2000_does_not_know_does_not_pass(ds: Dataset, marker: int) -> None:
    (frame,) = frames_of(compressed(ds, JPEG2000Lossless))
    at = frame.index(b"\xff\x52")
    with pytest.raises(NotUnderstood):
        taken(with_frame(ds, JPEG2000Lossless, frame[:at] + segment(marker, b"Quastenflosser") + frame[at:]))


def test_a_patient_among_the_unused_offsets_of_rle_does_not_pass(ds: Dataset) -> None:
    (frame,) = frames_of(compressed(ds, RLELossless))
    clean = taken(with_frame(ds, RLELossless, frame[:12] + b"Quastenflosser".ljust(52, b"\0") + frame[64:]))
    assert b"Quasten" not in clean.PixelData
    assert (stored_values(clean, 0) == stored_values(ds, 0)).all()


def test_the_signature_of_a_library_stays(ds: Dataset) -> None:
    packed = compressed(ds, JPEG2000Lossless)
    assert b"OpenJPEG version" in packed.PixelData
    assert fragments_of(taken(packed)) == fragments_of(packed)
