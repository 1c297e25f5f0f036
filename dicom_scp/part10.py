"""DICOM files (PS3.10): the head of ours, and the way into those of others."""

from typing import NamedTuple

from pydicom.uid import ImplicitVRLittleEndian

from dicom_scp.elements import EXPLICIT, SHORT_VRS, Walker, encode
from dicom_scp.errors import NotUnderstood
from dicom_scp.values import text

IMPLEMENTATION_CLASS_UID = "2.25.226905427421404190483116823561482367104"  # of Scanside, made once
IMPLEMENTATION_VERSION_NAME = "SCANSIDE"
_PREAMBLE = b"\0" * 128 + b"DICM"
_SOP_CLASS, _SOP_INSTANCE, _TRANSFER_SYNTAX = 0x00020002, 0x00020003, 0x00020010


class EncodedFile(NamedTuple):
    """A data set as it stands in a file."""

    transfer_syntax: str
    encoded: bytes
    sop_class_uid: str = ""  # as its file meta information says; "" where it says nothing
    sop_instance_uid: str = ""


def file_head(sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str) -> bytes:
    """Give preamble and file meta information (PS3.10, 7.1), always the same for the same object."""
    meta = b"".join((
        encode(0x00020001, b"OB", b"\0\1"),
        encode(0x00020002, b"UI", sop_class_uid.encode()),
        encode(0x00020003, b"UI", sop_instance_uid.encode()),
        encode(_TRANSFER_SYNTAX, b"UI", transfer_syntax.encode()),
        encode(0x00020012, b"UI", IMPLEMENTATION_CLASS_UID.encode()),
        encode(0x00020013, b"SH", IMPLEMENTATION_VERSION_NAME.encode()),
    ))  # fmt: skip
    return _PREAMBLE + encode(0x00020000, b"UL", len(meta).to_bytes(4, "little")) + meta


def opened(content: bytes) -> EncodedFile:
    """Split a file into transfer syntax and data set; a bare data set is taken for what it looks like.

    Raises NotUnderstood where the file meta information is broken.
    """
    start = len(_PREAMBLE) if content[128:132] == b"DICM" else 0
    if content[start : start + 2] != b"\2\0":
        explicit = content[start + 4 : start + 6] in SHORT_VRS
        return EncodedFile("1.2.840.10008.1.2.1" if explicit else ImplicitVRLittleEndian, content[start:])
    ends = _meta_end(content, start)
    meta = {
        element.tag: text(content[start + element.start : start + element.end])
        for element in Walker(content[start:ends], explicit=True).top()
    }
    if _TRANSFER_SYNTAX not in meta:
        raise NotUnderstood("the file meta information names no transfer syntax")
    named = (meta.get(tag, "") for tag in (_SOP_CLASS, _SOP_INSTANCE))
    return EncodedFile(meta[_TRANSFER_SYNTAX], content[ends:], *named)


def _meta_end(content: bytes, position: int) -> int:
    """Find where group 0002 ends; its group length is not believed."""
    while content[position : position + 2] == b"\2\0":
        if position + 12 > len(content):
            raise NotUnderstood("the file ends within its meta information")
        _, _, vr, length = EXPLICIT.unpack_from(content, position)
        if vr in SHORT_VRS:
            position += 8 + length
        else:
            position += 12 + int.from_bytes(content[position + 8 : position + 12], "little")
    return position
