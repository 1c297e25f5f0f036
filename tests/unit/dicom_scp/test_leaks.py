"""Identifiers planted wherever an object has room: none is left in the clean bytes, and what must stay stays."""

import json
import struct
from copy import deepcopy
from datetime import date
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.datadict import keyword_dict
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

import inference.series
from dicom_scp.deidentify import Announced, Deidentifier, deidentify_file
from dicom_scp.elements import MAX_DEPTH, encode
from dicom_scp.errors import Refused
from dicom_scp.profile import EXPORT, LISTED, LIVE, Profile
from dicom_scp.ps3_15 import Option
from tests.enhanced import items
from tests.series import Patient, Vendor, mr_series
from tests.unit.dicom_scp import planting
from tests.unit.dicom_scp.encodings import DEIDENTIFY, KEYS, as_file, clean_dataset, cleaned, encoded
from tests.unit.dicom_scp.planting import SPELLINGS, Key, Planter, marks_in

VENDORS: tuple[Vendor, ...] = ("siemens", "ge", "philips")
LAYOUTS = [  # vendor, Enhanced or classic, and as what it is encoded
    *((vendor, enhanced, ExplicitVRLittleEndian) for vendor in VENDORS for enhanced in (False, True)),
    *((vendor, False, ImplicitVRLittleEndian) for vendor in VENDORS),
    ("siemens", True, ImplicitVRLittleEndian),
    ("philips", False, ExplicitVRBigEndian),
]
EXPORTED = Deidentifier(KEYS, profile=EXPORT)


@pytest.mark.parametrize(("vendor", "enhanced", "syntax"), LAYOUTS)
def test_no_planted_identifier_is_left(vendor: Vendor, enhanced: bool, syntax: str) -> None:
    planter = Planter()
    data = encoded(planting.everywhere(planter, vendor=vendor, enhanced=enhanced), syntax)
    if syntax != ExplicitVRBigEndian:
        data = planting.with_tails(data, planter, explicit=syntax == ExplicitVRLittleEndian)
    if syntax == ExplicitVRLittleEndian:
        data = planting.with_group_lengths(data, planter)
    assert len(planter.planted) >= 3000
    for profile in (LIVE, EXPORT):
        content = Deidentifier(KEYS, profile=profile)(data, syntax).content
        assert not planter.leaks(content)
        assert not marks_in(content)
    found = planter.leaks(
        Deidentifier(KEYS, enabled=False)(data, syntax).content
    )  # the search finds what is there
    assert len(found) >= len(planter.planted) - 1  # all but the group length, of which only four bytes fit


@pytest.mark.parametrize("enhanced", [False, True], ids=["classic", "enhanced"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_the_patient_is_left_in_a_text_that_may_stay(spelling: str, enhanced: bool) -> None:
    ds, used = planting.misused(spelling, enhanced=enhanced)
    assert len(used) > 60
    content = cleaned(ds).content
    assert not marks_in(content)
    assert spelling.encode().upper() not in planting.without_pixels(content).upper()


@pytest.mark.parametrize(
    ("character_set", "name", "misuse"),
    [
        ("ISO_IR 100", "Müller^Jörg", "MUELLER"),
        ("ISO_IR 100", "Müller^Jörg", "Muller Jorg"),
        ("ISO_IR 192", "Müller^Jörg", "coil Jorg"),
        ("ISO_IR 101", "Wałęsa^Łukasz", "Walesa"),
        ("ISO_IR 144", "Ivanov^Иван=Иванов^Иван", "IVANOV"),
        ("ISO 2022 IR 6\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう", "YAMADA"),
        ("ISO 2022 IR 6\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동", "gildong"),
        ("ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", "YAMADA"),
        ("GB18030", "Zhang^XiaoDong=张^小东", "xiaodong"),
        ("GBK", "Wang^XiaoDong=王^小东", "XIAO DONG"),
    ],
)
def test_names_of_every_character_set_go(character_set: str, name: str, misuse: str) -> None:
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    ds.SpecificCharacterSet = character_set.split("\\")
    ds.PatientName = name
    if "ﾔﾏﾀﾞ" in name:
        ds.OtherPatientNames = "Yamada^Tarou"
    ds.SoftwareVersions = f"V1 {misuse}"
    ds.ReceiveCoilName = "HEAD 32"
    content = cleaned(ds).content
    head = planting.without_pixels(content)
    assert misuse.encode() not in head
    assert name.partition("=")[2].encode() not in head or "=" not in name
    clean = dcmread(BytesIO(content))
    assert (clean.SoftwareVersions, clean.ReceiveCoilName) == ("REMOVED", "HEAD 32")
    assert "SpecificCharacterSet" not in clean


@pytest.mark.parametrize(
    "declared", ["ISO_IR 100", "ISO_IR 192", "", "ISO_IR 6", "NONSENSE", "ISO 2022 IR 87"]
)
@pytest.mark.parametrize("actual", ["utf-8", "latin-1", "gb18030"])
def test_a_wrong_character_set_hides_nobody(declared: str, actual: str) -> None:
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    data = encoded(ds).replace(b"Quastenflosser^Wilhelmine ", "Grünwäld^Zoë".encode(actual).ljust(26))
    data = data.replace(b"ISO_IR 100", declared.encode().ljust(10)[:10])
    data = data.replace(b"syngo MR E11", b"syngo Zoe E1")
    head = planting.without_pixels(DEIDENTIFY(data, ExplicitVRLittleEndian).content)
    assert b"Zoe" not in head
    assert "Grünwäld".encode(actual) not in head


def test_a_number_of_the_patient_inside_of_uids_goes() -> None:
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    for keyword in planting.UIDS:
        setattr(ds, keyword, f"1.2.840.10008.5.1.4.7731904.{len(keyword)}")
    ds.SeriesNumber, ds.AcquisitionNumber = 7731904, 19610412
    content = cleaned(ds).content
    assert b"7731904" not in planting.without_pixels(content)
    assert b"19610412" not in planting.without_pixels(content)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_a_day_of_birth_among_the_uids_of_the_standard_goes() -> None:
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    for keyword in planting.UIDS:
        setattr(ds, keyword, "1.2.840.10008.1961.0412")
    content = cleaned(ds).content
    assert b"1961.0412" not in planting.without_pixels(content)
    clean = clean_dataset(ds)
    assert clean.SOPClassUID == ds.SOPClassUID
    assert clean.SOPInstanceUID.startswith("2.25.")
    ds.FrameOfReferenceUID = "1.2.840.10008.1.4.1.1"
    assert clean_dataset(ds).FrameOfReferenceUID == ds.FrameOfReferenceUID


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(
    "written",
    ["7731904.0", "07731904", "+7731904", "773.1904", "773-19-04", "1961-04-12", "12.04.1961", "1961.0412"],
)
def test_a_number_of_the_patient_goes_from_decimals_however_it_is_written(written: str) -> None:
    data = encoded(mr_series(slices=1, rows=8, columns=8)[0])
    at = data.index(b"\x20\x00\x0d\x00")
    odd = encode(0x00181060, b"DS", written.encode()) + encode(0x00181062, b"IS", written.encode())
    content = DEIDENTIFY(data[:at] + odd + data[at:], ExplicitVRLittleEndian).content
    assert written.encode() not in content


@pytest.mark.parametrize(
    ("group", "creator", "number", "vr", "value"),
    [
        (0x0025, "GEMS_SERS_01", 0x07, "SL", 83746251),
        (0x2001, "Philips Imaging DD 001", 0x18, "SL", 83746251),
        (0x2001, "Philips Imaging DD 001", 0x81, "IS", "83746251"),
        (0x2001, "Philips Imaging DD 001", 0x03, "FL", 8374624.0),
        (0x0019, "SIEMENS MR HEADER", 0x0C, "IS", "83746251"),
    ],
)
def test_a_number_of_the_patient_goes_from_what_vendors_count(
    group: int, creator: str, number: int, vr: str, value: object
) -> None:
    ds = mr_series(slices=1)[0]
    ds.private_block(group, creator, create=True).add_new(number, vr, value)
    kept = DEIDENTIFY(encoded(ds, ExplicitVRLittleEndian), ExplicitVRLittleEndian)
    ds.PatientID, ds.AccessionNumber = "83746251", "8374624"
    gone = DEIDENTIFY(encoded(ds, ExplicitVRLittleEndian), ExplicitVRLittleEndian)
    marks = [b"83746251", *(struct.pack(code, int(float(str(value)))) for code in ("<l", "<f", "<d"))]
    assert any(mark in kept.content for mark in marks)
    assert not any(mark in gone.content for mark in marks)
    assert int(float(str(value))) not in gone.facts.counts.values()


@pytest.mark.parametrize("patient_id", ["00000150", "000012", "1250", "12"])
def test_decimals_in_any_spelling_stay_byte_for_byte(patient_id: str) -> None:
    ds = mr_series(slices=1, rows=8, columns=8, patient=Patient(id=patient_id, birth_date="20000101"))[0]
    data = encoded(ds)
    at = data.index(b"\x20\x00\x0d\x00")
    odd = [
        encode(0x00181060, b"DS", b" 12.50 "),
        encode(0x00181088, b"IS", b"+60 "),
        encode(0x00181094, b"IS", b"  "),
        encode(0x00181100, b"DS", b"-1.5E+02"),
        encode(0x00181314, b"DS", b"150.00000000"),
    ]
    content = DEIDENTIFY(data[:at] + b"".join(odd) + data[at:], ExplicitVRLittleEndian).content
    assert [one for one in odd if one not in content] == []


@pytest.mark.parametrize(
    "written",
    [
        "12-Apr-1961",
        "APRIL 12, 1961",
        "1961apr12",
        "born 12 apr 1961",
        "12.4.1961",
        "12.04.61",
        "610412-1234",
    ],
)
def test_the_day_of_birth_goes_however_people_write_it(written: str) -> None:
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    ds.ReceiveCoilName = written
    assert clean_dataset(ds).get("ReceiveCoilName") == "REMOVED"


def test_facts_hold_no_more_than_the_clean_object() -> None:
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    ds.SeriesNumber = ds.AcquisitionNumber = ds.InstanceNumber = ds.ImagesInAcquisition = 7731904
    ds.NumberOfTemporalPositions = 19610412
    ds.ScanningSequence = ["GR", "QUASTENFLOSSER"]
    facts = cleaned(ds).facts
    told = json.dumps(facts.to_json())
    assert not [word for word in ("7731904", "19610412", "QUASTEN") if word in told]


def test_text_in_elements_that_hold_numbers_goes() -> None:
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    ds.pop("AcquisitionMatrix", None)
    data = encoded(ds)
    numbers = (
        encode(0x00181310, b"US", b"Quastenf"),  # AcquisitionMatrix: four values
        encode(0x00189073, b"FD", b"Quastenflosser^Wilhelmin"),  # AcquisitionDuration: one value
        encode(0x00189098, b"FD", b"Quastenf"),  # TransmitterFrequency
    )
    at = data.index(b"\x20\x00\x0d\x00")
    content = DEIDENTIFY(data[:at] + b"".join(numbers) + data[at:], ExplicitVRLittleEndian).content
    assert b"Quasten" not in planting.without_pixels(content)


@pytest.mark.parametrize(
    "hidden",
    [
        *(one.encode("latin-1") for one in ("Müller12", "Müller^J", "GRÜNWÄLD", "Müller Jörg12345")),
        *(one.encode() for one in ("Müller1", "Иван", "山田^太郎 12", "Zoë^Ann")),
    ],
)
def test_text_beyond_ascii_in_elements_that_hold_numbers_goes(hidden: bytes) -> None:
    data = encoded(mr_series(slices=1, rows=8, columns=8)[0])
    at = data.index(b"\x20\x00\x0d\x00")
    value = hidden + bytes(-len(hidden) % 8)
    odd = encode(0x00189098, b"FD", value)  # TransmitterFrequency: one or two values
    assert hidden not in DEIDENTIFY(data[:at] + odd + data[at:], ExplicitVRLittleEndian).content


def test_numbers_are_hardly_ever_taken_for_text() -> None:
    draw = Random(20)
    values = [draw.uniform(-1000, 1000) for _ in range(1000)]
    data = encoded(mr_series(slices=1, rows=8, columns=8)[0])
    at = data.index(b"\x20\x00\x0d\x00")
    kept = 0
    for value in values:
        odd = encode(0x00189098, b"FD", struct.pack("<d", value))
        kept += odd in DEIDENTIFY(data[:at] + odd + data[at:], ExplicitVRLittleEndian).content
    assert kept >= 999


NEEDED = {"SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "PixelData"}
REPRESENTATIONS = "LO UN US FD CS DS IS UI DA DT TM AS SQ OB OW ST UT PN FL UL AT".split()  # noqa: SIM905


@pytest.mark.parametrize("vr", REPRESENTATIONS)
@pytest.mark.parametrize(
    "value", ["Quastenflosser^Wilhelmine ", "\0\0Quastenflosser\0\0", "7731904 ", "Quastenf", "Wilhelmi" * 3]
)
def test_no_attribute_that_may_stay_takes_a_name_under_any_representation(vr: str, value: str) -> None:
    data = encoded(mr_series(slices=1, rows=8, columns=8)[0])
    tags = [
        tag
        for tag, rule in LISTED.items()
        if rule.keyword not in NEEDED and tag >> 16 != 0x0028 and rule.vrs != (b"SQ",)
    ]
    odd = b"".join(encode(tag, vr.encode(), value.encode()) for tag in sorted(tags))
    at = data.rindex(b"\xe0\x7f\x10\x00")
    for profile in (LIVE, EXPORT):
        content = Deidentifier(KEYS, profile=profile)(
            data[:at] + odd + data[at:], ExplicitVRLittleEndian
        ).content
        left = planting.without_pixels(content).upper()
        assert not [word for word in (b"QUASTENF", b"WILHELMI", b"7731904") if word in left]


def test_a_sequence_that_travels_as_unknown_bytes_is_cleaned_like_any_other() -> None:
    ds = mr_series(slices=2, rows=8, columns=8, enhanced=True)[0]
    planter = Planter()
    group = ds.SharedFunctionalGroupsSequence[0]
    group.MRReceiveCoilSequence[0].PatientComments = planter.token("in the shared groups")
    group.MRReceiveCoilSequence[0].ReceiveCoilName = "for Wilhelmine"
    implicit = Dataset()
    implicit.SharedFunctionalGroupsSequence = [group]
    value = planting.encoded_implicit(implicit)[8:]
    del ds.SharedFunctionalGroupsSequence
    data = encoded(ds)
    at = data.index(b"\x00\x52\x30\x92")
    data = data[:at] + encode(0x52009229, b"UN", value) + data[at:]
    content = DEIDENTIFY(data, ExplicitVRLittleEndian).content
    coil = dcmread(BytesIO(content)).SharedFunctionalGroupsSequence[0].MRReceiveCoilSequence[0]
    assert coil.ReceiveCoilName == "REMOVED"
    assert not planter.leaks(content)
    assert not marks_in(content)


def test_the_offset_table_of_compressed_pixels_holds_nothing() -> None:
    ds = mr_series(slices=1, rows=16, columns=16)[0]
    data = encoded(ds, RLELossless)
    at = data.rindex(b"\xe0\x7f\x10\x00") + 12
    length = int.from_bytes(data[at + 4 : at + 8], "little")
    planted = b"\xfe\xff\x00\xe0\x10\0\0\0" + b"Quastenflosser W"
    content = DEIDENTIFY(data[:at] + planted + data[at + 8 + length :], RLELossless).content
    assert b"Quasten" not in content
    assert (dcmread(BytesIO(content)).pixel_array == ds.pixel_array).all()


def test_preamble_and_file_meta_are_made_anew(tmp_path: Path) -> None:
    planter = Planter()
    ds = mr_series(slices=1, rows=16, columns=16)[0]
    ds.preamble = planter.token("preamble").encode().ljust(128)
    ds.file_meta.SourceApplicationEntityTitle = planter.token("source AE")
    ds.file_meta.SendingApplicationEntityTitle = planter.token("sending AE")
    ds.file_meta.ReceivingApplicationEntityTitle = planter.token("receiving AE")
    ds.file_meta.PrivateInformationCreatorUID = "1.2.3"
    ds.file_meta.PrivateInformation = planter.token("private information").encode()
    ds.file_meta.ImplementationVersionName = planter.token("implementation")
    path = tmp_path / "planted.dcm"
    path.write_bytes(as_file(ds))
    instance = deidentify_file(path, DEIDENTIFY)
    assert instance.content.startswith(bytes(128) + b"DICM")
    assert not planter.leaks(instance.content)


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_answer_of_the_key_is_met(vendor: Vendor) -> None:
    first = mr_series(slices=1, rows=16, columns=16, vendor=vendor)[0]
    second = deepcopy(first)
    for ds, day in ((first, "20220711"), (second, "20220718")):
        for keyword in planting.DATES:
            setattr(ds, keyword, day)
    live, export, other = clean_dataset(first), _exported(first), _exported(second)
    missed = [
        (keyword, key)
        for keyword, key in planting.answers(vendor)
        if not _met(key, keyword, first, live) or not _met(key, keyword, first, export)
    ]
    assert [one for one in missed if one[1] is not Key.DATE_SHIFTED] == []
    for keyword in planting.DATES:
        assert export[keyword].value != first[keyword].value
        assert _day(other[keyword].value) - _day(export[keyword].value) == date(2022, 7, 18) - date(
            2022, 7, 11
        )
        assert live[keyword].value in {"", "20000101"} if keyword in live else True


def _met(key: Key, keyword: str, before: Dataset, after: Dataset) -> bool:
    there = after.get(keyword)
    match key:
        case Key.TAG_RETAINED:
            return keyword in after
        case Key.TEXT_NOTNULL:
            return bool(there)
        case Key.TEXT_RETAINED:
            return there == before.get(keyword)
        case Key.TEXT_REMOVED:
            return there is None or str(before.get(keyword)) not in str(there)
        case Key.UID_CHANGED:
            return there != before.get(keyword)
        case Key.UID_CONSISTENT:
            return there == KEYS.uid(before.get(keyword))
        case Key.PATID_CONSISTENT:
            return there == cleaned(before).patient
        case Key.PIXELS_RETAINED:
            return after.PixelData == before.PixelData
        case Key.DATE_SHIFTED:
            return True  # looked at where two series can be compared
    raise AssertionError(key)


def _exported(ds: Dataset) -> Dataset:
    return dcmread(BytesIO(EXPORTED(encoded(ds), ExplicitVRLittleEndian).content))


def _day(value: str) -> date:
    return date(int(value[:4]), int(value[4:6]), int(value[6:]))


def test_dates_of_one_patient_are_shifted_alike_and_of_another_otherwise() -> None:
    assert KEYS.days("A") == KEYS.days("A") < 0
    assert len({KEYS.days(str(n)) for n in range(50)}) > 40
    ds = mr_series(slices=2, rows=8, columns=8, enhanced=True)[0]
    frame = ds.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0]
    frame.FrameAcquisitionDateTime = "20220711083015.250000+0100"
    clean = _exported(ds)
    moved = clean.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0].FrameAcquisitionDateTime
    assert moved[8:] == "083015.250000+0100"
    assert (_day(moved[:8]) - date(2022, 7, 11)).days == KEYS.days(cleaned(ds).patient)
    assert clean.LongitudinalTemporalInformationModified == "MODIFIED"


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_a_date_that_is_none_is_no_place_for_a_name() -> None:
    ds = mr_series(slices=2, rows=8, columns=8, enhanced=True)[0]
    ds.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0].FrameAcquisitionDateTime = "Quastenflosser"
    ds.StudyDate = "Ignaz"
    clean = _exported(ds)
    moved = clean.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0].FrameAcquisitionDateTime
    assert (moved, clean.StudyDate) == ("20000101000000", "")


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(
    ("option", "keyword", "value", "left"),
    [
        (Option.RETAIN_UIDS, "StudyInstanceUID", "1.2.3.4", "1.2.3.4"),
        (Option.RETAIN_DEVICE_IDENTITY, "DeviceSerialNumber", "4711", "4711"),
        (Option.RETAIN_INSTITUTION_IDENTITY, "InstitutionName", "Köln", "Köln"),
        (Option.RETAIN_FULL_DATES, "StudyDate", "20220711", "20220711"),
        (Option.RETAIN_FULL_DATES, "StudyDate", "Quastenflosser", ""),
        (Option.RETAIN_FULL_DATES, "StudyTime", "235960.25", "235960.25"),
        (Option.RETAIN_FULL_DATES, "StudyTime", "773190.4", ""),
        (Option.CLEAN_DESCRIPTORS, "SeriesDescription", "T2w TSE axial Quastenflosser 4711", "T2 TSE AX"),
        (Option.CLEAN_DESCRIPTORS, "ProtocolName", "Quastenflosser", None),
        (Option.CLEAN_GRAPHICS, "GraphicAnnotationSequence", items(TextComments="x"), None),
        (Option.CLEAN_STRUCTURED_CONTENT, "ContentSequence", items(TextValue="x"), None),
    ],
)
def test_an_option_does_what_it_says(option: Option, keyword: str, value: object, left: object) -> None:
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    setattr(ds, keyword, value)
    profile = Profile.of("chosen", [option])
    clean = dcmread(BytesIO(Deidentifier(KEYS, profile=profile)(encoded(ds), ExplicitVRLittleEndian).content))
    assert clean.get(keyword) == left
    assert "PatientAge" not in clean


def test_a_source_has_the_profile_of_its_calling_title() -> None:
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    bare = Profile.of("bare", [])
    door = Deidentifier(KEYS, profiles={"TRIAL": bare})
    ages = [
        dcmread(
            BytesIO(
                door(encoded(ds), ExplicitVRLittleEndian, announced=Announced(calling_ae_title=title)).content
            )
        ).get("PatientAge")
        for title in ("TRIAL", "MR1")
    ]
    assert ages == [None, "065Y"]


TEXTS = [
    k
    for k, tag in keyword_dict.items()
    if tag >> 16 not in {0, 2, 4} and planting.DicomDictionary[tag][0] in {"LO", "LT", "UT"}
]
VOCABULARY = (Path(inference.series.__file__).parent / "vocabulary.tsv").read_text(encoding="utf-8")
SEQUENCES = [k for k, tag in keyword_dict.items() if planting.DicomDictionary[tag][0] == "SQ"]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    path=st.lists(st.sampled_from(SEQUENCES), max_size=MAX_DEPTH - 2),
    keyword=st.sampled_from(TEXTS),
    private=st.booleans(),
    word=st.text("ABCDEFGHKLMNPRSTUVWXYZ", min_size=8, max_size=12),
    spelled=st.sampled_from([str.upper, str.lower, str.title, "-".join, lambda w: w[::-1]]),
    implicit=st.booleans(),
)
def test_a_name_planted_anywhere_at_any_depth_goes(path, keyword, private, word, spelled, implicit) -> None:
    """A random name of the patient, spelt somehow, at a random place of the tree."""
    assume(word not in VOCABULARY)  # a part of the body is coded, whoever else bears its name
    ds = mr_series(slices=1, rows=8, columns=8, patient=Patient(name=f"{word}^X"))[0]
    level = Dataset()
    setattr(level, keyword, spelled(word))
    if private:
        level.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x08, "LO", spelled(word))
    for sequence in path:
        outer = Dataset()
        setattr(outer, sequence, [level])
        level = outer
    ds.update(level)
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    try:
        content = DEIDENTIFY(encoded(ds, syntax), syntax).content
    except Refused:  # what was planted took the place of what an image needs
        return
    squeezed = b"".join(planting.without_pixels(content).upper().split(b"-"))
    assert word.encode() not in squeezed
    assert word[::-1].encode() not in squeezed


def test_sequences_deeper_than_the_cap_are_refused() -> None:
    level = Dataset()
    level.PatientName = "Quastenflosser"
    for _ in range(MAX_DEPTH + 3):
        outer = Dataset()
        outer.SharedFunctionalGroupsSequence = [level]
        level = outer
    ds = mr_series(slices=1, rows=8, columns=8)[0]
    ds.update(level)
    with pytest.raises(Refused):
        cleaned(ds)
