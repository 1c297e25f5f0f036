"""Scanside as a process: starts ready, stops at SIGTERM, refuses to start on settings that do not fit."""

import json
import threading
from pathlib import Path

import pytest
from pynetdicom import AE, StoragePresentationContexts, evt

from tests.outbox import OutboxHouse
from tests.peers import run, scanside


@pytest.mark.parametrize("part", ["serve", "receive", "work", "web"])
def test_a_part_gets_ready_answers_and_ends_at_sigterm(part: str, tmp_path: Path) -> None:
    with scanside(part, state_dir=tmp_path / "state") as house:
        assert house.text("/livez")
        assert "scanside_build_info" in house.text("/metrics")
        assert house.stop(within_s=10) == 0
        lines = [line for line in house.said().splitlines() if line.startswith("{")]
        assert lines
        assert all(json.loads(line)["level"] == "info" for line in lines), house.said()


def test_a_worker_ends_although_a_pacs_never_answers(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    with scanside("work", state_dir=state_dir):
        pass
    OutboxHouse.installed(state_dir).post(to="pacs")
    asked, over = threading.Event(), threading.Event()

    def silent(_: evt.Event) -> int:
        asked.set()
        over.wait(60.0)
        return 0xA700

    pacs = AE("PACS")
    pacs.supported_contexts = StoragePresentationContexts
    server = pacs.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, silent)])
    there = {"name": "pacs", "kind": "dicom", "host": "127.0.0.1", "ae_title": "PACS"}
    there["port"] = server.server_address[1]
    try:
        with scanside("work", state_dir=state_dir, destination=[there]) as worker:
            assert asked.wait(30.0)
            assert worker.stop(within_s=12.0) == 0  # what `serve` gives its parts
    finally:
        over.set()
        server.shutdown()


def test_a_misspelt_setting_stops_the_start_with_one_plain_line(tmp_path: Path) -> None:
    done = run("serve", state_dir=tmp_path, dicom_prot=1)
    assert done.returncode == 2
    assert (
        done.stderr == "scanside: SCANSIDE_DICOM_PROT: unknown variable (did you mean SCANSIDE_DICOM_PORT?)\n"
    )
    assert done.stdout == ""


def test_another_address_for_the_console_stops_the_start(tmp_path: Path) -> None:
    done = run("web", state_dir=tmp_path, http_host="0.0.0.0")
    assert done.returncode == 2
    assert "http_certificate" in done.stderr


def test_the_settings_are_shown_with_secrets_hidden(tmp_path: Path) -> None:
    done = run("settings", state_dir=tmp_path, key="5c" * 32, http_port=8181)
    assert done.returncode == 0, done.stderr
    assert "http_port" in done.stdout
    assert "8181" in done.stdout
    assert "SCANSIDE_HTTP_PORT" in done.stdout
    assert "kkkk" not in done.stdout + done.stderr
