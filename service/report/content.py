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


def root(concept: Code, children: Iterable[Dataset]) -> Dataset:
    """Make the CONTAINER that is the document."""
    return _named(
        concept, item(ValueType="CONTAINER", ContinuityOfContent="SEPARATE", ContentSequence=list(children))
    )


def container(concept: Code, children: Iterable[Dataset], *, template: str = "") -> Dataset:
    """Make a CONTAINER; `template` is that of PS3.16 which it follows."""
    out = item(
        RelationshipType=CONTAINS,
        ValueType="CONTAINER",
        ContinuityOfContent="SEPARATE",
        ContentSequence=list(children),
    )
    if template:
        out.ContentTemplateSequence = [item(MappingResource="DCMR", TemplateIdentifier=template)]
    return _named(concept, out)


def code(concept: Code, value: Code, *, relation: str = CONTAINS) -> Dataset:
    """Make a CODE item."""
    out = _named(concept, item(RelationshipType=relation, ValueType="CODE"))
    set_code(out, "ConceptCodeSequence", value)
    return out


def text(concept: Code, value: str, *, relation: str = CONTAINS) -> Dataset:
    """Make a TEXT item, in ASCII."""
    return _named(concept, item(RelationshipType=relation, ValueType="TEXT", TextValue=plain(value)))


def uid(concept: Code, value: str, *, relation: str = CONTAINS) -> Dataset:
    """Make a UIDREF item."""
    return _named(concept, item(RelationshipType=relation, ValueType="UIDREF", UID=value))


def number(
    concept: Code, value: float, units: Code, *, inferred_from: Dataset, written: str = ".1f"
) -> Dataset:
    """Make a NUM item, of one decimal if not `written` otherwise, with the coordinates that it was measured at."""
    measured = item(NumericValue=f"{value:{written}}")
    set_code(measured, "MeasurementUnitsCodeSequence", units)
    return _named(
        concept,
        item(
            RelationshipType=CONTAINS,
            ValueType="NUM",
            MeasuredValueSequence=[measured],
            ContentSequence=[inferred_from],
        ),
    )


def outline(concept: Code, points: Points, image: Dataset) -> Dataset:
    """Draw a closed POLYLINE; (column, row), with 0, 0 at the outer corner of the image's first pixel."""
    return _named(
        concept,
        item(
            RelationshipType=INFERRED_FROM,
            ValueType="SCOORD",
            GraphicType="POLYLINE",
            GraphicData=[float(value) for point in points for value in point],
            ContentSequence=[image_item(image, relation=SELECTED_FROM)],
        ),
    )


def image_item(reference: Dataset, *, relation: str = CONTAINS, concept: Code | None = None) -> Dataset:
    """Make an IMAGE item."""
    out = item(RelationshipType=relation, ValueType="IMAGE", ReferencedSOPSequence=[reference])
    return out if concept is None else _named(concept, out)


def _named(concept: Code, out: Dataset) -> Dataset:
    set_code(out, "ConceptNameCodeSequence", concept)
    return out
