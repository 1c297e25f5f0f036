"""Content items of a structured report (PS3.3 C.17.3), one function a value type."""

from collections.abc import Iterable

from pydicom.dataset import Dataset

from service.report.codes import Code
from service.report.objects import item, plain, set_code

CONTAINS = "CONTAINS"
HAS_CONCEPT_MOD = "HAS CONCEPT MOD"
HAS_OBS_CONTEXT = "HAS OBS CONTEXT"
HAS_ACQ_CONTEXT = "HAS ACQ CONTEXT"
INFERRED_FROM = "INFERRED FROM"
SELECTED_FROM = "SELECTED FROM"

Points = Iterable[tuple[float, float]]


def container(concept: Code, children: Iterable[Dataset], *, relation: str | None = CONTAINS) -> Dataset:
    """Make a CONTAINER; the root of a document has no relation."""
    out = _content_item("CONTAINER", concept, relation)
    out.ContinuityOfContent = "SEPARATE"
    out.ContentSequence = list(children)
    return out


def code(concept: Code, value: Code, *, relation: str = CONTAINS) -> Dataset:
    """Make a CODE item."""
    out = _content_item("CODE", concept, relation)
    set_code(out, "ConceptCodeSequence", value)
    return out


def text(concept: Code, value: str, *, relation: str = CONTAINS) -> Dataset:
    """Make a TEXT item, in ASCII."""
    out = _content_item("TEXT", concept, relation)
    out.TextValue = plain(value)
    return out


def uid(concept: Code, value: str, *, relation: str = CONTAINS) -> Dataset:
    """Make a UIDREF item."""
    out = _content_item("UIDREF", concept, relation)
    out.UID = value
    return out


def number(concept: Code, value: float, units: Code, *, inferred_from: Dataset | None = None) -> Dataset:
    """Make a NUM item of one decimal, with the coordinates that it was measured at."""
    out = _content_item("NUM", concept, CONTAINS)
    measured = item(NumericValue=f"{value:.1f}")
    set_code(measured, "MeasurementUnitsCodeSequence", units)
    out.MeasuredValueSequence = [measured]
    if inferred_from is not None:
        out.ContentSequence = [inferred_from]
    return out


def outline(concept: Code, points: Points, image: Dataset) -> Dataset:
    """Draw a closed POLYLINE; (column, row), with 0, 0 at the outer corner of the image's first pixel."""
    selected = image_item(image, relation=SELECTED_FROM)
    out = _content_item("SCOORD", concept, INFERRED_FROM)
    out.GraphicType = "POLYLINE"
    out.GraphicData = [float(value) for point in points for value in point]
    out.ContentSequence = [selected]
    return out


def image_item(reference: Dataset, *, relation: str = CONTAINS) -> Dataset:
    """Make an IMAGE item."""
    return item(RelationshipType=relation, ValueType="IMAGE", ReferencedSOPSequence=[reference])


def _content_item(value_type: str, concept: Code, relation: str | None) -> Dataset:
    out = item(ValueType=value_type)
    if relation is not None:
        out.RelationshipType = relation
    set_code(out, "ConceptNameCodeSequence", concept)
    return out
