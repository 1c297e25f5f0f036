"""Who the patient is stands nowhere but in the objects that go to the PACS, whatever happens on the way."""

from collections.abc import Iterable
from pathlib import Path

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
        said = everything_said(house, [one["id"] for one in house.get("/api/v1/series")["items"]])
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

    assert len(unsealed) == 12, log
    assert "instance refused" in log
    assert "instance skipped" in log
    assert found(every, written + said.encode() + log.encode() + names.encode()) == set()
    assert built
    assert found(every - told, built + results) == set()
    assert {b"Quastenflosser", b"PID-7731904", b"ACC-5520917"} <= found(told, results)
    assert found(every, b"".join(unsealed)) == (every if keep_identity else set())
