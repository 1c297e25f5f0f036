"""Each destination gets its results in its own form; no reference leads to what it never gets."""

from dataclasses import replace

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from inference.evidence import METRICS, Reading
from inference.reference import Statement
from service.forms import RESULT_KINDS, WHOLE, Form
from service.report import build_regions, build_report, build_segmentation, codes
from service.report.document import SR_CLASSES
from service.report.document import named as name_of
from tests.series import mr_series
from tests.unit.service.report.ohif import drawn
from tests.unit.service.report.results import bundle_of, objects_of, scored_result, unscored_result
from tests.unit.service.report.test_sr import coded, group_of, groups, named, read, walk

SR_ONLY = Form(kinds=frozenset({"SR"}))


def by_kind(result, form=WHOLE, former=None):
    bundle = bundle_of(result, form, former)
    return {kind: [one.name.sop_instance_uid for one in bundle.make(kind)] for kind in RESULT_KINDS}


def evidence(document):
    series = document.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    return {ref.ReferencedSOPInstanceUID for item in series for ref in item.ReferencedSOPSequence}


@pytest.mark.parametrize("name", SR_CLASSES)
def test_a_report_has_the_class_that_is_asked_for_and_a_name_of_its_own(name):
    result = scored_result()
    documents = [build_report(result, Form(sr_class=name)), build_regions(result, Form(sr_class=name))]
    assert {document.SOPClassUID for document in documents} == {SR_CLASSES[name]}
    others = {build_report(result, Form(sr_class=other)).SOPInstanceUID for other in SR_CLASSES}
    assert len(others) == len(SR_CLASSES)
    assert drawn(documents[0]) > 0
    assert drawn(documents[1]) == 0  # it opens, and has nothing to draw


def test_a_destination_without_segmentations_is_told_of_none():
    images = mr_series(slices=6)
    result = scored_result(images)
    alone = build_report(result, SR_ONLY)
    assert evidence(alone) == {image.SOPInstanceUID for image in images}
    assert evidence(build_report(result)) > evidence(alone)
    assert alone.SOPInstanceUID != build_report(result).SOPInstanceUID
    assert build_regions(result, SR_ONLY) is None


def test_a_destination_gets_the_kinds_that_it_asks_for_and_no_other():
    made = by_kind(scored_result(), Form(kinds=frozenset({"SC", "KO"})))
    assert {kind for kind, uids in made.items() if uids} == {"SC", "KO"}
    everything = by_kind(scored_result())
    assert all(everything.values())
    assert len({uid for uids in everything.values() for uid in uids}) == len(RESULT_KINDS)


def test_nothing_found_gives_a_report_and_nothing_to_locate():
    made = by_kind(scored_result(found=(), verdict="Usable"))
    assert {kind for kind, uids in made.items() if uids} == {"SR", "FHIR"}
    made = by_kind(unscored_result())
    assert {kind for kind, uids in made.items() if uids} == {"SR", "FHIR"}


def test_syntax_and_colour_are_the_destinations():
    result = scored_result()
    usual = {one.SOPClassUID: one for one in objects_of(result)}
    console = Form(card="monochrome", syntax="implicit", overlay="native")
    other = {one.SOPClassUID: one for one in objects_of(result, console)}
    syntaxes = {one.file_meta.TransferSyntaxUID for one in usual.values()}
    assert syntaxes == {ExplicitVRLittleEndian, JPEGBaseline8Bit}
    assert {one.file_meta.TransferSyntaxUID for one in other.values()} == {ImplicitVRLittleEndian}
    changed = {uid.keyword for uid, one in usual.items() if one.SOPInstanceUID != other[uid].SOPInstanceUID}
    assert changed == {"SecondaryCaptureImageStorage", "MultiFrameTrueColorSecondaryCaptureImageStorage"}


def test_regions_tie_each_segment_to_the_reports_finding():
    result = scored_result(mr_series(slices=4) + mr_series(slices=4, key="b"))
    report, regions = build_report(result), build_regions(result)
    segmentations = build_segmentation(result)
    referenced = set()
    for group in groups(regions):
        finding = coded(group, codes.FINDING)
        (image,) = named(group, codes.REFERENCED_SEGMENT)
        (reference,) = image.ReferencedSOPSequence
        referenced.add((reference.ReferencedSOPInstanceUID, reference.ReferencedSegmentNumber))
        own = next(one for one in groups(report) if coded(one, codes.FINDING) == finding)
        for concept in (codes.TRACKING_UID, codes.TRACKING_IDENTIFIER):
            (mine,), (theirs,) = named(group, concept), named(own, concept)
            assert (mine.get("UID"), mine.get("TextValue")) == (theirs.get("UID"), theirs.get("TextValue"))
        assert result.source.series_instance_uid == named(group, codes.SEGMENTED_SERIES)[0].UID
    assert referenced == {
        (one.SOPInstanceUID, segment.SegmentNumber)
        for one in segmentations
        for segment in one.SegmentSequence
    }
    assert not [item for item in walk(regions) if item.ValueType == "NUM"]


def test_a_later_generation_replaces_both_documents():
    first = scored_result()
    former = {"SR": name_of(build_report(first)), "REGIONS": name_of(build_regions(first))}
    later = bundle_of(replace(first, generation=2), former=former)
    for document, kind in ((later.report()[0], "SR"), (later.regions()[0], "REGIONS")):
        (series,) = document.PredecessorDocumentsSequence[0].ReferencedSeriesSequence
        assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == former[kind].sop_instance_uid


def test_regions_that_are_no_more_are_replaced_by_the_report():
    first = scored_result()
    former = {"SR": name_of(build_report(first)), "REGIONS": name_of(build_regions(first))}
    clean = replace(scored_result(found=(), verdict="Usable"), generation=2)
    (report,) = bundle_of(clean, former=former).report()
    replaced = report.PredecessorDocumentsSequence[0].ReferencedSeriesSequence
    assert {series.SeriesInstanceUID for series in replaced} == {
        one.series_instance_uid for one in former.values()
    }
    assert bundle_of(clean, former=former).regions() == []


def test_every_number_points_to_the_slice_that_it_comes_from():
    result = scored_result(mr_series(slices=6), found=("motion",))
    metric = METRICS[0].name
    slices = tuple(
        replace(scored, score=replace(scored.score, evidence=(Reading(metric, 10.0 + n, ""),)))
        for n, scored in enumerate(result.slices)
    )
    said = Statement(metric, "agrees", 14.0, 0.0, 1.0, True)
    findings = tuple(replace(one, evidence=(said,) if one.present else ()) for one in result.quality.findings)
    surest = replace(slices[5].score.findings[0], probability=0.95)
    score = replace(slices[5].score, findings=(surest, *slices[5].score.findings[1:]))
    slices = (*slices[:5], replace(slices[5], score=score))
    report = read(replace(result, slices=slices, quality=replace(result.quality, findings=findings)))
    group = group_of(report, codes.ARTIFACT_CODES["motion"])

    def image(concept):
        (item,) = named(group, concept)
        return item.ContentSequence[0].ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID

    names = [instance.sop_instance_uid for instance in result.source.instances]
    assert names.index(image(codes.METRIC_CODES[metric])) == 4
    assert names.index(image(codes.CERTAINTY)) == 5
