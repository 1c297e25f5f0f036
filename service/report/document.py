"""What our documents share: the modules of a structured report, who looked, and at which images (TID 1500)."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydicom.dataset import Dataset
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage

from dicom_scp.own import MANUFACTURER, MODEL
from service.forms import Form, SrClass
from service.report import codes
from service.report.content import (
    HAS_ACQ_CONTEXT,
    HAS_CONCEPT_MOD,
    HAS_OBS_CONTEXT,
    code,
    container,
    image_item,
    root,
    text,
    uid,
)
from service.report.objects import (
    SEGMENTATION,
    Kind,
    item,
    new_object,
    reference,
)
from service.report.result import Predecessor, Product, Result, SourceInstance
from service.report.stacks import located_stacks
from service.report.uids import Uids

SR_CLASSES: dict[SrClass, str] = {  # the content fits all three; some systems take only one of them
    "enhanced": EnhancedSRStorage,
    "comprehensive": ComprehensiveSRStorage,
    "comprehensive3d": Comprehensive3DSRStorage,
}
Replaced = tuple[Predecessor, ...]  # the documents at a destination that a new one replaces


def new_document(
    result: Result, kind: Kind, form: Form, replaces: Replaced, content: Iterable[Dataset]
) -> Dataset:
    """Make a report of TID 1500: SR Document Series, General and Content modules (PS3.3 C.17)."""
    out = new_object(result, _variant(kind, form, replaces), number=result.generation)
    out.CompletionFlag = "COMPLETE"
    out.VerificationFlag = "UNVERIFIED"
    out.PreliminaryFlag = "FINAL"
    out.ReferencedPerformedProcedureStepSequence = []
    out.PerformedProcedureCodeSequence = []
    stacks = located_stacks(result) if form.has_segmentations else []
    out.CurrentRequestedProcedureEvidenceSequence = [
        evidence(result, result.source.instances, [stack.number for stack in stacks])
    ]
    if replaces:
        out.PredecessorDocumentsSequence = [_predecessors(out.StudyInstanceUID, replaces)]
    out.CodingSchemeIdentificationSequence = [_scheme(scheme) for scheme in codes.SCHEMES]
    out.ContentTemplateSequence = [item(MappingResource="DCMR", TemplateIdentifier="1500")]
    set_content(out, root(codes.REPORT, [*_context(result), *content]))
    return out


def _variant(kind: Kind, form: Form, replaces: Replaced) -> Kind:
    """Give the kind of document that a form makes of `kind`: of another content, and so of another name."""
    words = [kind.name, form.sr_class, *(["with regions"] if form.has_segmentations else [])]
    words += [predecessor.sop_instance_uid for predecessor in replaces]
    return replace(kind, name=" ".join(words), sop_class_uid=SR_CLASSES[form.sr_class])


def set_content(out: Dataset, document: Dataset) -> None:
    """Give a document its content, without decoding what is encoded."""
    out.update({tag: document.get_item(tag) for tag in document.keys()})  # noqa: SIM118


def evidence(
    result: Result, instances: Iterable[SourceInstance], segmentations: Iterable[int] = ()
) -> Dataset:
    """Name source images and, by their numbers, segmentations of the same result."""
    uids = Uids.of(result)
    images = [
        item(
            SeriesInstanceUID=result.source.series_instance_uid,
            ReferencedSOPSequence=[reference(instance) for instance in instances],
        )
    ]
    regions = [segmentation(uids, number) for number in segmentations]
    if regions:
        series = uids.series(SEGMENTATION.name)
        images.append(item(SeriesInstanceUID=series, ReferencedSOPSequence=regions))
    study = str(result.source.header.StudyInstanceUID)
    return item(StudyInstanceUID=study, ReferencedSeriesSequence=images)


def segmentation(uids: Uids, number: int) -> Dataset:
    """Refer to the `number`-th segmentation of a result."""
    return item(
        ReferencedSOPClassUID=SEGMENTATION.sop_class_uid,
        ReferencedSOPInstanceUID=uids.instance(SEGMENTATION.name, number),
    )


def named(document: Dataset) -> Predecessor:
    """Name a document, for the one that will replace it."""
    return Predecessor(
        sop_class_uid=str(document.SOPClassUID),
        sop_instance_uid=str(document.SOPInstanceUID),
        series_instance_uid=str(document.SeriesInstanceUID),
    )


def _predecessors(study: str, predecessors: Iterable[Predecessor]) -> Dataset:
    held = [
        item(
            SeriesInstanceUID=series,
            ReferencedSOPSequence=[item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=instance)],
        )
        for sop_class, instance, series in predecessors
    ]
    return item(StudyInstanceUID=study, ReferencedSeriesSequence=held)


def _scheme(scheme: codes.Scheme) -> Dataset:
    out = item(
        CodingSchemeDesignator=scheme.designator,
        CodingSchemeName=scheme.name,
        CodingSchemeResponsibleOrganization=scheme.organization,
    )
    if scheme.uid:
        out.CodingSchemeUID = scheme.uid
    return out


def _context(result: Result) -> Iterator[Dataset]:
    yield code(codes.LANGUAGE, codes.ENGLISH, relation=HAS_CONCEPT_MOD)
    yield from observer(result.product)
    yield code(codes.PROCEDURE_REPORTED, codes.MRI, relation=HAS_CONCEPT_MOD)
    yield _library(result)


def observer(product: Product) -> Iterator[Dataset]:
    """Say who looked: a device, no person (TID 1004)."""
    installation = product.installation_uid
    yield code(codes.OBSERVER_TYPE, codes.DEVICE, relation=HAS_OBS_CONTEXT)
    yield uid(codes.DEVICE_UID, installation, relation=HAS_OBS_CONTEXT)
    yield text(codes.DEVICE_NAME, f"Scanside {product.version}", relation=HAS_OBS_CONTEXT)
    yield text(codes.DEVICE_MANUFACTURER, MANUFACTURER, relation=HAS_OBS_CONTEXT)
    yield text(codes.DEVICE_MODEL, MODEL, relation=HAS_OBS_CONTEXT)
    yield text(codes.DEVICE_SERIAL, installation, relation=HAS_OBS_CONTEXT)


def algorithm(product: Product) -> Iterator[Dataset]:
    """Say what looked (TID 4019)."""
    yield text(codes.ALGORITHM_NAME, product.model_name, relation=HAS_CONCEPT_MOD)
    yield text(codes.ALGORITHM_VERSION, product.algorithm_version, relation=HAS_CONCEPT_MOD)
    for parameters in (f"config {product.config_digest[:12]}", *product.parameters):
        yield text(codes.ALGORITHM_PARAMETERS, parameters, relation=HAS_CONCEPT_MOD)


def tracked(identifier: str, tracking_uid: str) -> list[Dataset]:
    """Name what a measurement group is about, the same from document to document."""
    return [
        text(codes.TRACKING_IDENTIFIER, identifier, relation=HAS_OBS_CONTEXT),
        uid(codes.TRACKING_UID, tracking_uid, relation=HAS_OBS_CONTEXT),
    ]


def _library(result: Result) -> Dataset:
    """Bare references to all images; what they share stands once, at the group (TID 1600)."""
    images = [image_item(reference(instance)) for instance in result.source.instances]
    shared = [code(codes.MODALITY, codes.MR, relation=HAS_ACQ_CONTEXT)]
    part = result.about.answer("part").coded
    region = None if part is None else codes.region_code(part)
    if region is not None:
        shared.append(code(codes.TARGET_REGION, region, relation=HAS_ACQ_CONTEXT))
    return container(codes.IMAGE_LIBRARY, [container(codes.IMAGE_LIBRARY_GROUP, [*shared, *images])])
