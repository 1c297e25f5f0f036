"""An image with burned-in text goes no further than the worker: erased, not scored, not shown, not sent."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from dicom_scp.identity import KeyRing, Vault
from dicom_scp.spool import Spool
from tests.burning import burnt
from tests.peers import House, scanside, storescu, wait_until
from tests.series import Patient, mr_series, write_series

SLICES, SIDE = 6, 192


def burn(datasets: Sequence[Dataset]) -> None:
    """Write the patient's name into the pixels; the header goes on to deny it."""
    for ds in datasets:
        name = f"{Patient().name} {Patient().birth_date}"
        image = burnt(ds.pixel_array.astype(np.float32), name[:26], at=(4, 180))
        ds.PixelData = image.astype("<u2").tobytes()
        ds.BurnedInAnnotation = "NO"


def delivered(house: House) -> dict[str, object]:
    wait_until(
        lambda: house.get("/api/v1/series")["items"][0]["state"] == "delivered" or None,
        within_s=60.0,
        process=house.process,
        log=house.log,
        what="delivery",
    )
    return dict(house.get("/api/v1/series")["items"][0])


def shown(house: House, series: object, position: int) -> bool:
    """Ask for the pixels; they are there or they are not to be found."""
    with (
        suppress(HTTPError),
        urlopen(f"{house.url}/api/v1/series/{series}/slices/{position}/image") as answer,
    ):
        return bool(answer.read())
    return False


def spooled(state: Path) -> list[str]:
    spool = Spool(state / "spool", Vault(KeyRing.from_file(state / "key", create=False)))
    return list(spool.names())


def test_a_flagged_slice_is_erased_and_the_others_are_scored(tmp_path: Path) -> None:
    series = mr_series(slices=SLICES, rows=SIDE, columns=SIDE)
    burn(series[2:3])
    state, out = tmp_path / "state", tmp_path / "out"
    state.mkdir()
    destinations = [
        {"name": "out", "kind": "folder", "folder": str(out)},
        {"name": "research", "kind": "research", "folder": str(tmp_path / "research")},
    ]
    for ds in series:
        ds.BodyPartExamined = "KNEE"
    paths = write_series(tmp_path / "scanner", series)
    with scanside(state_dir=state, quiet_s=0.6, destination=destinations) as house:
        storescu(paths, "127.0.0.1", house.dicom_port)
        told = delivered(house)
        assert [shown(house, told["id"], n) for n in range(SLICES)] == [n != 2 for n in range(SLICES)]
        slices = house.get(f"/api/v1/series/{told['id']}/slices")["items"]
        assert [one["index"] is None for one in slices] == [n == 2 for n in range(SLICES)]
        assert house.metric("scanside_images_erased_total") == 1
        said = house.said()
    assert told["verdict"] in {"Check", "Repeat"}
    assert "could not be scored" in str(told["reason"]) or told["verdict"] == "Repeat"
    assert "an image was erased" in said
    assert not any(token in said for token in Patient().tokens())
    assert len(spooled(state)) == SLICES - 1
    assert len(list((tmp_path / "research").glob("IMAGE-*"))) == SLICES - 1


@pytest.mark.parametrize("enhanced", [False, True])
def test_a_series_of_nothing_else_is_not_scored_and_has_no_report(tmp_path: Path, enhanced: bool) -> None:
    pixels = mr_series(slices=SLICES, rows=SIDE, columns=SIDE)
    burn(pixels)
    volume = np.stack([ds.pixel_array for ds in pixels])
    series = mr_series(pixels=volume, enhanced=enhanced)
    state, out = tmp_path / "state", tmp_path / "out"
    state.mkdir()
    paths = write_series(tmp_path / "scanner", series)
    with scanside(
        state_dir=state, quiet_s=0.6, destination=[{"name": "out", "kind": "folder", "folder": str(out)}]
    ) as house:
        storescu(paths, "127.0.0.1", house.dicom_port)
        told = delivered(house)
        assert not any(shown(house, told["id"], n) for n in range(SLICES))
    assert (told["verdict"], told["reason"]) == ("Not scored", "text is burned into the pixels")
    assert spooled(state) == []
    assert [dcmread(path) for path in out.glob("*")] == []


def test_what_is_not_scored_is_neither_looked_at_nor_shown(tmp_path: Path) -> None:
    series = mr_series(slices=SLICES, rows=SIDE, columns=SIDE)
    burn(series)
    for ds in series:
        ds.ImageType = ["ORIGINAL", "PRIMARY", "P", "ND"]
    state, out = tmp_path / "state", tmp_path / "out"
    state.mkdir()
    destinations = [
        {"name": "out", "kind": "folder", "folder": str(out)},
        {"name": "research", "kind": "research", "folder": str(tmp_path / "research")},
    ]
    paths = write_series(tmp_path / "scanner", series)
    with scanside(state_dir=state, quiet_s=0.6, destination=destinations) as house:
        storescu(paths, "127.0.0.1", house.dicom_port)
        told = delivered(house)
        assert not any(shown(house, told["id"], n) for n in range(SLICES))
        assert house.metric("scanside_images_erased_total") == 0
    assert (told["verdict"], told["reason"]) == ("Not scored", "a phase image is not scored")
    assert len(spooled(state)) == SLICES
    assert [*out.glob("*"), *(tmp_path / "research").glob("*")] == []
