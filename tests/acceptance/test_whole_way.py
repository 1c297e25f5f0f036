"""From the scanner to the PACS through the running service: real processes, a real Orthanc, both engines."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from tests.peers import (
    House,
    Orthanc,
    Postgres,
    dciodvfy,
    dsrdump,
    free_port,
    run,
    scanside,
    storescu,
    wait_until,
)
from tests.series import Patient, mr_series, write_series

QUICK = {"quiet_s": 0.6}  # seconds of silence: no scanner waits in these tests
Started = Callable[..., tuple[House, House]]  # the door and the web; one house where `serve` runs


@pytest.fixture(params=["serve on sqlite", "parts on postgresql"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Started]:
    """Hand out a starter of the service, in one of its two shapes."""
    with ExitStack() as stack:

        def serve(**settings: object) -> tuple[House, House]:
            house = stack.enter_context(scanside(state_dir=tmp_path, **QUICK, **settings))
            return house, house

        def parts(**settings: object) -> tuple[House, House]:
            server: Postgres = request.getfixturevalue("postgres_server")
            shared: dict[str, Any] = {
                "state_dir": tmp_path,
                "database_url": server.database(),
                "dicom_port": free_port(),
                **QUICK,
            }
            door = stack.enter_context(scanside("receive", **shared, **settings))
            stack.enter_context(scanside("work", **shared, **settings))
            return door, stack.enter_context(scanside("web", **shared, **settings))

        yield serve if "serve" in request.param else parts


def series_of(web: House) -> list[dict[str, object]]:
    return list(web.get("/api/v1/series")["items"])


def await_delivered(web: House, count: int = 1, within_s: float = 40.0) -> list[dict[str, object]]:
    """Wait until the given number of series has gone the whole way."""
    wait_until(
        lambda: [one["state"] for one in series_of(web)] == ["delivered"] * count or None,
        within_s=within_s,
        process=web.process,
        log=web.log,
        what="delivery",
    )
    return series_of(web)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write a phantom's series with severe artifacts."""
    folder = tmp_path_factory.mktemp("phantom")
    subprocess.run([sys.executable, "-m", "models.phantom", "--out", str(folder)], check=True)
    return sorted(folder.rglob("*.dcm"))


def stored(pacs: Orthanc, study: str, modality: str) -> list[Dataset]:
    return pacs.instances(StudyInstanceUID=study, Modality=modality)


def test_a_series_comes_back_as_valid_results_under_its_patient(
    start: Started, pacs: Orthanc, planted: list[Path], tmp_path: Path
) -> None:
    door, web = start(destination=[pacs.destination()])
    for path in planted:
        pacs.store(path)
    assert storescu(planted, "127.0.0.1", door.dicom_port).returncode == 0
    (series,) = await_delivered(web)
    source = dcmread(planted[0])
    reports, regions = (
        [
            one
            for one in stored(pacs, source.StudyInstanceUID, "SR")
            if one.SeriesDescription.startswith(title)
        ]
        for title in ("AI QC report", "AI QC regions")
    )
    assert (len(reports), len(regions)) == (1, 1)
    assert series["verdict"] in {"Check", "Repeat"}, "the phantom's artifacts are severe"
    results = [*reports, *regions, *stored(pacs, source.StudyInstanceUID, "SEG")]
    cards = stored(pacs, source.StudyInstanceUID, "OT")
    assert len(cards) == 1
    for number, result in enumerate([*results, *cards]):
        assert (result.PatientName, result.PatientID) == (source.PatientName, source.PatientID)
        path = tmp_path / f"result-{number}.dcm"
        result.save_as(path)
        assert dciodvfy(path) == []
    told = dsrdump(tmp_path / "result-0.dcm")
    assert "Image Quality Rating" in told
    assert str(series["advice"][0])[:40] in told.replace("\n", " ")
    assert str(series["verdict"]).upper() in reports[0].SeriesDescription
    if any(one["present"] for one in series["artifacts"]):
        assert len(results) >= 1


def test_what_happened_is_counted(start: Started, tmp_path: Path) -> None:
    door, web = start(destination=[{"name": "out", "kind": "folder", "folder": str(tmp_path / "out")}])
    paths = write_series(tmp_path / "scanner", mr_series(slices=6))
    storescu(paths, "127.0.0.1", door.dicom_port)
    (series,) = await_delivered(web)
    assert door.metric('scanside_instances_received_total{status="success"}') == 6
    assert door.metric('scanside_associations_total{result="accepted"}') >= 1
    assert series["received"] == 6
    if door is web:
        assert web.metric(f'scanside_verdicts_total{{verdict="{series["verdict"]}"}}') == 1
        assert web.metric('scanside_deliveries_total{destination="out",result="sent"}') >= 1


def test_an_enhanced_object_is_scored_frame_by_frame(start: Started, tmp_path: Path) -> None:
    door, web = start(destination=[{"name": "out", "kind": "folder", "folder": str(tmp_path / "out")}])
    paths = write_series(tmp_path / "scanner", mr_series(slices=5, rows=96, columns=96, enhanced=True))
    assert storescu(paths, "127.0.0.1", door.dicom_port).returncode == 0
    (series,) = await_delivered(web)
    slices = web.get(f"/api/v1/series/{series['id']}/slices")["items"]
    assert [one["frame"] for one in slices] == [1, 2, 3, 4, 5]
    for path in (tmp_path / "out").glob("*.dcm"):
        assert dciodvfy(path) == []


def test_a_count_that_was_right_three_times_closes_the_fourth_series_at_once(tmp_path: Path) -> None:
    with scanside(quiet_s=1.0) as house:
        for number in range(4):
            series = mr_series(slices=4, images_in_acquisition=4, key=f"s{number}", series_number=number + 1)
            storescu(write_series(tmp_path / str(number), series), "127.0.0.1", house.dicom_port)
            await_delivered(house, number + 1)
        reasons = [one["close_reason"] for one in series_of(house)]
    assert reasons == ["count", "quiet", "quiet", "quiet"]


def test_a_late_instance_makes_a_new_generation_and_a_report_that_replaces_the_last(tmp_path: Path) -> None:
    out = tmp_path / "out"
    paths = write_series(tmp_path / "scanner", mr_series(slices=6))
    with scanside(quiet_s=0.5, destination=[{"name": "o", "kind": "folder", "folder": str(out)}]) as house:
        storescu(paths[:5], "127.0.0.1", house.dicom_port)
        await_delivered(house)
        storescu(paths[5:], "127.0.0.1", house.dicom_port)
        newest, _ = await_delivered(house, 2)
    assert (newest["generation"], newest["received"]) == (2, 6)
    reports = [dcmread(path) for path in out.glob("SR-*.dcm")]
    assert len(reports) == 2
    second = next(one for one in reports if "PredecessorDocumentsSequence" in one)
    first = next(one for one in reports if "PredecessorDocumentsSequence" not in one)
    named = second.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert named.ReferencedSOPInstanceUID == first.SOPInstanceUID


def test_a_pacs_that_is_away_gets_its_results_when_it_is_back(tmp_path: Path, pacs: Orthanc) -> None:
    away = pacs.destination(port=free_port())
    paths = write_series(tmp_path / "scanner", mr_series(slices=4))
    state = tmp_path / "state"
    state.mkdir()
    with scanside(state_dir=state, quiet_s=0.5, destination=[away]) as house:
        storescu(paths, "127.0.0.1", house.dicom_port)
        wait_until(
            lambda: any(row["attempts"] for row in house.get("/api/v1/deliveries")["items"]) or None,
            process=house.process,
            log=house.log,
            what="a failed delivery",
        )
    with scanside(state_dir=state, destination=[pacs.destination()]) as house:
        await_delivered(house)
    titles = [one.SeriesDescription.partition(":")[0] for one in pacs.instances(Modality="SR")]
    assert titles.count("AI QC report") == 1


def test_the_service_stops_within_seconds_of_sigterm(tmp_path: Path) -> None:
    with scanside() as house:
        began = time.monotonic()
        assert house.stop() == 0
        assert time.monotonic() - began < 10


def test_a_key_that_is_missing_beside_a_filled_vault_stops_the_start(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with scanside(state_dir=state):
        pass
    (state / "key").unlink()
    done = run("serve", state_dir=state, dicom_port=free_port(), http_port=free_port(), within_s=30)
    assert done.returncode == 1
    assert "key" in done.stderr


def test_another_address_than_this_machines_is_refused_for_the_console(tmp_path: Path) -> None:
    done = run("serve", state_dir=tmp_path, http_host="0.0.0.0", within_s=30)
    assert done.returncode == 2
    assert "http_certificate" in done.stderr


def test_names_of_patients_survive_in_their_own_script(tmp_path: Path) -> None:
    out = tmp_path / "out"
    patient = Patient(name="Yamada^Tarou=山田^太郎", character_set="ISO_IR 192")
    paths = write_series(tmp_path / "scanner", mr_series(slices=4, patient=patient))
    with scanside(quiet_s=0.5, destination=[{"name": "o", "kind": "folder", "folder": str(out)}]) as house:
        storescu(paths, "127.0.0.1", house.dicom_port)
        await_delivered(house)
    (report,) = (dcmread(path) for path in out.glob("SR-*.dcm"))
    assert report.PatientName.ideographic == "山田^太郎"
