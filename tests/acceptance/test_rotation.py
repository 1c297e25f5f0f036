"""The vault's key is rotated while the service works: what came before and what comes after is reported."""

import json
from pathlib import Path

from tests.peers import run, scanside, storescu, wait_until
from tests.series import mr_series, write_series


def test_a_rotation_stops_nothing(tmp_path: Path) -> None:
    state, out = tmp_path / "state", tmp_path / "out"
    state.mkdir()
    settings = {"quiet_s": 3.0, "destination": [{"name": "out", "kind": "folder", "folder": str(out)}]}
    first = write_series(tmp_path / "a", mr_series(slices=4, rows=96, columns=96))
    second = write_series(tmp_path / "b", mr_series(slices=4, rows=96, columns=96, key="b"))
    with scanside(state_dir=state, **settings) as house:
        storescu(first, "127.0.0.1", house.dicom_port)
        rotated = json.loads(run("vault", "rotate", state_dir=state).stdout)  # before it is reported
        storescu(second, "127.0.0.1", house.dicom_port)
        wait_until(
            lambda: (
                [one["state"] for one in house.get("/api/v1/series")["items"]] == ["delivered"] * 2 or None
            ),
            process=house.process,
            log=house.log,
            what="the results of both",
            within_s=90,
        )
    assert rotated["resealed"]["images"] == 4
    assert rotated["unreadable"] == {}
    assert len({path.read_bytes() for path in out.glob("*.dcm")}) >= 4
    sealed = json.loads(run("vault", "status", state_dir=state).stdout)["sealed"]
    assert {key for counts in sealed.values() for key in counts} == {rotated["key"]}
