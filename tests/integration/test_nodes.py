"""Nodes that people add on the console, asked for real."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from service.access import Role
from service.ledger import Database, prepare
from service.settings import Settings
from service.settings_tables import TlsProfile
from service.web import create_app
from tests.authority import Authority
from tests.peers import free_port, program, wait_until
from tests.peers.processes import running
from tests.unit.service.web.recorded import RecordedLedger, a_gate, a_house
from tests.unit.service.web.test_access import as_person, ask, headers_of


@pytest.mark.filterwarnings(
    "ignore:unclosed <s:ResourceWarning"
)  # pynetdicom leaves closing to the collector
def test_a_pacs_of_the_page_is_asked_by_tls_with_the_certificates_of_its_profile(tmp_path: Path) -> None:
    ours, strangers = Authority(tmp_path / "ours"), Authority(tmp_path / "strangers")
    certificate, key = ours.issue("127.0.0.1")
    own, own_key = ours.issue("scanside")
    profiles = (
        TlsProfile(name="hospital", ca=ours.ca, certificate=own, private_key=own_key),
        TlsProfile(name="strangers", ca=strangers.ca, certificate=own, private_key=own_key),
    )
    database = Database(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    prepare(database)
    gate = a_gate()
    encoded = gate.passwords.encode("blue horse under moon")
    gate.accounts.added("admin", Role.ADMINISTRATOR, encoded, temporary=False, now=gate.clock(), by="test")
    app = create_app(
        a_house(RecordedLedger(), gate=gate, past=database, settings=Settings(tls_profile=profiles))
    )
    signed = headers_of(as_person(gate, "admin"))

    keys = count(10_000_000)

    def call(method: str, path: str, **more: Any) -> tuple[int, Any]:
        headers = signed | {"Idempotency-Key": str(next(keys))}
        answer = ask(app, method, f"/api/v1/nodes{path}", headers=headers, **more)
        return answer.status_code, answer.json()

    port, log = free_port(), tmp_path / "log"
    pacs = {"role": "destination", "name": "second", "ae_title": "ARCHIVE", "host": "127.0.0.1", "port": port}
    status, told = call("POST", "", json=pacs | {"tls_profile": "nobody's"})
    assert (status, "tls_profile" in str(told)) == (422, True)
    status, told = call("POST", "", json=pacs | {"tls_profile": "other"})
    assert (status, told["detail"]) == (400, "the settings file has no tls_profile 'other'")
    for name in ("hospital", "strangers"):
        status, told = call("POST", "", json=pacs | {"name": name, "tls_profile": name})
        assert (status, told["tls"], told["tls_profile"]) == (201, True, name)
    listed = call("GET", "")[1]
    assert listed["tls_profiles"] == ["hospital", "strangers"]
    assert str(own_key) not in str(listed)

    command = [str(program("storescp")), "+tls", str(key), str(certificate), "+cf", str(ours.ca), str(port)]
    with running(command, log) as process:
        wait_until(
            lambda: call("POST", "/to:hospital/echo")[1]["good"], process=process, log=log, what="storescp"
        )
        status, told = call("POST", "/to:strangers/echo")
    assert (status, told["good"]) == (200, False)
    database.close()
