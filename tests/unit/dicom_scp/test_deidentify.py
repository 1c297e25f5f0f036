"""What is left of an object when its identity is off: everything that scoring needs, the same every time."""

import json
import math
import struct
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from dicom_scp.cleaning import Done
from dicom_scp.deidentify import Deidentifier
from dicom_scp.elements import encode, encode_item
from dicom_scp.identity import KeyRing
from dicom_scp.instance import Facts, parse_reference
from dicom_scp.private import SAFE, SAFE_BLOCKS
from dicom_scp.profile import Action
from tests.enhanced import items
from tests.series import Patient, Vendor, mr_series
from tests.unit.dicom_scp.encodings import DEIDENTIFY, KEYS, clean_dataset, cleaned, encoded

PHYSICS = """
    RepetitionTime EchoTime EchoTrainLength FlipAngle PixelBandwidth PixelSpacing SliceThickness
    ImagePositionPatient ImageOrientationPatient InPlanePhaseEncodingDirection AcquisitionMatrix
    ScanningSequence SequenceName Rows Columns BitsStored HighBit ImageType Manufacturer
    ManufacturerModelName SoftwareVersions BodyPartExamined
""".split()  # noqa: SIM905 - a table of words


@pytest.fixture
def slices() -> list[Dataset]:
    return mr_series(slices=3, rows=32, columns=24)


def test_image_and_physics_stay_byte_for_byte(slices: list[Dataset]) -> None:
    clean = clean_dataset(slices[0])
    assert clean.PixelData == slices[0].PixelData
    present = [keyword for keyword in PHYSICS if keyword in slices[0]]
    assert len(present) > 18
    for keyword in present:
        assert clean.get_item(keyword).value == dcmread(BytesIO(_file(slices[0]))).get_item(keyword).value, (
            keyword
        )


def _file(ds: Dataset) -> bytes:
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless]
)
@pytest.mark.parametrize("enhanced", [False, True])
def test_every_transfer_syntax_gives_the_same_clean_image(syntax: str, enhanced: bool) -> None:
    ds = mr_series(slices=2, rows=32, columns=24, enhanced=enhanced)[0]
    plain, odd = clean_dataset(ds), clean_dataset(ds, syntax)
    assert (odd.pixel_array == plain.pixel_array).all()
    for one in (plain, odd):
        del one.PixelData
    assert odd == plain


def test_the_same_object_and_key_give_the_same_bytes(slices: list[Dataset]) -> None:
    assert (
        cleaned(slices[0]).content == Deidentifier(KEYS)(encoded(slices[0]), ExplicitVRLittleEndian).content
    )
    other = Deidentifier(KeyRing.ephemeral())(encoded(slices[0]), ExplicitVRLittleEndian)
    assert other.digest != cleaned(slices[0]).digest


def test_uids_stay_consistent_inside_the_series_and_across(slices: list[Dataset]) -> None:
    clean = [cleaned(ds) for ds in slices]
    other = cleaned(mr_series(slices=1, rows=32, columns=24, key="b")[0])
    assert len({i.series_instance_uid for i in clean}) == 1
    assert len({i.sop_instance_uid for i in clean}) == 3
    assert other.series_instance_uid != clean[0].series_instance_uid
    assert other.study_instance_uid == clean[0].study_instance_uid
    assert other.patient == clean[0].patient
    written = dcmread(BytesIO(clean[0].content))
    assert written.SOPInstanceUID == written.file_meta.MediaStorageSOPInstanceUID == clean[0].sop_instance_uid
    assert written.FrameOfReferenceUID == KEYS.uid(slices[0].FrameOfReferenceUID)


def test_it_says_what_was_done(slices: list[Dataset]) -> None:
    clean = clean_dataset(slices[0])
    assert clean.PatientIdentityRemoved == "YES"
    assert len(clean.DeidentificationMethod) <= 64
    codes = [(c.CodeValue, c.CodingSchemeDesignator) for c in clean.DeidentificationMethodCodeSequence]
    assert codes == [("113100", "DCM"), ("113108", "DCM"), ("113111", "DCM")]
    assert clean.LongitudinalTemporalInformationModified == "REMOVED"
    assert clean.RecognizableVisualFeatures == "YES"  # a head
    assert "BurnedInAnnotation" not in clean


def test_no_date_is_left_but_the_dummies(slices: list[Dataset]) -> None:
    for ds in (slices[0], mr_series(slices=2, enhanced=True)[0]):
        values = {str(e.value) for e in clean_dataset(ds).iterall() if e.VR in {"DA", "TM", "DT"}}
        assert values <= {"", "20000101", "000000", "20000101000000"}


@pytest.mark.parametrize(
    ("given", "left"),
    [("065Y", "065Y"), ("089Y", "089Y"), ("090Y", "090Y"), ("101Y", "090Y"), ("999M", "999M")],
)
def test_the_age_is_capped_at_eighty_nine(slices: list[Dataset], given: str, left: str) -> None:
    slices[0].PatientAge = given
    assert clean_dataset(slices[0]).PatientAge == left


def test_patient_characteristics_stay_and_the_patient_goes(slices: list[Dataset]) -> None:
    clean = clean_dataset(slices[0])
    assert (clean.PatientSex, clean.PatientWeight) == ("F", 71)
    assert clean.PatientName == clean.PatientID == cleaned(slices[0]).patient
    assert clean.PatientBirthDate == ""


def test_the_pseudonym_hangs_on_issuer_and_id_or_on_the_study_without_an_id() -> None:
    def patient(**changes: str) -> str:
        ds = mr_series(slices=1, rows=8, columns=8)[0]
        for keyword, value in changes.items():
            setattr(ds, keyword, value)
        return cleaned(ds).patient

    assert patient() == patient(PatientName="Other^Name")
    assert patient() != patient(IssuerOfPatientID="ELSEWHERE")
    assert patient(PatientID="") == patient(PatientID="", IssuerOfPatientID="ELSEWHERE")
    assert patient(PatientID="") != patient(PatientID="", StudyInstanceUID="1.2.3.4")


def test_a_patient_without_an_id_has_the_pseudonym_all_the_same() -> None:
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    del ds.PatientID, ds.PatientName
    clean = clean_dataset(ds)
    assert clean.PatientID == str(clean.PatientName) == cleaned(ds).patient


@pytest.mark.parametrize(
    ("group", "creator", "number"),
    [
        (0x2001, "Philips Imaging DD 001", 0x18),
        (0x0025, "GEMS_SERS_01", 0x07),
        (0x0043, "GEMS_PARM_01", 0x39),
    ],
)
@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_numbers_that_are_not_finite_read_as_nothing(
    group: int, creator: str, number: int, value: float
) -> None:
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    ds.private_block(group, creator, create=True).add_new(number, "FL", value)
    del ds.ImagePositionPatient
    data = encoded(ds)
    at = data.index(encode(0x00200037, b"DS", b"")[:6])
    data = data[:at] + encode(0x00200032, b"FD", struct.pack("<3d", value, 0, 0)) + data[at:]
    facts = DEIDENTIFY(data, ExplicitVRLittleEndian).facts
    json.dumps(facts.to_json(), allow_nan=False)


def test_an_icon_may_be_compressed_like_the_image(slices: list[Dataset]) -> None:
    data = encoded(slices[0], RLELossless)
    at = data.index(b"\xe0\x7f\x10\x00OB")
    fragments = encode_item(b"") + encode_item(b"Wilhelmine") + b"\xfe\xff\xdd\xe0" + bytes(4)
    pixels = data[at : at + 8] + b"\xff" * 4 + fragments
    item = b"\xfe\xff\x00\xe0" + b"\xff" * 4 + pixels + b"\xfe\xff\x0d\xe0" + bytes(4)
    icon = encode(0x00880200, b"SQ", b"")[:8] + b"\xff" * 4 + item + b"\xfe\xff\xdd\xe0" + bytes(4)
    instance = DEIDENTIFY(data[:at] + icon + data[at:], RLELossless)
    assert instance.content == DEIDENTIFY(data, RLELossless).content
    assert "IconImageSequence" in instance.identity.dataset()


def test_the_device_is_known_by_a_pseudonym_that_settings_can_give(slices: list[Dataset]) -> None:
    instance = cleaned(slices[0])
    assert instance.device == KEYS.pseudonym("device", "SN-990017")
    assert dcmread(BytesIO(instance.content)).DeviceSerialNumber == instance.device
    del slices[0].DeviceSerialNumber
    assert cleaned(slices[0]).device == KEYS.pseudonym("ae", "")


def test_a_text_that_names_the_patient_loses_that_value_and_keeps_the_others(slices: list[Dataset]) -> None:
    slices[0].SoftwareVersions = ["syngo MR E11", "for quastenflosser", "PID-7731904"]
    assert clean_dataset(slices[0]).SoftwareVersions == ["syngo MR E11", "REMOVED", "REMOVED"]


def test_a_patient_called_like_a_term_does_no_harm() -> None:
    ds = mr_series(slices=1, rows=8, columns=8, patient=Patient(name="ORIGINAL^HEAD"))[0]
    clean = clean_dataset(ds)
    assert clean.ImageType == ["ORIGINAL", "PRIMARY", "M", "ND"]
    assert clean.BodyPartExamined == "HEAD"


def test_a_region_of_the_body_keeps_its_code_and_gets_the_meaning_of_the_standard(
    slices: list[Dataset],
) -> None:
    def said(scheme: str, value: str) -> tuple[str, str, str]:
        slices[0].AnatomicRegionSequence = items(
            CodeValue=value,
            CodingSchemeDesignator=scheme,
            CodeMeaning="Head of Wilhelmine",
        )
        (item,) = clean_dataset(slices[0]).AnatomicRegionSequence
        return item.CodingSchemeDesignator, item.CodeValue, item.CodeMeaning

    assert said("SRT", "T-A0100") == ("SRT", "T-A0100", "Brain")
    assert said("SCT", "12738006") == ("SCT", "12738006", "Brain")
    assert said("99LOCAL", "WILHELMINE") == ("SCT", "123037004", "Body structure")


@pytest.mark.parametrize(
    ("vendor", "names"),
    [
        ("ge", {"ImagesInSeries": 5}),
        ("philips", {"Slices": 6}),
        ("siemens", {}),
    ],
)
def test_what_closing_needs_of_private_elements_lives_in_a_block_of_our_own(
    vendor: Vendor, names: dict[str, int]
) -> None:
    ds = mr_series(slices=4, vendor=vendor)[0]
    clean = clean_dataset(ds)
    private = [element for element in clean if element.tag.is_private]
    safe = {one.group for one in SAFE}
    assert {element.tag.group for element in private} <= {0x0073} | safe
    for element in private:
        creator = element.value if element.tag.is_private_creator else element.private_creator
        assert creator == "SCANSIDE" or (element.tag.group, creator) in SAFE_BLOCKS
    for number in names.values():
        assert clean.private_block(0x0073, "SCANSIDE")[number].value == 4


def test_vendor_values_are_read_with_their_creator_wherever_the_block_stands(slices: list[Dataset]) -> None:
    block = slices[0].private_block(0x0019, "SIEMENS MR HEADER", create=True)
    slices[0].ImageType = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]
    block.add_new(0x0A, "US", 25)
    block.add_new(0x0C, "IS", "1000")
    block.add_new(0x0D, "CS", "WILHELMINE")
    foreign = slices[0].private_block(0x0019, "SOMEBODY ELSE", create=True)
    foreign.add_new(0x0A, "US", 99)
    kept = clean_dataset(slices[0]).private_block(0x0073, "SCANSIDE")
    assert (kept[0x01].value, kept[0x02].value) == (25, 1000.0)
    assert 0x03 not in kept


def test_ge_b_values_lose_their_bias(slices: list[Dataset]) -> None:
    block = slices[0].private_block(0x0043, "GEMS_PARM_01", create=True)
    block.add_new(0x39, "IS", ["1000000800", "8", "0", "0"])
    assert clean_dataset(slices[0]).private_block(0x0073, "SCANSIDE")[0x02].value == 800.0


@pytest.mark.parametrize(
    ("group", "creator", "element", "vr", "value", "seconds"),
    [
        (0x0051, "SIEMENS MR HEADER", 0x0A, "LO", "TA 02:40", 160.0),
        (0x0051, "SIEMENS MR HEADER", 0x0A, "LO", "TA: 50.40", 50.0),
        (0x0051, "SIEMENS MR HEADER", 0x0A, "LO", "TA 50.40*2", None),  # of what, is not told
        (0x0051, "SIEMENS MR HEADER", 0x0A, "LO", "TA WILHELMINE", None),
        (0x0019, "GEMS_ACQU_01", 0x5A, "FL", 160_049_984.0, 160.0),
    ],
)
def test_how_long_a_scan_took_is_read_as_a_number(
    slices: list[Dataset],
    group: int,
    creator: str,
    element: int,
    vr: str,
    value: object,
    seconds: float | None,
) -> None:
    slices[0].private_block(group, creator, create=True).add_new(element, vr, value)
    try:
        told = clean_dataset(slices[0]).private_block(0x0073, "SCANSIDE")
    except KeyError:
        assert seconds is None
        return
    assert (told[0x16].value if 0x16 in told else None) == seconds


def test_the_acceleration_is_read_as_a_number(slices: list[Dataset]) -> None:
    slices[0].private_block(0x0051, "SIEMENS MR HEADER", create=True).add_new(0x11, "LO", "p3")
    slices[1].private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x83, "DS", ["0.5", "1"])
    told = [clean_dataset(one).private_block(0x0073, "SCANSIDE")[0x17].value for one in slices[:2]]
    assert told == [3.0, 2.0]


def test_contrast_is_a_fact_and_the_agent_is_not_named(slices: list[Dataset]) -> None:
    slices[0].ContrastBolusAgent = "Gadovist for Wilhelmine"
    clean = clean_dataset(slices[0])
    assert cleaned(slices[0]).facts.contrast
    assert "ContrastBolusAgent" not in clean
    assert clean.private_block(0x0073, "SCANSIDE")[0x0E].value == "YES"
    assert not cleaned(slices[1]).facts.contrast


def test_the_facts_are_what_closing_and_scoring_need() -> None:
    ds = mr_series(slices=3, rows=32, columns=24, images_in_acquisition=3)[1]
    facts = cleaned(ds).facts
    assert (facts.instance_number, facts.counts, facts.frames) == (2, {"0020,1002": 3}, 1)
    assert (facts.rows, facts.columns, facts.modality) == (32, 24, "MR")
    assert (facts.manufacturer, facts.model, facts.head) == ("SIEMENS", "Skyra", True)
    assert facts.position == pytest.approx(ds.ImagePositionPatient[2])
    assert Facts.from_json(facts.to_json()) == facts


def test_equal_protocols_have_equal_keys_that_say_nothing() -> None:
    one, same = (cleaned(ds).facts for ds in mr_series(slices=2))
    other = cleaned(mr_series(slices=1, description="T1w")[0]).facts
    assert one.protocol_key == same.protocol_key != other.protocol_key
    assert one.protocol_key.isalnum()


def test_facts_of_an_enhanced_object_come_from_its_first_frame() -> None:
    facts = cleaned(mr_series(slices=4, enhanced=True)[0]).facts
    assert (facts.frames, facts.position, len(facts.orientation)) == (4, None, 6)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_the_identity_is_the_original_header_without_pixels_and_private_groups(syntax: str) -> None:
    ds = mr_series(slices=2, patient=Patient(name="Müller^Jörg"))[1]
    ds.add_new(0x60000010, "US", 3)
    ds.WindowCenter, ds.WindowWidth = [600, 40], [1200, 80]
    ds.RescaleSlope, ds.RescaleIntercept = 2, -3
    identity = cleaned(ds, syntax).identity
    header = identity.dataset()
    assert header.PatientName == "Müller^Jörg"
    assert header.SpecificCharacterSet == "ISO_IR 100"
    assert header.SOPInstanceUID == ds.SOPInstanceUID
    assert "PixelData" not in header
    assert not [e for e in header if e.tag.is_private or e.tag.group & 0xFF00 in {0x5000, 0x6000}]
    reference = parse_reference(identity.reference)
    assert (reference.sop_instance_uid, reference.frames) == (ds.SOPInstanceUID, 1)
    assert reference.position == tuple(ds.ImagePositionPatient)
    assert (reference.window, reference.rescale) == ((600.0, 1200.0), (2.0, -3.0))
    assert reference.encode() == identity.reference
    assert "Jörg" not in repr(cleaned(ds))


def test_a_sequence_that_is_broken_inside_is_left_out_of_the_identity(slices: list[Dataset]) -> None:
    whole = encoded(slices[0])
    broken = b"\x08\x00\x40\x11SQ\x00\x00\x08\x00\x00\x00" + b"nonsense"
    at = whole.index(b"\x10\x00\x10\x00PN")
    header = DEIDENTIFY(whole[:at] + broken + whole[at:], ExplicitVRLittleEndian).identity.dataset()
    assert "ReferencedImageSequence" not in header
    assert header.PatientName == slices[0].PatientName


def test_the_report_names_each_attribute_and_no_value(slices: list[Dataset]) -> None:
    trail: list[Done] = []
    DEIDENTIFY(encoded(slices[0]), ExplicitVRLittleEndian, trail=trail)
    done = {entry.path: entry.action for entry in trail}
    assert done["PatientName"] is Action.PATIENT
    assert done["SeriesDescription"] is Action.DROP
    assert done["RepetitionTime"] is Action.KEEP
    assert done["StudyInstanceUID"] is Action.UID
    assert not [path for path in done for token in Patient().tokens() if token in path]


def test_switched_off_it_leaves_the_identity_where_it_was(slices: list[Dataset]) -> None:
    off = Deidentifier(KEYS, enabled=False)(encoded(slices[0]), ExplicitVRLittleEndian)
    assert b"Quastenflosser" in off.content
    assert dcmread(BytesIO(off.content)).PatientID == slices[0].PatientID
    assert off.facts == cleaned(slices[0]).facts


def test_references_between_images_stay_and_agree(slices: list[Dataset]) -> None:
    for keyword in ("ReferencedImageSequence", "SourceImageSequence"):
        setattr(
            slices[0],
            keyword,
            items(
                ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.4",
                ReferencedSOPInstanceUID=slices[1].SOPInstanceUID,
                PurposeOfReferenceCodeSequence=items(
                    CodeValue="121311", CodingSchemeDesignator="DCM", CodeMeaning="for Wilhelmine"
                ),
                RetrieveAETitle="WILHELMINE",
            ),
        )
    clean = clean_dataset(slices[0])
    for keyword in ("ReferencedImageSequence", "SourceImageSequence"):
        (item,) = clean[keyword].value
        assert item.ReferencedSOPInstanceUID == cleaned(slices[1]).sop_instance_uid
        assert item.ReferencedSOPClassUID == slices[1].SOPClassUID
        assert item.PurposeOfReferenceCodeSequence[0].CodeMeaning == "Localizer"
        assert "RetrieveAETitle" not in item
    slices[0].SourceImageSequence[0].ReferencedSOPClassUID = "1.2.3.7731904"
    slices[0].SourceImageSequence[0].PurposeOfReferenceCodeSequence[0].CodeValue = "WILHELMINE"
    (item,) = clean_dataset(slices[0]).SourceImageSequence
    assert set(item.dir()) == {"ReferencedSOPInstanceUID"}


@pytest.mark.parametrize(("number", "kept"), [("1000", True), ("12345", True), ("123456", False)])
def test_a_short_number_of_the_patient_spoils_no_name_of_a_sequence(
    slices: list[Dataset], number: str, kept: bool
) -> None:
    slices[0].StudyID = number
    slices[0].SequenceName = "*ep_b1000#1" if len(number) != 6 else "*ep_b123456"
    assert (clean_dataset(slices[0]).SequenceName != "REMOVED") is kept
    slices[0].SoftwareVersions = f"V1 {number}"
    assert clean_dataset(slices[0]).SoftwareVersions == "REMOVED"


@pytest.mark.parametrize("text", ["+49 89 4400 5512", "089-4400-5512", "ask x@y.example", "Dr. Maier", "A^B"])
def test_a_text_that_looks_as_if_it_named_anybody_goes(slices: list[Dataset], text: str) -> None:
    slices[0].ReceiveCoilName = text
    assert clean_dataset(slices[0]).ReceiveCoilName == "REMOVED"


def test_a_sex_or_side_is_one_of_the_terms_or_goes(slices: list[Dataset]) -> None:
    slices[0].PatientSex, slices[0].ImageLaterality = "WILMA", "R"
    clean = clean_dataset(slices[0])
    assert (clean.PatientSex, clean.ImageLaterality) == ("", "R")
