"""The report as FHIR R4 observations, in the shape of HL7's guide that maps DICOM SR measurement reports to FHIR.

A measurement group becomes an Observation whose members are Observations too: a number or a code each. They are made
of the structured report itself, so that the two cannot disagree. Patient, study and order are named by their
identifiers alone: the receiver has them, and no name or birth date has to leave.

R4 has no ImagingSelection: an image is named as the `focus` of what was seen on it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from uuid import UUID

from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_scp.own import MANUFACTURER, MODEL
from service.report import codes
from service.report.encoding import encode
from service.report.result import Result
from service.report.uids import derive

Resource = dict[str, Any]

SYSTEMS = {
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "SCT": "http://snomed.info/sct",
    "LN": "http://loinc.org",
    "RADLEX": "http://radlex.org",
    "UCUM": "http://unitsofmeasure.org",
    "99SCANSIDE": f"urn:oid:{derive('coding scheme', '99SCANSIDE')}",
}
DICOM_UID = "urn:dicom:uid"
_IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_OBSERVATION_UID = {
    "system": "http://hl7.org/fhir/uv/dicom-sr/CodeSystem/dicom-identifier-type",
    "code": "observation-uid",
    "display": "Observation UID",
}
_STUDY_UID = codes.Code("110180", "DCM", "Study Instance UID")
_TRACKING = {codes.TRACKING_IDENTIFIER.value, codes.TRACKING_UID.value}


@dataclass(frozen=True, slots=True)
class Observations:
    """A bundle, and the UID under which it is kept."""

    uid: str
    content: bytes  # JSON in UTF-8


def build_observations(result: Result, report: Dataset) -> Observations:
    """Build the bundle of a series' structured report."""
    uid = derive(str(report.SOPInstanceUID), "fhir")
    document = dcmread(BytesIO(encode(report)))
    resources = list(_Mapping(result, document, uid).resources())
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": {"system": DICOM_UID, "value": f"urn:oid:{uid}"},
        "timestamp": _instant(result),
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in resources],
    }
    return Observations(uid, json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode())


@dataclass(frozen=True, slots=True)
class _Mapping:
    result: Result
    document: Dataset
    uid: str

    def resources(self) -> Iterator[tuple[str, Resource]]:
        """Give each resource with the URL by which the others refer to it."""
        yield self._url("device"), self._device()
        for part in self.document.ContentSequence:
            if _names(part, codes.IMAGING_MEASUREMENTS):
                for number, group in enumerate(part.ContentSequence):
                    yield from self._group(f"group {number}", group)
            elif _names(part, codes.QUALITATIVE_EVALUATIONS):
                for number, one in enumerate(part.ContentSequence):
                    yield self._url(f"evaluation {number}"), self._member(f"evaluation {number}", one)

    def _device(self) -> Resource:
        """Say who looked: the algorithm and its installation, no person."""
        product = self.result.product
        return {
            "resourceType": "Device",
            "identifier": [{"system": DICOM_UID, "value": f"urn:oid:{product.installation_uid}"}],
            "manufacturer": MANUFACTURER,
            "modelNumber": MODEL,
            "serialNumber": product.installation_uid,
            "deviceName": [{"name": product.model_name, "type": "model-name"}],
            "version": [{"value": product.version}, {"value": product.algorithm_version}],
        }

    def _group(self, name: str, group: Dataset) -> Iterator[tuple[str, Resource]]:
        items = list(group.ContentSequence)
        members = {
            f"{name} member {number}": one
            for number, one in enumerate(items)
            if one.ValueType in ("NUM", "CODE") and not _names(one, codes.FINDING)
        }
        finding = next(one for one in items if _names(one, codes.FINDING))
        whole = self._observation(name, _coded(finding.ConceptNameCodeSequence[0]))
        whole["category"] = [_concept_of(codes.MEASUREMENT_GROUP)]
        whole["identifier"] += [_tracking(one) for one in items if _concept(one) in _TRACKING]
        whole["valueCodeableConcept"] = _coded(finding.ConceptCodeSequence[0])
        whole["hasMember"] = [{"reference": self._url(member)} for member in members]
        yield self._url(name), {key: value for key, value in whole.items() if value != []}
        for member, one in members.items():
            yield self._url(member), self._member(member, one)

    def _member(self, name: str, one: Dataset) -> Resource:
        """Map a content item: NUM, CODE or TEXT."""
        out = self._observation(name, _coded(one.ConceptNameCodeSequence[0]))
        if one.ValueType == "NUM":
            measured = one.MeasuredValueSequence[0]
            unit = measured.MeasurementUnitsCodeSequence[0]
            out["valueQuantity"] = {
                "value": float(measured.NumericValue),
                "unit": str(unit.CodeMeaning),
                "system": SYSTEMS["UCUM"],
                "code": str(unit.CodeValue),
            }
            out["focus"] = [_image(one)]
        elif one.ValueType == "CODE":
            out["valueCodeableConcept"] = _coded(one.ConceptCodeSequence[0])
        else:
            out["valueString"] = str(one.TextValue)
        return out

    def _observation(self, name: str, concept: Resource) -> Resource:
        out: Resource = {
            "resourceType": "Observation",
            "identifier": [
                {
                    "type": {"coding": [_OBSERVATION_UID]},
                    "system": DICOM_UID,
                    "value": f"urn:oid:{derive(self.uid, name)}",
                }
            ],
            "partOf": [_study(self.document)],
            "status": "final",
            "code": concept,
            "subject": _patient(self.document),
            "issued": _instant(self.result),
            "device": {"reference": self._url("device")},
        }
        if self.document.get("AccessionNumber"):
            accession = {"type": _identifier_type("ACSN"), "value": str(self.document.AccessionNumber)}
            out["basedOn"] = [{"type": "ServiceRequest", "identifier": accession}]
        return out

    def _url(self, name: str) -> str:
        return f"urn:uuid:{UUID(int=int(derive(self.uid, 'url', name).removeprefix('2.25.')))}"


def _study(document: Dataset) -> Resource:
    identifier = {
        "type": _concept_of(_STUDY_UID),
        "system": DICOM_UID,
        "value": f"urn:oid:{document.StudyInstanceUID}",
    }
    return {"type": "ImagingStudy", "identifier": identifier}


def _patient(document: Dataset) -> Resource:
    if not document.get("PatientID"):
        return {"type": "Patient", "display": "not identified"}
    identifier: Resource = {"type": _identifier_type("MR"), "value": str(document.PatientID)}
    if document.get("IssuerOfPatientID"):
        identifier["assigner"] = {"display": str(document.IssuerOfPatientID)}
    return {"type": "Patient", "identifier": identifier}


def _image(measured: Dataset) -> Resource:
    """Name the image that a number was measured on, and its frame."""
    shown = measured.ContentSequence[0].ContentSequence[0].ReferencedSOPSequence[0]
    out: Resource = {
        "identifier": {"system": DICOM_UID, "value": f"urn:oid:{shown.ReferencedSOPInstanceUID}"}
    }
    if "ReferencedFrameNumber" in shown:
        out["display"] = f"frame {shown.ReferencedFrameNumber}"
    return out


def _tracking(one: Dataset) -> Resource:
    kind = _coded(one.ConceptNameCodeSequence[0])
    if one.ValueType == "UIDREF":
        return {"type": kind, "system": DICOM_UID, "value": f"urn:oid:{one.UID}"}
    return {"type": kind, "value": str(one.TextValue)}


def _instant(result: Result) -> str:
    return result.created.astimezone().isoformat(timespec="milliseconds")


def _identifier_type(code: str) -> Mapping[str, Any]:
    return {"coding": [{"system": _IDENTIFIER_TYPES, "code": code}]}


def _concept(one: Dataset) -> str:
    return str(one.ConceptNameCodeSequence[0].CodeValue) if "ConceptNameCodeSequence" in one else ""


def _names(one: Dataset, code: codes.Code) -> bool:
    return _concept(one) == code.value


def _coded(entry: Dataset) -> Resource:
    return _concept_of(
        codes.Code(str(entry.CodeValue), str(entry.CodingSchemeDesignator), str(entry.CodeMeaning))
    )


def _concept_of(code: codes.Code) -> Resource:
    return {"coding": [{"system": SYSTEMS[code.scheme], "code": code.value, "display": code.meaning}]}
