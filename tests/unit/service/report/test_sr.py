"""The structured report says what was found, validly, and can be routed by."""

from dataclasses import replace
from io import BytesIO

import highdicom as hd
import pytest
from pydicom import dcmread
from pydicom.sr._cid_dict import cid_concepts
from pydicom.sr._concepts_dict import concepts

from inference.checks import CHECKS
from inference.evidence import METRICS
from inference.series import Answer, Description
from inference.series.vocabulary import terms
from service.forms import WHOLE
from service.report import build_report, build_segmentation, codes, encode
from service.report.document import algorithm
from service.report.document import named as name_of
from service.report.sr import MOST_SLICES
from service.reporting import judged_by
from tests.peers import dsrdump
from tests.series import mr_series
from tests.unit.service.report.ohif import drawn
from tests.unit.service.report.results import (
    ADVICE,
    NAMES,
    PRODUCT,
    scored_result,
    unscored_result,
    with_evidence,
)

ABOUT = Description.of(
    [Answer("weighting", "T1", ("EchoTime",)), Answer("part", "BRAIN", ("BodyPartExamined",))]
)


def read(result, form=WHOLE, **options):
    return dcmread(BytesIO(encode(build_report(result, form, **options))))


def walk(item):
    for child in item.get("ContentSequence", []):
        yield child
        yield from walk(child)


def named(item, concept):
    return [
        child
        for child in walk(item)
        if "ConceptNameCodeSequence" in child and child.ConceptNameCodeSequence[0].CodeValue == concept.value
    ]


def coded(item, concept):
    return [
        child.ConceptCodeSequence[0].CodeValue for child in named(item, concept) if child.ValueType == "CODE"
    ]


def groups(report):
    return named(report, codes.MEASUREMENT_GROUP)


def group_of(report, code):
    return next(group for group in groups(report) if coded(group, codes.FINDING) == [code.value])


@pytest.fixture
def report():
    return read(scored_result(mr_series(slices=6)))


def test_the_score_is_a_number_of_0_to_100_on_the_worst_image(report):
    (rating,) = named(report, codes.QUALITY_RATING)
    assert rating.MeasuredValueSequence[0].NumericValue == 24
    assert rating.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "{0:100}"
    outline = rating.ContentSequence[0]
    assert list(outline.GraphicData) == [0, 0, 64, 0, 64, 64, 0, 64, 0, 0]
    image = outline.ContentSequence[0].ReferencedSOPSequence[0]
    assert image.ReferencedSOPInstanceUID == mr_series(slices=6)[2].SOPInstanceUID
    assert "ReferencedFrameNumber" not in image


@pytest.mark.parametrize(
    ("verdict", "quality", "assessment"),
    [("Usable", "RID12", "111237"), ("Check", "RID13", "111236"), ("Repeat", "RID14", "111235")],
)
def test_the_verdict_is_coded_for_people_and_for_routing(verdict, quality, assessment):
    report = read(scored_result(verdict=verdict))
    assert set(coded(report, codes.SERIES_QUALITY)) == {quality}
    assert coded(report, codes.QUALITY_ASSESSMENT) == [assessment]
    assert report.SeriesDescription == f"AI QC report: {verdict.upper()}"


def test_every_class_has_a_group_and_only_what_is_present_has_a_number(report):
    for name in NAMES:
        group = group_of(report, codes.ARTIFACT_CODES[name])
        found = name in ("motion", "wrap", "noise")
        assert coded(group, codes.PRESENCE) == [(codes.PRESENT if found else codes.ABSENT).value]
        assert len(named(group, codes.CERTAINTY)) == found
        assert len(coded(group, codes.SEVERITY)) == found


def test_a_finding_is_boxed_on_the_image_where_it_is_surest(report):
    (certainty,) = named(group_of(report, codes.ARTIFACT_CODES["motion"]), codes.CERTAINTY)
    assert certainty.MeasuredValueSequence[0].NumericValue == 95
    assert list(certainty.ContentSequence[0].GraphicData) == [8, 8, 32, 8, 32, 32, 8, 32, 8, 8]
    assert certainty.ContentSequence[0].GraphicType == "POLYLINE"


def test_findings_and_advice_stand_in_the_evaluations(report):
    (evaluations,) = named(report, codes.QUALITATIVE_EVALUATIONS)
    wanted = [codes.ARTIFACT_CODES[name].value for name in ("motion", "wrap", "noise")]
    assert coded(evaluations, codes.QUALITY_FINDING) == wanted
    comments = [item.TextValue for item in named(evaluations, codes.COMMENT)]
    assert comments == ["Motion is severe on half of the slices.", *ADVICE]


def test_a_finding_comes_with_the_metrics_that_speak_to_it():
    report = read(with_evidence(scored_result(found=("motion",))))
    group = group_of(report, codes.ARTIFACT_CODES["motion"])
    for metric in METRICS[:-1]:
        (measured,) = named(group, codes.METRIC_CODES[metric.name])
        assert measured.MeasuredValueSequence[0].NumericValue == pytest.approx(1.235e-5)
        assert measured.ContentSequence[0].ValueType == "SCOORD"
    assert named(group, codes.METRIC_CODES[METRICS[-1].name]) == []


def test_what_only_the_whole_series_shows_has_a_group_and_is_told():
    report = read(with_evidence(scored_result(found=(), verdict="Check")))
    for check in CHECKS:
        group = group_of(report, codes.CHECK_CODES[check.name])
        assert coded(group, codes.PRESENCE) == [codes.PRESENT.value]
    (evaluations,) = named(report, codes.QUALITATIVE_EVALUATIONS)
    assert coded(evaluations, codes.QUALITY_FINDING) == [check.code for check in CHECKS]
    assert "Missing slices: as planted" in [item.TextValue for item in named(evaluations, codes.COMMENT)]


def test_at_most_ten_single_slices_are_described():
    report = read(scored_result(mr_series(slices=40)))
    assert len(groups(report)) == 1 + len(NAMES) + MOST_SLICES


def test_no_slice_is_described_where_nothing_was_found():
    report = read(scored_result(found=(), verdict="Usable"))
    assert len(groups(report)) == 1 + len(NAMES)
    assert coded(report, codes.QUALITY_FINDING) == []


def test_a_doubtful_slice_that_does_not_count_for_the_series_is_not_described():
    result = scored_result(found=("motion", "wrap"))
    findings = tuple(
        replace(finding, present=False, slices=(), box=None) if finding.artifact == "wrap" else finding
        for finding in result.quality.findings
    )
    result = replace(result, quality=replace(result.quality, findings=findings))
    report = read(result)
    assert coded(report, codes.FINDING).count(codes.ARTIFACT_CODES["wrap"].value) == 1
    assert len(build_segmentation(result)[0].SegmentSequence) == 1


def test_a_slice_without_signal_is_not_described():
    result = scored_result(mr_series(slices=4))
    silent = tuple(
        replace(s, score=replace(s.score, signal=n in (2, 3))) for n, s in enumerate(result.slices)
    )
    report = read(replace(result, slices=silent))
    assert len(groups(report)) == 1 + len(NAMES) + 1


def test_a_series_that_is_not_scored_has_a_reason_and_no_score():
    report = read(unscored_result())
    for concept in (codes.QUALITY_RATING, codes.SERIES_QUALITY, codes.QUALITY_ASSESSMENT, codes.CERTAINTY):
        assert named(report, concept) == []
    assert [item.TextValue for item in named(report, codes.COMMENT)] == ["Not scored: a phase image"]
    assert set(coded(report, codes.FINDING)) == {codes.IMAGE_QUALITY.value}
    assert report.SeriesDescription == "AI QC report: NOT SCORED"


def test_the_observer_is_this_installation(report):
    result = scored_result()
    assert coded(report, codes.OBSERVER_TYPE) == [codes.DEVICE.value]
    assert [item.UID for item in named(report, codes.DEVICE_UID)] == [result.product.installation_uid]
    assert [item.TextValue for item in named(report, codes.ALGORITHM_VERSION)] == ["0.1.0+9f9f9f9f9f9f"]
    assert report.VerificationFlag == "UNVERIFIED"
    assert report.Manufacturer == "Scanside"
    assert report.SoftwareVersions == "0.1.0"


def test_every_source_image_and_the_segmentation_are_evidence():
    images = mr_series(slices=6)
    result = scored_result(images)
    series = read(result).CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    listed = {
        item.SeriesInstanceUID: [ref.ReferencedSOPInstanceUID for ref in item.ReferencedSOPSequence]
        for item in series
    }
    (segmentation,) = build_segmentation(result)
    assert listed == {
        images[0].SeriesInstanceUID: [image.SOPInstanceUID for image in images],
        segmentation.SeriesInstanceUID: [segmentation.SOPInstanceUID],
    }


def test_the_segments_carry_the_tracking_uids_of_the_report(report):
    (segmentation,) = build_segmentation(scored_result(mr_series(slices=6)))
    for segment in segmentation.SegmentSequence:
        code = segment.SegmentedPropertyTypeCodeSequence[0].CodeValue
        group = next(group for group in groups(report) if coded(group, codes.FINDING) == [code])
        assert [item.UID for item in named(group, codes.TRACKING_UID)] == [segment.TrackingUID]
        assert [item.TextValue for item in named(group, codes.TRACKING_IDENTIFIER)] == [segment.TrackingID]


def test_a_later_generation_names_the_report_it_replaces():
    first = read(scored_result())
    second = read(replace(scored_result(), generation=2), replaces=(name_of(first),))
    document = second.PredecessorDocumentsSequence[0]
    assert document.StudyInstanceUID == first.StudyInstanceUID
    series = document.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == first.SeriesInstanceUID
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert second.SOPInstanceUID != first.SOPInstanceUID
    assert "PredecessorDocumentsSequence" not in first


def test_frames_of_a_multi_frame_object_are_named():
    result = scored_result(mr_series(slices=5, enhanced=True))
    report = read(result)
    outlined = [item for item in walk(report) if item.ValueType == "SCOORD"]
    frames = {item.ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber for item in outlined}
    assert frames == {1, 2, 3, 4, 5}
    (rating,) = named(report, codes.QUALITY_RATING)
    assert rating.ContentSequence[0].ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber == 3


def test_text_leaves_in_ascii_whatever_the_source_speaks():
    result = replace(scored_result(), advice=("Kürzer \u2013 \u201cruhig\u201d\n日本",))
    assert named(read(result), codes.COMMENT)[-1].TextValue == 'Kurzer - "ruhig"'


@pytest.mark.parametrize("verdict", ["Usable", "Check", "Repeat"])
def test_ohif_opens_it_and_draws_each_number(verdict):
    for result in (
        scored_result(mr_series(slices=6), verdict=verdict),
        scored_result(mr_series(slices=6, enhanced=True), verdict=verdict),
    ):
        report = read(result)
        assert drawn(report) == len([item for item in walk(report) if item.ValueType == "NUM"]) > 0


def test_ohif_opens_a_report_without_findings_or_score():
    assert drawn(read(scored_result(found=(), verdict="Usable"))) == 1
    assert drawn(read(unscored_result())) == 0


def test_highdicom_reads_every_group(tmp_path):
    for name, result in (("scored", scored_result()), ("not scored", unscored_result())):
        path = tmp_path / f"{name}.dcm"
        path.write_bytes(encode(build_report(result)))
        content = hd.sr.srread(path).content
        assert len(content.get_image_measurement_groups()) == len(groups(dcmread(path)))


def test_dsrdump_shows_score_artifacts_and_advice(tmp_path):
    path = tmp_path / "report.dcm"
    path.write_bytes(encode(build_report(scored_result())))
    text = dsrdump(path)
    assert '"Image Quality Rating")="24.0"' in text
    assert "Motion related artifact" in text
    assert "Phase wraparound artifact" in text
    assert ADVICE[1][:20] in text


def test_dicom_codes_have_the_meaning_of_the_standard():
    standard = {code: entry[0] for names in concepts["DCM"].values() for code, entry in names.items()}
    tables = [value for value in vars(codes).values() if isinstance(value, codes.Code)]
    mapped = (codes.ASSESSMENT_OF, codes.ARTIFACT_CODES, codes.CHECK_CODES, codes.METRIC_CODES, codes.UNITS)
    for code in (*tables, *(code for table in mapped for code in table.values())):
        assert len(code.value) <= 16
        assert len(code.meaning) <= 64
        if code.scheme == "DCM" and code.value != "MR":
            assert code.meaning == standard[code.value]


def test_every_coding_scheme_in_use_is_identified(report):
    listed = {scheme.CodingSchemeDesignator for scheme in report.CodingSchemeIdentificationSequence}
    used = {
        item[keyword][0].CodingSchemeDesignator
        for item in walk(report)
        for keyword in ("ConceptNameCodeSequence", "ConceptCodeSequence")
        if keyword in item
    }
    assert used <= listed


@pytest.mark.parametrize(
    ("severity", "meaning"),
    [(0.0, "Mild"), (0.33, "Mild"), (0.5, "Moderate"), (0.67, "Severe"), (1.0, "Severe")],
)
def test_severity_is_worded_in_thirds(severity, meaning):
    assert codes.severity_code(severity).meaning == meaning


def test_the_report_says_in_codes_what_the_series_is():
    report = read(replace(scored_result(), about=ABOUT))
    told = {
        (item.ConceptNameCodeSequence[0].CodeMeaning, item.ConceptCodeSequence[0].CodeValue)
        for item in report.ContentSequence[-1].ContentSequence
        if item.ValueType == "CODE"
    }
    assert {("Contrast weighting", "110804"), ("Body part", "12738006")} <= told


def test_every_body_part_has_a_region_that_the_template_admits():
    admitted = {str(code) for name in cid_concepts[4031]["SCT"] for code in concepts["SCT"].get(name, {})}
    parts = [term for term in terms() if term.facet == "part" and term.name != "AORTA"]
    assert parts
    for part in parts:
        region = codes.region_code(part)
        assert region is not None
        assert region.value in admitted, part.name


def test_the_report_says_by_which_thresholds_it_was_judged() -> None:
    judging = {
        "thresholds": {"usable_index": 5.25, "repeat_index": 3.5},
        "version": 2,
        "unscored": False,
        "shadow": None,
    }
    product = judged_by(PRODUCT, judging)
    words = [
        item.TextValue
        for item in algorithm(product)
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Algorithm Parameters"
    ]
    assert words == [
        f"config {product.config_digest[:12]}",
        "thresholds usable_index 5.25; repeat_index 3.5 (accepted version 2 of its protocol)",
    ]
    assert product.config_digest != PRODUCT.config_digest, "another result has other UIDs"
    assert judged_by(PRODUCT, None) == PRODUCT
