"""Free text is held against the patient it is about, however a name or number is spelled."""

import pytest
from pydicom.dataset import Dataset

from service.naming import names_somebody


def header(name: str, **more: str) -> Dataset:
    made = Dataset()
    made.PatientName = name
    made.PatientID = "HUGO-4711"
    made.PatientBirthDate = "19800102"
    for keyword, value in more.items():
        setattr(made, keyword, value)
    return made


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Müller^Anna", "Frau Mueller moved"),
        ("Müller^Anna", "mr muller moved"),
        ("MUELLER^ANNA", "Müller moved"),
        ("Mu\u0308ller^Ida", "Müller moved"),
        ("Østergård^Åse", "ostergaard moved"),
        ("Weiß^Bo", "WEISS moved"),
        ("Smith^Jane", "jane_smith moved"),
        ("Smith^Jane", "JaneSmith moved"),
        ("O'Brien^Pat", "OBrien moved"),
        ("Smith^Jane", "S-m-i-t-h"),
        ("Li^Bo", "Bo Li moved"),
        ("王^小明", "王小明动了"),
        ("王^明", "王明动了"),
        ("Wang^XiaoDong=王^小東", "小東"),
        ("김^철수", "철수 moved"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "ﾔﾏﾀﾞやまだ"),
        ("Ivanov^Иван", "ИВАН"),
        ("Doe^J", "see hugo 4711"),
        ("Doe^J", "born 1980-01-02"),
    ],
)
def test_a_name_or_number_is_found_in_any_spelling(name: str, text: str) -> None:
    assert names_somebody(text, [header(name)])


def test_other_names_count_too() -> None:
    assert names_somebody("née Lindqvist", [header("Doe^J", PatientBirthName="Lindqvist^Jane")])
    assert names_somebody("Lindqvist", [header("Doe^J", OtherPatientNames="Roe^A\\Lindqvist^J")])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Ring^Ann", "ringing and blurring along phase"),
        ("Li^Bo", "liver, both kidneys"),
        ("王^小明", "小 slices moved"),
        ("Smith^Jane", "motion on slices 12 to 18, a repeat of 3:40"),
        ("", "anything"),
        ("^^^^", "anything"),
    ],
)
def test_what_names_nobody_passes(name: str, text: str) -> None:
    assert not names_somebody(text, [header(name)])
