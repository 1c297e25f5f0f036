"""`scanside score` on files: one result a series, masks in the input's own matrix, nothing stops it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import JPEGLSLossless

from dicom_scp.deidentify import Deidentifier
from dicom_scp.identity import KeyRing
from inference import CATALOGUE, Slice
from inference.artifacts import NAMES
from inference.burned_in import TextDetector
from inference.card import load_card, released
from inference.checks import CHECKS
from inference.evidence import NAMES as METRICS
from inference.eye import Eye
from inference.score import Finding, slice_score
from service.explaining import worst_of
from service.rules import Thresholds
from service.score_files import FileScorer
from tests.compressed import LOSSLESS, compressed, frames_of, with_frames
from tests.series import Patient, head, mr_series, write_series

FIELDS = {
    "series",
    "source_paths",
    "modality_text",
    "description",
    "n_slices",
    "verdict",
    "index",
    "suitability",
    "artifacts",
    "geometry",
    "evidence",
    "explanations",
    "slices",
    "scored",
    "reason",
    "model",
    "provider",
    "sampling",
    "seconds",
}


@pytest.fixture(scope="module")
def eye() -> Eye:
    return Eye(load_card(released()), provider="cpu", threads=1)


class Run:
    """What one run gave."""

    def __init__(
        self, eye: Eye, paths: Sequence[Path], masks: Path | None = None, *, explain: Path | None = None
    ) -> None:
        self.notes: list[str] = []
        scorer = FileScorer(
            eye=eye,
            detector=TextDetector(),
            deidentifier=Deidentifier(KeyRing.ephemeral()),
            thresholds=Thresholds(usable_index=7.0, repeat_index=3.0, repeat_suitability=0.3),
            masks=masks,
            explain=explain,
            note=self.notes.append,
        )
        self.lines = [json.dumps(result) for result in scorer.score(paths)]
        self.results = [json.loads(line) for line in self.lines]


def masks_of(folder: Path, result: dict[str, object]) -> dict[str, np.ndarray]:
    with np.load(folder / f"{result['series']}.npz", allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def test_one_result_a_series_with_the_promised_fields(eye: Eye, tmp_path: Path) -> None:
    write_series(tmp_path / "a", mr_series(slices=3, key="a"))
    write_series(tmp_path / "b", mr_series(slices=2, key="b", rows=96, columns=80))
    run = Run(eye, [tmp_path])
    assert sorted(result["n_slices"] for result in run.results) == [2, 3]
    for result in run.results:
        assert set(result) == FIELDS
        assert result["scored"] is True
        assert result["verdict"] in ("Usable", "Check", "Repeat")
        assert 0 <= result["index"] <= 10
        assert 0 <= result["suitability"] <= 1
        assert result["provider"] == "CPUExecutionProvider"
        assert result["model"] == eye.model
        assert [one["instance_number"] for one in result["slices"]] == list(range(1, result["n_slices"] + 1))
        assert all({"instance_number", "index", "artifacts"} <= set(one) for one in result["slices"])
        assert all(set(one["evidence"]) == set(METRICS) for one in result["slices"])
        assert all(one["signal"] is True and one["familiar"] is True for one in result["slices"])
        assert [fact["check"] for fact in result["geometry"]] == [check.name for check in CHECKS]
        assert result["explanations"] == []


def test_every_artifact_is_named_and_coded(eye: Eye, tmp_path: Path) -> None:
    write_series(tmp_path, mr_series(slices=2))
    (result,) = Run(eye, [tmp_path]).results
    assert [one["name"] for one in result["artifacts"]] == [artifact.name for artifact in CATALOGUE]
    assert result["artifacts"][0]["code"] == "RADLEX:RID11423"
    for one in result["artifacts"]:
        assert set(one) == {
            "name",
            "code",
            "probability",
            "severity",
            "present",
            "slices",
            "frames",
            "evidence",
        }
        assert set(one["slices"]) <= {1, 2}


def test_missing_slices_are_told_by_the_numbers_of_the_slices_before_them(eye: Eye, tmp_path: Path) -> None:
    datasets = mr_series(slices=8)
    write_series(tmp_path, datasets[:4] + datasets[5:])
    (result,) = Run(eye, [tmp_path]).results
    missing = next(fact for fact in result["geometry"] if fact["check"] == "missing")
    assert (missing["present"], missing["value"], missing["slices"]) == (True, 1, [4])
    assert result["verdict"] != "Usable"


def test_the_worst_slices_are_explained_without_masks_too(eye: Eye, tmp_path: Path) -> None:
    datasets = mr_series(slices=2, rows=96, columns=80)
    write_series(tmp_path / "in", datasets)
    run = Run(eye, [tmp_path / "in"], explain=tmp_path / "why")
    (result,) = run.results
    indices = {one["instance_number"]: one["index"] for one in result["slices"]}
    explained = [one["instance_number"] for one in result["explanations"]]
    assert explained == sorted(indices, key=lambda number: (indices[number], number))[:3]
    for one in result["explanations"]:
        assert Path(one["picture"]).parent == tmp_path / "why"
        drawn = cv2.imread(one["picture"])
        assert drawn is not None
        assert drawn.shape == (96, 80, 3)
        with np.load(one["map"], allow_pickle=False) as stored:
            assert stored["rise"].shape == (96, 80)
            assert str(stored["sop_instance_uid"]) == str(datasets[one["instance_number"] - 1].SOPInstanceUID)
            assert np.unravel_index(stored["rise"].argmax(), (96, 80)) == tuple(one["peak"])
        assert 1 < one["runs"] <= one["grid"] ** 2 + 1
    for token in Patient().tokens():
        assert token not in run.lines[0]


def test_slices_that_do_not_count_are_not_explained() -> None:
    findings = [Finding(name, 0.0, 0.0, present=False, area=0.0, box=None) for name in NAMES]
    scores = [slice_score(findings, suitability) for suitability in (0.9, 0.1, 0.2, 0.5)]
    scores[1] = replace(scores[1], familiar=False)
    scores[2] = replace(scores[2], signal=False)
    assert worst_of(enumerate(scores)) == [3, 0]


def test_nothing_of_the_patient_is_printed(eye: Eye, tmp_path: Path) -> None:
    datasets = mr_series(slices=2)
    write_series(tmp_path, datasets)
    run = Run(eye, [tmp_path])
    for token in (*Patient().tokens(), str(datasets[0].SeriesInstanceUID), str(datasets[0].SOPInstanceUID)):
        assert token not in run.lines[0]


def test_slices_stand_in_the_order_of_their_places(eye: Eye, tmp_path: Path) -> None:
    datasets = mr_series(slices=4)
    for ds, number in zip(datasets, (7, 3, 9, 1), strict=True):
        ds.InstanceNumber = number
    write_series(tmp_path, datasets[::-1])
    (result,) = Run(eye, [tmp_path], tmp_path / "masks").results
    assert [one["instance_number"] for one in result["slices"]] == [7, 3, 9, 1]
    uids = masks_of(tmp_path / "masks", result)["sop_instance_uids"]
    assert uids.tolist() == [str(ds.SOPInstanceUID) for ds in datasets]


def test_slices_without_a_number_are_named_by_their_place(eye: Eye, tmp_path: Path) -> None:
    datasets = mr_series(slices=3)
    for ds in datasets:
        ds.InstanceNumber = None
    write_series(tmp_path, datasets)
    (result,) = Run(eye, [tmp_path]).results
    assert [one["instance_number"] for one in result["slices"]] == [1, 2, 3]


@pytest.mark.parametrize("phase_encoding", ["COL", "ROW", ""])
def test_masks_lie_in_the_matrix_and_orientation_of_the_input(
    eye: Eye, tmp_path: Path, phase_encoding: str
) -> None:
    pixels = head(2, 81, 67)
    paths = write_series(tmp_path / "in", mr_series(pixels=pixels, phase_encoding=phase_encoding))
    (result,) = Run(eye, [tmp_path / "in"], tmp_path / "masks").results
    stored = masks_of(tmp_path / "masks", result)
    assert set(stored) == {"probabilities", "classes", "sop_instance_uids", "frame_numbers"}
    assert stored["probabilities"].shape == (2, 13, 81, 67)
    assert stored["probabilities"].dtype == np.uint8
    assert stored["classes"].tolist() == [artifact.name for artifact in CATALOGUE]
    assert stored["frame_numbers"].tolist() == [1, 1]
    for path, written in zip(paths, stored["probabilities"], strict=True):
        (seen,) = eye.examine([Slice.from_dataset(dcmread(path))])
        assert np.array_equal(written, seen.masks.to_matrix(81, 67))


def test_frames_of_one_object_are_slices(eye: Eye, tmp_path: Path) -> None:
    (ds,) = mr_series(slices=7, enhanced=True)
    write_series(tmp_path / "in", [ds])
    (result,) = Run(eye, [tmp_path / "in"], tmp_path / "masks").results
    stored = masks_of(tmp_path / "masks", result)
    assert result["n_slices"] == len(result["slices"]) == 7
    assert stored["frame_numbers"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert set(stored["sop_instance_uids"].tolist()) == {str(ds.SOPInstanceUID)}


def test_a_kind_that_is_not_scored_says_why(eye: Eye, tmp_path: Path) -> None:
    datasets = mr_series(slices=2)
    for ds in datasets:
        ds.ImageType = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]
    write_series(tmp_path / "in", datasets)
    (result,) = Run(eye, [tmp_path / "in"]).results
    assert result["scored"] is False
    assert result["verdict"] == "Not scored"
    assert result["reason"] == "a derived map is not scored"
    assert (result["index"], result["suitability"], result["artifacts"], result["slices"]) == (
        None,
        None,
        [],
        [],
    )


def test_masks_are_written_for_a_kind_that_is_not_scored_too(eye: Eye, tmp_path: Path) -> None:
    datasets = mr_series(slices=2)
    for ds in datasets:
        ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    write_series(tmp_path / "in", datasets)
    (result,) = Run(eye, [tmp_path / "in"], tmp_path / "masks").results
    assert result["scored"] is False
    assert masks_of(tmp_path / "masks", result)["probabilities"].shape == (2, 13, 64, 64)


def test_frames_of_other_kinds_are_left_out_of_the_score_of_an_object(eye: Eye, tmp_path: Path) -> None:
    (ds,) = mr_series(slices=4, enhanced=True)
    ds.ComplexImageComponent = "MIXED"
    shared = ds.SharedFunctionalGroupsSequence[0]
    words = shared.MRImageFrameTypeSequence[0].to_json()
    del shared.MRImageFrameTypeSequence
    for n, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
        item = Dataset.from_json(words)
        item.ComplexImageComponent = "PHASE" if n % 2 else "MAGNITUDE"
        group.MRImageFrameTypeSequence = [item]
    write_series(tmp_path / "in", [ds])
    (result,) = Run(eye, [tmp_path / "in"], tmp_path / "masks").results
    assert result["scored"] is True
    assert result["n_slices"] == 4
    assert [one["frame"] for one in result["slices"]] == [1, 3]
    assert masks_of(tmp_path / "masks", result)["frame_numbers"].tolist() == [1, 2, 3, 4]


def test_slices_of_another_matrix_lie_in_the_corner_of_the_largest(eye: Eye, tmp_path: Path) -> None:
    large, small = mr_series(slices=1, rows=100, columns=90), mr_series(slices=2, rows=70, columns=96)
    write_series(tmp_path / "in", [*large, small[1]])
    (result,) = Run(eye, [tmp_path / "in"], tmp_path / "masks").results
    probabilities = masks_of(tmp_path / "masks", result)["probabilities"]
    assert probabilities.shape == (2, 13, 100, 96)
    assert not probabilities[0, :, :, 90:].any()
    assert not probabilities[1, :, 70:].any()


def test_what_is_no_image_is_left_out_with_a_note_and_stops_nothing(eye: Eye, tmp_path: Path) -> None:
    paths = write_series(tmp_path, mr_series(slices=3))
    (tmp_path / "DICOMDIR").write_bytes(b"not looked at")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").touch()
    paths[1].write_bytes(paths[1].read_bytes()[:900])
    run = Run(eye, [tmp_path, tmp_path / "not there"])
    (result,) = run.results
    assert result["n_slices"] == 2
    assert len(result["source_paths"]) == 2
    told = "\n".join(run.notes)
    assert "DICOMDIR" not in told
    for name in ("notes.txt", "empty", paths[1].name, "not there"):
        assert name in told


def test_an_image_that_lies_there_twice_counts_once(eye: Eye, tmp_path: Path) -> None:
    paths = write_series(tmp_path, mr_series(slices=2))
    (tmp_path / "copy.dcm").write_bytes(paths[0].read_bytes())
    (result,) = Run(eye, [tmp_path, paths[1]]).results
    assert result["n_slices"] == 2


def test_a_slice_whose_pixels_cannot_be_read_does_not_take_its_neighbours_along(
    eye: Eye, tmp_path: Path
) -> None:
    datasets = mr_series(slices=3)
    datasets[1].BitsStored, datasets[1].HighBit = 16, 3
    write_series(tmp_path, datasets)
    (result,) = Run(eye, [tmp_path]).results
    assert [one["instance_number"] for one in result["slices"]] == [1, 3]


def test_no_file_at_all_gives_no_result(eye: Eye, tmp_path: Path) -> None:
    assert Run(eye, [tmp_path]).results == []


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.keyword)
def test_a_compressed_series_scores_as_the_plain_one_and_a_broken_slice_tells_why(
    eye: Eye, tmp_path: Path, syntax: str
) -> None:
    plain = mr_series(slices=3, rows=96, columns=96)
    packed = [compressed(ds, syntax) for ds in plain]
    broken = compressed(plain[2], JPEGLSLossless)
    (frame,) = frames_of(broken)
    rubbish = frame[:25] + bytes(len(frame) - 27) + b"\xff\xd9"
    (expected,) = Run(eye, write_series(tmp_path / "plain", plain)).results
    (found,) = Run(eye, write_series(tmp_path / "packed", packed)).results
    spoilt = [*packed[:2], with_frames(plain[2], JPEGLSLossless, [rubbish])]
    (short,) = Run(eye, write_series(tmp_path / "spoilt", spoilt)).results
    assert found["index"] == expected["index"]
    assert [one["index"] for one in found["slices"]] == [one["index"] for one in expected["slices"]]
    assert short["n_slices"] == 3
    assert len(short["slices"]) == 2
    assert "could not be scored" in short["reason"]
