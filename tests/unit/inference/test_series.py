"""Coded descriptions of series: from headers of each kind, and never from free text."""

import json
import re

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, MRImageStorage

from inference import header
from inference.guard import unsuited
from inference.series import UNKNOWN, Description, describe
from inference.series.describe import PATH as TABLES
from inference.series.vocabulary import FACETS, rows, term_of, terms

TABLE = rows(TABLES, 6)


def classic(**elements: object) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.Modality, ds.Rows, ds.Columns = MRImageStorage, "MR", 256, 256
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def kept(ds: Dataset, **values: object) -> Dataset:
    """Add the door's private block, as by number: `x0F` is (0073,xx0F)."""
    block = ds.private_block(0x0073, "SCANSIDE", create=True)
    for name, value in values.items():
        block.add_new(int(name[1:], 16), "UL" if isinstance(value, int) else "CS", value)
    return ds


def facets(ds: Dataset) -> dict[str, str]:
    return {answer.facet: answer.term for answer in describe(ds).answers if answer.known}


def test_an_empty_header_tells_nothing() -> None:
    description = describe(Dataset())
    assert facets(Dataset()) == {}
    assert (description.words, description.field) == ("", None)


@pytest.mark.parametrize(
    ("elements", "weighting", "family"),
    [
        ({"ScanningSequence": "SE", "RepetitionTime": 500, "EchoTime": 12, "EchoTrainLength": 1}, "T1", "SE"),
        (
            {"ScanningSequence": "SE", "RepetitionTime": 4000, "EchoTime": 100, "EchoTrainLength": 15},
            "T2",
            "TSE",
        ),
        (
            {"ScanningSequence": "SE", "RepetitionTime": 3000, "EchoTime": 25, "EchoTrainLength": 6},
            "PD",
            "TSE",
        ),
        ({"ScanningSequence": "SE", "RepetitionTime": 1300, "EchoTime": 48}, UNKNOWN, "SE"),
        (
            {"ScanningSequence": ["SE", "IR"], "RepetitionTime": 9000, "EchoTime": 90, "InversionTime": 2500},
            "FLAIR",
            "IR",
        ),
        (
            {"ScanningSequence": ["SE", "IR"], "RepetitionTime": 4000, "EchoTime": 40, "InversionTime": 160},
            "STIR",
            "IR",
        ),
        (
            {
                "ScanningSequence": ["GR", "IR"],
                "SequenceVariant": ["SP", "MP"],
                "MRAcquisitionType": "3D",
                "InversionTime": 900,
            },
            "T1",
            "MPRAGE",
        ),
        (
            {
                "ScanningSequence": "GR",
                "SequenceVariant": "SP",
                "RepetitionTime": 500,
                "EchoTime": 20,
                "FlipAngle": 20,
            },
            "T2_STAR",
            "GRE_SPOILED",
        ),
        ({"ScanningSequence": ["EP", "GR"]}, "T2_STAR", "EPI_GRE"),
        (
            {"ScanningSequence": ["EP", "SE"], "ImageType": r"ORIGINAL\PRIMARY\DIFFUSION"},
            "DIFFUSION",
            "EPI_SE",
        ),
        (
            {"Manufacturer": "SIEMENS", "SequenceName": "*tir2d1_11", "InversionTime": 2200, "EchoTime": 80},
            "FLAIR",
            "TSE",
        ),
        ({"Manufacturer": "SIEMENS", "SequenceName": "*tfi2d1_12"}, UNKNOWN, "BSSFP"),
        ({"Manufacturer": "SIEMENS", "SequenceName": "*swi3d1r"}, "SWI", "GRE_SPOILED"),
        ({"Manufacturer": "Canon", "SequenceName": "FASE2D"}, UNKNOWN, "SSTSE"),
    ],
)
def test_timing_and_names_tell_weighting_and_family(
    elements: dict[str, object], weighting: str, family: str
) -> None:
    described = describe(classic(**elements))
    assert (described["weighting"], described["family"]) == (weighting, family)


def test_a_name_of_one_vendor_means_nothing_from_another() -> None:
    assert describe(classic(Manufacturer="Esaote", SequenceName="GraSE"))["family"] == UNKNOWN
    assert describe(classic(Manufacturer="Philips", SequenceName="GraSE"))["family"] == "GRASE"


def test_functional_groups_of_the_frame_count() -> None:
    ds = Dataset()
    ds.SOPClassUID, ds.Modality = EnhancedMRImageStorage, "MR"
    ds.EchoPulseSequence, ds.EchoPlanarPulseSequence, ds.MRAcquisitionType = "SPIN", "NO", "2D"
    shared = Dataset()
    timing = Dataset()
    timing.RFEchoTrainLength, timing.RepetitionTime = 16, 4000.0
    shared.MRTimingAndRelatedParametersSequence = [timing]
    ds.SharedFunctionalGroupsSequence = [shared]
    ds.PerFrameFunctionalGroupsSequence = []
    for component in ("MAGNITUDE", "PHASE"):
        kind, echo, frame = Dataset(), Dataset(), Dataset()
        kind.FrameType, kind.ComplexImageComponent = r"ORIGINAL\PRIMARY\T2\NONE", component
        kind.AcquisitionContrast = "T2"
        echo.EffectiveEchoTime = 90.0
        frame.MRImageFrameTypeSequence, frame.MREchoSequence = [kind], [echo]
        ds.PerFrameFunctionalGroupsSequence.append(frame)
    first, second = describe(ds, 1), describe(ds, 2)
    assert (first["weighting"], first["family"], first["component"]) == ("T2", "TSE", "MAGNITUDE")
    assert second["component"] == "PHASE"


def test_the_slice_normal_tells_the_orientation() -> None:
    def plane(*cosines: float) -> str:
        ds = classic(
            ImageOrientationPatient=list(cosines), ImagePositionPatient=[0, 0, 0], PixelSpacing=[1, 1]
        )
        return describe(ds)["orientation"]

    assert plane(1, 0, 0, 0, 1, 0) == "AXIAL"
    assert plane(0, 1, 0, 0, 0, -1) == "SAGITTAL"
    assert plane(1, 0, 0, 0, 0, -1) == "CORONAL"
    assert plane(1, 0, 0, 0, 0.71, -0.71) == "OBLIQUE"


def test_what_the_door_keeps_counts_as_evidence() -> None:
    ds = kept(classic(Manufacturer="Philips", ScanningSequence="SE"), x12="DWISE", x13=55, x14="Y")
    described = describe(ds)
    assert (described["weighting"], described["family"]) == ("DIFFUSION", "EPI_SE")
    assert described["suppression"] == "FAT"
    assert "Technique" in described.answer("family").evidence


def test_an_epi_that_calls_itself_a_spin_echo_has_the_bands_of_echo_planar_images() -> None:
    ds = classic(ScanningSequence="SE", BodyPartExamined="BRAIN")
    assert header.kind(ds) == "head"
    assert header.kind(kept(ds, x13=55)) == "epi"


def test_words_of_a_description_count_where_no_element_tells() -> None:
    ds = kept(classic(), x0F=["BOLD", "EPI"])
    assert describe(ds)["weighting"] == "BOLD"
    assert describe(ds).answer("weighting").evidence == ("described words",)
    localizer = kept(classic(ImageType=r"ORIGINAL\PRIMARY\M"), x0F="LOCALIZER")
    assert unsuited(localizer) == "a localizer is not scored"


def test_the_field_is_read_in_tesla_also_from_gauss() -> None:
    assert describe(classic(MagneticFieldStrength=1.494)).field == 1.5
    assert describe(classic(MagneticFieldStrength=15000)).field == 1.5
    assert describe(classic(MagneticFieldStrength=0.064)).field == 0.064
    assert describe(classic(MagneticFieldStrength=0)).field is None


def test_a_map_is_said_to_be_one_and_to_have_no_dimension() -> None:
    described = describe(classic(ScanningSequence="EP", ImageType=r"DERIVED\PRIMARY\DIFFUSION\ADC"))
    assert (described["weighting"], described["derivation"], described["dynamic"]) == (
        "DIFFUSION",
        "ADC",
        UNKNOWN,
    )


def test_hostile_values_tell_nothing_and_are_never_repeated() -> None:
    ds = classic(
        Manufacturer="Doe^Jane",
        SequenceName="Doe^Jane",
        BodyPartExamined="DOE",
        ScanningSequence=["DOE"] * 50,
    )
    ds.add_new(0x00180080, "LO", "DOE")
    ds.add_new(0x00180081, "OB", b"\x00DOE")
    assert "doe" not in json.dumps(describe(ds).to_json()).lower()
    assert "doe" not in describe(ds).words.lower()


def test_a_description_survives_its_json() -> None:
    ds = classic(ScanningSequence="SE", RepetitionTime=500, EchoTime=12, MagneticFieldStrength=3)
    described = describe(ds)
    assert Description.from_json(json.loads(json.dumps(described.to_json()))) == described
    assert (
        Description.from_json({"answers": {"weighting": {"term": "T9", "evidence": []}, "colour": {}}})
        == Description()
    )


def test_every_row_of_the_tables_names_a_term_and_its_source() -> None:
    for facet, term, _, _, pattern, source in TABLE:
        assert term_of(facet, term) is not None, (facet, term)
        assert source
        re.compile(pattern)
    assert {facet for facet, *_ in TABLE} <= set(FACETS)


def test_codes_are_short_and_name_one_thing_each() -> None:
    codes = [(term.facet, term.scheme, term.code) for term in terms()]
    assert len(codes) == len(set(codes))
    assert all(len(term.code) <= 16 and len(term.meaning) <= 64 for term in terms())


def test_codes_of_the_standard_mean_what_the_standard_says() -> None:
    from pydicom.sr._concepts_dict import concepts  # noqa: PLC0415 - tests alone need the tables

    meant = {
        (scheme, code): {
            meaning.lower() for named in concepts[scheme].values() for meaning in [named.get(code, [""])[0]]
        }
        for scheme in ("DCM", "SCT")
        for code in {term.code for term in terms() if term.scheme == scheme}
    }
    for term in terms():
        if term.scheme in ("DCM", "SCT"):
            assert term.meaning.lower() in meant[term.scheme, term.code], term
