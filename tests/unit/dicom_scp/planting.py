"""Objects full of identifiers, each in a place of its own, and the key of what must become of what (MIDI-B's words)."""

import re
import struct
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from enum import StrEnum

from pydicom import Dataset
from pydicom.datadict import DicomDictionary, keyword_dict
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from dicom_scp.elements import encode
from dicom_scp.profile import LISTED, Action
from tests.enhanced import items
from tests.series import Vendor, mr_series

TEXT_VRS = frozenset(["AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"])
SPELLINGS = (  # of what a field of the device or the protocol may hold by mistake
    "Quastenflosser", "QUASTENFLOSSER", "quastenflosser w", "Wilhelmine Quastenflosser", "Quasten_Flosser",
    "for QUASTEN-FLOSSER", "ressolfnetsauQ", "WQuastenflosser", "PID-7731904", "pid7731904", "7731904", "PID 773 1904",
    "12.04.1961", "1961-04-12", "19610412", "04/12/1961", "ACC-5520917", "5520917", "acc5520917 ax", "Dr. Oberkofler",
    "oberkofler^ignaz", "Zwiebelstadt", "SN-990017", "KLINIKUM-XQ",
)  # fmt: skip
MARKS = (  # what none of these may leave behind, letters and digits only
    "QUASTENFLOSSER", "RESSOLFNETSAUQ", "WILHELMINE", "7731904", "5520917", "OBERKOFLER", "IGNAZ", "ZWIEBELSTADT",
    "12041961", "19610412", "04121961", "990017", "KLINIKUMXQ",
)  # fmt: skip
PRIVATE = {  # what vendors lay into private groups: group, creator, element, VR
    "siemens": (
        (0x0029, "SIEMENS CSA HEADER", 0x10, "OB"), (0x0029, "SIEMENS CSA HEADER", 0x20, "OB"),
        (0x0029, "SIEMENS MEDCOM HEADER", 0x10, "OB"), (0x0051, "SIEMENS MR HEADER", 0x0C, "LO"),
        (0x0021, "SIEMENS MR SDI 02", 0x06, "LO"), (0x0021, "SIEMENS MR SDS 01", 0x19, "OB"),
        (0x0019, "SIEMENS MR HEADER", 0x0D, "CS"), (0x0019, "SIEMENS MR HEADER", 0x0C, "IS"),
        (0x0019, "SIEMENS MR HEADER", 0x27, "FD"), (0x0009, "SIEMENS SYNGO INDEX SERVICE", 0x20, "DA"),
    ),
    "ge": (
        (0x0009, "GEMS_IDEN_01", 0x02, "SH"), (0x0009, "GEMS_IDEN_01", 0xE3, "UI"),
        (0x0019, "GEMS_ACQU_01", 0x9C, "LO"),
        (0x0025, "GEMS_SERS_01", 0x1B, "OB"), (0x0025, "GEMS_SERS_01", 0x17, "SL"),
        (0x0043, "GEMS_PARM_01", 0x2A, "OB"), (0x0043, "GEMS_PARM_01", 0x39, "IS"),
        (0x0043, "GEMS_PARM_01", 0x6F, "DS"),
        (0x0027, "GEMS_IMAG_01", 0x60, "FL"),
    ),
    "philips": (
        (0x2001, "Philips Imaging DD 001", 0x04, "CS"), (0x2001, "Philips Imaging DD 001", 0x5F, "SQ"),
        (0x2001, "Philips Imaging DD 001", 0x63, "CS"), (0x2005, "Philips MR Imaging DD 001", 0x32, "SQ"),
        (0x2005, "Philips MR Imaging DD 005", 0x0F, "SQ"), (0x2005, "Philips MR Imaging DD 004", 0x91, "PN"),
        (0x2001, "Philips Imaging DD 001", 0x03, "FL"), (0x2001, "Philips Imaging DD 002", 0x39, "LO"),
        (0x2005, "Philips MR Imaging DD 001", 0x0D, "FL"), (0x2001, "Philips Imaging DD 001", 0x81, "IS"),
    ),
}  # fmt: skip


class Key(StrEnum):
    """MIDI-B's action types, those that concern a header."""

    TAG_RETAINED = "tag_retained"
    TEXT_NOTNULL = "text_notnull"
    TEXT_RETAINED = "text_retained"
    TEXT_REMOVED = "text_removed"
    DATE_SHIFTED = "date_shifted"
    UID_CHANGED = "uid_changed"
    UID_CONSISTENT = "uid_consistent"
    PATID_CONSISTENT = "patid_consistent"
    PIXELS_RETAINED = "pixels_retained"


RETAINED = """
    Modality ImageType SOPClassUID Manufacturer ManufacturerModelName PatientSex PatientAge PatientWeight Rows Columns
    RepetitionTime EchoTime FlipAngle PixelBandwidth PixelSpacing SliceThickness ImagePositionPatient
    ImageOrientationPatient InPlanePhaseEncodingDirection AcquisitionMatrix ScanningSequence EchoTrainLength
    BitsStored HighBit SeriesNumber InstanceNumber MagneticFieldStrength SpacingBetweenSlices PatientPosition
    PhotometricInterpretation
""".split()  # noqa: SIM905 - a table of words
UIDS = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"]
DATES = ["StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"]


@dataclass(slots=True)
class Planter:
    """Gives a new token for each place, and remembers it."""

    planted: dict[str, str] = field(default_factory=dict)

    def token(self, place: str) -> str:
        return self.planted.setdefault(place, f"ZQ{len(self.planted):04d}")

    def leaks(self, content: bytes) -> list[str]:
        """Give the places whose token can be found, in any case and as 16-bit text too."""
        shout = content.upper()
        return [
            place
            for place, token in self.planted.items()
            if any(token.encode(coding) in shout for coding in ("ascii", "utf-16-le", "utf-16-be"))
        ]


def without_pixels(content: bytes) -> bytes:
    """Cut the pixel values out: any letters may turn up in noise."""
    return content[: content.rindex(b"\xe0\x7f\x10\x00")]


def marks_in(content: bytes) -> set[str]:
    """Give what is left of the patient in the letters and digits of a header's texts."""
    texts = re.findall(rb"[ -~]{4,}", without_pixels(content)[132:])
    squeezed = [re.sub(rb"[^A-Z0-9]", b"", text.upper()).decode() for text in texts]
    return {mark for mark in MARKS for text in squeezed if mark in text}


def everywhere(planter: Planter, *, vendor: Vendor, enhanced: bool) -> Dataset:
    """Plant a token into every text and every sequence of PS3.6 that is not ours to keep, and around them."""
    ds = mr_series(slices=2, rows=16, columns=16, enhanced=enhanced, vendor=vendor)[0]
    for tag, (vr, *_, keyword) in DicomDictionary.items():
        if not keyword or keyword not in keyword_dict or tag < 0x00080000 or tag >> 16 in {0x7FE0, 0xFFFE}:
            continue
        rule = LISTED.get(tag)
        if rule is not None and rule.action not in {Action.EMPTY, Action.PATIENT, Action.DEVICE}:
            continue
        if vr in TEXT_VRS and keyword != "SpecificCharacterSet":
            ds.add_new(tag, vr, planter.token(keyword))
        elif vr == "SQ":
            ds.add_new(tag, "SQ", _item(planter, keyword))
        elif vr in {"OB", "OW", "UN"}:
            ds.add_new(tag, vr, planter.token(keyword).encode())
    _private(ds, planter, vendor)
    _groups(ds, planter)
    _regions(ds, planter)
    if enhanced:
        _frames(ds, planter)
    return ds


def _item(planter: Planter, place: str) -> list[Dataset]:
    inner = items(
        PatientName=planter.token(f"{place}.PatientName"), CodeMeaning=planter.token(f"{place}.CodeMeaning")
    )
    inner[0].TextValue = planter.token(f"{place}.TextValue")
    inner[0].ReferencedSeriesSequence = items(SeriesDescription=planter.token(f"{place}.nested"))
    return list(inner)


def _private(ds: Dataset, planter: Planter, vendor: str) -> None:
    for group, creator, number, vr in PRIVATE[vendor]:
        place = f"({group:04X},{creator},{number:02X})"
        block = ds.private_block(group, creator, create=True)
        if number in block:
            continue
        if vr == "SQ":
            inner = items(PatientID=planter.token(f"{place}.PatientID"))
            inner[0].private_block(0x2005, creator, create=True).add_new(
                0x10, "LO", planter.token(f"{place}.private")
            )
            block.add_new(number, "SQ", inner)
        elif vr == "OB":
            block.add_new(number, "OB", b"SV10\4\3\2\1" + planter.token(place).encode() + b"\0\0")
        else:  # as UN, so that any bytes may stand in it
            block.add_new(number, "UN", planter.token(place).encode().ljust(8))
    for group in (0x0009, 0x0019, 0x0029, 0x0073, 0x2001, 0x2005, 0x7FE1):
        block = ds.private_block(group, f"MAKER {planter.token(f'creator {group:04X}')}", create=True)
        block.add_new(0x01, "LO", planter.token(f"private {group:04X}"))
        block.add_new(0x02, "SQ", _item(planter, f"private {group:04X}"))
        block.add_new(0x03, "UN", implicit_sequence(planter.token(f"private {group:04X} in UN")))
    ds.private_block(0x0073, "SCANSIDE", create=True).add_new(0x0F, "CS", planter.token("a block like ours"))
    ds.add_new(0x0029_1F08, "UN", planter.token("orphan of a private block").encode())


def implicit_sequence(token: str) -> bytes:
    """Encode a sequence as it stands inside of UN: Implicit VR."""
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = True, True
    write_dataset(buffer, Dataset.from_json({"00100010": {"vr": "PN", "Value": [{"Alphabetic": token}]}}))
    inner = bytes(buffer.getvalue())
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(inner)) + inner


def _groups(ds: Dataset, planter: Planter) -> None:
    for tag in (0x00080301, 0x00100FFE, 0x00180FFE, 0x00405FFE, 0x40001234, 0x00280FFE, 0x52000FFE):
        ds.add_new(tag, "LO", planter.token(f"unknown {tag:08X}"))
    for group in (0x5000, 0x5002, 0x501E):
        for number, vr in ((0x0010, "LO"), (0x0022, "LO"), (0x2500, "LO"), (0x3000, "OW")):
            token = planter.token(f"curve ({group:04X},{number:04X})")
            ds.add_new(group << 16 | number, vr, token if vr == "LO" else token.encode())
    for group in (0x6000, 0x6002, 0x601E):
        for number, vr in ((0x0022, "LO"), (0x1500, "LO"), (0x3000, "OW"), (0x4000, "LT")):
            token = planter.token(f"overlay ({group:04X},{number:04X})")
            ds.add_new(group << 16 | number, vr, token if vr != "OW" else token.encode().ljust(8))


def _regions(ds: Dataset, planter: Planter) -> None:
    ds.AnatomicRegionSequence = items(
        CodeValue="T-A0100", CodingSchemeDesignator="SRT", CodeMeaning=planter.token("region meaning")
    )
    ds.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = items(CodeMeaning=planter.token("modifier"))


def _frames(ds: Dataset, planter: Planter) -> None:
    for keyword in [
        "FrameContentSequence",
        "MRReceiveCoilSequence",
        "PixelMeasuresSequence",
        "MREchoSequence",
    ]:
        for frame in (*ds.PerFrameFunctionalGroupsSequence, *ds.SharedFunctionalGroupsSequence):
            inside = frame.get(keyword) or items(SpacingBetweenSlices=1)
            inside[0].PatientComments = planter.token(f"frame {keyword}")
            inside[0].FrameComments = planter.token(f"frame {keyword} comments")
            inside[0].PatientID = planter.token(f"frame {keyword} id")
            block = inside[0].private_block(0x2005, "MAKER", create=True)
            block.add_new(0x10, "LO", planter.token(f"frame {keyword} private"))
            block.add_new(0x11, "SQ", _item(planter, f"frame {keyword} private"))
            inside[0].private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(
                0x0D, "CS", planter.token(f"frame {keyword} safe place")
            )
            setattr(frame, keyword, inside)


def misused(spelling: str, *, enhanced: bool) -> tuple[Dataset, list[str]]:
    """Write a spelling of the patient into every text that may stay; gives the keywords too."""
    ds = mr_series(slices=2, rows=16, columns=16, enhanced=enhanced)[0]
    used = []
    levels = [ds]
    if enhanced:
        levels += [
            group[0].get(seq)[0]
            for group in (ds.SharedFunctionalGroupsSequence,)
            for seq in group[0].dir("Sequence")
        ]
    for rule in LISTED.values():
        vr = rule.vrs[0].decode()
        if rule.action is not Action.KEEP or vr not in TEXT_VRS or rule.keyword in {"Modality", "ImageType"}:
            continue
        if rule.keyword == "PhotometricInterpretation":  # an image that has another is not taken at all
            continue
        used.append(rule.keyword)
        for level in levels:
            level.add_new(rule.tag, "LO", [spelling, f"64ch {spelling}"])
    return ds, used


def with_tails(data: bytes, planter: Planter, *, explicit: bool) -> bytes:
    """Add what pydicom would not write: text after the last pixel, and padding after the pixels."""
    at = data.rindex(b"\xe0\x7f\x10\x00")
    header = 12 if explicit else 8
    tail = planter.token("behind the pixels").encode() + b"  "
    length = struct.unpack_from("<L", data, at + header - 4)[0]
    data = data[: at + header - 4] + struct.pack("<L", length + len(tail)) + data[at + header :] + tail
    padding = encode(0xFFFCFFFC, b"OB", planter.token("trailing padding").encode())
    return data + (padding if explicit else b"\xfc\xff\xfc\xff\x06\0\0\0" + padding[12:])


def with_group_lengths(data: bytes, planter: Planter) -> bytes:
    """Begin with a group length that is text (Explicit VR)."""
    return encode(0x00080000, b"UL", planter.token("group length").encode()[-4:]) + data


def answers(vendor: Vendor) -> Iterator[tuple[str, Key]]:
    """Give what must become of which attribute of a classic series."""
    ds = mr_series(slices=1, rows=16, columns=16, vendor=vendor)[0]
    yield from ((keyword, Key.TEXT_RETAINED) for keyword in RETAINED if keyword in ds)
    yield from ((keyword, Key.UID_CHANGED) for keyword in UIDS)
    yield from ((keyword, Key.UID_CONSISTENT) for keyword in UIDS)
    yield from ((keyword, Key.DATE_SHIFTED) for keyword in DATES if keyword in ds)
    yield from (
        ("PatientID", Key.PATID_CONSISTENT),
        ("PatientID", Key.TEXT_NOTNULL),
        ("PatientName", Key.TEXT_NOTNULL),
    )
    yield from (
        (k, Key.TAG_RETAINED) for k in ("StudyDate", "AccessionNumber", "PatientBirthDate", "StudyID")
    )
    yield from (
        (keyword, Key.TEXT_REMOVED)
        for keyword in ("PatientName", "PatientID", "InstitutionName", "ReferringPhysicianName", "AccessionNumber",
                        "StudyDescription", "SeriesDescription", "ProtocolName", "PatientBirthDate",
                        "DeviceSerialNumber")
        if keyword in ds
    )  # fmt: skip
    yield "PixelData", Key.PIXELS_RETAINED


def encoded_implicit(ds: Dataset) -> bytes:
    """Encode in Implicit VR Little Endian whatever VRs were set."""
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = True, True
    write_dataset(buffer, deepcopy(ds))
    return bytes(buffer.getvalue())
