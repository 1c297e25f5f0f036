"""How long a series' results take to build and encode, beside highdicom in the same run.

32 slices of 384 x 512, three classes present on all of them: report, segmentation and card. The peer builds
the same segmentation, and a report of the same groups without outlines and image library.

    python -m benchmarks.bench_bundle
"""

import statistics
import time
from collections.abc import Callable
from io import BytesIO

import highdicom as hd
import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.sr.coding import Code as Concept
from pydicom.uid import generate_uid

from inference import CATALOGUE
from service.report import Result, build_card, build_report, build_segmentation, encode
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


def main() -> None:
    datasets = mr_series(slices=SLICES, rows=ROWS, columns=COLUMNS)
    result = scored_result(datasets)
    sources = [without_pixels(dataset) for dataset in datasets]
    encode(build_card(result) or Dataset())  # the font is loaded once a process
    ours = {
        "report": measured(lambda: encode(build_report(result))),
        "segmentation": measured(lambda: b"".join(encode(one) for one in build_segmentation(result))),
        "card": measured(lambda: encode(build_card(result) or Dataset())),
    }
    peer = {
        "report": measured(lambda: written(peer_report(sources, result))),
        "segmentation": measured(lambda: written(peer_segmentation(sources, result))),
    }
    for name, (seconds, size) in ours.items():
        beside = f"; highdicom {1e3 * peer[name][0]:.0f} ms, {peer[name][1]} bytes" if name in peer else ""
        print(f"bundle: {name} {1e3 * seconds:.0f} ms, {size} bytes{beside}")
    total = sum(seconds for seconds, _ in ours.values())
    theirs = sum(seconds for seconds, _ in peer.values())
    print(
        f"bundle: all three {1e3 * total:.0f} ms; highdicom's report and segmentation {1e3 * theirs:.0f} ms"
    )


def measured(build: Callable[[], bytes]) -> tuple[float, int]:
    """Median seconds and the size of what was built."""
    size, seconds = len(build()), []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        build()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds), size


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
