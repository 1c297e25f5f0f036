"""What every object of ours carries.

Strings and coded entries are encoded at once, and codes kept as bytes: a report repeats a few dozen of them some
hundred times, and to build and write them as datasets costs more than everything else in it.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_sequence_item
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    UID,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from dicom_scp.own import MANUFACTURER, MODEL
from service.report.codes import Code
from service.report.header import copy, keep_raw, patient_and_study
from service.report.result import Result, SourceInstance
from service.report.uids import Uids

DISCLAIMER = "AI image quality control; not for diagnosis"
# PS3.7 D.3.3.2: names this implementation, not an installation (2.25 and a UUID drawn once).
IMPLEMENTATION_CLASS_UID = UID("2.25.141067025012049412199443402042934089839")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object that we make; each kind goes to a series of its own."""

    name: str  # a word in its UIDs
    sop_class_uid: str
    modality: str
    series_number: int
    title: str  # series description; the verdict follows, for archives' rules match header tags


REPORT = Kind("report", EnhancedSRStorage, "SR", 9902, "AI QC report")
REGIONS = Kind("regions", EnhancedSRStorage, "SR", 9902, "AI QC regions")
SEGMENTATION = Kind("segmentation", SegmentationStorage, "SEG", 9901, "AI QC segmentation")
OUTLINES = Kind("outlines", GrayscaleSoftcopyPresentationStateStorage, "PR", 9903, "AI QC outlines")
OVERLAY = Kind("overlay", MultiFrameTrueColorSecondaryCaptureImageStorage, "OT", 9904, "AI QC overlay")
KEY_OBJECT = Kind("key object", KeyObjectSelectionDocumentStorage, "KO", 9905, "AI QC key images")
CARD = Kind("card", SecondaryCaptureImageStorage, "OT", 9904, "AI QC card")


def item(**values: object) -> Dataset:
    """Make a sequence item, marked so that pydicom writes it without looking for raw values to convert."""
    out = Dataset()
    out.set_original_encoding(False, True, "iso8859")  # noqa: FBT003
    for keyword, value in values.items():
        tag, vr = _entry(keyword)
        if isinstance(value, str):
            out[tag] = _raw(tag, vr, _padded(value, vr))
        else:
            out.add_new(tag, vr, value)
    return out


def _raw(tag: BaseTag, vr: str, value: bytes) -> RawDataElement:
    return RawDataElement(tag, vr, len(value), value, 0, False, True)  # noqa: FBT003


@lru_cache(maxsize=1024)
def _entry(keyword: str) -> tuple[BaseTag, str]:
    return Tag(keyword), dictionary_VR(keyword)


@lru_cache(maxsize=1024)
def _padded(value: str, vr: str) -> bytes:
    """Encode one of our own strings, to an even length. Raises UnicodeEncodeError where it is not ASCII."""
    encoded = value.encode("ascii")
    return encoded + (b"\0" if vr == "UI" else b" ") * (len(encoded) % 2)


def set_code(dataset: Dataset, keyword: str, code: Code) -> None:
    """Give `dataset` a code sequence of one item."""
    tag, vr = _entry(keyword)
    dataset[tag] = _raw(tag, vr, _encoded(code))


@lru_cache(maxsize=512)
def _encoded(code: Code) -> bytes:
    """Encode an item of a code sequence in Explicit VR Little Endian."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    entry = item(CodeValue=code.value, CodingSchemeDesignator=code.scheme, CodeMeaning=code.meaning)
    write_sequence_item(buffer, entry, ["iso8859"])
    return buffer.getvalue()


def reference(instance: SourceInstance) -> Dataset:
    """Refer to a whole image object."""
    return item(
        ReferencedSOPClassUID=instance.sop_class_uid,
        ReferencedSOPInstanceUID=instance.sop_instance_uid,
    )


def frame_reference(instance: SourceInstance, frame: int) -> Dataset:
    """Refer to one image: with its frame number where the object has several."""
    out = reference(instance)
    if instance.is_multi_frame:
        out.ReferencedFrameNumber = frame
    return out


def new_object(result: Result, kind: Kind, *, number: int = 1) -> Dataset:
    """Begin an object: patient, study, series, equipment, SOP common and file meta."""
    uids, created = Uids.of(result), result.created
    out = patient_and_study(result.source.header)
    out.SOPClassUID = kind.sop_class_uid
    out.SOPInstanceUID = uids.instance(kind.name, number)
    out.SeriesInstanceUID = uids.series(kind.name)
    out.Modality = kind.modality
    out.SeriesNumber = kind.series_number
    out.SeriesDescription = f"{kind.title}: {result.verdict.upper()}"
    out.InstanceNumber = number
    out.Manufacturer = MANUFACTURER
    out.ManufacturerModelName = MODEL
    out.DeviceSerialNumber = result.product.installation_uid
    out.SoftwareVersions = result.product.version
    date, time = f"{created:%Y%m%d}", f"{created:%H%M%S.%f}"
    out.SeriesDate = out.ContentDate = out.InstanceCreationDate = date
    out.SeriesTime = out.ContentTime = out.InstanceCreationTime = time
    out.file_meta = _file_meta(out)
    keep_raw(out)
    return out


def set_side(header: Dataset, out: Dataset) -> None:
    """Copy part and side, or leave Laterality empty: unknown, whether or not the part comes in pairs."""
    side = header.get("ImageLaterality") or header.get("Laterality")
    if side in ("R", "L", "B"):
        out.ImageLaterality = side
        copy(header, [Tag("BodyPartExamined")], into=out)
    else:
        out.Laterality = None


def set_picture(out: Dataset, shape: tuple[int, ...]) -> None:
    """Describe pixels of 8 bits, (rows, columns) or (rows, columns, 3) (PS3.3 C.7.6.3)."""
    colour = len(shape) == 3
    out.SamplesPerPixel = 3 if colour else 1
    out.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        out.PlanarConfiguration = 0
    out.Rows, out.Columns = shape[:2]
    out.BitsAllocated, out.BitsStored, out.HighBit = 8, 8, 7
    out.PixelRepresentation = 0


def plain(text: str) -> str:
    """`text` in ASCII without control characters: what every Specific Character Set can hold."""
    swapped = text.translate(_PUNCTUATION)
    letters = unicodedata.normalize("NFKD", swapped).encode("ascii", "ignore").decode()
    return "".join(letter if letter.isprintable() else " " for letter in letters)


_PUNCTUATION = str.maketrans(
    {"\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'}
)


def _file_meta(dataset: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = "SCANSIDE"
    return meta
