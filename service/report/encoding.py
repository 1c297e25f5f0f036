"""How an object becomes bytes: a DICOM file (PS3.10) in the transfer syntax that a destination takes.

Texts are never decoded on the way, so the other syntax is made from the bytes of the first.
"""

from collections.abc import Iterable
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite, write_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom_scp.elements import IMPLICIT, Element, Walker, encode_item
from dicom_scp.part10 import opened
from service.forms import Syntax

_PREAMBLE = b"\0" * 128 + b"DICM"


def encode(dataset: Dataset, syntax: Syntax = "explicit") -> bytes:
    """Encode the object as a file; one whose pixels are compressed keeps its own transfer syntax."""
    buffer = BytesIO()
    dcmwrite(buffer, dataset, implicit_vr=False, little_endian=True, enforce_file_format=True)
    content = buffer.getvalue()
    if syntax == "explicit" or dataset.file_meta.TransferSyntaxUID != ExplicitVRLittleEndian:
        return content
    meta = FileMetaDataset(dataset.file_meta)
    meta.TransferSyntaxUID = ImplicitVRLittleEndian
    head = DicomBytesIO()
    head.is_little_endian, head.is_implicit_VR = True, False
    write_file_meta_info(head, meta)
    return _PREAMBLE + head.getvalue() + to_implicit(opened(content).encoded)


def to_implicit(encoded: bytes) -> bytes:
    """Encode a data set of Explicit VR Little Endian in Implicit VR, value by value (PS3.5, 7.1)."""
    walker = Walker(encoded, explicit=True)
    return _implicit(walker, walker.top(), depth=0)


def _implicit(walker: Walker, elements: Iterable[Element], *, depth: int) -> bytes:
    out: list[bytes] = []
    for element in elements:
        value = walker.buffer[element.start : element.end]
        if element.vr == b"SQ":
            items = walker.items(element, depth)
            value = b"".join(encode_item(_implicit(walker, item, depth=depth + 1)) for item in items)
        out += [IMPLICIT.pack(element.tag >> 16, element.tag & 0xFFFF, len(value)), value]
    return b"".join(out)
