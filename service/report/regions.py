"""The "AI QC regions": a structured report of TID 1500 whose groups are all of TID 1411, one a segment.

It ties what is segmented to what is reported, by tracking identifiers; it has no numbers of its own.
"""

from collections.abc import Iterator

from pydicom.dataset import Dataset

from inference import CATALOGUE
from service.forms import WHOLE, Form
from service.report import codes
from service.report.content import code, container, image_item, uid
from service.report.document import Replaced, algorithm, new_document, segmentation, tracked
from service.report.objects import REGIONS
from service.report.result import Result
from service.report.segmentation import tracking
from service.report.stacks import Stack, located_stacks
from service.report.uids import Uids


def build_regions(result: Result, form: Form = WHOLE, replaces: Replaced = ()) -> Dataset | None:
    """Build the report on the segments; None where there are none, or the destination gets none."""
    stacks = located_stacks(result)
    if not stacks or not form.has_segmentations:
        return None
    groups = [group for stack in stacks for group in _groups(result, stack)]
    return new_document(result, REGIONS, form, replaces, [container(codes.IMAGING_MEASUREMENTS, groups)])


def _groups(result: Result, stack: Stack) -> Iterator[Dataset]:
    uids = Uids.of(result)
    for number, index in enumerate(stack.classes, start=1):
        artifact = CATALOGUE[index].name
        segment = segmentation(uids, stack.number)
        segment.ReferencedSegmentNumber = number
        yield container(
            codes.MEASUREMENT_GROUP,
            [
                *tracked(*tracking(artifact, uids)),
                code(codes.FINDING, codes.ARTIFACT_CODES[artifact]),
                *algorithm(result.product),
                image_item(segment, concept=codes.REFERENCED_SEGMENT),
                uid(codes.SEGMENTED_SERIES, result.source.series_instance_uid),
            ],
            template="1411",
        )
