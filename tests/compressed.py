"""Compressed copies of MR objects, made by other code than what decodes them where there is any."""

import subprocess
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
from openjpeg.utils import encode_array
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    JPEG2000,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from tests.peers.programs import program

LOSSLESS = (RLELossless, JPEGLosslessSV1, JPEGLossless, JPEGLSLossless, JPEG2000Lossless)
LOSSY = (JPEGLSNearLossless, JPEG2000, JPEGExtended12Bit)
_GDCM = {
    JPEGLossless: gdcm.TransferSyntax.JPEGLosslessProcess14,
    JPEGLosslessSV1: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    JPEGBaseline8Bit: gdcm.TransferSyntax.JPEGBaselineProcess1,
}


def compressed(ds: Dataset, syntax: str) -> Dataset:
    """Give a copy in a compressed transfer syntax; the pixels of the lossless ones are the same."""
    if syntax in _GDCM:
        return _by_gdcm(ds, _GDCM[syntax])
    if syntax == JPEGExtended12Bit:
        return _by_dcmtk(ds)
    if syntax in (JPEG2000Lossless, JPEG2000):
        ratios = [] if syntax == JPEG2000Lossless else [4.0]
        return with_frames(ds, syntax, [_jpeg_2000(ds, frame, ratios) for frame in _frames(ds)])
    copy = deepcopy(ds)
    words: dict[str, Any] = {"jls_error": 2} if syntax == JPEGLSNearLossless else {}
    copy.compress(syntax, generate_instance_uid=False, **words)
    return copy


def frames_of(ds: Dataset) -> list[bytes]:
    """Give the compressed frames."""
    return list(generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames") or 1)))


def with_frames(ds: Dataset, syntax: str, frames: list[bytes], **words: Any) -> Dataset:
    """Give a copy with these compressed frames; `words` are those of pydicom's encapsulate."""
    copy = deepcopy(ds)
    copy.PixelData = encapsulate(frames, **words)
    copy["PixelData"].VR = "OB"
    copy["PixelData"].is_undefined_length = True
    copy.file_meta.TransferSyntaxUID = syntax
    return copy


def _frames(ds: Dataset) -> list[np.ndarray]:
    kind = "<i2" if ds.PixelRepresentation else "<u2"
    return list(np.frombuffer(ds.PixelData, kind).reshape(-1, ds.Rows, ds.Columns))


def _jpeg_2000(ds: Dataset, frame: np.ndarray, ratios: list[float]) -> bytes:
    return bytes(
        encode_array(
            frame, bits_stored=ds.BitsStored, photometric_interpretation=2, compression_ratios=ratios
        )
    )


def _by_gdcm(ds: Dataset, syntax: int) -> Dataset:
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = str(Path(folder) / "plain"), str(Path(folder) / "packed")
        dcmwrite(plain, ds, enforce_file_format=True)
        reader = gdcm.ImageReader()
        reader.SetFileName(plain)
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(packed)
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return with_frames(ds, dcmread(packed).file_meta.TransferSyntaxUID, frames_of(dcmread(packed)))


def _by_dcmtk(ds: Dataset) -> Dataset:
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder) / "plain", Path(folder) / "packed"
        dcmwrite(plain, ds, enforce_file_format=True)
        subprocess.run([program("dcmcjpeg"), "--encode-extended", plain, packed], check=True)
        return with_frames(ds, JPEGExtended12Bit, frames_of(dcmread(packed)))
