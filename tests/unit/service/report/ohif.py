"""The conditions under which OHIF opens a structured report and draws its measurements, as a rule.

After `_load`, `_getReferencedImagesList`, `_getMeasurements` and `_processMeasurement` of its DICOM SR handler
(OHIF/Viewers, extensions/cornerstone-dicom-sr, getSopClassHandlerModule.ts): where that code reads a property of
something absent, it throws, and the report does not open.
"""

from pydicom import Dataset


class DoesNotOpenError(Exception):
    """OHIF would throw on this report."""


def drawn(report: Dataset) -> int:
    """How many measurements OHIF would draw; DoesNotOpenError where it would throw."""
    if _name(report) != "126000":
        raise DoesNotOpenError("not an Imaging Measurement Report")
    library = _find(report.ContentSequence, "111028")
    images = _find(library.ContentSequence, "126200").ContentSequence
    if not any("ReferencedSOPSequence" in image for image in images):
        raise DoesNotOpenError("no referenced images")
    groups = _find(report.ContentSequence, "126010").ContentSequence
    return sum(_drawn_of(group) for group in groups if _name(group) == "125007")


def _drawn_of(group: Dataset) -> int:
    items = group.ContentSequence
    tracked = next(item for item in items if item.ValueType == "UIDREF")
    if _name(tracked) != "112040" or _find(items, "112039").ValueType != "TEXT":
        raise DoesNotOpenError("a group without tracking identifier")
    numbers = [item for item in items if item.ValueType == "NUM"]
    return sum(_coordinates(number) for number in numbers)


def _coordinates(number: Dataset) -> bool:
    """A single child: sequences of one are read as the item itself."""
    children = number.get("ContentSequence", [])
    if len(children) != 1:
        raise DoesNotOpenError("a number without coordinates")
    if children[0].ValueType != "SCOORD" or children[0].RelationshipType not in ("INFERRED FROM", "CONTAINS"):
        return False
    selected = children[0].get("ContentSequence", [])
    if len(selected) != 1:
        raise DoesNotOpenError("coordinates without an image")
    return len(selected[0].ReferencedSOPSequence) == 1


def _name(item: Dataset) -> str:
    if "ConceptNameCodeSequence" not in item:
        raise DoesNotOpenError("an item without a name")
    return str(item.ConceptNameCodeSequence[0].CodeValue)


def _find(items: list[Dataset], code: str) -> Dataset:
    for item in items:
        if _name(item) == code:
            return item
    raise DoesNotOpenError(f"no item {code}")
