"""Verdicts on held-out series and under stress, with an eye that judges as it is told."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from inference import CATALOGUE
from inference.eye import Examined, Eye
from inference.image import Slice
from inference.masks import MaskStack
from inference.score import Finding, SliceScore, slice_score
from inference.verdict import Verdict
from models.dataset import phantom_pool
from models.outcomes import by_artifact, by_source, of_clean, of_spoilt, of_stress, unstressed
from models.resampling import resampling
from models.series import (
    PART_SPOILT,
    SPOILT_SLICES,
    VERDICTS,
    Series,
    Verdicts,
    judge_clean,
    judge_spoilt,
    judged,
    read_series,
)
from models.stress import STRESSES, Outcomes, judge_stressed, stressed

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

    found = judge_spoilt(eye(0.05), series)

    assert sorted(zip(found.artifact.tolist(), found.extent.tolist(), strict=True)) == [
        (artifact, extent) for artifact in ("ghost", "motion", "spike", "wrap") for extent in ("all", "part")
    ]
    assert found.unsuitable[found.artifact == "motion"].all()  # a gross motion leaves nothing alike
    assert (found.verdict == REPEAT).all()


def test_a_part_of_a_spoilt_series_is_two_slices_among_clean_ones() -> None:
    series = read_series(phantom_pool(6, SPOILT_SLICES), "test")

    class Honest(Told):
        def examine(self, slices: Sequence[Slice]) -> list[Examined]:
            self.suitability = 0.95 if self.seen == 0 else 0.05  # the clean slices come first
            return super().examine(slices)

    found = judge_spoilt(cast("Eye", Honest(0.0)), series)
    quality, verdict = judged([score(0.95)] * (SPOILT_SLICES - PART_SPOILT) + [score(0.05)] * PART_SPOILT)

    assert quality.n_slices == SPOILT_SLICES
    assert set(found.verdict[found.extent == "part"].tolist()) == {VERDICTS.index(verdict)}


def verdicts() -> Verdicts:
    """Two subjects: one whose series are found, one whose are not; a third series was never made unsuitable."""
    return Verdicts(
        subject=np.array(["x/a", "x/a", "y/b", "y/b", "y/b"]),
        artifact=np.array(["motion", "motion", "motion", "motion", "ghost"]),
        extent=np.array(["all", "part", "all", "part", "all"]),
        unsuitable=np.array([True, True, True, True, False]),
        verdict=np.array([REPEAT, REPEAT, USABLE, NOT_SCORED, USABLE], dtype=np.int8),
        named=np.array([True, True, True, False, False]),
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
    assert by_artifact(said)["motion"]["series"] == 2.0
    assert np.isnan(by_artifact(said)["ghost"]["all_repeat"])
    assert dict(by_source(said))["x"][REPEAT] == 2
    assert dict(by_source(said))["y"][-1] == 1


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
    row = of_stress(praising)["none"]
    assert (row["praised"], row["blamed"], row["abstained"]) == (1.0, 0.0, 0.0)
    assert unstressed(praising, by="anatomy")["phantom"] == row


def test_what_is_not_scored_is_an_abstention_and_never_wrong() -> None:
    one = np.ones((1, 2), dtype=bool)
    said = Outcomes(
        np.full((1, 2), NOT_SCORED, np.int8), np.full((1, 2), np.nan), np.array([[True, False]]), one,
        np.array(["x/a", "x/b"]), np.array(["brain", "knee"]),
    )  # fmt: skip

    assert said.abstained.all()
    assert not said.wrong.any()
