"""The peers themselves: what the other tests lean on."""

import json
import socket
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from tests.peers import Orthanc, dciodvfy, echoscu, host, storescu
from tests.peers.network import own_address
from tests.peers.programs import program, requires
from tests.series import Patient, Vendor, mr_series, write_series


def test_the_pacs_takes_a_series_from_dcmtk_and_gives_it_back(pacs: Orthanc, tmp_path: Path) -> None:
    patient = Patient(id="PID-1")
    paths = write_series(tmp_path, mr_series(slices=3, patient=patient))
    assert echoscu(pacs.address, pacs.port, called="ORTHANC")

    sent = storescu(paths, pacs.address, pacs.port, called="ORTHANC")

    assert sent.returncode == 0, sent.stderr
    stored = pacs.instances(PatientID="PID-1")
    assert sorted(int(ds.InstanceNumber) for ds in stored) == [1, 2, 3]
    pacs.empty()
    assert pacs.get("/instances") == []


def test_the_pacs_speaks_dicomweb(pacs: Orthanc) -> None:
    assert pacs.get("/dicom-web/studies") == []


def test_a_pulled_cable_makes_the_pacs_vanish_without_a_word(pacs: Orthanc) -> None:
    pacs.host.pull_cable()
    try:
        began = time.monotonic()
        with pytest.raises(OSError), socket.create_connection((pacs.address, pacs.port), timeout=1):
            pass
        assert time.monotonic() - began < 5
    finally:
        pacs.host.plug_cable()
    assert echoscu(pacs.address, pacs.port, called="ORTHANC")


def test_a_host_of_its_own_brings_no_address_to_a_machine_that_has_one() -> None:
    own = own_address()
    with host() as there:
        near = there.link.removesuffix("b") + "a"
        told = subprocess.check_output([program("ip"), "-json", "address", "show", "dev", near])
    found = [one["local"] for link in json.loads(told) for one in link["addr_info"]]
    assert found == ([] if own else [there.our_address])


def test_each_engine_gives_an_empty_database(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        return
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (0,)


@pytest.mark.parametrize("vendor", ["siemens", "ge", "philips"])
@pytest.mark.parametrize("enhanced", [False, True])
def test_the_synthetic_series_are_valid_dicom(vendor: Vendor, enhanced: bool, tmp_path: Path) -> None:
    requires("dciodvfy")
    series = mr_series(slices=2, vendor=vendor, enhanced=enhanced, images_in_acquisition=2)
    for path in write_series(tmp_path, series):
        assert dciodvfy(path) == []


def test_the_same_words_make_the_same_series_and_other_words_another() -> None:
    first, again, other = (mr_series(slices=2, key=key) for key in "aab")
    assert first == again
    assert first[0].SeriesInstanceUID != other[0].SeriesInstanceUID
    assert first[0].StudyInstanceUID == other[0].StudyInstanceUID
