"""Site rules in the running service: an alert leaves signed, results go where they say, a PACS goes by the verdict."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.events import Event

from tests.integration.test_alerts import MR_IMAGE, SECRET, receiving
from tests.peers import House, orthanc, run, scanside, storescu, wait_until

ROOT = Path(__file__).resolve().parents[2]
NOTED = {"Usable": "usable", "Check": "check", "Repeat": "repeat"}
RULES = """
[[rule]]
name = "Tell the worklist"

[[rule.when]]
kind = "circumstance"
one_of = ["provisional"]

[[rule.do]]
kind = "alert"
channels = ["worklist"]

[[rule]]
name = "All that stands"

[[rule.when]]
kind = "not"
of = [{ kind = "circumstance", one_of = ["provisional"] }]

[[rule.do]]
kind = "alert"
channels = ["worklist", "console"]
priority = "high"

[[rule.do]]
kind = "forward"
pacs = "pacs"
to = "READER"

[[rule.do]]
kind = "withhold"
destinations = ["copy"]

[[rule.do]]
kind = "send"
destinations = ["other"]
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("phantom")
    subprocess.run([sys.executable, "-m", "models.phantom", "--out", str(folder)], check=True)
    return sorted(folder.rglob("*.dcm"))


def errands(house: House) -> list[dict[str, Any]]:
    return list(house.get("/api/v1/errands")["items"])


def test_rules_alert_route_and_forward_and_a_pacs_goes_by_the_verdict(
    planted: list[Path], tmp_path: Path
) -> None:
    state, secret = tmp_path / "state", tmp_path / "secret"
    state.mkdir()
    secret.write_text(SECRET)
    (state / "rules.toml").write_text(RULES)
    forwarded: list[str] = []

    def take(event: Event) -> int:
        forwarded.append(str(event.dataset.SOPInstanceUID))
        return 0x0000

    lua = {"LuaScripts": [str(ROOT / "orthanc/verdict.lua")], "UserMetadata": {"ScansideVerdict": 5001}}
    with receiving() as receiver, orthanc(**lua) as pacs:
        entity = ApplicationEntity("READER")
        entity.add_supported_context(MR_IMAGE, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
        reader = entity.start_server(
            (pacs.host.our_address, 0), block=False, evt_handlers=[(evt.EVT_C_STORE, take)]
        )
        assert reader is not None
        here = {"Host": pacs.host.our_address, "Port": reader.socket.getsockname()[1]}
        pacs.tell("PUT", "/modalities/reader", {"AET": "READER", **here})
        pacs.tell("PUT", "/modalities/scanside", {"AET": "SCANSIDE", **here})
        for path in planted:
            pacs.store(path)
        folders = [
            {"name": name, "kind": "folder", "folder": str(tmp_path / name), "results": ["SR"], "send": send}
            for name, send in (("copy", "always"), ("other", "never"))
        ]
        webhook = {"name": "worklist", "kind": "webhook", "url": receiver.url, "secret_file": str(secret)}
        settings = {"destination": [pacs.destination(results=["SR"]), *folders], "alert": [webhook]}
        try:
            with scanside(
                state_dir=state, quiet_s=0.6, console_url="https://scanside.example", **settings
            ) as house:
                storescu(planted, "127.0.0.1", house.dicom_port)
                wait_until(
                    lambda: (
                        len(errands(house)) == 3 and all(one["state"] == "done" for one in errands(house))
                    ),
                    within_s=60,
                    process=house.process,
                    log=house.log,
                    what="what the rules order",
                )
                (series,) = house.get("/api/v1/series")["items"]
                wait_until(lambda: pacs.find("Instance", Modality="SR"), within_s=30, what="the report")
                fired = house.get(f"/api/v1/series/{series['id']}/rules")["items"]
                said = house.said()
        finally:
            reader.shutdown()
        assert [one["rule"] for one in fired[-1]["fired"]] == ["All that stands"]
        asked_for = {"id", "verdict", "index", "reason", "scanner", "provisional"}  # by systems
        assert asked_for <= series.keys()
        check_alert(receiver.got, series)
        assert sorted(forwarded) == sorted(str(dcmread(path).SOPInstanceUID) for path in planted)
        assert not list((tmp_path / "copy").rglob("*.dcm"))
        assert len(list((tmp_path / "other").rglob("*.dcm"))) == 1
        (images,) = pacs.find("Series", Modality="MR")
        for place in (f"/series/{images['ID']}", f"/studies/{images['ParentStudy']}"):
            assert pacs.text(f"{place}/metadata/ScansideVerdict") == NOTED[series["verdict"]]
    assert "error" not in said
    shown = run("rules", "test", "--json", state_dir=state, **settings)
    assert json.loads(shown.stdout) == {"verdicts": 1, "held": {"Tell the worklist": 0, "All that stands": 1}}


def check_alert(got: list[tuple[str, dict[str, str], bytes]], series: dict[str, Any]) -> None:
    """See that it is signed, tells of the series, and names nobody."""
    ((_, headers, body),) = got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    told = json.loads(body)
    assert (told["verdict"], told["series"], told["priority"]) == (series["verdict"], series["id"], "high")
    assert told["link"] == f"https://scanside.example/#/series/{series['id']}"
    assert told["provisional"] is False
