"""Independent readers find the same numbers and pixels: dcmqi, and PixelMed's validator of templates."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest

from service.forms import WHOLE, Form
from service.report import build_regions, build_report, build_segmentation, codes, encode
from service.report.key_object import build_key_object
from tests.peers import program, requires
from tests.series import mr_series
from tests.unit.service.report.results import scored_result, unscored_result, with_evidence
from tests.unit.service.report.test_segmentation import expected, frames_by_reader
from tests.unit.service.report.test_sr import groups, named, read

PIXELMED = Path("/usr/share/java/pixelmed.jar")
NO_LIMITS = [f"-Djdk.xml.xpath{name}Limit=0" for name in ("ExprOp", "TotalOp", "ExprGrp")]
RESULT = scored_result(mr_series(slices=4, rows=63, columns=61))
DOCUMENTS = {
    "report": lambda: build_report(with_evidence(scored_result(mr_series(slices=3)))),
    "report, enhanced images": lambda: build_report(scored_result(mr_series(slices=3, enhanced=True))),
    "report, comprehensive": lambda: build_report(RESULT, Form(sr_class="comprehensive")),
    "report, comprehensive 3D": lambda: build_report(
        RESULT, Form(kinds=frozenset({"SR"}), sr_class="comprehensive3d")
    ),
    "report, not scored": lambda: build_report(unscored_result()),
    "report, nothing found": lambda: build_report(scored_result(found=(), verdict="Usable")),
    "regions": lambda: build_regions(RESULT),
    "regions, comprehensive 3D": lambda: build_regions(RESULT, Form(sr_class="comprehensive3d")),
    "key object": lambda: build_key_object(RESULT),
}


def dcmqi(name: str, *arguments: object) -> None:
    """Run one of dcmqi's programs, which its package puts beside Python."""
    command = [Path(sys.executable).parent / name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def written(dataset, path: Path) -> Path:
    path.write_bytes(encode(dataset))
    return path


def test_dcmqi_reads_the_numbers_of_the_report(tmp_path):
    report = read(RESULT)
    dcmqi(
        "tid1500reader",
        "--inputDICOM",
        written(report, tmp_path / "sr.dcm"),
        "--outputMetadata",
        tmp_path / "m",
    )
    told = json.loads((tmp_path / "m").read_text())
    by_uid = {group["TrackingUniqueIdentifier"]: group for group in told["Measurements"]}
    assert len(by_uid) == len(groups(report))
    compared = 0
    for group in groups(report):
        theirs = by_uid[named(group, codes.TRACKING_UID)[0].UID]
        assert theirs["TrackingIdentifier"] == named(group, codes.TRACKING_IDENTIFIER)[0].TextValue
        ours = {
            item.ConceptNameCodeSequence[0].CodeValue: float(item.MeasuredValueSequence[0].NumericValue)
            for item in group.ContentSequence
            if item.ValueType == "NUM"
        }
        found = {
            item["quantity"]["CodeValue"]: float(item["value"]) for item in theirs.get("measurementItems", [])
        }
        assert found == ours
        compared += len(ours)
    assert compared > 3


def test_dcmqi_reads_the_segments_of_the_regions(tmp_path):
    regions = build_regions(RESULT)
    dcmqi(
        "tid1500reader",
        "--inputDICOM",
        written(regions, tmp_path / "r.dcm"),
        "--outputMetadata",
        tmp_path / "m",
    )
    told = json.loads((tmp_path / "m").read_text())
    (segmentation,) = build_segmentation(RESULT)
    segments = {segment.TrackingUID: segment.SegmentNumber for segment in segmentation.SegmentSequence}
    assert {
        one["TrackingUniqueIdentifier"]: one["ReferencedSegment"] for one in told["Measurements"]
    } == segments
    for one in told["Measurements"]:
        assert one["segmentationSOPInstanceUID"] == segmentation.SOPInstanceUID
        assert one["SourceSeriesForImageSegmentation"] == RESULT.source.series_instance_uid


def test_dcmqi_and_highdicom_read_the_pixels_of_the_segmentation(tmp_path):
    (segmentation,) = build_segmentation(RESULT)
    path = written(segmentation, tmp_path / "seg.dcm")
    dcmqi(
        "segimage2itkimage",
        "--inputDICOM",
        path,
        "--outputDirectory",
        tmp_path,
        "--outputType",
        "nii",
        "-p",
        "s",
    )
    wanted = expected(RESULT)
    frames = frames_by_reader(hd.seg.segread(path))
    assert frames.keys() == wanted.keys()
    order = [instance.sop_instance_uid for instance in RESULT.source.instances]
    for segment in segmentation.SegmentSequence:
        name = segment.TrackingID.removeprefix("Scanside ")
        volume = nifti(tmp_path / f"s-{segment.SegmentNumber}.nii.gz")
        truth = np.stack([wanted[name, uid, 1] for uid in order])
        assert volume.shape == truth.shape
        assert int((volume > 0).sum()) == int(truth.sum()) > 0
        same = [np.array_equal(volume > 0, each) for each in (truth, truth[::-1])]
        assert any(same), "the pixels, in the order of the planes"


def nifti(path: Path) -> np.ndarray:
    """Read the voxels of a NIfTI-1 file of bytes, (z, y, x)."""
    content = gzip.decompress(path.read_bytes())
    columns, rows, slices = np.frombuffer(content[42:48], "<i2")
    start = int(np.frombuffer(content[108:112], "<f4")[0])
    width = int(np.frombuffer(content[72:74], "<i2")[0]) // 8
    kind = {1: np.uint8, 2: np.int16}[width]
    count = int(columns) * int(rows) * int(slices)
    return np.frombuffer(content[start : start + count * width], kind).reshape(slices, rows, columns)


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
def test_pixelmed_finds_no_error(name, tmp_path):
    """8 to 85 s each: the validator that the IHE Connectathon names."""
    requires("java")
    if not PIXELMED.exists():
        pytest.skip("PixelMed is not installed")
    path = written(DOCUMENTS[name](), tmp_path / "sr.dcm")
    done = subprocess.run(
        [program("java"), *NO_LIMITS, "-cp", PIXELMED, "com.pixelmed.validate.DicomSRValidator", path],
        capture_output=True,
        text=True,
        check=False,
    )
    told = (done.stdout + done.stderr).splitlines()
    assert any("IOD validation complete" in line for line in told)
    assert [line for line in told if line.startswith("Error")] == []


def test_the_documents_cover_every_class_of_report():
    classes = {make().SOPClassUID for make in DOCUMENTS.values()}
    assert len(classes) == 4
    assert WHOLE.sr_class == "enhanced"
