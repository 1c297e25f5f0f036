"""What a STOW-RS request is answered (PS3.18, annex I): what became of each instance, as JSON or XML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from dicom_scp.taking import SUCCESS

DISCARDED = 0xB006  # PS3.18, table I.2-2: the instance is sound, and nothing that is kept here
NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"

_KEYWORDS = {
    "00080005": "SpecificCharacterSet",
    "00081150": "ReferencedSOPClassUID",
    "00081155": "ReferencedSOPInstanceUID",
    "00081190": "RetrieveURL",
    "00081196": "WarningReason",
    "00081197": "FailureReason",
    "00081198": "FailedSOPSequence",
    "00081199": "ReferencedSOPSequence",
    "0008119A": "OtherFailuresSequence",
}

Model = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one instance of a request."""

    sop_class_uid: str  # both "" where it could not even be read who it is
    sop_instance_uid: str
    status: int  # DIMSE status
    dropped: bool = False


def http_status(outcomes: Sequence[Outcome]) -> int:
    """Sum up: 200 all stored, 409 none stored, 202 anything between (PS3.18, table 10.5.3-1)."""
    if all(one.status == SUCCESS and not one.dropped for one in outcomes):
        return 200
    return 409 if all(one.status != SUCCESS for one in outcomes) else 202


def model_of(outcomes: Sequence[Outcome]) -> Model:
    """Give the Store Instances Response Module (PS3.18, table I.2-1) as a DICOM JSON Model."""
    stored = [_named(one) for one in outcomes if one.status == SUCCESS]
    failed = [_named(one) for one in outcomes if one.status != SUCCESS and one.sop_instance_uid]
    nameless = [
        {"00081197": _us(one.status)}
        for one in outcomes
        if one.status != SUCCESS and not one.sop_instance_uid
    ]
    sequences = (("00081198", failed), ("00081199", stored), ("0008119A", nameless))
    return {"00081190": {"vr": "UR"}} | {
        tag: {"vr": "SQ", "Value": items} for tag, items in sequences if items
    }


def _named(one: Outcome) -> dict[str, Any]:
    item = {
        "00081150": {"vr": "UI", "Value": [one.sop_class_uid]},
        "00081155": {"vr": "UI", "Value": [one.sop_instance_uid]},
    }
    if one.status != SUCCESS:
        item["00081197"] = _us(one.status)
    elif one.dropped:
        item["00081196"] = _us(DISCARDED)
    return item


def _us(value: int) -> dict[str, Any]:
    return {"vr": "US", "Value": [value]}


def to_xml(model: Model) -> bytes:
    """Encode the response as a Native DICOM Model (PS3.19, A.1)."""
    root = ET.Element("NativeDicomModel", {"xmlns": NAMESPACE})
    _elements(root, model)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _elements(parent: ET.Element, model: Model) -> None:
    for tag, element in model.items():
        attributes = {"tag": tag, "vr": element["vr"], "keyword": _KEYWORDS[tag]}
        child = ET.SubElement(parent, "DicomAttribute", attributes)
        for number, value in enumerate(element.get("Value", ()), 1):
            if element["vr"] == "SQ":
                _elements(ET.SubElement(child, "Item", {"number": str(number)}), value)
            else:
                ET.SubElement(child, "Value", {"number": str(number)}).text = str(value)
