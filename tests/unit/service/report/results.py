"""Results to build objects from: scored series made of synthetic headers, masks and findings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO

import cv2
import numpy as np
from pydicom import Dataset, dcmread

from inference import CATALOGUE, Finding, MaskStack, QualityScore, SeriesFinding, SliceScore
from inference.checks import CHECKS, SeriesFact
from inference.evidence import METRICS
from inference.reference import Statement
from inference.series import describe
from service.forms import RESULT_KINDS, WHOLE, Form
from service.report import Bundle, Predecessor, Product, Result, ScoredSlice, Source, SourceInstance
from tests.series import mr_series

NAMES = tuple(artifact.name for artifact in CATALOGUE)
PRODUCT = Product(
    version="0.1.0",
    installation_uid="2.25.84729384756102938475610293847561029384",
    model_name="scanside-artifacts",
    model_version="0.1.0",
    model_sha256="9f" * 32,
    config_digest="c0ffee" * 8,
    parameters=("thresholds usable_index 7; repeat_index 3.5; repeat_suitability 0.35 (settings)",),
)
CREATED = datetime(2026, 11, 4, 10, 31, 7, 250000)  # noqa: DTZ001  # the scanner's wall clock
ADVICE = (
    "The patient moved: explain the duration, fix the head with pads, then repeat.",
    "If it happens again, use the motion-robust protocol.",
)


def source_of(datasets: Sequence[Dataset]) -> Source:
    """The series of these images, as the house hands it over: headers without pixels."""
    return Source(header=headless(datasets[0]), instances=tuple(instance_of(ds) for ds in datasets))


def headless(dataset: Dataset) -> Dataset:
    """A header without pixels; what was not decoded stays so."""
    out = Dataset()
    out.update({tag: dataset.get_item(tag) for tag in dataset.keys() if tag != 0x7FE00010})  # noqa: SIM118
    return out


def instance_of(ds: Dataset) -> SourceInstance:
    """What the house knows of one object."""
    frames = int(ds.get("NumberOfFrames", 1) or 1)
    return SourceInstance(
        sop_class_uid=str(ds.SOPClassUID),
        sop_instance_uid=str(ds.SOPInstanceUID),
        instance_number=int(ds.get("InstanceNumber", 0) or 0),
        frames=frames,
        rows=int(ds.Rows),
        columns=int(ds.Columns),
        position=_numbers(ds, "ImagePositionPatient", 3),
        orientation=_numbers(ds, "ImageOrientationPatient", 6),
        spacing=_numbers(ds, "PixelSpacing", 2),
        window=_pair(ds, "WindowCenter", "WindowWidth"),
        rescale=_pair(ds, "RescaleSlope", "RescaleIntercept"),
        header=headless(ds) if "PerFrameFunctionalGroupsSequence" in ds else None,
    )


def _numbers(ds, keyword, count):
    value = ds.get(keyword)
    return tuple(float(x) for x in value) if value is not None and len(value) == count else None


def _pair(ds, *keywords):
    values = [ds.get(keyword) for keyword in keywords]
    first = [np.atleast_1d([] if value is None else value).astype(float)[:1] for value in values]
    return tuple(float(one[0]) for one in first) if all(one.size for one in first) else None


def masks(classes: Sequence[str], *, shape: tuple[int, int] = (96, 128), shift: int = 0) -> MaskStack:
    """Soft blobs for the named classes, each at its own place; nothing elsewhere."""
    probabilities = np.zeros((len(NAMES), *shape), np.uint8)
    for name in classes:
        index = NAMES.index(name)
        centre = (shape[1] // 4 + 4 * index + shift, shape[0] // 3 + 3 * index)
        cv2.ellipse(probabilities[index], centre, (shape[1] // 5, shape[0] // 7), 20.0, 0, 360, 255, -1)
        probabilities[index] = cv2.GaussianBlur(probabilities[index], (9, 9), 0)
    return MaskStack(probabilities)


def scored_result(
    datasets: Sequence[Dataset] | None = None,
    *,
    found: Sequence[str] = ("motion", "wrap", "noise"),
    verdict: str = "Repeat",
    flagged: Sequence[int] | None = None,
    shape: tuple[int, int] = (96, 128),
) -> Result:
    """A result over `datasets`, `found` on the `flagged` slices (all by default); the third is the worst."""
    images = list(datasets) if datasets is not None else mr_series(slices=6)
    source = source_of(images)
    places = [(n, frame) for n, i in enumerate(source.instances) for frame in range(1, i.frames + 1)]
    marked = set(range(len(places)) if flagged is None else flagged) if found else set()
    slices = tuple(
        _slice(source, where, found if n in marked else (), worst=n == min(2, len(places) - 1), shape=shape)
        for n, where in enumerate(places)
    )
    order = sorted(range(len(slices)), key=lambda n: slices[n].score.index)
    quality = QualityScore(
        scored=True,
        reason="",
        index=2.4 if found else 9.1,
        suitability=0.21 if found else 0.97,
        findings=tuple(_series_finding(name, slices, order) for name in NAMES),
        n_slices=len(slices),
        worst=order[0],
    )
    return Result(
        source=source,
        quality=quality,
        slices=slices,
        verdict=verdict,
        reason="Motion is severe on half of the slices." if found else "",
        advice=ADVICE if found else (),
        product=PRODUCT,
        created=CREATED,
        about=describe(images[0]),
        picture=_picture(images[0]),
    )


def with_evidence(result: Result) -> Result:
    """The result with what every metric says to each finding, and every check of the series present."""
    said = tuple(Statement(metric.name, "agrees", 1.2345678e-5, 0.0, 1e-5, True) for metric in METRICS[:-1])
    said += (Statement(METRICS[-1].name, "n/a", None, None, None, False, "no air in the field of view"),)
    quality = replace(
        result.quality,
        findings=tuple(
            replace(finding, evidence=said if finding.present else ()) for finding in result.quality.findings
        ),
        geometry=tuple(SeriesFact(check.name, True, 1.0, "as planted", (0,)) for check in CHECKS),
    )
    return replace(result, quality=quality)


def unscored_result(datasets: Sequence[Dataset] | None = None) -> Result:
    """A series that was looked at and not scored."""
    result = scored_result(datasets, found=())
    quality = replace(
        result.quality,
        scored=False,
        reason="a phase image",
        index=None,
        suitability=None,
        findings=(),
        worst=None,
    )
    slices = tuple(replace(scored, masks=None) for scored in result.slices)
    return replace(
        result, quality=quality, slices=slices, verdict="Not scored", reason="a phase image", picture=None
    )


def bundle_of(result: Result, form: Form = WHOLE, former: Mapping[str, Predecessor] | None = None) -> Bundle:
    """What a destination gets of a result; every slice looks like the worst one."""
    return Bundle(result, form, former or {}, lambda _: result.picture)


def objects_of(
    result: Result, form: Form = WHOLE, former: Mapping[str, Predecessor] | None = None
) -> list[Dataset]:
    """Every DICOM object that a destination gets of a result, read back from its bytes."""
    bundle = bundle_of(result, form, former)
    made = [one for kind in RESULT_KINDS if kind != "FHIR" for one in bundle.make(kind)]
    return [dcmread(BytesIO(one.content)) for one in made]


def _slice(source, where, found, *, worst, shape):
    position, frame = where
    instance = source.instances[position]
    box = (instance.columns // 8, instance.rows // 8, instance.columns // 2, instance.rows // 2)
    findings = tuple(
        Finding(
            artifact=name,
            probability=0.93 if name in found else 0.04,
            severity=0.8 if name in found else 0.0,
            present=name in found,
            area=0.2 if name in found else 0.0,
            box=box if name in found else None,
        )
        for name in NAMES
    )
    score = SliceScore(
        instance_number=instance.instance_number,
        frame=frame,
        index=1.5 if worst else 4.0 if found else 9.0,
        suitability=0.2 if found else 0.95,
        signal=True,
        findings=findings,
    )
    stack = masks(found, shape=shape, shift=3 * (position + frame)) if found else None
    return ScoredSlice(position=position, frame=frame, score=score, masks=stack)


def _series_finding(name, slices, order):
    on = [n for n in order if any(f.artifact == name and f.present for f in slices[n].score.findings)]
    box = next((f.box for n in on[:1] for f in slices[n].score.findings if f.artifact == name), None)
    return SeriesFinding(
        artifact=name,
        probability=0.95 if on else 0.05,
        severity={"motion": 0.85, "wrap": 0.5}.get(name, 0.2) if on else 0.0,
        present=bool(on),
        slices=tuple(on),
        box=box,
    )


def _picture(dataset):
    if "PixelData" not in dataset:
        return None
    count = int(dataset.Rows) * int(dataset.Columns)
    pixels = np.frombuffer(dataset.PixelData, np.uint16, count)
    return pixels.reshape(int(dataset.Rows), int(dataset.Columns)).astype(np.float32)
