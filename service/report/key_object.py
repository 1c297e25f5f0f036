"""The images that somebody should look at, as a Key Object Selection titled "Quality Issue" (TID 2010).

Never "Rejected for Quality Reasons": archives hide what a document of that title names.
"""

from collections.abc import Iterator

from pydicom.dataset import Dataset

from service.report import codes
from service.report.content import HAS_CONCEPT_MOD, code, image_item, root, text
from service.report.document import evidence, observer, set_content
from service.report.objects import KEY_OBJECT, frame_reference, item, new_object
from service.report.result import Result


def build_key_object(result: Result) -> Dataset | None:
    """Build the key object on the slices that show something; None where there are none or all is Usable."""
    shown = [scored for scored in result.slices if result.found_on(scored)]
    if not result.is_scored or result.verdict not in ("Check", "Repeat") or not shown:
        return None
    out = new_object(result, KEY_OBJECT)
    out.ReferencedPerformedProcedureStepSequence = []
    positions = sorted({scored.position for scored in shown})
    out.CurrentRequestedProcedureEvidenceSequence = [
        evidence(result, [result.source.instances[position] for position in positions])
    ]
    out.ContentTemplateSequence = [item(MappingResource="DCMR", TemplateIdentifier="2010")]
    images = [
        image_item(frame_reference(result.instance(scored), scored.frame), concept=None) for scored in shown
    ]
    set_content(out, root(codes.QUALITY_ISSUE, [*_said(result), *images]))
    return out


def _said(result: Result) -> Iterator[Dataset]:
    yield code(codes.LANGUAGE, codes.ENGLISH, relation=HAS_CONCEPT_MOD)
    yield from observer(result.product)
    found = [finding.artifact for finding in result.quality.findings if finding.present]
    names = ", ".join(codes.ARTIFACT_CODES[name].meaning for name in found)
    yield text(codes.KEY_OBJECT_DESCRIPTION, f"{result.verdict}: {names}")
