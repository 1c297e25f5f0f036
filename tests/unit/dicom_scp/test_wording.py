"""What is kept of free text: words of MR imaging, sorted by what they are about."""

import pytest

from dicom_scp.wording import coded, words_of
from tests.series import mr_series
from tests.unit.dicom_scp.encodings import clean_dataset


def test_words_of_the_series_go_before_those_of_the_protocol_and_the_study_has_none() -> None:
    assert coded(["t2_tse_tra", "DWI", "FLAIR"]) == {"contrast": "T2\\TSE", "orientation": "AX"}
    assert coded(["", "DWI", "FLAIR"])["contrast"] == "DWI"
    assert "contrast" not in coded(["", "", "stroke DWI FLAIR"])


def test_loc_names_a_localizer_but_not_in_a_sentence() -> None:
    assert coded(["t2_loc sag", "", ""])["contrast"] == "T2\\LOCALIZER"
    assert "contrast" not in coded(["one stack and one dimension with ext loc ref", "", ""])


@pytest.mark.parametrize("text", ["gre_field_mapping", "Field Map", "B0map", "fieldmap"])
def test_a_field_map_has_many_spellings(text: str) -> None:
    assert "FIELDMAP" in words_of(text)


def test_a_phantom_is_told_beside_the_part_that_it_stands_for() -> None:
    assert coded(["ACR_T1_HEAD", "", ""])["contrast"].endswith("PHANTOM")


@pytest.mark.parametrize(
    ("technique", "kept"), [("T1TFE", "T1TFE"), ("B-TFE T1M_CN", "B-TFE"), ("Doe^Jane", ""), ("SEDOE", "")]
)
def test_the_name_of_a_technique_is_kept_only_where_it_is_made_of_known_syllables(
    technique: str, kept: str
) -> None:
    ds = mr_series(slices=1, vendor="philips")[0]
    ds.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x20, "LO", technique)
    block = clean_dataset(ds).private_block(0x0073, "SCANSIDE")
    assert (str(block[0x12].value) if 0x12 in block else "") == kept
