"""Reading clean slices: from files through the eye, split by source and subject."""

import csv
from pathlib import Path

import numpy as np
import pytest

from models import shelf
from models.classes import CLASSES, INDEX
from models.dataset import (
    SPLITS,
    load_pool,
    phantom_pool,
    read_pool,
    split_of,
    split_table,
    usable,
    varied,
    vendor_of,
)
from models.phantom import Series, write
from models.shelf import packed, unpacked
from models.simulate import Plan, Planted, simulate

ROW = {
    "source_repo": "somebody/heads",
    "patient_id": "A",
    "series_id": "1",
    "anatomy": "brain",
    "vendor": "SIEMENS",
    "quality": "clean",
    "role": "magnitude",
    "format": "DICOM",
    "slice_axis": "",
    "rows": "128",
    "cols": "128",
}


def manifest(folder: Path, rows: list[dict[str, str]]) -> Path:
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=[*ROW, "path"])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_clean_files_become_canvases(tmp_path: Path) -> None:
    paths = write(Series(slices=3, rows=128, columns=128), tmp_path)
    noisy = ROW | {"quality": "EPI DWI", "path": paths[2].name}
    rows = [*({**ROW, "path": path.name} for path in paths[:2]), noisy]

    pool = read_pool(manifest(tmp_path, rows))

    assert pool.images.shape == (2, 256, 256)
    assert float(pool.image(0).max()) == pytest.approx(1.0)
    assert pool.source.tolist() == ["somebody/heads/A"] * 2
    assert pool.vendor.tolist() == ["Siemens"] * 2
    assert len(pool.of("train")) == 2


@pytest.mark.parametrize(
    ("manufacturer", "wanted"),
    [
        ("Siemens Healthineers", "Siemens"),
        ("GE MEDICAL SYSTEMS", "GE"),
        ("GENESIS_SIGNA", "GE"),
        ("CANON_MEC", "Canon/Toshiba"),
        ("", "unknown"),
    ],
)
def test_a_vendor_is_told_by_the_first_word_of_the_manufacturer(manufacturer: str, wanted: str) -> None:
    assert vendor_of(manufacturer) == wanted


def test_a_turned_slice_has_its_phase_encoding_along_the_other_axis() -> None:
    pool = phantom_pool(1, 1)

    assert np.array_equal(pool.turned().image(0), pool.image(0).T)


def test_a_file_that_cannot_be_read_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = write(Series(slices=2, rows=128, columns=128), tmp_path)
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole[: len(whole) - 5000])

    pool = read_pool(manifest(tmp_path, [{**ROW, "path": path.name} for path in paths]))

    assert len(pool) == 1
    assert "left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "wanted"),
    [({}, True), ({"quality": "EPI DWI"}, False), ({"rows": "64"}, False), ({"role": "phase"}, False)],
)
def test_only_clean_magnitude_images_of_some_size_are_used(change: dict[str, str], wanted: bool) -> None:
    assert usable(ROW | change) is wanted


def test_no_source_and_no_subject_is_in_two_splits() -> None:
    named = [(row["source"], row.get("subject")) for rows in split_table().values() for row in rows]

    assert len(named) == len(set(named))
    assert set(split_table()) < set(SPLITS)
    whole = {source for source, subject in named if subject is None}
    assert not whole & {source for source, subject in named if subject is not None}


def test_a_subject_is_split_off_its_source_and_the_unnamed_train() -> None:
    table = {"test": [{"source": "x/y", "subject": "2"}], "validation": [{"source": "v/w"}]}

    assert split_of(table, "x/y", "1") == "train"
    assert split_of(table, "x/y", "2") == "test"
    assert split_of(table, "v/w", "any") == "validation"


def test_phantoms_stand_in_without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCANSIDE_DATA", raising=False)

    pool = load_pool(tmp_path)

    assert set(pool.split) == set(SPLITS)
    assert len(pool) == len(phantom_pool())
    subjects = [set(pool.of(split).source) for split in SPLITS]
    assert not subjects[0] & subjects[1] | subjects[0] & subjects[2] | subjects[1] & subjects[2]


def test_canvases_are_kept_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "train"
    path = write(Series(slices=1, rows=128, columns=128), data)[0]
    manifest(data, [{**ROW, "path": path.name}])
    monkeypatch.setenv("SCANSIDE_DATA", str(tmp_path))
    first = load_pool(tmp_path)
    path.unlink()

    assert np.array_equal(load_pool(tmp_path).images, first.images)


def test_variation_keeps_the_canvas_and_the_scale() -> None:
    image = phantom_pool(1, 1).image(0)
    for seed in range(5):
        other = varied(np.random.default_rng(seed), image)
        assert other.shape == image.shape
        assert 0 <= float(other.min()) <= float(other.max()) <= 1.01


def test_a_slot_keeps_on_which_side_of_the_median_the_shading_lies() -> None:
    clean = phantom_pool(2, 2).image(1)
    sample = simulate(np.random.default_rng(1), clean, Plan((Planted("bias", 2.0),)))

    batch = unpacked(packed(sample)[None])

    assert sample.shading is not None
    quarter = np.asarray(sample.shading[::2, ::2])
    sure = np.abs(quarter) > 0.2
    assert np.array_equal(batch.side[0][sure], np.sign(quarter[sure]))
    assert (batch.side[0][batch.mask[0, INDEX["bias"]]] != 0).mean() > 0.99


def test_a_slice_of_a_small_matrix_is_enlarged_with_its_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "COARSE_SHARE", 1.0)
    monkeypatch.setattr(shelf, "COARSE", (0.4, 0.4))
    pool = phantom_pool(subjects=2)
    only_ghosts = dict.fromkeys(CLASSES, 1e-3) | {"ghost": 1.0}
    apart = []
    for seed in range(12):
        sample = shelf.fresh(np.random.default_rng(seed), pool.image(4), (3.0, 3.4), only_ghosts)
        assert sample.reference.shape == sample.body.shape == sample.image.shape
        power = np.abs(np.fft.fftshift(np.fft.fft2(sample.reference))) ** 2
        rows, columns = power.shape
        inner = power[rows // 4 : rows * 3 // 4, columns // 4 : columns * 3 // 4]
        assert inner.sum() > 0.99 * power.sum()  # nothing finer than was acquired
        mask = sample.visibility.get("ghost", np.zeros(1)) > 1
        if mask.any():
            change = np.abs(sample.image - sample.reference)
            apart.append(change[mask].mean() / change[~mask].mean())
    assert len(apart) > 3
    assert np.median(apart) > 2
