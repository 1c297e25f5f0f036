"""Identifiers planted wherever an object has room for them: none is left in the clean bytes."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.datadict import keyword_dict
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom_scp.deidentify import Deidentifier, deidentify_file
from dicom_scp.elements import encode
from tests.enhanced import items
from tests.series import mr_series
from tests.unit.dicom_scp.encodings import DEIDENTIFY, KEYS, as_file, encoded

# Text attributes of the top level: of the patient, the visit, the order, the people, the place, the series.
TEXTS = """
    PatientName PatientID IssuerOfPatientID OtherPatientIDs OtherPatientNames PatientBirthName
    PatientMotherBirthName PatientAddress PatientTelephoneNumbers PatientComments MedicalRecordLocator
    MilitaryRank BranchOfService CountryOfResidence RegionOfResidence EthnicGroup Occupation
    AdditionalPatientHistory PatientReligiousPreference Allergies MedicalAlerts SpecialNeeds PatientState
    AccessionNumber StudyID StudyDescription SeriesDescription ProtocolName ReferringPhysicianName
    ReferringPhysicianAddress PerformingPhysicianName NameOfPhysiciansReadingStudy PhysiciansOfRecord
    OperatorsName InstitutionName InstitutionAddress InstitutionalDepartmentName StationName
    DeviceSerialNumber RequestingPhysician RequestedProcedureDescription RequestedProcedureID
    PerformedProcedureStepDescription PerformedProcedureStepID CommentsOnThePerformedProcedureStep
    ReasonForStudy ImageComments DerivationDescription ContrastBolusAgent AcquisitionComments
    ResponsiblePerson ResponsibleOrganization AdmissionID ServiceEpisodeID CurrentPatientLocation
    ClinicalTrialSubjectID UserContentIdentification FrameComments PerformedStationAETitle
    PerformedLocation TextComments RetrieveAETitle
""".split()  # noqa: SIM905 - a table of words
# Sequences that the profile does not know, and those that it walks through.
SEQUENCES = """
    RequestAttributesSequence ReferencedStudySequence SourceImageSequence OtherPatientIDsSequence
    ProcedureCodeSequence PatientPrimaryLanguageCodeSequence OriginalAttributesSequence
    ReferencedImageSequence PerformedProtocolCodeSequence
""".split()  # noqa: SIM905 - a table of words
GROUPS = """
    FrameContentSequence MRReceiveCoilSequence PixelMeasuresSequence MREchoSequence MRDiffusionSequence
""".split()  # noqa: SIM905 - a table of words


class Planter:
    """Gives a new token for each place, and remembers it."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def token(self, place: str) -> str:
        return self.planted.setdefault(place, f"ZQX{len(self.planted):03d}")


def planted(planter: Planter, *, enhanced: bool) -> Dataset:
    """Build an object full of tokens."""
    ds = mr_series(slices=2, rows=16, columns=16, enhanced=enhanced)[0]
    for keyword in TEXTS:
        if keyword in keyword_dict:
            setattr(ds, keyword, planter.token(keyword))
    for keyword in SEQUENCES:
        inner = items(PatientName=planter.token(f"{keyword}.PatientName"), CodeMeaning=planter.token(keyword))
        inner[0].ReferencedSeriesSequence = items(SeriesDescription=planter.token(f"{keyword}.nested"))
        setattr(ds, keyword, inner)
    for group in (0x0009, 0x0019, 0x0029, 0x0073, 0x2001, 0x2005, 0x7FE1):
        block = ds.private_block(group, f"MAKER {planter.token(f'creator {group:04X}')}", create=True)
        block.add_new(0x01, "LO", planter.token(f"private {group:04X}"))
        block.add_new(0x02, "SQ", items(PatientName=planter.token(f"private {group:04X} sequence")))
    ds.add_new(0x0029_1008, "UN", planter.token("orphan of a private block").encode())
    for tag in (0x00080301, 0x00100FFE, 0x00180FFE, 0x00405FFE, 0x40001234):
        ds.add_new(tag, "LO", planter.token(f"unknown {tag:08X}"))
    for tag, place in ((0x50000010, "curve"), (0x50022500, "curve label"), (0x60004000, "overlay comment")):
        ds.add_new(tag, "LO", planter.token(place))
    ds.add_new(0x60003000, "OW", planter.token("overlay data").encode().ljust(8))
    ds.AnatomicRegionSequence = items(
        CodeValue="T-A0100", CodingSchemeDesignator="SRT", CodeMeaning=planter.token("region meaning")
    )
    ds.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = items(CodeMeaning=planter.token("modifier"))
    if enhanced:
        for keyword in GROUPS:
            for frame in ds.PerFrameFunctionalGroupsSequence:
                inside = frame.get(keyword) or items(SpacingBetweenSlices=1)
                inside[0].PatientComments = planter.token(f"frame {keyword}")
                inside[0].private_block(0x2005, "MAKER", create=True).add_new(
                    0x10, "LO", planter.token(f"frame {keyword} private")
                )
                setattr(frame, keyword, inside)
    return ds


def with_tails(data: bytes, planter: Planter, *, explicit: bool) -> bytes:
    """Add what pydicom would not write: text after the last pixel, and padding after the pixels."""
    at = data.rindex(b"\xe0\x7f\x10\x00")
    header = 12 if explicit else 8
    tail = planter.token("behind the pixels").encode() + b"  "
    length = struct.unpack_from("<L", data, at + header - 4)[0]
    data = data[: at + header - 4] + struct.pack("<L", length + len(tail)) + data[at + header :] + tail
    padding = encode(0xFFFCFFFC, b"OB", planter.token("trailing padding").encode())
    return data + (padding if explicit else b"\xfc\xff\xfc\xff\x06\0\0\0" + padding[12:])


def leaks(content: bytes, planter: Planter) -> Iterator[str]:
    for place, token in planter.planted.items():
        if any(token.encode(coding) in content for coding in ("ascii", "utf-16-le", "utf-16-be")):
            yield place


@pytest.mark.parametrize("enhanced", [False, True])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_no_planted_identifier_is_left(enhanced: bool, syntax: str) -> None:
    planter = Planter()
    ds = planted(planter, enhanced=enhanced)
    data = with_tails(encoded(ds, syntax), planter, explicit=syntax == ExplicitVRLittleEndian)
    assert len(planter.planted) >= 90
    assert not list(leaks(DEIDENTIFY(data, syntax).content, planter))
    off = Deidentifier(KEYS, enabled=False)(data, syntax)  # the search itself finds what is there
    assert set(leaks(off.content, planter)) == set(planter.planted)


def test_preamble_and_file_meta_are_made_anew(tmp_path: Path) -> None:
    planter = Planter()
    ds = mr_series(slices=1, rows=16, columns=16)[0]
    ds.preamble = planter.token("preamble").encode().ljust(128)
    ds.file_meta.SourceApplicationEntityTitle = planter.token("source AE")
    ds.file_meta.PrivateInformationCreatorUID = "1.2.3"
    ds.file_meta.PrivateInformation = planter.token("private information").encode()
    ds.file_meta.ImplementationVersionName = planter.token("implementation")
    path = tmp_path / "planted.dcm"
    path.write_bytes(as_file(ds))
    instance = deidentify_file(path, DEIDENTIFY)
    assert instance.content.startswith(bytes(128) + b"DICM")
    assert not list(leaks(instance.content, planter))
