"""Where the artifacts are, as BINARY segmentations: one object a 3-D stack, a segment for each class in it.

Written in plain pydicom: highdicom takes no multi-frame source of which only some frames belong to the stack,
draws some UIDs at random, and wants all classes of a whole stack in one array.
"""

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.valuerep import format_number_as_ds

from inference import CATALOGUE, Artifact
from service.report import codes
from service.report.header import copy
from service.report.objects import (
    DISCLAIMER,
    SEGMENTATION,
    frame_reference,
    item,
    new_object,
    reference,
    set_code,
)
from service.report.picture import cielab
from service.report.result import Product, Result, ScoredSlice
from service.report.stacks import Located, Stack, frame_of_reference, located_stacks
from service.report.uids import Uids

Mask = NDArray[np.bool_]  # (rows, columns)


def build_segmentation(result: Result) -> list[Dataset]:
    """One segmentation a stack; none where nothing is located or the images have no geometry."""
    return [_segmentation(result, stack) for stack in located_stacks(result)]


def tracking(artifact: str, uids: Uids) -> tuple[str, str]:
    """Tracking ID and UID of an artifact class, the same in segment and report."""
    return f"Scanside {artifact}", uids.tracking(artifact)


def _segmentation(result: Result, stack: Stack) -> Dataset:
    instance = result.instance(stack.slices[0].scored)
    out = new_object(result, SEGMENTATION, number=stack.number)
    copy(result.source.header, [Tag("BodyPartExamined")], into=out)
    out.ImageType = ["DERIVED", "PRIMARY"]
    out.ContentLabel = "AI_QC"
    out.ContentDescription = DISCLAIMER
    out.ContentCreatorName = None
    out.FrameOfReferenceUID = frame_of_reference(result, stack.slices[0].scored)
    out.PositionReferenceIndicator = None
    _lossy(result.source.header, out)
    _image(out, instance.rows, instance.columns)
    out.SegmentSequence = [
        _segment(number, CATALOGUE[index], result.product, Uids.of(result))
        for number, index in enumerate(stack.classes, start=1)
    ]
    out.SharedFunctionalGroupsSequence = [_shared(stack)]
    _dimensions(out, Uids.of(result).dimensions(SEGMENTATION.name, stack.number))
    _frames(out, result, stack)
    out.ReferencedSeriesSequence = [_referenced_series(result, stack)]
    return out


def _image(out: Dataset, rows: int, columns: int) -> None:
    """Segmentation Image module and Image Pixel (PS3.3 C.8.20.2)."""
    out.SegmentationType = "BINARY"
    out.SegmentsOverlap = "UNDEFINED"
    out.SamplesPerPixel = 1
    out.PhotometricInterpretation = "MONOCHROME2"
    out.PresentationLUTShape = "IDENTITY"
    out.Rows, out.Columns = rows, columns
    out.BitsAllocated, out.BitsStored, out.HighBit = 1, 1, 0
    out.PixelRepresentation = 0


def _lossy(header: Dataset, out: Dataset) -> None:
    """Once lossy, always lossy (PS3.3 C.7.6.1.1.5)."""
    out.LossyImageCompression = "01" if header.get("LossyImageCompression") == "01" else "00"
    if out.LossyImageCompression == "01":
        for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
            if header.get(keyword):
                out[keyword] = header[keyword]


def _segment(number: int, artifact: Artifact, product: Product, uids: Uids) -> Dataset:
    out = item(
        SegmentNumber=number,
        SegmentLabel=artifact.title,
        SegmentAlgorithmType="AUTOMATIC",
        SegmentAlgorithmName=product.model_name,
        RecommendedDisplayCIELabValue=cielab(artifact.colour),
    )
    set_code(out, "SegmentedPropertyCategoryCodeSequence", codes.SPATIAL_CONCEPT)
    set_code(out, "SegmentedPropertyTypeCodeSequence", codes.ARTIFACT_CODES[artifact.name])
    out.TrackingID, out.TrackingUID = tracking(artifact.name, uids)
    algorithm = item(AlgorithmName=product.model_name, AlgorithmVersion=product.algorithm_version)
    set_code(algorithm, "AlgorithmFamilyCodeSequence", codes.ARTIFICIAL_INTELLIGENCE)
    out.SegmentationAlgorithmIdentificationSequence = [algorithm]
    return out


def _shared(stack: Stack) -> Dataset:
    plane = stack.slices[0].plane
    measures = item(
        PixelSpacing=_decimals(plane.spacing), SliceThickness=format_number_as_ds(stack.thickness)
    )
    if stack.spacing is not None:
        measures.SpacingBetweenSlices = format_number_as_ds(stack.spacing)
    orientation = item(ImageOrientationPatient=_decimals(plane.orientation))
    return item(PixelMeasuresSequence=[measures], PlaneOrientationSequence=[orientation])


def _dimensions(out: Dataset, uid: str) -> None:
    """Frames are indexed by segment and position (PS3.3 C.7.6.17)."""
    pointers = (
        ("ReferencedSegmentNumber", "SegmentIdentificationSequence"),
        ("ImagePositionPatient", "PlanePositionSequence"),
    )
    out.DimensionOrganizationSequence = [item(DimensionOrganizationUID=uid)]
    out.DimensionIndexSequence = [
        item(
            DimensionOrganizationUID=uid,
            DimensionIndexPointer=Tag(attribute),
            FunctionalGroupPointer=Tag(group),
            DimensionDescriptionLabel=attribute,
        )
        for attribute, group in pointers
    ]


def _frames(out: Dataset, result: Result, stack: Stack) -> None:
    """Per-frame groups and pixels: segment after segment, along the stack's normal."""
    groups: list[Dataset] = []
    packed = _Packed()
    for number, index in enumerate(stack.classes, start=1):
        for place, located in enumerate(stack.slices, start=1):
            if index not in located.classes:
                continue
            groups.append(_frame_groups(result, located, number, place))
            packed.add(_mask(result, located, index))
    out.NumberOfFrames = len(groups)
    out.PerFrameFunctionalGroupsSequence = groups
    out.add_new(Tag("PixelData"), "OB", packed.finish())


def _frame_groups(result: Result, located: Located, segment: int, place: int) -> Dataset:
    source = frame_reference(result.instance(located.scored), located.scored.frame)
    source.SpatialLocationsPreserved = "YES"
    set_code(source, "PurposeOfReferenceCodeSequence", codes.SOURCE_IMAGE)
    derivation = item(SourceImageSequence=[source])
    set_code(derivation, "DerivationCodeSequence", codes.SEGMENTATION)
    return item(
        DerivationImageSequence=[derivation],
        FrameContentSequence=[item(DimensionIndexValues=[segment, place])],
        PlanePositionSequence=[item(ImagePositionPatient=_decimals(located.plane.position))],
        SegmentIdentificationSequence=[item(ReferencedSegmentNumber=segment)],
    )


def _mask(result: Result, located: Located, index: int) -> Mask:
    """Bring a class's mask to the image's matrix; never empty, for the plan has promised it.

    A spot of a pixel or two can fall below the operating point between the pixels of a larger matrix: its
    peak is kept then. Tiles of a mosaic are drawn each at its place.
    """
    mask = result.mask(located.scored, index)
    for scored in located.slices[1:]:
        mask |= result.mask(scored, index)
    if not mask.any():
        scored = max(located.slices, key=lambda each: _peak(each, index)[0])
        _, down, across = _peak(scored, index)
        left, top, right, bottom = result.region(scored)
        mask[top + int(down * (bottom - top)), left + int(across * (right - left))] = True
    return mask


def _peak(scored: ScoredSlice, index: int) -> tuple[int, float, float]:
    """Give the highest value of a class's mask and where it lies, as shares of height and width."""
    if scored.masks is None:
        return 0, 0.0, 0.0
    small = scored.masks.probabilities[index]
    y, x = np.unravel_index(int(small.argmax()), small.shape)
    return int(small[y, x]), (int(y) + 0.5) / small.shape[0], (int(x) + 0.5) / small.shape[1]


class _Packed:
    """Single-bit pixels: frames follow each other without padding between them (PS3.5 8.1.1)."""

    def __init__(self) -> None:
        self._bytes: list[bytes] = []
        self._carry = np.empty(0, np.bool_)

    def add(self, mask: Mask) -> None:
        bits = np.concatenate([self._carry, mask.ravel()]) if self._carry.size else mask.ravel()
        whole = bits.size // 8 * 8
        self._bytes.append(np.packbits(bits[:whole], bitorder="little").tobytes())
        self._carry = bits[whole:]

    def finish(self) -> bytes:
        value = b"".join([*self._bytes, np.packbits(self._carry, bitorder="little").tobytes()])
        return value + b"\0" * (len(value) % 2)


def _referenced_series(result: Result, stack: Stack) -> Dataset:
    """Refer once (Common Instance Reference) to the images that frames were derived from, once each."""
    positions = sorted({located.scored.position for located in stack.slices})
    return item(
        SeriesInstanceUID=result.source.series_instance_uid,
        ReferencedInstanceSequence=[reference(result.source.instances[position]) for position in positions],
    )


def _decimals(values: tuple[float, ...]) -> list[str]:
    return [format_number_as_ds(value) for value in values]
