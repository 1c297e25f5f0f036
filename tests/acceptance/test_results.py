"""Every kind of result leaves in each destination's form, is valid, and is known again when it comes back."""

import json
import subprocess
import sys
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import Comprehensive3DSRStorage, EnhancedSRStorage, ImplicitVRLittleEndian

from service.forms import RESULT_KINDS
from tests.acceptance.test_whole_way import await_delivered
from tests.peers import dciodvfy, orthanc, scanside, storescu


def folder(path: Path, **more: object) -> dict[str, object]:
    return {"name": path.name, "kind": "folder", "folder": str(path), **more}


def test_destinations_get_what_they_ask_for_and_none_of_it_is_scored_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "models.phantom", "--out", str(tmp_path / "scanner")], check=True)
    objects = [kind for kind in RESULT_KINDS if kind != "FHIR"]
    everything, reports, console, nothing = (tmp_path / name for name in ("all", "reports", "console", "no"))
    wanted = [
        folder(everything, results=RESULT_KINDS),
        folder(reports, results=["SR"], sr_class="comprehensive3d", send="problems"),
        folder(console, results=["SC"], card="monochrome", transfer_syntax="implicit"),
        folder(nothing, send="never"),
    ]
    with (
        orthanc() as pacs,
        scanside(quiet_s=0.6, destination=[pacs.destination(results=objects), *wanted]) as house,
    ):
        storescu(sorted((tmp_path / "scanner").rglob("*.dcm")), "127.0.0.1", house.dicom_port)
        (series,) = await_delivered(house)
        kept = pacs.instances()
        paths = sorted(everything.glob("*.dcm"))
        # dcmtk proposes no segmentations, and compressed objects only where it is told to
        back = [path for path in paths if not path.name.startswith(("SEG", "OVERLAY"))]
        assert storescu(back, "127.0.0.1", house.dicom_port).returncode == 0
        assert house.metric('scanside_instances_received_total{status="own"}') == len(back)
        assert len(house.get("/api/v1/series")["items"]) == 1
    assert series["verdict"] == "Repeat"
    assert {path.name.partition("-")[0] for path in everything.iterdir()} == set(RESULT_KINDS)
    assert {one.SOPInstanceUID for one in kept} == {dcmread(path).SOPInstanceUID for path in paths}
    for path in (*paths, *reports.iterdir(), *console.iterdir()):
        assert dciodvfy(path) == []
    (report,), (card,) = (list(map(dcmread, place.iterdir())) for place in (reports, console))
    assert report.SOPClassUID == Comprehensive3DSRStorage
    assert len(report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence) == 1
    assert card.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert card.SamplesPerPixel == 1
    assert not nothing.exists()
    assert EnhancedSRStorage in {one.SOPClassUID for one in kept}
    (bundle,) = everything.glob("FHIR-*.json")
    assert json.loads(bundle.read_text("utf-8"))["resourceType"] == "Bundle"
