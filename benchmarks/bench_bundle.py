"""How long a series' results take to build and encode, beside highdicom in the same run.

32 slices of 384 x 512, three classes present on all of them: both reports, segmentation and card. The peer builds
the same segmentation, and a report of the same groups without outlines and image library. The other kinds of result
stand below, for those who ask for them.

    python -m benchmarks.bench_bundle
"""

import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from io import BytesIO
from typing import NamedTuple

import highdicom as hd
import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.sr.coding import Code as Concept
from pydicom.uid import generate_uid

from inference import CATALOGUE
from service.forms import RESULT_KINDS, USUAL, WHOLE, ResultKind
from service.report import Bundle, Result
from service.report.codes import (
    ARTIFACT_CODES,
    CERTAINTY,
    IMAGE_QUALITY,
    MRI,
    PERCENT,
    PRESENCE,
    PRESENT,
    Code,
)
from tests.series import mr_series
from tests.unit.service.report.results import scored_result

SLICES, ROWS, COLUMNS = 32, 384, 512
REPEATS = 7
BUDGET_S = 0.35  # for both reports, segmentation and card, on two cores


def main() -> None:
    datasets = mr_series(slices=SLICES, rows=ROWS, columns=COLUMNS)
    result = scored_result(datasets)
    sources = [without_pixels(dataset) for dataset in datasets]
    bundle = Bundle(result, WHOLE, {}, lambda _: result.picture)
    made("SC", bundle)  # the font is loaded once a process
    ours = {kind: measured(partial(made, kind, bundle)) for kind in RESULT_KINDS}
    peer = {
        "SR": measured(lambda: written(peer_report(sources, result))),
        "SEG": measured(lambda: written(peer_segmentation(sources, result))),
    }
    for kind, cost in ours.items():
        beside = f"; highdicom {peer[kind]}, {peer[kind].size} bytes" if kind in peer else ""
        print(f"bundle: {kind} {cost}, {cost.size} bytes{beside}")
    usual = together(ours[kind] for kind in USUAL)
    print(f"bundle: {', '.join(USUAL)} together {usual}, at most {BUDGET_S * 1e3:.0f} ms; ", end="")
    print(f"highdicom's report and segmentation {together(peer.values())}")


def made(kind: ResultKind, bundle: Bundle) -> bytes:
    return b"".join(one.content for one in bundle.make(kind))


class Cost(NamedTuple):
    """Medians of what a build takes."""

    wall_s: float
    cpu_s: float  # what a machine that others use too does not blur
    size: int

    def __str__(self) -> str:
        return f"{1e3 * self.wall_s:.0f} ms ({1e3 * self.cpu_s:.0f} ms CPU)"


def measured(build: Callable[[], bytes]) -> Cost:
    size = len(build())
    walls, cpus = [], []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        build()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Cost(statistics.median(walls), statistics.median(cpus), size)


def together(costs: Iterable[Cost]) -> Cost:
    return Cost(*(sum(values) for values in zip(*costs, strict=True)))


def without_pixels(dataset: Dataset) -> Dataset:
    out = Dataset()
    out.update({element.tag: element for element in dataset if element.tag != 0x7FE00010})
    return out


def written(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def concept(code: Code) -> Concept:
    return Concept(code.value, code.scheme, code.meaning)


def peer_segmentation(sources: list[Dataset], result: Result) -> Dataset:
    present = [finding.artifact for finding in result.quality.findings if finding.present]
    index = {artifact.name: place for place, artifact in enumerate(CATALOGUE)}
    pixels = np.zeros((SLICES, ROWS, COLUMNS, len(present)), np.uint8)
    for n, scored in enumerate(result.slices):
        if scored.masks is not None:
            matrix = scored.masks.to_matrix(ROWS, COLUMNS)
            for place, name in enumerate(present):
                pixels[n, :, :, place] = matrix[index[name]] >= 128
    algorithm = hd.AlgorithmIdentificationSequence(
        "scanside", hd.sr.CodedConcept("123110", "DCM", "Artificial Intelligence"), "0.1.0"
    )
    segments = [
        hd.seg.SegmentDescription(
            number,
            name,
            hd.sr.CodedConcept("309825002", "SCT", "Spatial and Relational Concept"),
            concept(ARTIFACT_CODES[name]),
            "AUTOMATIC",
            algorithm,
            tracking_uid=generate_uid(),
            tracking_id=name,
        )
        for number, name in enumerate(present, start=1)
    ]
    return hd.seg.Segmentation(
        sources,
        pixels,
        "BINARY",
        segments,
        generate_uid(),
        9901,
        generate_uid(),
        1,
        "Scanside",
        "Scanside",
        "0.1.0",
        "1",
    )


def peer_report(sources: list[Dataset], result: Result) -> Dataset:
    groups = [peer_group(source, "quality", IMAGE_QUALITY) for source in sources[:1]]
    groups += [
        peer_group(sources[0], finding.artifact, ARTIFACT_CODES[finding.artifact])
        for finding in result.quality.findings
    ]
    groups += [peer_group(source, "motion", ARTIFACT_CODES["motion"]) for source in sources[1:11]]
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=generate_uid(), name="Scanside", manufacturer_name="Scanside"
    )
    report = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(
            observer_device_context=hd.sr.ObserverContext(concept(Code("121007", "DCM", "Device")), device)
        ),
        procedure_reported=concept(MRI),
        imaging_measurements=groups,
    )
    return hd.sr.EnhancedSR(
        sources,
        report[0],
        generate_uid(),
        9902,
        generate_uid(),
        1,
        manufacturer="Scanside",
        is_complete=True,
        is_final=True,
    )


def peer_group(source: Dataset, name: str, finding: Code) -> hd.sr.MeasurementsAndQualitativeEvaluations:
    image = hd.sr.SourceImageForMeasurement(source.SOPClassUID, source.SOPInstanceUID)
    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(generate_uid(), name),
        finding_type=concept(finding),
        measurements=[
            hd.sr.Measurement(concept(CERTAINTY), 93.0, concept(PERCENT), referenced_images=[image])
        ],
        qualitative_evaluations=[hd.sr.QualitativeEvaluation(concept(PRESENCE), concept(PRESENT))],
    )


if __name__ == "__main__":
    main()
