"""The "AI QC report": an Enhanced SR of TID 1500 whose groups are all of TID 1501.

Coordinates and regions are kept apart (a report that mixes TID 1411 and TID 1501 groups does not validate).
Every number points to an image and an image library stands in front: viewers that draw need both.
"""

from collections.abc import Callable, Iterator

from pydicom.dataset import Dataset

from inference import Finding, SeriesFinding
from inference.checks import SeriesFact
from service.forms import WHOLE, Form
from service.report import codes
from service.report.content import code, container, number, outline, text
from service.report.document import Replaced, algorithm, new_document, tracked
from service.report.objects import REPORT, frame_reference
from service.report.result import NOT_SCORED, Result, ScoredSlice
from service.report.segmentation import tracking
from service.report.uids import Uids

MOST_SLICES = 10  # groups of single slices: as DICOM JSON a report grows ten-fold
MOST_TEXT = 1024  # characters of a comment

Box = tuple[int, int, int, int]  # left, top, right, bottom: px, half-open


def build_report(result: Result, form: Form = WHOLE, replaces: Replaced = ()) -> Dataset:
    """Build the structured report of a series, scored or not."""
    uids = Uids.of(result)
    groups = [_quality_group(result, uids)]
    if result.is_scored:
        groups += [_artifact_group(result, uids, finding) for finding in result.quality.findings]
        groups += [_check_group(uids, fact) for fact in result.quality.geometry if fact.present]
        groups += _slice_groups(result, uids)
    content = [
        container(codes.IMAGING_MEASUREMENTS, groups),
        container(codes.QUALITATIVE_EVALUATIONS, _evaluations(result)),
    ]
    return new_document(result, REPORT, form, replaces, content)


def _quality_group(result: Result, uids: Uids) -> Dataset:
    """Describe the series as a whole; without a score, only who looked."""
    quality = result.quality
    children = [
        *tracked("Scanside series quality", uids.tracking("series quality")),
        code(codes.FINDING, codes.IMAGE_QUALITY),
        *algorithm(result.product),
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
        *tracked(*tracking(finding.artifact, uids)),
        code(codes.FINDING, codes.ARTIFACT_CODES[finding.artifact]),
    ]
    if not finding.present:
        children.append(code(codes.PRESENCE, codes.ABSENT))
        return container(codes.MEASUREMENT_GROUP, children)
    if finding.slices:
        surest = _nearest(result, finding, finding.probability, _probability_of(finding.artifact))
        children.append(_certainty(finding.probability, _outline(result, surest, _box(surest, finding))))
        children += _evidence_items(result, finding)
    children.append(code(codes.PRESENCE, codes.PRESENT))
    children.append(code(codes.SEVERITY, codes.severity_code(finding.severity)))
    return container(codes.MEASUREMENT_GROUP, children)


def _evidence_items(result: Result, finding: SeriesFinding) -> Iterator[Dataset]:
    """Give the metrics that speak for or against a finding, each on the slice whose value it is."""
    for statement in finding.evidence:
        if statement.value is not None:
            concept, units = codes.METRIC_CODES[statement.metric], codes.METRIC_UNITS[statement.metric]
            measured = _nearest(result, finding, statement.value, _reading_of(statement.metric))
            where = _outline(result, measured, _box(measured, finding))
            yield number(concept, statement.value, units, inferred_from=where, written=".4g")


def _nearest(
    result: Result, finding: SeriesFinding, value: float, read: Callable[[ScoredSlice], float | None]
) -> ScoredSlice:
    """Find the slice that a value of the series comes from: of those that show the finding, the worst first."""
    slices = [result.slices[position] for position in finding.slices]
    known = [(abs(found - value), n) for n, one in enumerate(slices) if (found := read(one)) is not None]
    return slices[min(known, default=(0.0, 0))[1]]


def _probability_of(artifact: str) -> Callable[[ScoredSlice], float | None]:
    return lambda scored: next(
        (found.probability for found in scored.score.findings if found.artifact == artifact), None
    )


def _reading_of(metric: str) -> Callable[[ScoredSlice], float | None]:
    return lambda scored: next((one.value for one in scored.score.evidence if one.metric == metric), None)


def _box(scored: ScoredSlice, finding: SeriesFinding) -> Box | None:
    """Find where a finding of the series lies on a slice."""
    return next((one.box for one in scored.score.findings if one.artifact == finding.artifact), None)


def _check_group(uids: Uids, fact: SeriesFact) -> Dataset:
    """Tell one thing that only the whole series shows."""
    return container(
        codes.MEASUREMENT_GROUP,
        [
            *tracked(f"Scanside {fact.check}", uids.tracking(fact.check)),
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
    place = [instance.sop_instance_uid, str(scored.frame)]
    if scored.tile:
        label += f" tile {scored.tile}"
        place.append(str(scored.tile))
    tracking_uid = uids.tracking(finding.artifact, *place)
    return container(
        codes.MEASUREMENT_GROUP,
        [
            *tracked(label, tracking_uid),
            code(codes.FINDING, codes.ARTIFACT_CODES[finding.artifact]),
            _certainty(finding.probability, _outline(result, scored, finding.box)),
        ],
    )


def _certainty(probability: float, where: Dataset) -> Dataset:
    return number(codes.CERTAINTY, 100 * probability, codes.PERCENT, inferred_from=where)


def _outline(result: Result, scored: ScoredSlice, box: Box | None) -> Dataset:
    """Outline a finding on its image; the whole image where it has no place of its own."""
    instance = result.instance(scored)
    left, top, right, bottom = result.region(scored)
    if box is not None:  # counted from the corner of the tile, where the slice is one of a mosaic
        left, top, right, bottom = left + box[0], top + box[1], left + box[2], top + box[3]
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    return outline(codes.SOURCE_OF_MEASUREMENT, corners, frame_reference(instance, scored.frame))


def _evaluations(result: Result) -> Iterator[Dataset]:
    """Say what a reader or a routing rule wants to know: the verdict, the findings, the advice."""
    if not result.is_scored:
        yield code(codes.FINDING, codes.IMAGE_QUALITY)
        yield from _about(result)
        yield _comment(f"{NOT_SCORED}: {result.reason or result.quality.reason}")
        return
    yield code(codes.SERIES_QUALITY, codes.SERIES_QUALITY_OF[result.verdict])
    yield code(codes.QUALITY_ASSESSMENT, codes.ASSESSMENT_OF[result.verdict])
    yield from _about(result)
    for finding in result.quality.findings:
        if finding.present:
            yield code(codes.QUALITY_FINDING, codes.ARTIFACT_CODES[finding.artifact])
    found = [fact for fact in result.quality.geometry if fact.present]
    for fact in found:
        yield code(codes.QUALITY_FINDING, codes.CHECK_CODES[fact.check])
    details = (f"{codes.CHECK_CODES[fact.check].meaning}: {fact.detail}" for fact in found)
    sampled = result.quality.sampling
    coverage = () if sampled is None else (sampled.said,)
    for line in (result.reason, *result.advice, *details, *coverage):
        if line:
            yield _comment(line)


def _about(result: Result) -> Iterator[Dataset]:
    """Say what the series is; the region stands with the image library too (TID 1602)."""
    for answer in result.about.answers:
        if answer.coded is not None and answer.facet in codes.FACET_CODES:
            yield code(codes.FACET_CODES[answer.facet], codes.term_code(answer.coded))


def _comment(line: str) -> Dataset:
    return text(codes.COMMENT, line[:MOST_TEXT])
