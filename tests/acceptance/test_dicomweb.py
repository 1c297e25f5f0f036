"""DICOMweb through the running service: Orthanc sends images by STOW-RS and fetches the results by WADO-RS."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from dicomweb_client import DICOMwebClient
from pydicom import Dataset, dcmread

from tests.peers import House, Orthanc, free_port, run, scanside, wait_until
from tests.series import Patient, mr_series, write_series

SHELF = {"name": "shelf", "kind": "shelf"}


def token(state: Path, name: str, *scopes: str) -> str:
    """Issue a token as an administrator does."""
    words = [word for scope in scopes for word in ("--scope", scope)]
    done = run("token", "add", name, *words, state_dir=state)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def await_shelved(house: House, reader: DICOMwebClient, study: str) -> list[Dataset]:
    """Wait until the report of a study and what belongs to it can be fetched."""

    def there() -> bool:
        series = house.get("/api/v1/series")["items"]
        return bool(series) and all(one["state"] == "delivered" for one in series)

    wait_until(there, within_s=60, process=house.process, log=house.log, what="results on the shelf")
    return reader.retrieve_study(study)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write a phantom's series with severe artifacts."""
    folder = tmp_path_factory.mktemp("phantom")
    subprocess.run([sys.executable, "-m", "models.phantom", "--out", str(folder)], check=True)
    return sorted(folder.rglob("*.dcm"))


def test_orthanc_sends_images_and_fetches_results(pacs: Orthanc, planted: list[Path], tmp_path: Path) -> None:
    where = {"host": pacs.host.our_address, "port": free_port(pacs.host.our_address)}
    state = tmp_path / "state"
    source = dcmread(planted[0])
    for path in planted:
        pacs.store(path)
    with scanside(state_dir=state, quiet_s=0.6, dicomweb=where, destination=[SHELF]) as house:
        secret = token(state, "orthanc", "stow", "results")
        url = f"http://{where['host']}:{where['port']}/dicom-web/"
        server = {"Url": url, "HttpHeaders": {"Authorization": f"Bearer {secret}"}}
        pacs.tell("PUT", "/dicom-web/servers/scanside", server)
        instances = pacs.get("/instances")
        pacs.tell("POST", "/dicom-web/servers/scanside/stow", {"Resources": instances, "Synchronous": True})
        reader = DICOMwebClient(url.rstrip("/"), headers={"Authorization": f"Bearer {secret}"})
        shelved = await_shelved(house, reader, source.StudyInstanceUID)
        (series,) = house.get("/api/v1/series")["items"]
        assert series["received"] == len(planted)
        found = pacs.tell(
            "POST", "/dicom-web/servers/scanside/qido",
            {"Uri": "/studies", "Arguments": {"PatientID": source.PatientID}},
        )  # fmt: skip
        assert len(found) == 1
        assert source.StudyInstanceUID in json.dumps(found)
        study = {"Resources": [{"Study": source.StudyInstanceUID}], "Synchronous": True}
        pacs.tell("POST", "/dicom-web/servers/scanside/retrieve", study)
        fetched = [
            one for one in pacs.instances(StudyInstanceUID=source.StudyInstanceUID) if one.Modality != "MR"
        ]
        assert {one.SOPInstanceUID for one in fetched} == {one.SOPInstanceUID for one in shelved}
        assert {"SR", "OT"} <= {one.Modality for one in fetched}
        assert {(one.PatientName, one.PatientID) for one in fetched} == {
            (source.PatientName, source.PatientID)
        }
        card = next(one for one in shelved if one.Modality == "OT")
        path = card.StudyInstanceUID, card.SeriesInstanceUID, card.SOPInstanceUID
        assert reader.retrieve_instance_rendered(*path, media_types=("image/png",)).startswith(b"\x89PNG")


def test_a_series_by_stow_is_closed_by_its_release_and_nobody_is_named(tmp_path: Path) -> None:
    state = tmp_path / "state"
    patient = Patient()
    where = {"port": free_port()}
    with scanside(state_dir=state, quiet_s=0.6, dicomweb=where, destination=[SHELF]) as house:
        url = f"http://127.0.0.1:{where['port']}/dicom-web"
        images = [dcmread(path) for path in write_series(tmp_path / "images", mr_series(slices=6))]
        DICOMwebClient(url).store_instances(images, study_instance_uid=images[0].StudyInstanceUID)
        secret = token(state, "viewer", "results")
        assert httpx.get(f"{url}/studies?PatientID={patient.id}").status_code == 401
        reader = DICOMwebClient(url.rstrip("/"), headers={"Authorization": f"Bearer {secret}"})
        shelved = await_shelved(house, reader, images[0].StudyInstanceUID)
        assert shelved[0].Modality == "SR"
        assert reader.search_for_studies(search_filters={"PatientID": patient.id})
        assert house.metric('scanside_associations_total{result="released"}') == 1
        assert house.metric('scanside_instances_received_total{status="success"}') == 6
        httpx.post(f"{url}/studies/{images[0].StudyInstanceUID}", content=b"x")
        house.stop()
        written = [path for path in state.rglob("*") if path.is_file()]
        said = b"".join(path.read_bytes() for path in [*written, house.log])
        named = (*patient.tokens(), images[0].StudyInstanceUID, images[0].SOPInstanceUID, secret)
        assert [word for word in named if word.encode() in said] == []


def test_senders_that_never_end_do_not_hold_up_the_door(tmp_path: Path) -> None:
    where = {"port": free_port()}
    with scanside(state_dir=tmp_path / "state", dicomweb=where, max_instance_mb=8) as house:
        url = f"http://127.0.0.1:{where['port']}/dicom-web"
        kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}

        def endless() -> None:
            def body():
                yield b"--b\r\n\r\n"
                for _ in range(4000):
                    yield bytes(1 << 16)

            with pytest.raises(httpx.HTTPError):
                httpx.post(f"{url}/studies", content=body(), headers=kind, timeout=60).raise_for_status()

        floods = [threading.Thread(target=endless) for _ in range(6)]
        for flood in floods:
            flood.start()
        answer = DICOMwebClient(url).store_instances(mr_series(slices=2))
        for flood in floods:
            flood.join()
        assert len(answer.ReferencedSOPSequence) == 2
        memory = house.metric("process_resident_memory_bytes")
        assert 0 < memory < 2 << 30
