"""Patient and study arrive at the destination as the scanner wrote them."""

import subprocess
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from service.forms import RESULT_KINDS, WHOLE, Form
from service.report import build_report
from service.report.header import REQUIRED_EMPTY, patient_and_study
from tests.peers import dciodvfy, program
from tests.series import Patient, mr_series
from tests.unit.service.report.results import headless, objects_of, scored_result

NAMES = {
    "ISO_IR 100": "Müller^Jörg",
    "ISO_IR 101": "Wałęsa^Łukasz",
    "ISO_IR 144": "Люксембург^Роза",
    "ISO_IR 126": "Διονυσιος^Νίκη",
    "ISO_IR 127": "قباني^لنزار",
    "ISO_IR 138": "שרון^דבורה",
    "ISO_IR 148": "Çavuşoğlu^Işık",  # noqa: RUF001
    "ISO_IR 166": "สมชาย^ใจดี",
    "ISO_IR 13": "ﾔﾏﾀﾞ^ﾀﾛｳ",
    "ISO_IR 192": "Wang^XiaoDong=王^小东",
    "GB18030": "Wang^XiaoDong=王^小东",
    "GBK": "Wang^XiaoDong=王^小东",
    ("", "ISO 2022 IR 87"): "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ("", "ISO 2022 IR 149"): "Hong^Gildong=洪^吉洞=홍^길동",
    ("ISO 2022 IR 13", "ISO 2022 IR 87"): "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
}


def received(dataset: Dataset, *, implicit: bool = False, big_endian: bool = False) -> Dataset:
    """The dataset as it is read from what a scanner sent."""
    dataset.file_meta.TransferSyntaxUID = (
        ImplicitVRLittleEndian if implicit else ExplicitVRBigEndian if big_endian else "1.2.840.10008.1.2.1"
    )
    buffer = BytesIO()
    dcmwrite(buffer, dataset, implicit_vr=implicit, little_endian=not big_endian, enforce_file_format=True)
    return headless(dcmread(BytesIO(buffer.getvalue())))


def bundle(header: Dataset, form: Form = WHOLE) -> list[Dataset]:
    """Every object made for a series with this header, read back from its bytes."""
    datasets = mr_series(slices=2)
    datasets[0] = header
    return objects_of(replace(scored_result(datasets), picture=np.eye(64, dtype=np.float32)), form)


@pytest.mark.parametrize("charset", NAMES, ids=str)
@pytest.mark.parametrize("encoding", ["explicit", "implicit", "big endian"])
def test_names_in_any_character_set_arrive_as_they_were_sent(charset, encoding):
    sent = mr_series(slices=1)[0]
    sent.SpecificCharacterSet = list(charset) if isinstance(charset, tuple) else charset
    sent.PatientName = sent.ReferringPhysicianName = NAMES[charset]
    header = received(sent, implicit=encoding == "implicit", big_endian=encoding == "big endian")
    wanted = header.get_item("PatientName").value.rstrip(b" ")
    objects = bundle(header)
    assert len(objects) == len(RESULT_KINDS) - 1
    for one in objects:
        assert one.get_item("PatientName").value.rstrip(b" ") == wanted
        assert one.SpecificCharacterSet == header.SpecificCharacterSet
        assert str(one.PatientName) == NAMES[charset]
        assert str(one.ReferringPhysicianName) == NAMES[charset]


@pytest.mark.parametrize("charset", NAMES, ids=str)
def test_a_header_that_was_decoded_before_still_arrives_right(charset):
    sent = mr_series(slices=1)[0]
    sent.SpecificCharacterSet = list(charset) if isinstance(charset, tuple) else charset
    sent.PatientName = NAMES[charset]
    header = received(sent)
    header.decode()
    assert {str(one.PatientName) for one in bundle(header)} == {NAMES[charset]}


# Debian's dcmtk converts with glibc's iconv, which knows no code page for JIS X 0208 in ISO 2022
@pytest.mark.parametrize("charset", [name for name in NAMES if "ISO 2022 IR 87" not in name], ids=str)
def test_dcmtk_reads_the_same_name(charset, tmp_path):
    dcmdump = program("dcmdump")
    sent = mr_series(slices=1)[0]
    sent.SpecificCharacterSet = list(charset) if isinstance(charset, tuple) else charset
    sent.PatientName = NAMES[charset]
    for number, one in enumerate(bundle(received(sent))):
        path = tmp_path / f"{number}.dcm"
        one.save_as(path)
        done = subprocess.run([dcmdump, "+U8", "+P", "PatientName", path], capture_output=True, check=True)
        assert NAMES[charset] in done.stdout.decode()


def test_simplified_chinese_by_code_extension_arrives_as_it_was_sent(tmp_path):
    """PS3.5 K.2; by hand, for pydicom neither writes nor reads the escape sequence of this character set."""
    dcmdump = program("dcmdump")
    sent = mr_series(slices=1)[0]
    sent.SpecificCharacterSet = ["", "ISO 2022 IR 58"]
    name = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="
    header = received(sent)
    header["PatientName"] = header.get_item("PatientName")._replace(value=name, length=len(name))
    for number, one in enumerate(bundle(header)):
        assert one.get_item("PatientName").value.rstrip(b" ") == name
        path = tmp_path / f"{number}.dcm"
        one.save_as(path)
        done = subprocess.run([dcmdump, "+U8", "+P", "PatientName", path], capture_output=True, check=True)
        assert "Zhang^XiaoDong=张^小东" in done.stdout.decode()


@pytest.mark.parametrize("charset", NAMES, ids=str)
def test_names_survive_the_other_transfer_syntax(charset):
    sent = mr_series(slices=1)[0]
    sent.SpecificCharacterSet = list(charset) if isinstance(charset, tuple) else charset
    sent.PatientName = NAMES[charset]
    header = received(sent)
    objects = bundle(header, Form(syntax="implicit", overlay="native"))
    assert {one.file_meta.TransferSyntaxUID for one in objects} == {ImplicitVRLittleEndian}
    for one, other in zip(objects, bundle(header, Form(overlay="native")), strict=True):
        assert one.get_item("PatientName").value == other.get_item("PatientName").value
        assert one.SOPInstanceUID == other.SOPInstanceUID
        assert [element.value for element in one] == [element.value for element in other]


def test_a_name_under_no_or_a_wrong_character_set_keeps_its_bytes():
    sent = mr_series(slices=1)[0]
    sent.PatientName = "Müller^Jörg"  # written as ISO_IR 100
    header = received(sent)
    header.SpecificCharacterSet = None
    for one in bundle(header):
        assert one.get_item("PatientName").value.rstrip(b" ") == "Müller^Jörg".encode("latin-1")
        assert "SpecificCharacterSet" not in one


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # it says that it does not know the character set
def test_an_unknown_character_set_is_passed_on():
    sent = mr_series(slices=1)[0]
    header = received(sent)
    header.SpecificCharacterSet = "ISO_IR 4711"
    for one in bundle(header):
        assert one.SpecificCharacterSet == "ISO_IR 4711"
        assert one.get_item("PatientID").value == header.get_item("PatientID").value


@pytest.mark.parametrize("keyword", REQUIRED_EMPTY)
def test_a_missing_type_2_attribute_is_sent_empty(keyword, tmp_path):
    header = mr_series(slices=1)[0]
    del header[keyword]
    for number, one in enumerate(bundle(headless(header))):
        assert keyword in one
        assert not one[keyword].value
        path = tmp_path / f"{number}.dcm"
        one.save_as(path)
        assert dciodvfy(path) == []


def test_identity_study_and_time_zone_are_the_sources():
    header = mr_series(slices=1)[0]
    header.TimezoneOffsetFromUTC = "+0100"
    for one in bundle(headless(header)):
        for keyword in (
            *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
            *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription"),
            *("AccessionNumber", "ReferringPhysicianName", "TimezoneOffsetFromUTC"),
        ):
            assert one[keyword].value == header[keyword].value, keyword


def test_what_the_scanner_is_and_what_it_measured_stays_behind():
    header = headless(mr_series(slices=1)[0])
    kept = patient_and_study(header)
    assert not any(element.tag.is_private for element in kept)
    for keyword in ("InstitutionName", "StationName", "ProtocolName", "SeriesDescription", "EchoTime"):
        assert keyword not in kept


@pytest.mark.parametrize(
    ("keyword", "sent", "arrives"),
    [
        ("StudyDate", b"1989.02.03", "19890203"),
        ("StudyDate", b"00000000", ""),
        ("PatientBirthDate", b"*** ", ""),
        ("StudyTime", b"09:26:18", "092618"),
        ("StudyTime", b"250000", ""),
        ("PatientSex", b"f ", "F"),
        ("PatientSex", b"?", ""),
        ("PatientSex", b"0", ""),
        ("PatientSex", b"MALE", ""),
    ],
)
def test_a_broken_value_is_put_right_or_sent_empty(keyword, sent, arrives):
    header = received(mr_series(slices=1)[0])
    header[keyword] = header.get_item(keyword)._replace(value=sent, length=len(sent))
    assert {str(one[keyword].value or "") for one in bundle(header)} == {arrives}


@pytest.mark.parametrize("value", [b"0Y", b"*** "])
def test_a_broken_optional_value_is_left_out(value):
    header = received(mr_series(slices=1)[0])
    header["PatientAge"] = header.get_item("PatientAge")._replace(value=value, length=len(value))
    assert all("PatientAge" not in one for one in bundle(header))


@pytest.mark.filterwarnings("ignore:The value length")
def test_a_code_that_is_too_long_is_left_out_and_with_the_last_one_what_it_explains(tmp_path):
    long, good = (Dataset() for _ in range(2))
    long.CodeValue, long.CodingSchemeDesignator = "x" * 20, "99SITE"
    good.CodeValue, good.CodingSchemeDesignator, good.CodeMeaning = "113100", "DCM", "Basic Profile"
    for codes, kept in (([long, good], ["113100"]), ([long], [])):
        header = received(mr_series(slices=1)[0])
        header.PatientIdentityRemoved = "YES"
        header.DeidentificationMethodCodeSequence = codes
        for number, one in enumerate(bundle(headless(header))):
            path = tmp_path / f"{number}.dcm"
            one.save_as(path)
            assert dciodvfy(path) == []
            assert [code.CodeValue for code in one.get("DeidentificationMethodCodeSequence", [])] == kept
            assert ("PatientIdentityRemoved" in one) == bool(kept)


def test_a_header_without_study_uid_is_an_error():
    header = headless(mr_series(slices=1)[0])
    del header.StudyInstanceUID
    with pytest.raises(AttributeError, match="StudyInstanceUID"):
        build_report(scored_result([header]))


def test_building_does_not_change_the_header():
    header = received(mr_series(slices=1, patient=Patient(name="Müller^Jörg"))[0])
    before = header.to_json()
    bundle(header)
    assert header.to_json() == before
