"""Compressed frames give the pixels that went in, whatever their bits; hostile ones give a reason."""

import random
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate_extended
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from dicom_scp.transfer_syntaxes import ENCAPSULATED
from inference.codestream import read_codestream
from inference.decoder import Decoder
from inference.decoder_samples import undecoded
from inference.decoding import UnreadableImage, decompress, stored_values
from tests.compressed import LOSSLESS, LOSSY, compressed, frames_of, with_frames
from tests.series import mr_series


@pytest.fixture
def ds() -> Dataset:
    return mr_series(slices=1, rows=64, columns=48)[0]


def with_bits(ds: Dataset, stored: int, *, signed: bool) -> Dataset:
    """Spread the pixels over all values of so many bits."""
    values = np.arange(ds.Rows * ds.Columns) * 2654435761 % (1 << stored)
    values = values - (1 << (stored - 1)) if signed else values
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = stored, stored - 1, int(signed)
    ds.PixelData = values.astype("<i2" if signed else "<u2").tobytes()
    return ds


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("stored", [10, 12, 15, 16])
def test_a_lossless_frame_gives_what_went_in(ds: Dataset, syntax: str, signed: bool, stored: int) -> None:
    with_bits(ds, stored, signed=signed)
    plain = stored_values(ds, 0)
    assert plain.min() == (-(1 << (stored - 1)) if signed else 0)
    assert (stored_values(compressed(ds, syntax), 0) == plain).all()


@pytest.mark.parametrize("syntax", LOSSY, ids=lambda syntax: syntax.keyword)
def test_a_lossy_frame_gives_nearly_what_went_in(ds: Dataset, syntax: str) -> None:
    difference = stored_values(compressed(ds, syntax), 0) - stored_values(ds, 0)
    assert 0 < np.abs(difference).max() < 100
    assert np.abs(difference).mean() < 20


def test_a_baseline_frame_has_eight_bits(ds: Dataset) -> None:
    small = ds.pixel_array >> 4
    ds.PixelData = small.astype("u1").tobytes()
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    assert np.abs(stored_values(compressed(ds, JPEGBaseline8Bit), 0) - small).max() < 24


def test_each_frame_is_found_in_fragments_and_tables_of_any_kind() -> None:
    (ds,) = mr_series(slices=3, enhanced=True)
    packed = compressed(ds, JPEGLSLossless)
    frames = frames_of(packed)
    several = with_frames(ds, JPEGLSLossless, frames, fragments_per_frame=3)
    extended = with_frames(ds, JPEGLSLossless, frames)
    content, extended.ExtendedOffsetTable, extended.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    extended.PixelData = content
    for index in range(3):
        plain = stored_values(ds, index)
        for other in (packed, several, extended, with_frames(ds, JPEGLSLossless, frames, has_bot=False)):
            assert (stored_values(other, index) == plain).all()


def test_every_kind_that_a_library_decodes_is_decoded_here() -> None:
    assert undecoded(Decoder()) == []


def test_kinds_that_cannot_be_decoded_are_named(tmp_path: Path) -> None:
    assert undecoded(Decoder(program=tmp_path / "missing.py")) == ["JPEG", "JPEG-LS", "JPEG 2000", "HTJ2K"]


def test_a_frame_of_high_throughput_jpeg_2000_is_read(ds: Dataset) -> None:
    from base64 import b64decode  # noqa: PLC0415

    from inference.decoder_samples import _SAMPLES  # noqa: PLC0415 - the only encoder is none that we install

    ds.Rows = ds.Columns = 32
    ds.BitsStored, ds.HighBit = 16, 15
    packed = with_frames(ds, HTJ2KLossless, [b64decode(_SAMPLES["HTJ2K"])])
    assert (stored_values(packed, 0) == 64 * np.arange(32)[:, None]).all()


def test_a_frame_tells_itself_how_it_is_coded(ds: Dataset) -> None:
    packed = compressed(ds, JPEGLSLossless)
    packed.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    assert (stored_values(packed, 0) == stored_values(ds, 0)).all()


def test_a_codec_that_gives_the_stored_bits_alone_is_not_shifted(ds: Dataset) -> None:
    plain = stored_values(ds, 0)
    packed = compressed(ds, JPEGLSLossless)
    packed.HighBit = 15
    assert (stored_values(packed, 0) == plain).all()


def other_size(frame: bytes) -> bytes:
    """Let the codestream claim a matrix that no header told of."""
    at = frame.index(b"\xff\xf7") + 5
    return frame[:at] + b"\xff\xff\xff\xff" + frame[at + 4 :]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda frame: frame[: len(frame) // 2], "cut"),
        (lambda frame: b"\0\0", "cut"),
        (lambda frame: b"GIF89a" + frame[6:], "no kind that is read"),
        (lambda frame: frame[:20], "cut"),
        (other_size, "announced matrix"),
        (lambda frame: frame + bytes(300_000) + b"\xff\xd9", "larger than the image"),
        (lambda frame: frame[:40] + bytes(len(frame) - 42) + b"\xff\xd9", "cannot be decoded"),
    ],
)
def test_a_hostile_frame_gives_a_reason(ds: Dataset, spoil: object, reason: str) -> None:
    (frame,) = frames_of(compressed(ds, JPEGLSLossless))
    frame = spoil(frame)  # type: ignore[operator]
    packed = with_frames(ds, JPEGLSLossless, [frame + bytes(len(frame) % 2)])
    with pytest.raises(UnreadableImage, match=reason):
        stored_values(packed, 0)


@pytest.mark.parametrize("syntax", [*LOSSLESS, *LOSSY], ids=lambda syntax: syntax.keyword)
def test_flipped_bits_and_cut_frames_give_an_image_or_a_reason(ds: Dataset, syntax: str) -> None:
    chance = random.Random(7)
    (frame,) = frames_of(compressed(ds, syntax))
    for _ in range(60):
        broken = bytearray(frame)
        for _ in range(chance.choice((1, 3, 40))):
            broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        if chance.random() < 0.3:
            broken = broken[: chance.randrange(len(broken))] + b"\xff\xd9"
        packed = with_frames(ds, syntax, [bytes(broken)])
        with suppress(UnreadableImage):  # a decoder may even die of it
            assert stored_values(packed, 0).shape == (64, 48)
    assert stored_values(compressed(ds, syntax), 0).shape == (64, 48)


def test_colour_is_refused_before_it_is_decoded(ds: Dataset) -> None:
    (frame,) = frames_of(compressed(ds, JPEGLSLossless))
    at = frame.index(b"\xff\xf7") + 9
    with pytest.raises(UnreadableImage, match="colour"):
        read_codestream(frame[:at] + b"\3" + frame[at + 1 :])


@pytest.mark.parametrize("signed", [False, True])
def test_an_object_is_decompressed_to_every_bit(signed: bool) -> None:
    (ds,) = mr_series(slices=3, enhanced=True)
    if signed:
        ds.PixelRepresentation = 1
        ds.PixelData = ((ds.pixel_array.astype("<i2") - 900).clip(-2048, 2047)).tobytes()
    packed = compressed(ds, JPEGLSLossless)
    decompress(packed)
    assert packed.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (packed.pixel_array == ds.pixel_array).all()


@pytest.mark.data
def test_every_real_compressed_frame_is_as_pydicom_decodes_it(data_dir: Path) -> None:
    compared = 0
    for path in sorted(data_dir.rglob("*")):
        ds = _compressed_mr(path)
        if ds is None:
            continue
        try:
            oracle = pixel_array(ds, index=0, raw=True)
        except (NotImplementedError, RuntimeError, AttributeError, ValueError):
            continue  # pydicom reads no JPEG Extended of twelve bits
        assert (stored_values(ds, 0) == oracle).all(), path
        compared += 1
    assert compared > 50


def _compressed_mr(path: Path) -> Dataset | None:
    if not path.is_file() or path.suffix in {".csv", ".txt", ".md"}:
        return None
    with warnings.catch_warnings(action="ignore"):  # reading the file is not the eye's business
        ds = dcmread(path, force=True)
    meta = getattr(ds, "file_meta", Dataset())
    wanted = meta.get("TransferSyntaxUID") in ENCAPSULATED and ds.get("Modality") == "MR"
    return ds if wanted and ds.get("SamplesPerPixel") == 1 else None


def test_rle_is_read_without_a_library(ds: Dataset) -> None:
    import inference.decoder_child as child  # noqa: PLC0415

    (frame,) = frames_of(compressed(ds, RLELossless))
    assert child.rle_frame(frame, 64, 48, 16, 0) == ds.PixelData
