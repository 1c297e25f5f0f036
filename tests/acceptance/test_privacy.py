"""Who the patient is stands nowhere but in the objects that go to the PACS, whatever happens on the way."""

import zipfile
from collections.abc import Iterable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from pydicom import Dataset, dcmread

from dicom_scp.identity import KeyRing, Vault
from dicom_scp.spool import Spool
from service.report.header import PATIENT, STUDY
from tests.enhanced import items
from tests.peers import House, free_port, run, scanside, storescu, wait_until
from tests.series import mr_series, write_series

CANARIES = {  # where each stands in the images, and what it is
    "PatientName": "Quastenflosser^Wilhelmine",
    "PatientID": "PID-7731904",
    "IssuerOfPatientID": "KLINIKUM-XQ",
    "PatientBirthDate": "19610412",
    "OtherPatientNames": "Zirbelnuss^Adelgunde",
    "PatientBirthName": "Donnerkeil^Mina",
    "PatientMotherBirthName": "Haberstroh^Walburga",
    "PatientAddress": "Gänsemarktgasse 7719",
    "PatientTelephoneNumbers": "0998-5520-771",
    "PatientComments": "limps since Kirchweih",
    "Occupation": "Glockengiesserin",
    "AccessionNumber": "ACC-5520917",
    "StudyID": "STU-81931",
    "StudyDescription": "Verlauf Rautenkranz",
    "SeriesDescription": "ax Pflaumenbaum",
    "ProtocolName": "prot Nussknacker",
    "InstitutionName": "Zwiebelstadt Hospital",
    "InstitutionAddress": "Rettichplatz 3",
    "StationName": "STATION-MRX4",
    "DeviceSerialNumber": "SN-990017",
    "ReferringPhysicianName": "Oberkofler^Ignaz",
    "OperatorsName": "Kratzenbacher^Resi",
    "PerformingPhysicianName": "Schlupfloch^Edeltraud",
    "RequestingPhysician": "Wurzelsepp^Korbinian",
    "AdmissionID": "ADM-330271",
    "RequestedProcedureDescription": "Kontrolle Mauerblume",
    "ImageComments": "seen by Hinterhuber",
    "MedicalRecordLocator": "MRL-440881",
    "SoftwareVersions": "syngo for Quastenflosser",
    "RequestAttributesSequence": "REQ-612044",
    "a private element": "Siebenschlaefer",
    "a private creator": "MAKER Tollkirsche",
}
assert len(CANARIES) >= 30
COUNTED = "/api/v1/deidentification/live"  # noted now and then, not with each image


def words(places: Iterable[str]) -> set[bytes]:
    """Give the words of some canaries, long enough that no chance makes them."""
    parts = {part for place in places for part in CANARIES[place].replace("^", " ").split()}
    common = {
        "syngo",
        "Hospital",
        "for",
        "since",
        "limps",
        "Kontrolle",
        "Verlauf",
        "prot",
        "seen",
        "MAKER",
        "771",
    }
    return {part.encode("latin-1") for part in parts - common if len(part) > 4}


def with_canaries(series: list[Dataset]) -> list[Dataset]:
    for ds in series:
        for keyword, value in CANARIES.items():
            if " " not in keyword and not keyword.endswith("Sequence"):
                setattr(ds, keyword, value)
        ds.RequestAttributesSequence = items(RequestedProcedureID=CANARIES["RequestAttributesSequence"])
        block = ds.private_block(0x0029, CANARIES["a private creator"], create=True)
        block.add_new(0x01, "LO", CANARIES["a private element"])
    return series


def found(tokens: set[bytes], content: bytes) -> set[bytes]:
    return {token for token in tokens if token in content or token.decode("latin-1").encode() in content}


def send_everything(folder: Path, house: House) -> None:
    """Send a sound series, objects that are refused, and objects that are skipped."""
    paths = write_series(folder / "sound", with_canaries(mr_series(slices=6, rows=96, columns=96)))
    whole = paths[0].read_bytes()
    assert found(words(CANARIES), whole) == words(CANARIES), "the canaries are in the input"
    odd = folder / "odd"
    odd.mkdir()
    (odd / "cut.dcm").write_bytes(whole[: len(whole) // 2])
    (odd / "no-series.dcm").write_bytes(whole.replace(b"\x20\x00\x0e\x00UI", b"\x20\x00\x0e\x10UI", 1))
    (odd / "odd-vr.dcm").write_bytes(whole.replace(b"\x10\x00\x20\x00LO", b"\x10\x00\x20\x00ZZ", 1))
    screen = dcmread(paths[1])
    screen.ImageType, screen.SOPInstanceUID = ["DERIVED", "SECONDARY", "SCREEN SAVE"], "1.2.3.99"
    screen.file_meta.MediaStorageSOPInstanceUID = "1.2.3.99"
    screen.save_as(odd / "screen.dcm")
    storescu([*paths, *odd.iterdir()], "127.0.0.1", house.dicom_port, more=["-nh"])


def everything_said(house: House, series: list[str]) -> str:
    paths = ["/metrics", "/api/v1/series", "/api/v1/status", "/api/v1/deliveries", "/api/v1/scanners"]
    paths += [f"/api/v1/series/{one}{more}" for one in series for more in ("", "/slices", "/findings")]
    said = []
    for path in paths:
        try:
            said.append(house.text(path))
        except OSError:
            assert path == "/api/v1/scanners"  # the one that there may not be
    return "".join(said)


def all_judged(house: House) -> bool | None:
    items = house.get("/api/v1/series")["items"]
    return (len(items) >= 2 and all(one["verdict"] for one in items)) or None


def signed_in(folder: Path, house: House) -> httpx.Client:
    """Give the API as an administrator asks it."""
    secret = folder / "password"
    secret.write_text("blue horse under moon\n")
    words = ("user", "add", "ada", "--role", "administrator", "--password-file", str(secret))
    made = run(*words, state_dir=house.state_dir)
    assert made.returncode == 0, made.stderr
    client = httpx.Client(base_url=house.url, timeout=60.0)
    answer = client.post("/api/v1/session", json={"name": "ada", "password": "blue horse under moon"})
    assert answer.status_code == 201, answer.text
    client.headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]
    client.headers["X-CSRF-Token"] = answer.json()["csrf"]
    return client


def files_given(client: httpx.Client, scanner: str) -> dict[str, str]:
    """Give what the console hands out as files and beside them, by address; of an archive what lies in it."""
    paths = ["/deid", "/api/v1/deidentification", COUNTED, "/api/v1/audit?limit=200"]
    paths += [
        "/api/v1/search?limit=200",
        "/api/v1/deeds",
        "/api/v1/nodes",
        "/api/v1/refusals",
        "/api/v1/support",
    ]
    for kind in ("csv", "json"):
        paths += [f"/api/v1/{area}/export?format={kind}" for area in ("search", "audit")]
        paths.append(f"/api/v1/trends/export?format={kind}&scanner={quote(scanner)}")
    given = {}
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        content = answer.content
        if "zip" in answer.headers["content-type"]:
            with zipfile.ZipFile(BytesIO(content)) as archive:
                content = b"\n".join(name.encode() + archive.read(name) for name in archive.namelist())
        given[path.partition("&")[0]] = content.decode()
    return given


def names_tried(client: httpx.Client) -> list[int]:
    """Type the patient's name wherever a person may say why; gives the statuses."""
    why, more = "Quastenflosser was here", {"If-Match": '"0"', "Idempotency-Key": "key-00001"}
    asked = [
        ("PUT", "/pauses/scoring", {"reason": why}),
        ("POST", "/deeds", {"what": "hold", "reason": why, "of": {"destination": "out"}}),
        ("PUT", "/rules", {"why": why, "toml": "format = 1\n"}),
    ]
    return [
        client.request(method, f"/api/v1{path}", json=body, headers=more).status_code
        for method, path, body in asked
    ]


# pynetdicom leaves the sockets of broken connections to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "keep_identity", [False, True], ids=["identity off", "identity kept: the test of the test"]
)
def test_no_word_of_the_patient_is_kept_or_said(tmp_path: Path, keep_identity: bool) -> None:
    state, out = tmp_path / "state", tmp_path / "out"
    state.mkdir()
    settings = {
        "quiet_s": 0.6,
        "log_level": "DEBUG",
        "unsafe_keep_identity": keep_identity,
        "destination": [
            {"name": "out", "kind": "folder", "folder": str(out)},
            {"name": "away", "kind": "dicom", "host": "127.0.0.1", "port": free_port(), "ae_title": "NOBODY"},
        ],
    }
    second = write_series(
        tmp_path / "second", with_canaries(mr_series(slices=6, rows=96, columns=96, key="b"))
    )
    with scanside(state_dir=state, **settings) as house:
        send_everything(tmp_path, house)
        storescu(second[:3], "127.0.0.1", house.dicom_port)
        house.kill()  # in the middle of things
        log = house.said()
    settings["destination"] = [settings["destination"][0]]
    with scanside(state_dir=state, **settings) as house:
        again = storescu(second, "127.0.0.1", house.dicom_port)
        assert again.returncode == 0, again.stderr + house.said()
        wait_until(
            lambda: len(list(out.glob("*.dcm"))) >= 4 or None,
            process=house.process, log=house.log, what="the results", within_s=90,
        )  # fmt: skip
        wait_until(
            lambda: all_judged(house), process=house.process, log=house.log, what="verdicts", within_s=90
        )
        series = house.get("/api/v1/series")["items"]
        said = everything_said(house, [one["id"] for one in series])
        with closing(signed_in(tmp_path, house)) as client:
            if not keep_identity:
                wait_until(
                    lambda: "PatientName" in client.get(COUNTED).text, what="what the door did, counted"
                )
            tried = names_tried(client)
            given = files_given(client, series[0]["scanner"])
        said += "".join(given.values())
        log += house.said()
    said += run("vault", "status", state_dir=state).stdout
    said += run("settings", state_dir=state).stdout

    every = words(CANARIES)
    told = words(place for place in CANARIES if place in (*PATIENT, *STUDY))  # what results are to carry
    written = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    names = "\n".join(str(path.relative_to(tmp_path)) for path in [*state.rglob("*"), *out.rglob("*")])
    vault = Vault(KeyRing.from_file(state / "key", create=False))
    spool, outbox = Spool(state / "spool", vault), Spool(state / "outbox", vault)
    unsealed = [spool.read(name) for name in spool.names()]
    built = b"".join(outbox.read(name) for name in outbox.names())
    results = b"".join(path.read_bytes() for path in out.glob("*.dcm"))

    assert tried == [422, 400, 422]
    assert given["/api/v1/audit/export?format=csv"].count("text refused") == len(tried)
    of_files = {area: given[f"/api/v1/{area}/export?format=csv"] for area in ("search", "trends")}
    assert all(one["id"] in of_files["search"] for one in series)
    assert sum(one["id"] in of_files["trends"] for one in series) == 2  # the last generation of each
    assert ("PatientName" in given[COUNTED]) is not keep_identity
    assert "settings" in given["/api/v1/support"]
    assert len(unsealed) == 12, log
    assert "instance refused" in log
    assert "instance skipped" in log
    assert found(every, written + said.encode() + log.encode() + names.encode()) == set()
    assert built
    assert found(every - told, built + results) == set()
    assert {b"Quastenflosser", b"PID-7731904", b"ACC-5520917"} <= found(told, results)
    assert found(every, b"".join(unsealed)) == (every if keep_identity else set())
