"""Results on their way as a site sees it: STOW-RS, commitment, TLS, a destination that is dead, one that is gone."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority import Authority
from tests.peers import House, Orthanc, free_port, orthanc, run, scanside, storescu, wait_until
from tests.series import Patient, mr_series, write_series

OURS = "SCANSIDE"


@pytest.fixture(scope="module")
def pacs() -> Iterator[Orthanc]:
    with orthanc() as running:
        yield running


def tell_where_we_listen(pacs: Orthanc, port: int) -> None:
    body = json.dumps({"AET": OURS, "Host": pacs.host.our_address, "Port": port}).encode()
    request = urllib.request.Request(f"{pacs.url}/modalities/scanside", data=body, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


def states(house: House, destination: str) -> set[str]:
    return {one["state"] for one in house.get(f"/api/v1/deliveries?destination={destination}")["items"]}


def await_states(house: House, destination: str, wanted: set[str]) -> None:
    wait_until(
        lambda: states(house, destination) == wanted or None,
        within_s=60.0,
        process=house.process,
        log=house.log,
        what=f"{destination} {wanted}",
    )


def test_one_series_goes_by_c_store_with_commitment_and_by_stow_while_a_third_destination_is_dead(
    tmp_path: Path, pacs: Orthanc
) -> None:
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.issue("127.0.0.1")
    client, client_key = authority.issue("scanner")
    tls_port, paths = free_port(), write_series(tmp_path / "scanner", mr_series(slices=6))
    tls = {
        "port": tls_port,
        "certificate": str(certificate),
        "private_key": str(key),
        "ca": str(authority.ca),
    }
    dead = {"name": "dead", "kind": "stow", "url": f"http://127.0.0.1:{free_port()}/dicom-web"}
    web = {"name": "web", "kind": "stow", "url": f"{pacs.url}/dicom-web"}
    destinations = [pacs.destination(commitment=True), web, dead]
    with scanside(
        state_dir=tmp_path / "state",
        destination=destinations,
        tls=tls,
        dicom_host="0.0.0.0",
    ) as house:
        tell_where_we_listen(pacs, house.dicom_port)
        mutual = ["+tls", str(client_key), str(client), "+cf", str(authority.ca)]
        assert storescu(paths, "127.0.0.1", tls_port, more=mutual).returncode == 0
        await_states(house, "pacs", {"committed"})
        await_states(house, "web", {"sent"})
        assert states(house, "dead") == {"waiting"}
        answers = {one["answer"] for one in house.get("/api/v1/deliveries?destination=dead")["items"]}
        assert answers <= {"no connection", ""}
        assert house.metric('scanside_deliveries_total{destination="web",result="sent"}') >= 1
        assert house.metric("scanside_tls_cert_expiry_timestamp_seconds") > 0
        wait_until(
            lambda: house.metric('scanside_deliveries_open{destination="dead",state="waiting"}') or None,
            within_s=20.0,
            what="the gauge",
        )
        assert Patient().id not in house.said()
    settings = {"destination": [web]}
    checked = run("check", state_dir=tmp_path / "state", **settings)
    assert "deliveries wait for 'dead'" in checked.stdout
    moved = run(
        *("deliveries", "move", "--destination", "dead", "--to", "web", "--reason", "server replaced"),
        state_dir=tmp_path / "state",
        **settings,
    )
    assert moved.returncode == 1, "web has them all already"
    listed = run("deliveries", "list", "--json", state_dir=tmp_path / "state", **settings)
    left = {row["state"] for row in json.loads(listed.stdout) if row["destination"] == "dead"}
    assert left == {"superseded"}
