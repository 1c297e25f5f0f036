"""Outlines of what was found, as a presentation state that old archives draw over the images (PS3.3 A.33.1)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

from inference import CATALOGUE, Artifact
from service.report.objects import (
    DISCLAIMER,
    OUTLINES,
    frame_reference,
    item,
    new_object,
    reference,
    set_side,
)
from service.report.picture import cielab
from service.report.result import Result, ScoredSlice
from service.report.window import windows

Contour = NDArray[np.integer[Any] | np.floating[Any]]  # as OpenCV types it
Points = NDArray[np.float32]  # (n, 2): column, row; 0, 0 is the outer corner of the first pixel

SMOOTH = 0.5  # px that an outline may leave its region by
MOST_POINTS = 4000  # of one outline: its coordinates fit an element with a length of 16 bits


def build_outlines(result: Result) -> Dataset | None:
    """Build the presentation state of the slices on which something is located; None where there are none."""
    drawn = [(scored, graphics) for scored in result.slices if (graphics := list(_graphics(result, scored)))]
    if not drawn:
        return None
    slices = [scored for scored, _ in drawn]
    out = new_object(result, OUTLINES)
    _identify(out)
    set_side(result.source.header, out)
    series = item(SeriesInstanceUID=result.source.series_instance_uid)
    series.ReferencedImageSequence = references(result, slices)
    out.ReferencedSeriesSequence = [series]
    out.DisplayedAreaSelectionSequence = list(_areas(result, slices))
    out.GraphicAnnotationSequence = [annotation for _, graphics in drawn for annotation in graphics]
    used = {str(annotation.GraphicLayer) for annotation in out.GraphicAnnotationSequence}
    layers = [artifact for artifact in CATALOGUE if _layer_name(artifact) in used]
    out.GraphicLayerSequence = [_layer(order, artifact) for order, artifact in enumerate(layers, start=1)]
    out.SoftcopyVOILUTSequence = [
        item(
            ReferencedImageSequence=references(result, those),
            WindowCenter=format_number_as_ds(centre),
            WindowWidth=format_number_as_ds(width),
        )
        for (centre, width), those in windows(result, slices).items()
    ]
    inverted = result.source.header.get("PhotometricInterpretation") == "MONOCHROME1"
    out.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    return out


def references(result: Result, slices: Iterable[ScoredSlice]) -> list[Dataset]:
    """Refer to slices, once to each object, with the numbers of the frames where it has several."""
    frames: dict[int, list[int]] = defaultdict(list)
    for scored in slices:
        frames[scored.position].append(scored.frame)
    out: list[Dataset] = []
    for position, numbers in frames.items():
        instance = result.source.instances[position]
        out.append(reference(instance))
        if instance.is_multi_frame:
            out[-1].ReferencedFrameNumber = sorted(set(numbers))
    return out


def _identify(out: Dataset) -> None:
    """Presentation State Identification module (PS3.3 C.11.10): its own date and time, no content's."""
    out.PresentationCreationDate, out.PresentationCreationTime = out.ContentDate, out.ContentTime
    del out.ContentDate, out.ContentTime
    out.ContentLabel = "AI_QC"
    out.ContentDescription = DISCLAIMER
    out.ContentCreatorName = None


def _areas(result: Result, slices: Sequence[ScoredSlice]) -> Iterator[Dataset]:
    """Show the whole of each image (PS3.3 C.10.4)."""
    shapes: dict[tuple[object, ...], list[ScoredSlice]] = defaultdict(list)
    for scored in slices:
        instance = result.instance(scored)
        shapes[instance.rows, instance.columns, instance.spacing].append(scored)
    for those in shapes.values():
        instance = result.instance(those[0])
        area = item(
            ReferencedImageSequence=references(result, those),
            DisplayedAreaTopLeftHandCorner=[1, 1],
            DisplayedAreaBottomRightHandCorner=[instance.columns, instance.rows],
            PresentationSizeMode="SCALE TO FIT",
        )
        if instance.spacing is not None and min(instance.spacing) > 0:
            area.PresentationPixelSpacing = [format_number_as_ds(value) for value in instance.spacing]
        else:
            area.PresentationPixelAspectRatio = [1, 1]
        yield area


def _graphics(result: Result, scored: ScoredSlice) -> Iterator[Dataset]:
    """Annotate a slice, once for each class that is located on it."""
    found = {finding.artifact for finding in result.found_on(scored)}
    instance = result.instance(scored)
    for index, artifact in enumerate(CATALOGUE):
        if artifact.name not in found:
            continue
        outlines = outlines_of(result.mask(scored, index))
        if outlines:
            yield item(
                ReferencedImageSequence=[frame_reference(instance, scored.frame)],
                GraphicLayer=_layer_name(artifact),
                TextObjectSequence=[_label(artifact, outlines[0])],
                GraphicObjectSequence=[_polyline(points) for points in outlines],
            )


def outlines_of(mask: NDArray[np.bool_]) -> list[Points]:
    """Outline the regions of a mask, (rows, columns), largest first; closed, through the centres of border pixels."""
    contours: Sequence[Contour]
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return [_closed(contour) for contour in sorted(contours, key=len, reverse=True)]


def _closed(contour: Contour) -> Points:
    allowed = SMOOTH
    points = cv2.approxPolyDP(contour, allowed, closed=True)
    while len(points) > MOST_POINTS:
        allowed *= 2
        points = cv2.approxPolyDP(contour, allowed, closed=True)
    if len(points) < 3:  # a spot, or a line of single pixels: drawn around
        left, top, width, height = cv2.boundingRect(contour)
        right, bottom = left + width, top + height
        corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        return np.array(corners, np.float32)
    centres = points.reshape(-1, 2).astype(np.float32) + np.float32(0.5)
    return np.concatenate([centres, centres[:1]])


def _polyline(points: Points) -> Dataset:
    return item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=len(points),
        GraphicData=[float(value) for value in points.ravel()],
        GraphicType="POLYLINE",
        GraphicFilled="N",
    )


def _label(artifact: Artifact, outline: Points) -> Dataset:
    """Name the class at the top of its largest region."""
    top = outline[int(outline[:, 1].argmin())]
    return item(
        AnchorPointAnnotationUnits="PIXEL",
        UnformattedTextValue=artifact.title,
        AnchorPoint=[float(value) for value in top],
        AnchorPointVisibility="N",
    )


def _layer(order: int, artifact: Artifact) -> Dataset:
    return item(
        GraphicLayer=_layer_name(artifact),
        GraphicLayerOrder=order,
        GraphicLayerRecommendedDisplayCIELabValue=cielab(artifact.colour),
        GraphicLayerDescription=artifact.title,
    )


def _layer_name(artifact: Artifact) -> str:
    return artifact.name.upper()[:16]
