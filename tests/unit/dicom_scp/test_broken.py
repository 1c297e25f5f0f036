"""Broken objects get the status that fits; sound ones that are not scored are skipped with the reason."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from dicom_scp.deidentify import Announced
from dicom_scp.elements import Walker, encode
from dicom_scp.errors import Mismatch, NotUnderstood, Refused, Skipped
from tests.series import Patient, mr_series
from tests.unit.dicom_scp.encodings import DEIDENTIFY, cleaned, encoded

SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
)


@pytest.fixture
def ds() -> Dataset:
    return mr_series(slices=1, rows=32, columns=32)[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda ds: setattr(ds, "Rows", 0), "size"),
        (lambda ds: setattr(ds, "Columns", 33), "shorter"),
        (lambda ds: (setattr(ds, "Rows", 65535), setattr(ds, "Columns", 65535)), "size"),
        (lambda ds: setattr(ds, "NumberOfFrames", 1_000_000), "size"),
        (lambda ds: setattr(ds, "NumberOfFrames", -1), "size"),
        (lambda ds: setattr(ds, "BitsAllocated", 12), "pixels of this size"),
        (lambda ds: ds.__delitem__("Rows"), "not given"),
        (lambda ds: ds.add_new(0x00280010, "UL", 0xFFFF_FFFF), "not given"),
        (lambda ds: ds.add_new(0x00280010, "LO", "many"), "not given"),
    ],
)
def test_an_absurd_matrix_is_not_understood(
    ds: Dataset, change: Callable[[Dataset], object], reason: str
) -> None:
    change(ds)
    with pytest.raises(NotUnderstood, match=reason):
        cleaned(ds)


@pytest.mark.parametrize(
    "keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
)
def test_a_missing_uid_is_a_mismatch(ds: Dataset, keyword: str) -> None:
    setattr(ds, keyword, "")
    with pytest.raises(Mismatch, match="missing"):
        cleaned(ds)


@pytest.mark.parametrize(
    "uid", ["../../../etc/passwd", "/etc/x", "1.2.3\0/x", "1." * 40, "1.2.๓", "$(reboot)"]
)
@pytest.mark.parametrize("tag", [0x00080018, 0x0020000D, 0x0020000E])
def test_a_uid_like_a_path_is_not_understood(ds: Dataset, tag: int, uid: str) -> None:
    whole = encoded(ds)
    element = next(e for e in Walker(whole, explicit=True).top() if e.tag == tag)
    data = whole[: element.start - 8] + encode(tag, b"UI", uid.encode()) + whole[element.end :]
    with pytest.raises(NotUnderstood, match="no UID"):
        DEIDENTIFY(data, ExplicitVRLittleEndian)


def test_what_is_not_what_was_announced_is_a_mismatch(ds: Dataset) -> None:
    for announced in (
        Announced(sop_class_uid="1.2.840.10008.5.1.4.1.1.4.1"),
        Announced(sop_instance_uid="1.2.3"),
    ):
        with pytest.raises(Mismatch, match="announced"):
            DEIDENTIFY(encoded(ds), ExplicitVRLittleEndian, announced=announced)


def test_an_image_without_pixels_is_a_mismatch(ds: Dataset) -> None:
    del ds.PixelData
    with pytest.raises(Mismatch, match="no pixel data"):
        cleaned(ds)


def test_fragments_in_an_uncompressed_syntax_are_not_understood(ds: Dataset) -> None:
    with pytest.raises(NotUnderstood, match="fragments"):
        DEIDENTIFY(encoded(ds, RLELossless), ExplicitVRLittleEndian)


def test_uncompressed_pixels_in_a_compressed_syntax_are_not_understood(ds: Dataset) -> None:
    with pytest.raises(NotUnderstood, match="fragments"):
        DEIDENTIFY(encoded(ds), RLELossless)


@pytest.mark.parametrize(
    "frame",
    [
        b"garbage" * 20,
        struct.pack("<16L", 2, 64, 0xFFFFFF, *[0] * 13) + bytes(10),
        struct.pack("<16L", 0, *[0] * 15) + bytes(10),
        struct.pack("<16L", 15, *[64] * 15) + bytes(10),
        b"\0\0",
    ],
)
def test_encapsulated_garbage_is_not_understood(ds: Dataset, frame: bytes) -> None:
    from pydicom.encaps import encapsulate  # noqa: PLC0415 - nobody else needs it

    ds.PixelData = encapsulate([frame.ljust(len(frame) + len(frame) % 2)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    with pytest.raises(NotUnderstood, match="compressed frame"):
        DEIDENTIFY(encoded(ds), RLELossless)


def test_a_transfer_syntax_that_is_not_read_here_is_not_understood(ds: Dataset) -> None:
    with pytest.raises(NotUnderstood, match="transfer syntax"):
        DEIDENTIFY(encoded(ds), "1.2.840.10008.1.2.4.100")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda ds: setattr(ds, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"), "not an MR image"),
        (lambda ds: setattr(ds, "Modality", "OT"), "not an MR image"),
        (lambda ds: setattr(ds, "BurnedInAnnotation", "YES"), "burned"),
        (lambda ds: setattr(ds, "ImageType", ["DERIVED", "SECONDARY", "SCREEN SAVE"]), "screen save"),
        (lambda ds: setattr(ds, "SamplesPerPixel", 3), "colour"),
        (lambda ds: setattr(ds, "PhotometricInterpretation", "PALETTE COLOR"), "colour"),
    ],
)
def test_what_is_sound_but_not_scored_is_skipped(
    ds: Dataset, change: Callable[[Dataset], object], reason: str
) -> None:
    change(ds)
    with pytest.raises(Skipped, match=reason):
        cleaned(ds)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_data_set_cut_anywhere_is_refused(ds: Dataset, syntax: str) -> None:
    whole = encoded(ds, syntax)
    for percent in range(100):
        with pytest.raises(Refused) as caught:
            DEIDENTIFY(whole[: len(whole) * percent // 100], syntax)
        assert caught.value.status in {0xC000, 0xA900}


@settings(max_examples=150)
@given(st.data())
def test_a_changed_data_set_is_taken_or_refused_and_the_refusal_quotes_nothing(data: st.DataObject) -> None:
    syntax = data.draw(st.sampled_from(SYNTAXES))
    sound = bytearray(encoded(mr_series(slices=1, rows=32, columns=32)[0], syntax))
    for _ in range(data.draw(st.integers(1, 8))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    said = ""
    try:
        DEIDENTIFY(bytes(sound), syntax)
    except Refused as refused:
        said = str(refused)
    assert not [token for token in Patient().tokens() if token in said]


@given(st.binary(max_size=500), st.sampled_from(SYNTAXES))
def test_random_bytes_are_refused(data: bytes, syntax: str) -> None:
    with pytest.raises(Refused):
        DEIDENTIFY(data, syntax)


@pytest.mark.parametrize(
    "change",
    [
        lambda ds: ds.__delitem__("SpecificCharacterSet"),
        lambda ds: ds.__delitem__("ReferringPhysicianName"),
        lambda ds: setattr(ds, "PatientSex", ""),
        lambda ds: ds.add_new(0x00180080, "FD", 4200.0),
        lambda ds: ds.add_new(0x00280008, "IS", ""),
        lambda ds: ds.add_new(0x00080000, "UL", 12),
    ],
)
def test_what_is_legal_but_unusual_goes_through(ds: Dataset, change: Callable[[Dataset], object]) -> None:
    change(ds)
    assert cleaned(ds).facts.rows == 32
