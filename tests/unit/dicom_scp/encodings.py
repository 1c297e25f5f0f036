"""Data sets encoded as they travel, and the de-identifier that the tests share."""

import struct
import zlib
from copy import deepcopy
from io import BytesIO

from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from dicom_scp.deidentify import Deidentifier
from dicom_scp.identity import KeyRing
from dicom_scp.instance import Instance
from dicom_scp.transfer_syntaxes import ENCAPSULATED
from tests.compressed import compressed

KEYS = KeyRing(bytes(range(32)))
DEIDENTIFY = Deidentifier(KEYS)


def encoded(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Encode a data set that was built for Little Endian in any of the syntaxes that the door takes."""
    copy = deepcopy(ds)
    if syntax in ENCAPSULATED:
        copy.update(compressed(ds, syntax))
    if syntax == ExplicitVRBigEndian:
        words = struct.unpack(f"<{len(ds.PixelData) // 2}H", ds.PixelData)
        copy.PixelData = struct.pack(f">{len(words)}H", *words)
        copy["PixelData"].VR = "OW"
    buffer = DicomBytesIO()
    buffer.is_implicit_VR = syntax == ImplicitVRLittleEndian
    buffer.is_little_endian = syntax != ExplicitVRBigEndian
    write_dataset(buffer, copy)
    plain = bytes(buffer.getvalue())
    if syntax != DeflatedExplicitVRLittleEndian:
        return plain
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(plain) + deflater.flush()


def as_file(ds: Dataset) -> bytes:
    """Write a data set as a file."""
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def cleaned(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> Instance:
    """Take the identity off a data set."""
    return DEIDENTIFY(encoded(ds, syntax), syntax)


def clean_dataset(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    """Take the identity off a data set, and read what is left."""
    return dcmread(BytesIO(cleaned(ds, syntax).content))
