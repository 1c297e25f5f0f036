"""Verdicts on held-out series and under stress, with an eye that judges as it is told."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pydicom
import pytest

from inference import CATALOGUE
from inference.eye import Examined, Eye
from inference.image import Slice
from inference.masks import MaskStack
from inference.score import Finding, SliceScore, slice_score
from inference.verdict import Thresholds, Verdict, verdict_of
from models.dataset import phantom_pool
from models.outcomes import CANDIDATES, Tried, by_artifact, by_source, of_clean, of_spoilt, stress_tables
from models.phantom import Series as PhantomSeries
from models.phantom import write
from models.resampling import resampling
from models.series import (
    PART_SPOILT,
    SPOILT_SLICES,
    VERDICTS,
    Series,
    Verdicts,
    diagnostic,
    judge_clean,
    judge_spoilt,
    judged,
    read_series,
    spoil,
)
from models.stress import STRESSES, Outcomes, judge_stressed, stressed
from models.visibility import GREY_ZONE

USABLE, REPEAT, NOT_SCORED = (
    VERDICTS.index(verdict) for verdict in (Verdict.USABLE, Verdict.REPEAT, Verdict.NOT_SCORED)
)


def score(suitability: float) -> SliceScore:
    """A slice with motion all over it where it is not suitable."""
    findings = [
        Finding(artifact.name, 0.9, 0.9, present=True, area=0.9, box=(0, 0, 9, 9))
        if artifact.name == "motion" and suitability < 0.5
        else Finding(artifact.name, 0.0, 0.0, present=False, area=0.0, box=None)
        for artifact in CATALOGUE
    ]
    return slice_score(findings, suitability)


class Told:
    """An eye that finds every slice alike."""

    def __init__(self, suitability: float) -> None:
        self.suitability = suitability
        self.seen = 0

    def examine(self, slices: Sequence[Slice]) -> list[Examined]:
        self.seen += len(slices)
        return [Examined(score(self.suitability), cast("MaskStack", None)) for _ in slices]


def eye(suitability: float) -> Eye:
    return cast("Eye", Told(suitability))


@pytest.fixture(autouse=True)
def phantoms_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCANSIDE_DATA", raising=False)


def test_where_there_is_no_data_every_phantom_is_a_series() -> None:
    series = read_series(phantom_pool(12, 8), "test")

    assert [len(one.slices) for one in series] == [8, 8]
    assert {one.subject for one in series} == {"phantom/5", "phantom/11"}


def test_a_clean_series_gets_the_verdict_that_its_slices_call_for() -> None:
    series = read_series(phantom_pool(12, 8), "test")
    refused = Series("a", "a/b", (), "a phase image is not scored")

    assert judge_clean(eye(0.95), series).verdict.tolist() == [USABLE] * 2
    assert judge_clean(eye(0.05), series).verdict.tolist() == [REPEAT] * 2
    assert judge_clean(eye(0.05), series).named.all()
    assert not judge_clean(eye(0.95), series).named.any()
    assert judge_clean(eye(0.95), [refused]).verdict.tolist() == [NOT_SCORED]
    assert judged([], refused.refused)[0].reason == "a phase image is not scored"


def test_a_series_is_spoilt_by_each_artifact_once_wholly_and_once_in_part() -> None:
    series = read_series(phantom_pool(6, SPOILT_SLICES), "test")

    found = judge_spoilt(eye(0.05), spoil(series))

    assert sorted(zip(found.artifact.tolist(), found.extent.tolist(), strict=True)) == [
        (artifact, extent) for artifact in ("ghost", "motion", "spike", "wrap") for extent in ("all", "part")
    ]
    assert found.unsuitable[found.artifact == "motion"].all()  # a gross motion leaves nothing alike
    assert (found.verdict == REPEAT).all()
    assert (found.similarity[found.unsuitable] < GREY_ZONE[1]).all()


def test_a_part_of_a_spoilt_series_is_two_slices_among_clean_ones() -> None:
    series = read_series(phantom_pool(6, SPOILT_SLICES), "test")

    class Honest(Told):
        def examine(self, slices: Sequence[Slice]) -> list[Examined]:
            self.suitability = 0.95 if self.seen == 0 else 0.05  # the clean slices come first
            return super().examine(slices)

    found = judge_spoilt(cast("Eye", Honest(0.0)), spoil(series))
    quality, verdict = judged([score(0.95)] * (SPOILT_SLICES - PART_SPOILT) + [score(0.05)] * PART_SPOILT)

    assert quality.n_slices == SPOILT_SLICES
    assert set(found.verdict[found.extent == "part"].tolist()) == {VERDICTS.index(verdict)}


def verdicts() -> Verdicts:
    """Two subjects: one whose series are found, one whose are not; a third series was never made unsuitable."""
    return Verdicts(
        subject=np.array(["x/a", "x/a", "y/b", "y/b", "y/b"]),
        artifact=np.array(["motion", "motion", "motion", "motion", "ghost"]),
        extent=np.array(["all", "part", "all", "part", "all"]),
        similarity=np.array([0.7, 0.7, 0.84, 0.84, 0.95]),
        unsuitable=np.array([True, True, True, True, False]),
        verdict=np.array([REPEAT, REPEAT, USABLE, NOT_SCORED, USABLE], dtype=np.int8),
        named=np.array([True, True, True, False, False]),
        mendable=np.array([True, True, True, False, False]),
        index=np.array([2.0, 3.0, 4.2, np.nan, 4.2]),
        suitability=np.array([0.2, 0.3, 0.5, np.nan, 0.5]),
    )


def test_shares_count_unsuitable_series_alone_and_have_intervals_by_subject() -> None:
    said = verdicts()
    resamples = resampling(said.subject)
    spoilt, clean = of_spoilt(said, resamples), of_clean(said, resamples)

    assert spoilt["spoilt_all_repeat"][0] == pytest.approx(0.5)
    assert spoilt["spoilt_part_flagged"][0] == pytest.approx(0.5)
    assert set(np.unique(spoilt["spoilt_all_repeat"])) == {0.0, 0.5, 1.0}
    assert clean["clean_series_usable"][0] == pytest.approx(2 / 5)
    assert sum(rows[0] for name, rows in clean.items() if name != "clean_series_named") == pytest.approx(1.0)
    assert clean["clean_series_named"][0] == pytest.approx(3 / 5)
    assert by_artifact(said)["motion"]["all_series"] == 2.0
    assert np.isnan(by_artifact(said)["ghost"]["all_repeat"])
    assert dict(by_source(said))["x"][REPEAT] == 2
    assert dict(by_source(said))["y"][-1] == 1


def test_where_the_grey_zone_is_left_out_only_gross_spoiling_counts() -> None:
    said = verdicts()
    spoilt = of_spoilt(said, resampling(said.subject))

    assert said.clear.tolist() == [True, True, False, False, False]
    assert spoilt["spoilt_all_repeat_grey_zone_out"][0] == 1.0
    assert by_artifact(said)["motion"]["all_clear_series"] == 1.0


@pytest.mark.parametrize("suitability", [0.05, 0.38, 0.45, 0.95])
def test_other_thresholds_bring_the_verdict_that_the_rule_would_bring(suitability: float) -> None:
    series = read_series(phantom_pool(12, 8), "test")
    said = judge_clean(eye(suitability), series)
    quality, _ = judged([score(suitability)] * 8)

    for thresholds in (Thresholds(), Thresholds(repeat_index=4.2), Thresholds(repeat_suitability=0.5)):
        repeat = verdict_of(quality, thresholds) is Verdict.REPEAT
        assert said.repeated(thresholds).tolist() == [repeat] * 2


def test_nothing_is_repeated_without_an_artifact_that_a_new_scan_mends() -> None:
    said = verdicts()

    assert said.repeated(Thresholds(repeat_index=5.0)).tolist() == [True, True, True, False, False]
    assert said.repeated(Thresholds(repeat_index=4.0, repeat_suitability=0.1)).tolist() == [
        True,
        True,
        *[False] * 3,
    ]


def test_candidates_for_thresholds_stand_beside_the_defaults() -> None:
    said = verdicts()
    tried = Tried(clean=said, spoilt=said)
    low, high = (Thresholds(repeat_index=at, repeat_suitability=at / 10) for at in (3.5, 4.5))

    assert {Thresholds(), low, high} <= set(CANDIDATES)
    assert tried.repeats(low) == {"clean": 0.4, "spoilt": 0.5, "clear": 1.0}
    assert tried.repeats(high) == {"clean": 0.6, "spoilt": 1.0, "clear": 1.0}


def test_a_localizer_is_no_series_to_be_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "train"
    kinds = (("1", "t2_loc sag", "picture"), ("2", "t2_tse", "picture"), ("3", "t2_tse", "phase"))
    rows = []
    for number, series, kind in kinds:
        made = write(PhantomSeries(slices=2, rows=128, columns=128), folder / number)
        for path in made:
            header = pydicom.dcmread(path)
            header.ImageType = ["ORIGINAL", "PRIMARY", "P" if kind == "phase" else "M"]
            header.save_as(path)
            rows.append(row_of(str(path.relative_to(folder)), number, series))
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.setenv("SCANSIDE_DATA", str(tmp_path))

    found = read_series(phantom_pool(1, 1), "train")

    assert [(len(one.slices), one.turned_away) for one in found] == [(0, True), (2, False), (0, True)]
    assert [one.subject for one in diagnostic(found)] == ["somebody/heads/A"]
    assert len(read_series(phantom_pool(1, 1), "train", of_source=2)) == 2
    assert [len(one.slices) for one in read_series(phantom_pool(1, 1), "train", longest=1)] == [0, 1, 0]


def row_of(path: str, number: str, series: str) -> dict[str, str]:
    """A row of a manifest."""
    return {
        "path": path, "source_repo": "somebody/heads", "patient_id": "A", "series_id": number, "series": series,
        "quality": "clean", "role": "magnitude", "format": "DICOM", "slice_axis": "", "rows": "128", "cols": "128",
    }  # fmt: skip


def test_under_every_stress_half_of_the_slices_are_clean() -> None:
    slices = stressed(phantom_pool(12, 4).of("test"), 8)

    assert len(slices.images) == len(STRESSES)
    for row, images in enumerate(slices.images):
        assert len(images) == 8
        assert all(np.isfinite(image).all() and image.min() >= 0 for image in images)
        assert not slices.unsuitable[row, ::2].any()
        assert slices.counted[row, ::2].all()
    assert slices.unsuitable[:, 1::2].mean() > 0.5
    plain = slices.images[0]
    for images in slices.images[1:]:
        assert all(a.shape != b.shape or not np.array_equal(a, b) for a, b in zip(plain, images, strict=True))


def test_sure_and_wrong_is_praise_for_the_unsuitable_and_blame_for_the_clean() -> None:
    slices = stressed(phantom_pool(12, 4).of("test"), 8)
    praising, blaming, unsure = (judge_stressed(eye(value), slices) for value in (0.95, 0.05, 0.78))

    assert np.array_equal(praising.wrong, slices.unsuitable)
    assert np.array_equal(blaming.wrong, ~slices.unsuitable)
    assert not unsure.wrong.any()
    tables = stress_tables(praising, resampling(slices.subject))
    row = {name: values[0] for name, values in tables.of_stress["none"].items()}
    assert (row["praised"], row["blamed"], row["abstained"]) == (1.0, 0.0, 0.0)
    for groups in (tables.of_anatomy, tables.of_vendor):
        assert {name: values[0] for name, values in groups["phantom"].items()} == row


def test_what_is_not_scored_is_an_abstention_and_never_wrong() -> None:
    one = np.ones((1, 2), dtype=bool)
    said = Outcomes(
        np.full((1, 2), NOT_SCORED, np.int8), np.full((1, 2), np.nan), np.array([[True, False]]), one,
        np.array(["x/a", "x/b"]), np.array(["brain", "knee"]), np.array(["GE", "GE"]),
    )  # fmt: skip

    assert said.abstained.all()
    assert not said.wrong.any()
