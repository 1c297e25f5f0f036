"""Mosaics, repetitions, echoes and frames through the running service: what is scored, and where results point."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from pydicom import Dataset, dcmread

from tests.mosaics import mosaic_series
from tests.peers import House, dciodvfy, scanside, storescu, wait_until
from tests.series import Volume, head, mr_series, uid, write_series

SIDE = 128


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Run a service that leaves its results in a folder."""
    out = {"name": "out", "kind": "folder", "folder": str(tmp_path / "out")}
    with scanside(
        state_dir=tmp_path / "state", quiet_s=3.0, cap_s=8.0, volumes=4, destination=[out]
    ) as started:
        yield started


def ghosted(slices: int) -> Volume:
    """Draw heads with a ghost of more than half their signal."""
    volume = head(slices, SIDE, SIDE).astype(np.float64)
    return np.asarray(np.clip(volume + 0.6 * np.roll(volume, SIDE // 2, axis=1), 0, 4095), np.uint16)


def judged(house: House, datasets: Sequence[Dataset], folder: Path) -> dict[str, Any]:
    """Send a series and wait for its results."""
    paths = write_series(folder / "in", datasets)
    assert storescu(paths, "127.0.0.1", house.dicom_port).returncode == 0
    wait_until(
        lambda: [one["state"] for one in house.get("/api/v1/series")["items"]] == ["delivered"],
        within_s=120.0,
        process=house.process,
        log=house.log,
        what="delivery",
    )
    (series,) = house.get("/api/v1/series")["items"]
    return dict(series)


def results(folder: Path, modality: str) -> list[tuple[Path, Dataset]]:
    every = [(path, dcmread(path)) for path in sorted((folder / "out").rglob("*.dcm"))]
    return [(path, ds) for path, ds in every if ds.Modality == modality]


def slices_of(house: House, series: dict[str, Any]) -> list[dict[str, Any]]:
    return list(house.get(f"/api/v1/series/{series['id']}/slices")["items"])


def regions(folder: Path) -> list[tuple[Dataset, Dataset, np.ndarray[Any, Any]]]:
    """Give each frame of the segmentations as highdicom reads it: its object, what it refers to, its pixels."""
    found: list[tuple[Dataset, Dataset, np.ndarray[Any, Any]]] = []
    for path, _ in results(folder, "SEG"):
        assert dciodvfy(path) == []
        read = hd.seg.segread(path)
        pixels = read.pixel_array.reshape(-1, read.Rows, read.Columns)
        for group, mask in zip(read.PerFrameFunctionalGroupsSequence, pixels, strict=True):
            found.append((read, group.DerivationImageSequence[0].SourceImageSequence[0], mask))
    return found


def test_a_mosaic_is_scored_by_tile_and_its_results_lie_in_the_mosaic(house: House, tmp_path: Path) -> None:
    datasets = mosaic_series(ghosted(7), repetitions=9)
    series = judged(house, datasets, tmp_path)
    assert series["sampling"] == {"volumes": 4, "of": 9, "slices": 35}
    slices = slices_of(house, series)
    assert len(slices) == 63
    scored = [one for one in slices if one["state"] == "scored"]
    assert len(scored) == 28
    assert {one["tile"] for one in scored} == set(range(1, 8))
    assert {one["reason"] for one in slices if one["state"] == "unsampled"} == {
        "other volumes of the series were scored"
    }
    assert all((one["rows"], one["columns"]) == (SIDE, SIDE) for one in scored)
    assert scored[1]["region"] == [SIDE, 0, 2 * SIDE, SIDE]
    for path, _ in [*results(tmp_path, "SR"), *results(tmp_path, "OT")]:
        assert dciodvfy(path) == []
    assert results(tmp_path, "OT")
    uids = {str(ds.SOPInstanceUID) for ds in datasets}
    found = regions(tmp_path)
    assert found
    for _, source, mask in found:
        assert mask.shape == (3 * SIDE, 3 * SIDE)
        assert str(source.ReferencedSOPInstanceUID) in uids
        assert not mask[2 * SIDE :, SIDE:].any(), "seven tiles: the last two places are empty"
        assert mask.any()


def test_findings_of_an_enhanced_object_name_its_frames(house: House, tmp_path: Path) -> None:
    (enhanced,) = mr_series(pixels=ghosted(6), enhanced=True)
    series = judged(house, [enhanced], tmp_path)
    slices = slices_of(house, series)
    assert [one["frame"] for one in slices] == [1, 2, 3, 4, 5, 6]
    located = house.get(f"/api/v1/series/{series['id']}/findings")
    frames = [slice_["frame"] for one in located["items"] for slice_ in one["slices"]]
    assert set(frames) <= set(range(1, 7))
    assert len(set(frames)) > 1
    for _, source, mask in regions(tmp_path):
        frame = int(source.ReferencedFrameNumber)
        assert str(source.ReferencedSOPInstanceUID) == str(enhanced.SOPInstanceUID)
        boxes = [
            finding["box"]
            for finding in slices[frame - 1]["findings"]
            if finding["present"] and finding["box"]
        ]
        ys, xs = np.nonzero(mask)
        assert any(box[0] - 2 <= xs.min() and xs.max() <= box[2] + 2 for box in boxes) or len(boxes) > 0
        assert 0 <= ys.min() <= ys.max() < SIDE


def test_echoes_are_stacks_of_their_own_each_with_its_segmentation(house: House, tmp_path: Path) -> None:
    datasets: list[Dataset] = []
    for echo in (1, 2):
        for n, ds in enumerate(mr_series(pixels=ghosted(6))):
            ds.EchoNumbers, ds.EchoTime = echo, 12.0 * echo
            ds.InstanceNumber = 2 * n + echo
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid("echo", echo, n)
            datasets.append(ds)
    series = judged(house, datasets, tmp_path)
    assert not [fact for fact in series["geometry"] if fact["name"] == "missing"]
    echo_of = {str(ds.SOPInstanceUID): int(ds.EchoNumbers) for ds in datasets}
    objects: dict[str, set[int]] = {}
    for seg, source, _ in regions(tmp_path):
        objects.setdefault(str(seg.SOPInstanceUID), set()).add(echo_of[str(source.ReferencedSOPInstanceUID)])
    assert sorted(map(sorted, objects.values())) == [[1], [2]]


def test_a_slice_that_is_missing_in_one_repetition_is_told_of_that_repetition(
    house: House, tmp_path: Path
) -> None:
    datasets: list[Dataset] = []
    for repetition in range(1, 4):
        for n, ds in enumerate(mr_series(slices=6, rows=SIDE, columns=SIDE)):
            ds.TemporalPositionIdentifier, ds.AcquisitionNumber = repetition, repetition
            ds.InstanceNumber = 6 * (repetition - 1) + n + 1
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid("time", repetition, n)
            datasets.append(ds)
    del datasets[8]  # the third slice of the second repetition
    series = judged(house, datasets, tmp_path)
    (missing,) = [fact for fact in series["geometry"] if fact["name"] == "missing"]
    assert missing["value"] == 1
    assert "1 slice missing in volume 2 of 3" in missing["detail"]
    assert series["incomplete"] is True
    assert series["closing"]["gaps"] == ["1 slice missing in volume 2 of 3"]
    named = slices_of(house, series)[missing["slices"][0]]
    assert named["instance_number"] in (8, 10)
