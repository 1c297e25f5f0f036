"""The commands as people and scripts call them: what they print, and where."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from inference.card import released
from tests.peers import free_port, run, scanside
from tests.series import Patient, mr_series, write_series


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("scanner")
    return write_series(folder, mr_series(slices=4, rows=100, columns=80))


def test_the_demonstration_goes_the_whole_way_and_says_what_came_of_it() -> None:
    done = run("demo", "--once", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result) >= {
        "verdict",
        "index",
        "artifacts",
        "timings",
        "results",
        "console",
        "provider",
        "model",
    }
    assert set(result["timings"]) == {"alert_s", "sr_stored_s"}
    assert result["verdict"] in {"Check", "Repeat"}, "its artifacts are severe"
    assert any(Path(path).name.startswith("SR-") for path in result["results"])
    for path in result["results"]:
        assert dcmread(path).PatientName == "PHANTOM^DEMO"
    shutil.rmtree(Path(result["results"][0]).parents[1])


def test_the_demonstration_takes_a_folder_of_ones_own(series: list[Path]) -> None:
    done = run("demo", "--once", "--json", "--data", str(series[0].parent))
    result = json.loads(done.stdout)
    assert result["series"] == 1
    assert dcmread(result["results"][0]).PatientID == Patient().id
    shutil.rmtree(Path(result["results"][0]).parents[1])


def test_score_prints_json_lines_and_nothing_else(series: list[Path], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    done = run("score", str(series[0].parent), str(tmp_path), "--json", "--masks", str(tmp_path / "masks"))
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    result = json.loads(line)
    assert set(result) == {
        "series", "source_paths", "modality_text", "description", "n_slices", "verdict", "index", "suitability",
        "artifacts", "slices", "scored", "reason", "geometry", "evidence", "explanations", "sampling", "model",
        "provider", "seconds",
    }  # fmt: skip
    assert result["series"] != str(dcmread(series[0]).SeriesInstanceUID)
    assert "notes.txt" in done.stderr
    masks = np.load(tmp_path / "masks" / f"{result['series']}.npz")
    assert masks["probabilities"].shape == (4, 13, 100, 80)
    assert set(masks["sop_instance_uids"]) == {str(dcmread(path).SOPInstanceUID) for path in series}


def test_score_shows_a_table_to_a_person(series: list[Path]) -> None:
    done = run("score", *map(str, series))
    assert done.stdout.splitlines()[0].split() == ["verdict", "index", "slices", "series", "findings"]


def test_files_that_are_sent_are_counted(series: list[Path]) -> None:
    with scanside() as house:
        done = run("send", *map(str, series), "--to", f"127.0.0.1:{house.dicom_port}")
    assert (done.returncode, done.stdout) == (0, "4 of 4 stored\n")


def test_nobody_listening_is_said_plainly(series: list[Path]) -> None:
    done = run("send", str(series[0]), "--to", f"127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_deid_writes_clean_copies_and_says_what_was_done_to_each_attribute(
    series: list[Path], tmp_path: Path
) -> None:
    done = run("deid", str(series[0]), "--out", str(tmp_path / "clean"), state_dir=tmp_path / "none")
    told = json.loads(done.stdout)
    clean = Path(told["target"]).read_bytes()
    assert not any(token.encode() in clean for token in Patient().tokens())
    assert not any(token in json.dumps(told["attributes"]) for token in Patient().tokens())
    assert "PatientName" in {one["path"] for one in told["attributes"]}


def test_check_is_content_with_a_fresh_installation(tmp_path: Path) -> None:
    done = run("check", "--json", state_dir=tmp_path / "state")
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert "sha256" in found["model"]["told"]
    assert "JPEG 2000 Image Compression (Lossless Only)" in found["transfer syntaxes"]["told"]
    assert "decoded" in found["decoders"]["told"]


def test_check_fails_where_a_destination_does_not_answer(tmp_path: Path) -> None:
    away = {"name": "pacs", "kind": "dicom", "host": "127.0.0.1", "port": free_port(), "ae_title": "PACS"}
    done = run("check", state_dir=tmp_path / "state", destination=[away])
    assert done.returncode == 1
    assert "FAILS  destination pacs" in done.stdout


def test_settings_hide_secrets_and_say_where_a_value_came_from(tmp_path: Path) -> None:
    done = run("settings", "--json", state_dir=tmp_path, key="ab" * 32)
    shown = json.loads(done.stdout)
    assert shown["key"] == {"value": "(hidden)", "origin": "SCANSIDE_KEY"}
    assert "abab" not in done.stdout


def test_a_misspelt_setting_stops_the_start(tmp_path: Path) -> None:
    done = run("serve", state_dir=tmp_path, quiet_seconds=3)
    assert done.returncode == 2
    assert "SCANSIDE_QUIET_SECONDS" in done.stderr


def test_a_model_that_does_not_fit_its_card_is_refused_at_the_start(tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(released(), model)
    content = bytearray((model / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (model / "model.onnx").write_bytes(content)
    done = run("serve", state_dir=tmp_path / "state", model=str(model))
    assert done.returncode == 1
    assert "hash" in done.stderr.lower() or "sha" in done.stderr.lower()


def test_deid_takes_the_profile_of_a_source_and_describes_it(series: list[Path], tmp_path: Path) -> None:
    profile = [{"name": "trial", "options": ["clean_descriptors"], "ae_titles": ["TRIAL-MR"]}]
    words = ("deid", str(series[0]), "--out", str(tmp_path / "clean"), "--source", "TRIAL-MR")
    told = json.loads(run(*words, state_dir=tmp_path / "none", profile=profile).stdout)
    done = {one["path"]: one["action"] for one in told["attributes"]}
    assert (done["SeriesDescription"], done["PatientAge"]) == ("words", "remove")
    described = run("deid", "--describe", "--profile", "trial", profile=profile).stdout
    assert "| SeriesDescription | (0008,103E) | X | words |" in described
    refused = run("deid", "--describe", "--profile", "nobody")
    assert refused.returncode == 2
    assert "there are live, export" in refused.stderr


def test_the_vault_tells_how_it_stands_and_rotates(tmp_path: Path) -> None:
    state = tmp_path / "state"
    before = json.loads(run("vault", "status", state_dir=state).stdout)
    rotated = run("vault", "rotate", state_dir=state)
    assert rotated.returncode == 0, rotated.stderr
    after = json.loads(run("vault", "status", state_dir=state).stdout)
    assert after["keys"] == [*before["keys"], json.loads(rotated.stdout)["key"]]
    nobody = run("vault", "lookup", "--patient-id", "PID-7731904", state_dir=state)
    assert (nobody.returncode, json.loads(nobody.stdout)) == (1, [])
    assert "PID-7731904" not in (state / "vault-audit.jsonl").read_text()
    assert run("vault", "lookup", "PID-7731904", state_dir=state).returncode == 2
    (state / "key").write_text("11" * 32)
    wrong = run("vault", "status", state_dir=state)
    assert wrong.returncode == 1
    assert "sealed with another key" in wrong.stderr
