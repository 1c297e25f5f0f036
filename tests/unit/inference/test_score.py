"""From findings to slice and series scores."""

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.artifacts import CATALOGUE, NAMES
from inference.evidence import Reading
from inference.footprint import Footprint, Plane
from inference.score import (
    UNFAMILIAR,
    Finding,
    QualityScore,
    SliceScore,
    index_of,
    not_scored,
    severity_of,
    slice_score,
)
from inference.summary import ALARMS, CHANCE, summarise
from inference.verdict import Thresholds, Verdict, verdict_of

SHARE = st.floats(0.0, 1.0)


def findings(**severities):
    """All classes; those named are present with that severity and a probability of 0.7."""
    return tuple(
        Finding(
            artifact=name,
            probability=0.7 if name in severities else 0.1,
            severity=severities.get(name, 0.0),
            present=name in severities,
            area=severities.get(name, 0.0),
            box=(1, 2, 30, 40) if name in severities else None,
        )
        for name in NAMES
    )


def a_slice(suitability=0.95, *, signal=True, probability=0.7, **severities):
    found = tuple(
        replace(finding, probability=probability) if finding.present else finding
        for finding in findings(**severities)
    )
    return slice_score(found, suitability, signal=signal)


def of(quality, name):
    return quality.findings[NAMES.index(name)]


@given(
    suitability=SHARE,
    severities=st.dictionaries(st.sampled_from(NAMES), SHARE, min_size=1),
    more=SHARE,
    data=st.data(),
)
@settings(deadline=None, max_examples=60)
def test_a_slice_never_gains_by_a_graver_finding(suitability, severities, more, data):
    name = data.draw(st.sampled_from(sorted(severities)))
    graver = severities | {name: max(more, severities[name])}
    assert index_of(suitability, findings(**graver)) <= index_of(suitability, findings(**severities))


@given(
    slices=st.lists(st.tuples(SHARE, st.sampled_from(NAMES), SHARE), min_size=1, max_size=25),
    more=SHARE,
    data=st.data(),
)
@settings(deadline=None, max_examples=60)
def test_a_series_never_gains_by_a_graver_finding(slices, more, data):
    graver = list(slices)
    which = data.draw(st.integers(0, len(slices) - 1))
    suitability, name, severity = slices[which]
    graver[which] = (suitability, name, max(more, severity))
    before, after = (
        summarise([a_slice(suited, **{named: grave}) for suited, named, grave in each])
        for each in (slices, graver)
    )
    assert after.index <= before.index
    assert all(a.severity >= b.severity for a, b in zip(after.findings, before.findings, strict=True))
    assert [a.present for a in after.findings] == [b.present for b in before.findings]


def test_a_clean_slice_has_the_index_of_its_suitability():
    assert a_slice(0.93).index == pytest.approx(9.3)


def test_only_findings_that_are_present_temper_the_index():
    doubtful = tuple(replace(finding, severity=0.9) for finding in findings())
    assert index_of(0.9, doubtful) == pytest.approx(9.0)
    assert index_of(0.9, findings(motion=0.9)) < 6.0


def test_an_artifact_that_is_the_protocols_own_tempers_less_than_motion():
    assert a_slice(chemshift=0.8).index > a_slice(motion=0.8).index


def test_what_lies_outside_the_anatomy_weighs_a_fifth():
    assert severity_of(1.0, inside=0.0, outside=0.5) == pytest.approx(0.2 * severity_of(1.0, 0.5, 0.0))
    assert severity_of(0.8, inside=3.0, outside=9.0) == 0.8


def test_findings_must_be_those_of_the_catalogue_in_its_order():
    with pytest.raises(ValueError, match="order"):
        slice_score(findings()[::-1], 0.5)


def test_a_few_bad_slices_pull_the_series_down():
    quality = summarise([a_slice(0.95)] * 27 + [a_slice(0.2)] * 4)
    assert quality.index == pytest.approx(2.0)
    assert quality.suitability == pytest.approx(0.2)


def test_one_bad_slice_of_many_does_not_rule_the_series():
    quality = summarise([a_slice(0.95)] * 30 + [a_slice(0.1)])
    assert quality.index == pytest.approx(9.5)
    assert quality.worst == 30


def test_one_spike_slice_of_thirty_shows_with_its_slice():
    quality = summarise([a_slice()] * 17 + [a_slice(probability=0.97, spike=0.6)] + [a_slice()] * 12)
    spike = of(quality, "spike")
    assert spike.present
    assert spike.slices == (17,)
    assert spike.probability == pytest.approx(0.97)
    assert spike.severity == pytest.approx(0.6)
    assert spike.box == (1, 2, 30, 40)


def test_one_doubtful_slice_of_thirty_does_not_make_a_finding():
    quality = summarise([a_slice()] * 29 + [a_slice(probability=0.55, ghost=0.6)])
    ghost = of(quality, "ghost")
    assert (ghost.present, ghost.slices, ghost.box) == (False, (), None)
    assert ghost.probability == pytest.approx(0.1)


@pytest.mark.parametrize(("slices", "enough"), [(1, 1), (2, 2), (6, 2), (8, 2), (30, 4), (100, 6)])
def test_an_artifact_counts_for_a_series_from_more_slices_than_err_by_chance(slices, enough):
    """The binomial distribution at 2 % a slice: at most one clean series of fifty is said to show it."""
    doubtful = a_slice(probability=0.6, ghost=0.4)
    for number, counts in ((enough - 1, False), (enough, True)):
        quality = summarise([doubtful] * number + [a_slice()] * (slices - number))
        assert of(quality, "ghost").present is counts
    rng = random.Random(slices)
    found = [sum(rng.random() < ALARMS for _ in range(slices)) >= enough for _ in range(20_000)]
    assert sum(found) / len(found) < 1.3 * CHANCE


def test_the_only_slice_of_a_series_speaks_for_it():
    quality = summarise([a_slice(probability=0.55, wrap=0.3)])
    assert of(quality, "wrap").present
    assert of(quality, "wrap").severity == pytest.approx(0.3)


def test_slices_of_a_finding_come_worst_first():
    scores = [a_slice(motion=0.2), a_slice(), a_slice(motion=0.9), a_slice(motion=0.5)]
    assert of(summarise(scores), "motion").slices == (2, 3, 0)


def test_every_artifact_is_reported_in_the_catalogues_order():
    quality = summarise([a_slice(noise=0.4)] * 3)
    assert tuple(finding.artifact for finding in quality.findings) == tuple(a.name for a in CATALOGUE)


def test_slices_without_signal_do_not_count_but_keep_their_positions():
    air = a_slice(0.01, signal=False, noise=1.0)
    quality = summarise([air, air, a_slice(0.9, probability=0.97, motion=0.1), a_slice(0.9), air])
    assert quality.index > 8.0
    assert not of(quality, "noise").present
    assert of(quality, "motion").slices == (2,)
    assert quality.n_slices == 5
    assert quality.worst == 2


def test_a_series_without_any_signal_is_not_scored():
    quality = summarise([a_slice(signal=False)] * 4)
    assert quality == not_scored("no slice with signal", n_slices=4)
    assert not quality.scored
    assert quality.index is None


def test_no_slices_at_all_are_not_scored():
    assert not summarise([]).scored


def test_scores_survive_json():
    scores = [a_slice(0.123456789, motion=0.2), a_slice(spike=0.5, zipper=0.1), a_slice(), seen(place=3)]
    for score in scores:
        assert SliceScore.from_json(json.loads(json.dumps(score.to_json()))) == score
    for quality in (summarise(scores), not_scored("because", 7)):
        assert QualityScore.from_json(json.loads(json.dumps(quality.to_json()))) == quality


def seen(*, ghost=0.7, spike=9.0, place=0, probability=0.7, **severities):
    """A slice with a position and some evidence."""
    plane = Plane((0.0, 0.0, 5.0 * place), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (200.0, 200.0))
    grid = tuple(100.0 if 16 <= cell < 48 else 1.0 for cell in range(64))
    return replace(
        a_slice(probability=probability, **severities),
        evidence=(Reading("gsr_pe", ghost), Reading("spike", spike), Reading("snrd", None, "no air")),
        footprint=Footprint(plane, 0.3, (0.0, 0.0), (0.0, 0.0, 0.0, 0.0), grid),
        kind="head",
    )


def test_a_finding_comes_with_what_the_evidence_says_to_it():
    borne_out = of(summarise([replace(seen(ghost=0.3), findings=findings(ghost=0.5))]), "ghost")
    assert {one.metric: one.says for one in borne_out.evidence}["gsr_pe"] == "agrees"
    assert not borne_out.contradicted
    denied = of(summarise([replace(seen(ghost=-0.01), findings=findings(ghost=0.5))]), "ghost")
    assert denied.contradicted
    absent = of(summarise([seen(ghost=0.3)]), "ghost")
    assert (absent.evidence, absent.contradicted) == ((), False)


def test_a_series_is_checked_as_a_whole_and_its_metrics_summed_up():
    slices = [seen(place=n, spike=9.0 + (n == 4)) for n in range(12) if n != 7]
    quality = summarise(slices)
    assert [fact.check for fact in quality.doubtful] == ["missing"]
    spike = next(one for one in quality.evidence if one.metric == "spike")
    assert (spike.median, spike.extreme, spike.slice) == (9.0, 10.0, 4)
    assert summarise([a_slice()] * 3).doubtful == ()


def test_one_bad_slice_in_thirty_is_told_apart_from_thirty():
    one = summarise([a_slice(0.95)] * 29 + [a_slice(0.1, probability=0.97, motion=0.9)])
    thirty = summarise([a_slice(0.1, probability=0.9, motion=0.9)] * 30)
    assert one.index > 6.0 > 1.0 > thirty.index
    assert of(one, "motion").present
    assert (len(of(one, "motion").slices), len(of(thirty, "motion").slices)) == (1, 30)


def test_what_lies_off_the_region_of_interest_weighs_half():
    assert severity_of(1.0, 0.0, 0.0, aside=0.5) == pytest.approx(0.5 * severity_of(1.0, 0.5, 0.0))
    assert severity_of(1.0, 0.4, 0.1, aside=0.2) > severity_of(1.0, 0.4, 0.3, aside=0.0)


def test_scores_of_an_older_version_are_read():
    score, quality = a_slice(motion=0.4), summarise([a_slice(motion=0.4)])
    older = {k: v for k, v in score.to_json().items() if k not in ("evidence", "footprint", "kind")}
    assert SliceScore.from_json(older) == score
    older = {k: v for k, v in quality.to_json().items() if k not in ("evidence", "geometry")}
    for finding in older["findings"]:
        del finding["evidence"]
    assert QualityScore.from_json(older).findings[0].artifact == "motion"


def test_json_holds_four_digits():
    values = replace(a_slice(), index=1 / 3, suitability=2 / 3).to_json()
    assert (values["index"], values["suitability"]) == (0.3333, 0.6667)
    finding = Finding("motion", 1 / 3, 1 / 7, present=True, area=2 / 3, box=None).to_json()
    assert (finding["probability"], finding["severity"], finding["area"]) == (0.3333, 0.1429, 0.6667)


def test_slices_unlike_the_training_do_not_count_and_a_series_of_them_is_not_scored():
    strange = replace(a_slice(0.1, motion=0.9), familiar=False)
    few = summarise([a_slice()] * 8 + [strange] * 4)
    most = summarise([a_slice()] * 4 + [strange] * 8)
    assert few.scored
    assert few.index == summarise([a_slice()] * 8).index
    assert not of(few, "motion").present
    assert not most.scored
    assert most.reason == UNFAMILIAR


def test_whether_a_slice_is_familiar_survives_storage():
    strange = replace(a_slice(), familiar=False)
    assert not SliceScore.from_json(json.loads(json.dumps(strange.to_json()))).familiar


@pytest.mark.parametrize("ruined", [1, 2, 3])
def test_a_ruined_slice_of_thirty_is_named_and_never_passes(ruined):
    bad = a_slice(0.1, probability=0.95, motion=0.9)
    quality = summarise([a_slice() for _ in range(30 - ruined)] + [bad] * ruined)
    assert quality.ruined == tuple(range(30 - ruined, 30))
    assert verdict_of(quality, Thresholds()) is Verdict.CHECK


def test_a_ruined_slice_is_told_though_its_artifact_does_not_count_for_the_series():
    bad = a_slice(0.05, probability=0.7, motion=0.9)
    quality = summarise([a_slice()] * 38 + [bad] * 2)
    assert not of(quality, "motion").present
    assert quality.ruined == (38, 39)
    assert verdict_of(quality, Thresholds()) is Verdict.CHECK


def test_what_lies_on_good_slices_alone_is_no_reason_to_repeat():
    poor = a_slice(0.2)
    elsewhere = summarise([poor] * 3 + [a_slice(0.9, probability=0.97, flow=0.4)] * 8)
    there = summarise([a_slice(0.2, probability=0.97, flow=0.4)] * 3 + [a_slice(0.9)] * 8)
    assert elsewhere.lowest == (0, 1)
    assert [verdict_of(one, Thresholds()) for one in (elsewhere, there)] == [Verdict.CHECK, Verdict.REPEAT]


@pytest.mark.parametrize(("kind", "verdict"), [("epi", Verdict.CHECK), ("head", Verdict.REPEAT)])
def test_motion_within_an_echo_planar_slice_is_no_reason_to_repeat(kind, verdict):
    quality = summarise([replace(a_slice(0.2, motion=0.5), kind=kind)] * 8)
    assert of(quality, "motion").present
    assert verdict_of(quality, Thresholds()) is verdict
    assert (
        verdict_of(summarise([replace(a_slice(0.2, ghost=0.5), kind=kind)] * 8), Thresholds())
        is Verdict.REPEAT
    )


def test_a_poor_slice_that_no_finding_explains_is_not_called_ruined():
    assert summarise([a_slice() for _ in range(29)] + [a_slice(0.1)]).ruined == ()


@pytest.mark.parametrize(
    ("strange", "verdict"), [(5, Verdict.USABLE), (6, Verdict.CHECK), (15, Verdict.CHECK)]
)
def test_many_unfamiliar_slices_keep_the_others_from_speaking_for_the_series(strange, verdict):
    unlike = replace(a_slice(), familiar=False)
    quality = summarise([a_slice() for _ in range(30 - strange)] + [unlike] * strange)
    assert quality.unfamiliar == strange
    assert verdict_of(quality, Thresholds()) is verdict


def test_slices_of_air_do_not_hide_that_many_others_are_unfamiliar():
    unlike, air = replace(a_slice(), familiar=False), a_slice(signal=False)
    quality = summarise([a_slice()] * 6 + [unlike] * 4 + [air] * 20)
    assert (quality.n_slices, quality.n_signal) == (30, 10)
    assert verdict_of(quality, Thresholds()) is Verdict.CHECK


def test_slices_that_are_missing_are_told_of_an_unfamiliar_series_too():
    quality = summarise([replace(seen(place=n), familiar=False) for n in range(12) if n != 7])
    assert not quality.scored
    assert [fact.check for fact in quality.doubtful] == ["missing"]
