"""Who the patient is stands nowhere but in the objects that go to the PACS."""

from pathlib import Path

import pytest

from dicom_scp.identity import KeyRing, Vault
from dicom_scp.spool import Spool
from tests.peers import scanside, storescu, wait_until
from tests.series import Patient, mr_series, write_series


def found(tokens: tuple[str, ...], content: bytes) -> set[str]:
    return {token for token in tokens if token.encode() in content}


@pytest.mark.parametrize(
    "keep_identity", [False, True], ids=["identity off", "identity kept: the test of the test"]
)
def test_no_word_of_the_patient_is_kept_or_said(tmp_path: Path, keep_identity: bool) -> None:
    tokens = Patient().tokens()
    paths = write_series(tmp_path / "scanner", mr_series(slices=6, rows=96, columns=96))
    whole = paths[0].read_bytes()
    assert len(found(tokens, whole)) >= 6, "the canaries are in the input"
    broken = tmp_path / "scanner" / "broken.dcm"
    broken.write_bytes(whole[: len(whole) // 2])
    state, out = tmp_path / "state", tmp_path / "out"
    state.mkdir()
    settings = {
        "quiet_s": 0.6,
        "log_level": "DEBUG",
        "unsafe_keep_identity": keep_identity,
        "destination": [{"name": "out", "kind": "folder", "folder": str(out)}],
    }
    with scanside(state_dir=state, **settings) as house:
        storescu([*paths, broken], "127.0.0.1", house.dicom_port, more=["-nh"])
        wait_until(
            lambda: house.get("/api/v1/series")["items"][0]["state"] == "delivered" or None,
            process=house.process,
            log=house.log,
            what="the results",
        )
        series = house.get("/api/v1/series")["items"][0]["id"]
        said = house.text("/metrics") + house.text("/api/v1/series") + house.text("/api/v1/status")
        for path in ("", "/slices", "/findings"):
            said += house.text(f"/api/v1/series/{series}{path}")
        said += house.text("/api/v1/deliveries")
        log = house.said()
    written = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    names = "\n".join(str(path.relative_to(tmp_path)) for path in [*state.rglob("*"), *out.rglob("*")])
    vault = Vault(KeyRing.from_file(state / "key", create=False))
    spool = Spool(state / "spool", vault)
    unsealed = b"".join(spool.read(name) for name in spool.names())
    results = b"".join(path.read_bytes() for path in out.glob("*.dcm"))

    assert found(tokens, written + said.encode() + log.encode() + names.encode()) == set()
    assert found(tokens[:2], results) == set(tokens[:2]), "the results carry the true identity"
    if keep_identity:
        assert len(found(tokens, unsealed)) >= 6
    else:
        assert found(tokens, unsealed) == set()
