"""The "AI QC report": an Enhanced SR of TID 1500 whose groups are all of TID 1501.

Coordinates and regions are kept apart (a report that mixes TID 1411 and TID 1501 groups does not validate).
Every number points to an image and an image library stands in front: viewers that draw need both.
"""

from collections.abc import Iterator

from pydicom.dataset import Dataset

from inference import Finding, SeriesFinding
from inference.checks import SeriesFact
from service.report import codes
from service.report.content import (
    HAS_ACQ_CONTEXT,
    HAS_CONCEPT_MOD,
    HAS_OBS_CONTEXT,
    code,
    container,
    image_item,
    number,
    outline,
    root,
    text,
    uid,
)
from service.report.objects import (
    MANUFACTURER,
    MODEL,
    REPORT,
    SEGMENTATION,
    frame_reference,
    item,
    new_object,
    reference,
)
from service.report.result import NOT_SCORED, Predecessor, Result, ScoredSlice
from service.report.segmentation import tracking
from service.report.stacks import located_stacks
from service.report.uids import Uids

MOST_SLICES = 10  # groups of single slices: as DICOM JSON a report grows ten-fold
MOST_TEXT = 1024  # characters of a comment

Box = tuple[int, int, int, int]  # left, top, right, bottom: px, half-open


def build_report(result: Result) -> Dataset:
    """Build the structured report of a series, scored or not."""
    uids = Uids.of(result)
    out = new_object(result, REPORT, number=result.generation)
    _document(out, result, uids)
    document = root(codes.REPORT, _root(result, uids))
    out.update({tag: document.get_item(tag) for tag in document.keys()})  # noqa: SIM118  # not decoded
    return out


def _document(out: Dataset, result: Result, uids: Uids) -> None:
    """SR Document Series and General modules (PS3.3 C.17.1, C.17.2)."""
    out.CompletionFlag = "COMPLETE"
    out.VerificationFlag = "UNVERIFIED"
    out.PreliminaryFlag = "FINAL"
    out.ReferencedPerformedProcedureStepSequence = []
    out.PerformedProcedureCodeSequence = []
    out.CurrentRequestedProcedureEvidenceSequence = [
        item(StudyInstanceUID=out.StudyInstanceUID, ReferencedSeriesSequence=_evidence(result, uids))
    ]
    if result.predecessor is not None:
        out.PredecessorDocumentsSequence = [_predecessor(out.StudyInstanceUID, result.predecessor)]
    out.CodingSchemeIdentificationSequence = [_scheme(scheme) for scheme in codes.SCHEMES]
    out.ContentTemplateSequence = [item(MappingResource="DCMR", TemplateIdentifier="1500")]


def _evidence(result: Result, uids: Uids) -> list[Dataset]:
    """Every source object, and the segmentations that come with this report."""
    images = item(
        SeriesInstanceUID=result.source.series_instance_uid,
        ReferencedSOPSequence=[reference(instance) for instance in result.source.instances],
    )
    stacks = located_stacks(result)
    if not stacks:
        return [images]
    regions = [
        item(
            ReferencedSOPClassUID=SEGMENTATION.sop_class_uid,
            ReferencedSOPInstanceUID=uids.instance(SEGMENTATION.name, stack.number),
        )
        for stack in stacks
    ]
    segments = item(SeriesInstanceUID=uids.series(SEGMENTATION.name), ReferencedSOPSequence=regions)
    return [images, segments]


def _predecessor(study: str, predecessor: Predecessor) -> Dataset:
    sop_class, instance, series = predecessor
    document = item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=instance)
    held = item(SeriesInstanceUID=series, ReferencedSOPSequence=[document])
    return item(StudyInstanceUID=study, ReferencedSeriesSequence=[held])


def _scheme(scheme: codes.Scheme) -> Dataset:
    out = item(
        CodingSchemeDesignator=scheme.designator,
        CodingSchemeName=scheme.name,
        CodingSchemeResponsibleOrganization=scheme.organization,
    )
    if scheme.uid:
        out.CodingSchemeUID = scheme.uid
    return out


def _root(result: Result, uids: Uids) -> Iterator[Dataset]:
    yield code(codes.LANGUAGE, codes.ENGLISH, relation=HAS_CONCEPT_MOD)
    yield from _observer(result)
    yield code(codes.PROCEDURE_REPORTED, codes.MRI, relation=HAS_CONCEPT_MOD)
    yield _library(result)
    groups = [_quality_group(result, uids)]
    if result.is_scored:
        groups += [_artifact_group(result, uids, finding) for finding in result.quality.findings]
        groups += [_check_group(uids, fact) for fact in result.quality.geometry if fact.present]
        groups += _slice_groups(result, uids)
    yield container(codes.IMAGING_MEASUREMENTS, groups)
    yield container(codes.QUALITATIVE_EVALUATIONS, _evaluations(result))


def _observer(result: Result) -> Iterator[Dataset]:
    """Who looked: a device, no person (TID 1004)."""
    installation = result.product.installation_uid
    yield code(codes.OBSERVER_TYPE, codes.DEVICE, relation=HAS_OBS_CONTEXT)
    yield uid(codes.DEVICE_UID, installation, relation=HAS_OBS_CONTEXT)
    yield text(codes.DEVICE_NAME, f"Scanside {result.product.version}", relation=HAS_OBS_CONTEXT)
    yield text(codes.DEVICE_MANUFACTURER, MANUFACTURER, relation=HAS_OBS_CONTEXT)
    yield text(codes.DEVICE_MODEL, MODEL, relation=HAS_OBS_CONTEXT)
    yield text(codes.DEVICE_SERIAL, installation, relation=HAS_OBS_CONTEXT)


def _library(result: Result) -> Dataset:
    """Bare references to all images; what they share stands once, at the group (TID 1600)."""
    images = [image_item(reference(instance)) for instance in result.source.instances]
    modality = code(codes.MODALITY, codes.MR, relation=HAS_ACQ_CONTEXT)
    return container(codes.IMAGE_LIBRARY, [container(codes.IMAGE_LIBRARY_GROUP, [modality, *images])])


def _tracked(identifier: str, tracking_uid: str) -> list[Dataset]:
    return [
        text(codes.TRACKING_IDENTIFIER, identifier, relation=HAS_OBS_CONTEXT),
        uid(codes.TRACKING_UID, tracking_uid, relation=HAS_OBS_CONTEXT),
    ]


def _quality_group(result: Result, uids: Uids) -> Dataset:
    """Describe the series as a whole; without a score, only who looked."""
    product, quality = result.product, result.quality
    children = [
        *_tracked("Scanside series quality", uids.tracking("series quality")),
        code(codes.FINDING, codes.IMAGE_QUALITY),
        text(codes.ALGORITHM_NAME, product.model_name, relation=HAS_CONCEPT_MOD),
        text(codes.ALGORITHM_VERSION, product.algorithm_version, relation=HAS_CONCEPT_MOD),
        text(codes.ALGORITHM_PARAMETERS, f"config {product.config_digest[:12]}", relation=HAS_CONCEPT_MOD),
    ]
    if result.is_scored:
        if quality.index is not None and result.worst is not None:
            where = _outline(result, result.worst, None)
            children.append(
                number(codes.QUALITY_RATING, 10 * quality.index, codes.RATING_UNITS, inferred_from=where)
            )
        children.append(code(codes.SERIES_QUALITY, codes.SERIES_QUALITY_OF[result.verdict]))
    return container(codes.MEASUREMENT_GROUP, children)


def _artifact_group(result: Result, uids: Uids, finding: SeriesFinding) -> Dataset:
    """One class of artifact in the series: where it is surest, or that it is absent.

    An absent class has no number: viewers would draw its box on a clean image.
    """
    children = [
        *_tracked(*tracking(finding.artifact, uids)),
        code(codes.FINDING, codes.ARTIFACT_CODES[finding.artifact]),
    ]
    if not finding.present:
        children.append(code(codes.PRESENCE, codes.ABSENT))
        return container(codes.MEASUREMENT_GROUP, children)
    if finding.slices:
        where = _outline(result, result.slices[finding.slices[0]], finding.box)
        children.append(_certainty(finding.probability, where))
        children += _evidence_items(finding, where)
    children.append(code(codes.PRESENCE, codes.PRESENT))
    children.append(code(codes.SEVERITY, codes.severity_code(finding.severity)))
    return container(codes.MEASUREMENT_GROUP, children)


def _evidence_items(finding: SeriesFinding, where: Dataset) -> Iterator[Dataset]:
    """Give the metrics that speak for or against a finding."""
    for statement in finding.evidence:
        if statement.value is not None:
            concept, units = codes.METRIC_CODES[statement.metric], codes.METRIC_UNITS[statement.metric]
            yield number(concept, statement.value, units, inferred_from=where, written=".4g")


def _check_group(uids: Uids, fact: SeriesFact) -> Dataset:
    """Tell one thing that only the whole series shows."""
    return container(
        codes.MEASUREMENT_GROUP,
        [
            *_tracked(f"Scanside {fact.check}", uids.tracking(fact.check)),
            code(codes.FINDING, codes.CHECK_CODES[fact.check]),
            code(codes.PRESENCE, codes.PRESENT),
        ],
    )


def _slice_groups(result: Result, uids: Uids) -> Iterator[Dataset]:
    """Describe the worst slices by the gravest finding that the artifacts' own groups do not show yet."""
    shown = {(finding.slices[0], finding.artifact) for finding in result.quality.findings if finding.slices}
    order = sorted(range(len(result.slices)), key=lambda place: (result.slices[place].score.index, place))
    flagged = 0
    for place in order:
        scored = result.slices[place]
        found = [finding for finding in result.found_on(scored) if (place, finding.artifact) not in shown]
        if not found:
            continue
        finding = max(found, key=lambda finding: (finding.severity, finding.probability))
        yield _slice_group(result, uids, scored, finding)
        flagged += 1
        if flagged == MOST_SLICES:
            return


def _slice_group(result: Result, uids: Uids, scored: ScoredSlice, finding: Finding) -> Dataset:
    instance = result.instance(scored)
    label = f"Scanside {finding.artifact} image {instance.instance_number} frame {scored.frame}"
    tracked = uids.tracking(finding.artifact, instance.sop_instance_uid, str(scored.frame))
    return container(
        codes.MEASUREMENT_GROUP,
        [
            *_tracked(label, tracked),
            code(codes.FINDING, codes.ARTIFACT_CODES[finding.artifact]),
            _certainty(finding.probability, _outline(result, scored, finding.box)),
        ],
    )


def _certainty(probability: float, where: Dataset) -> Dataset:
    return number(codes.CERTAINTY, 100 * probability, codes.PERCENT, inferred_from=where)


def _outline(result: Result, scored: ScoredSlice, box: Box | None) -> Dataset:
    """Outline a finding on its image; the whole image where it has no place of its own."""
    instance = result.instance(scored)
    left, top, right, bottom = box or (0, 0, instance.columns, instance.rows)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    return outline(codes.SOURCE_OF_MEASUREMENT, corners, frame_reference(instance, scored.frame))


def _evaluations(result: Result) -> Iterator[Dataset]:
    """Say what a reader or a routing rule wants to know: the verdict, the findings, the advice."""
    if not result.is_scored:
        yield code(codes.FINDING, codes.IMAGE_QUALITY)
        yield _comment(f"{NOT_SCORED}: {result.reason or result.quality.reason}")
        return
    yield code(codes.SERIES_QUALITY, codes.SERIES_QUALITY_OF[result.verdict])
    yield code(codes.QUALITY_ASSESSMENT, codes.ASSESSMENT_OF[result.verdict])
    for finding in result.quality.findings:
        if finding.present:
            yield code(codes.QUALITY_FINDING, codes.ARTIFACT_CODES[finding.artifact])
    found = [fact for fact in result.quality.geometry if fact.present]
    for fact in found:
        yield code(codes.QUALITY_FINDING, codes.CHECK_CODES[fact.check])
    details = (f"{codes.CHECK_CODES[fact.check].meaning}: {fact.detail}" for fact in found)
    for line in (result.reason, *result.advice, *details):
        if line:
            yield _comment(line)


def _comment(line: str) -> Dataset:
    return text(codes.COMMENT, line[:MOST_TEXT])
