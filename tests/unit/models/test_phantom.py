"""The phantom series: valid headers, artifacts where they were wished for, the same bytes for the same words."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import MRImageStorage

from inference.image import Slice
from models.phantom import Series, Wish, magnitudes, main, shown, write


def test_the_series_holds_together(tmp_path: Path) -> None:
    paths = write(Series(slices=4, rows=96, columns=128), tmp_path)

    headers = [dcmread(path) for path in paths]

    assert [header.InstanceNumber for header in headers] == [1, 2, 3, 4]
    assert {header.ImagesInAcquisition for header in headers} == {4}
    assert {str(header.PatientName) for header in headers} == {"PHANTOM^DEMO"}
    assert {header.SOPClassUID for header in headers} == {MRImageStorage}
    assert len({header.SOPInstanceUID for header in headers}) == 4
    assert len({header.SeriesInstanceUID for header in headers}) == 1
    positions = [float(header.ImagePositionPatient[2]) for header in headers]
    assert np.allclose(np.diff(positions), 5.0)
    assert all(header.pixel_array.shape == (96, 128) for header in headers)


def test_the_eye_reads_it_with_phase_encoding_along_the_column(tmp_path: Path) -> None:
    path = write(Series(slices=1), tmp_path)[0]

    piece = Slice.from_dataset(dcmread(path))

    assert piece.phase_encoding == "COL"
    assert piece.spacing == pytest.approx((0.9375, 0.9375))
    assert float(piece.pixels.max()) > 500


def test_the_same_words_give_the_same_bytes_and_another_seed_other_uids(tmp_path: Path) -> None:
    series = Series(slices=2, rows=64, columns=64)
    first, second, other = (
        write(which, tmp_path / name)[0].read_bytes()
        for which, name in ((series, "a"), (series, "b"), (Series(2, 64, 64, seed=2), "c"))
    )
    assert first == second != other


def test_only_the_slices_wished_for_change() -> None:
    clean = magnitudes(Series(slices=3, rows=64, columns=64))
    planted = magnitudes(Series(slices=3, rows=64, columns=64, wishes=(Wish("noise", 2, 2, 3.0),)))

    changed = [not np.array_equal(a, b) for a, b in zip(clean, planted, strict=True)]

    assert changed == [False, True, False]


def test_a_wish_is_read_and_written_as_on_the_command_line() -> None:
    assert Wish.parse("motion:8-10:3.2") == Wish("motion", 8, 10, 3.2)
    assert str(Wish.parse("spike:4:2.5")) == "spike:4-4:2.5"
    with pytest.raises(ValueError, match="no artifact is called wobble"):
        Wish.parse("wobble:1:2")


def test_the_command_writes_a_series_with_several_artifacts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--out", str(tmp_path), "--slices", "3", "--rows", "64", "--columns", "64"])

    assert len(list(tmp_path.glob("*.dcm"))) == 3
    assert {wish.name for wish in shown(20)} >= {"motion", "ghost", "wrap", "spike", "noise"}
    assert "motion" in capsys.readouterr().out


def test_clean_means_nothing_is_planted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--out", str(tmp_path), "--slices", "1", "--rows", "64", "--columns", "64", "--clean"])

    assert capsys.readouterr().out.strip().endswith("clean")
