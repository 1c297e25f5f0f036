"""The rule of absent peers: a test says so and skips, or fails where every peer is promised."""

import os
from pathlib import Path

import pytest

from tests.peers import environment, give_up, program, requires, wait_until
from tests.peers.processes import PeerDiedError
from tests.series import Patient, head, mr_series


def test_a_missing_peer_skips_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCANSIDE_REQUIRE_PEERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-peer not installed"):
        requires("sh", "no-such-peer")


def test_a_missing_peer_fails_where_peers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANSIDE_REQUIRE_PEERS", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-peer not installed"):
        program("no-such-peer")
    with pytest.raises(pytest.fail.Exception, match="no namespaces"):
        give_up("no namespaces")


def test_waiting_for_what_never_comes_ends_with_a_reason() -> None:
    with pytest.raises(PeerDiedError, match="the moon did not come"):
        wait_until(lambda: False, within_s=0.1, what="the moon")


def test_a_process_gets_no_setting_of_the_one_that_starts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCANSIDE_HTTP_PORT", "1")
    monkeypatch.setenv("SCANSIDE_DATA", "/data")
    made = environment(state_dir=tmp_path, destination=[{"name": "a"}], deidentify=True)
    mine = {name: value for name, value in made.items() if name.startswith("SCANSIDE_")}
    assert mine == {
        "SCANSIDE_DATA": "/data",
        "SCANSIDE_STATE_DIR": str(tmp_path),
        "SCANSIDE_DESTINATION": '[{"name": "a"}]',
        "SCANSIDE_DEIDENTIFY": "true",
    }
    assert made["PATH"] == os.environ["PATH"]


def test_the_phantom_has_a_dark_outside_a_bright_head_and_texture() -> None:
    volume = head(3, 96, 128)
    assert volume.shape == (3, 96, 128)
    corner, brain = volume[:, :8, :8], volume[:, 30:66, 50:60]
    assert corner.mean() * 10 < brain.mean()
    assert 0 < corner.std() < brain.std()
    assert (head(3, 96, 128) == volume).all()


def test_the_name_of_the_patient_stands_where_scanners_leave_it() -> None:
    patient = Patient()
    for vendor in ("siemens", "ge", "philips"):
        written = mr_series(slices=1, vendor=vendor)[0].to_json()
        missing = [token for token in patient.tokens() if token not in written]
        assert missing == [], vendor
