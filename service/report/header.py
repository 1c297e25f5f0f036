"""Patient and study of the original header, byte for byte, so that results arrive under the same name.

The text goes out as it came in, with the source's own Specific Character Set: an archive that shows the
images' names right shows ours right, mislabelled or not. Our own strings are ASCII, which every character set
of DICOM contains.

A date, time, age, number or code that breaks the rules of its VR, or is none of the values that its attribute may
have, is put right where its meaning is plain and left out where it is not: what we send has to be valid, whatever
came in.
"""

import re
from collections.abc import Iterable

from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

PATIENT = (  # PS3.3 C.7.1.1
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientSex",
    "QualityControlSubject",
    "OtherPatientIDsSequence",
    "PatientSexNeutered",
    "PatientSpeciesDescription",
    "PatientSpeciesCodeSequence",
    "PatientBreedDescription",
    "PatientBreedCodeSequence",
    "BreedRegistrationSequence",
    "ResponsiblePerson",
    "ResponsiblePersonRole",
    "ResponsibleOrganization",
)
DEIDENTIFICATION = ("DeidentificationMethod", "DeidentificationMethodCodeSequence")
STUDY = (  # PS3.3 C.7.2.1, C.7.2.2
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "ReferringPhysicianName",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "TimezoneOffsetFromUTC",
)
REQUIRED_EMPTY = (  # type 2: written empty where the source has none
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_VALID = {  # PS3.5 table 6.2-1
    "AS": re.compile(r"[0-9]{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9 _]{1,16}"),
    "DA": re.compile(r"[1-9][0-9]{3}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"),
    "DS": re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"),
    "TM": re.compile(r"([01][0-9]|2[0-3])([0-5][0-9]([0-5][0-9](\.[0-9]{1,6})?)?)?"),
}
_ENUMERATED = {  # PS3.3 C.7.1.1, C.7.2.2
    Tag("PatientSex"): ("M", "F", "O"),
    Tag("QualityControlSubject"): ("YES", "NO"),
    Tag("PatientSexNeutered"): ("ALTERED", "UNALTERED"),
}
_LONGEST_CODE = 16  # characters of SH
_SEPARATORS = {"DA": ".", "TM": ":"}  # as ACR-NEMA wrote them

_VERBATIM = tuple(Tag(keyword) for keyword in (*PATIENT, *STUDY))
_EMPTY = tuple((Tag(keyword), dictionary_VR(keyword)) for keyword in REQUIRED_EMPTY)

Element = DataElement | RawDataElement


def patient_and_study(header: Dataset) -> Dataset:
    """Copy the patient and study modules, not decoded, and add empty type 2 attributes.

    The new dataset is marked as read in Explicit VR Little Endian and the source's character set: so it has to
    be written for the text to stay as it is.
    """
    out = Dataset()
    if header.get("SpecificCharacterSet"):
        out.SpecificCharacterSet = header.SpecificCharacterSet
    keep_raw(out)
    copy(header, _VERBATIM, into=out)
    if header.get("PatientIdentityRemoved") == "YES" and any(
        header.get(method) for method in DEIDENTIFICATION
    ):
        copy(header, [Tag(method) for method in DEIDENTIFICATION], into=out)
        if any(out.get(method) for method in DEIDENTIFICATION):
            out.PatientIdentityRemoved = "YES"
    if "PatientSpeciesDescription" in out or "PatientSpeciesCodeSequence" in out:
        out.setdefault(Tag("PatientSexNeutered"), DataElement(Tag("PatientSexNeutered"), "CS", None))
    for tag, vr in _EMPTY:
        if tag not in out:
            out[tag] = DataElement(tag, vr, None)
    return out


def copy(header: Dataset, tags: Iterable[BaseTag], *, into: Dataset) -> None:
    """Copy the elements that `header` has, as they are or put right."""
    for tag in tags:
        if tag in header and (element := verbatim(header, tag)) is not None:
            into[tag] = element


def keep_raw(dataset: Dataset) -> None:
    """Have pydicom write the raw elements of `dataset` as they are, in Explicit VR Little Endian."""
    charset = dataset.get("SpecificCharacterSet")
    dataset.set_original_encoding(False, True, convert_encodings(charset) if charset else "iso8859")  # noqa: FBT003


def verbatim(header: Dataset, tag: BaseTag) -> Element | None:
    """Give an element: its bytes where not decoded yet, else its value; None where it breaks its VR."""
    element: Element = header.get_item(tag)
    vr = dictionary_VR(tag)
    if vr in _VALID:
        value = _fitting(element.value, vr)
        if value is None or (value and value not in _ENUMERATED.get(tag, (value,))):
            return None
        return DataElement(tag, vr, value)
    if vr == "SQ":
        items = list(header[tag].value or ())
        sound = [item for item in items if _is_sound(item)]
        if len(sound) == len(items):
            return header[tag]
        return DataElement(tag, vr, sound) if sound else None
    if not isinstance(element, RawDataElement):
        return header[tag]
    raw = (element.value or b"").rstrip(b"\0")  # some pad text with them too
    if len(raw) % 2:
        raw += b"\0" if vr == "UI" else b" "
    return element._replace(VR=vr, value=raw, length=len(raw), is_implicit_VR=False, is_little_endian=True)


def _is_sound(item: Dataset) -> bool:
    """Tell whether all codes of an item fit their VR: one that does not names nothing."""
    for tag in map(Tag, ("CodeValue", "CodingSchemeDesignator")):
        if tag in item:
            value = item.get_item(tag).value
            text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")
            if len(text.strip(" \0")) > _LONGEST_CODE:
                return False
    return True


def _fitting(value: object, vr: str) -> str | None:
    """Fit a value to a VR with rules: empty, as it is, or put right; None where none of these will do."""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")
    text = text.strip(" \0")
    if not text or _VALID[vr].fullmatch(text):
        return text
    text = text.upper() if vr == "CS" else text.replace(_SEPARATORS.get(vr, " "), "")
    return text if _VALID[vr].fullmatch(text) else None
