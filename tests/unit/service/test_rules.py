"""From scores to verdicts: pure decisions."""

from dataclasses import asdict, replace
from typing import Any

import pytest

from inference import CATALOGUE
from inference.checks import CHECKS, SeriesCheck, SeriesFact
from inference.reference import Says, Statement
from inference.score import QualityScore, SeriesFinding, not_scored
from inference.series import Answer, Description
from inference.verdict import TRACE
from service.rules import Circumstances, Thresholds, Verdict, circumstances, decide
from service.settings_tables import Rules

THRESHOLDS = Thresholds(usable_index=7.0, repeat_index=3.5, repeat_suitability=0.35)
PLAIN = Circumstances()


def quality(index: float, suitability: float, *present: str) -> QualityScore:
    findings = tuple(
        SeriesFinding(
            artifact=known.name,
            probability=0.9 if known.name in present else 0.1,
            severity=0.6 if known.name in present else 0.0,
            present=known.name in present,
            slices=(0,) if known.name in present else (),
            box=(0, 0, 8, 8) if known.name in present else None,
        )
        for known in CATALOGUE
    )
    return QualityScore(
        scored=True, reason="", index=index, suitability=suitability, findings=findings, n_slices=1, worst=0
    )


def test_a_good_series_is_usable_and_asks_for_nothing() -> None:
    decision = decide(quality(9.0, 0.95), PLAIN, THRESHOLDS)
    assert (decision.verdict, decision.advice) == (Verdict.USABLE, ())


def test_a_grave_finding_on_few_slices_of_a_usable_series_is_not_called_slight() -> None:
    grave = quality(9.0, 0.95, "motion")
    mild = replace(grave, findings=tuple(replace(one, severity=one.severity / 2) for one in grave.findings))
    assert decide(grave, PLAIN, THRESHOLDS).reason == "Found: motion"
    assert decide(mild, PLAIN, THRESHOLDS).reason == "Slight: motion"


def test_a_poor_series_with_a_mendable_artifact_is_to_be_repeated_with_advice() -> None:
    decision = decide(quality(2.0, 0.1, "motion"), PLAIN, THRESHOLDS)
    assert decision.verdict is Verdict.REPEAT
    assert "motion" in decision.reason
    assert decision.advice


@pytest.mark.parametrize("name", [known.name for known in CATALOGUE if known.cap == "Check"])
def test_what_a_new_scan_does_not_mend_says_check_at_most(name: str) -> None:
    assert decide(quality(1.0, 0.05, name), PLAIN, THRESHOLDS).verdict is Verdict.CHECK


def test_nothing_says_repeat_without_a_located_artifact_that_explains_it() -> None:
    assert decide(quality(1.0, 0.05), PLAIN, THRESHOLDS).verdict is Verdict.CHECK
    nowhere = quality(1.0, 0.05, "motion")
    nowhere = replace(nowhere, findings=tuple(replace(found, box=None) for found in nowhere.findings))
    assert decide(nowhere, PLAIN, THRESHOLDS).verdict is Verdict.CHECK


def test_a_trace_of_an_artifact_does_not_explain_a_poor_series() -> None:
    poor = quality(2.0, 0.1, "wrap")
    said = []
    for severity in (TRACE - 0.01, TRACE):
        findings = (
            replace(one, severity=severity if one.artifact == "wrap" else 0.0) for one in poor.findings
        )
        said.append(decide(replace(poor, findings=tuple(findings)), Circumstances(), Thresholds()))
    assert [one.verdict for one in said] == [Verdict.CHECK, Verdict.REPEAT]
    assert "wrap" in said[0].reason.lower()


def with_evidence(given: QualityScore, name: str, *words: Says) -> QualityScore:
    said = tuple(Statement("psg", word, 1.0, 0.0, 2.0, decisive=True) for word in words)
    return replace(
        given,
        findings=tuple(
            replace(found, evidence=said) if found.artifact == name else found for found in given.findings
        ),
    )


def test_evidence_that_clearly_disagrees_turns_repeat_into_check_and_says_so() -> None:
    ghosted = quality(2.0, 0.1, "ghost")
    decision = decide(with_evidence(ghosted, "ghost", "disagrees", "n/a"), PLAIN, THRESHOLDS)
    assert decision.verdict is Verdict.CHECK
    assert decision.reason.startswith("The evidence disagrees with ghosting")
    assert decide(with_evidence(ghosted, "ghost", "undecided"), PLAIN, THRESHOLDS).verdict is Verdict.REPEAT


def test_evidence_against_one_of_two_artifacts_leaves_the_other_to_repeat_for() -> None:
    both = with_evidence(quality(2.0, 0.1, "ghost", "motion"), "ghost", "disagrees")
    decision = decide(both, PLAIN, THRESHOLDS)
    assert (decision.verdict, decision.reason) == (Verdict.REPEAT, "Non-diagnostic: motion")


@pytest.mark.parametrize("check", [known for known in CHECKS if known.doubtful])
def test_what_a_person_should_look_at_in_the_series_says_check_and_what_to_do(check: SeriesCheck) -> None:
    seen = replace(quality(9.0, 0.95), geometry=(SeriesFact(check.name, True, 1.0, "seen"),))
    decision = decide(seen, PLAIN, THRESHOLDS)
    assert (decision.verdict, decision.reason) == (Verdict.CHECK, check.title.capitalize())
    assert decision.advice == (check.advice,)


@pytest.mark.parametrize("check", [known for known in CHECKS if not known.doubtful])
def test_what_is_only_told_of_a_series_leaves_it_usable(check: SeriesCheck) -> None:
    seen = replace(quality(9.0, 0.95), geometry=(SeriesFact(check.name, True, 1.0, "seen"),))
    assert decide(seen, PLAIN, THRESHOLDS).verdict is Verdict.USABLE


def told(facet: str, term: str) -> dict[str, object]:
    return {"series": Description.of([Answer(facet, term, ("SequenceName",))]).to_json()}


def test_advice_depends_on_what_the_series_is() -> None:
    flow = quality(5.0, 0.5, "flow")
    decision = decide(flow, circumstances(told("family", "EPI_GRE")), THRESHOLDS)
    assert all("swap" not in line for line in decision.advice)
    assert any(
        "flow compensation" in line
        for line in decide(flow, circumstances(told("family", "TSE")), THRESHOLDS).advice
    )


def test_only_a_repeat_says_what_a_repeat_takes_and_only_from_a_source() -> None:
    poor, took = quality(2.0, 0.1, "motion"), {"protocol": {"seconds": 161.0}}
    assert decide(poor, circumstances(took), THRESHOLDS).advice[0].endswith("A repeat takes about 2:40.")
    for facts in ({}, took | {"contrast": True}):
        assert "repeat takes" not in " ".join(decide(poor, circumstances(facts), THRESHOLDS).advice)
    assert "repeat takes" not in " ".join(
        decide(quality(6.0, 0.8, "bias"), circumstances(took), THRESHOLDS).advice
    )


@pytest.mark.parametrize(
    "facts",
    [
        {"contrast": True},
        {"temporal_positions": 10},
        told("agent", "GIVEN"),
        told("weighting", "PERFUSION"),
        told("dynamic", "TIME"),
    ],
)
def test_a_timed_series_never_says_repeat_but_tell_the_radiologist(facts: dict[str, object]) -> None:
    around = circumstances(facts, incomplete=False, conflict=False)
    decision = decide(quality(1.0, 0.05, "motion"), around, THRESHOLDS)
    assert decision.verdict is Verdict.CHECK
    assert "radiologist" in decision.advice[0]


@pytest.mark.parametrize("around", [Circumstances(incomplete=True), Circumstances(conflict=True)])
def test_missing_instances_or_two_contents_are_to_be_checked(around: Circumstances) -> None:
    assert decide(quality(9.0, 0.95), around, THRESHOLDS).verdict is Verdict.CHECK


def test_what_was_not_scored_is_never_a_pass_and_says_why() -> None:
    decision = decide(not_scored("a localizer"), PLAIN, THRESHOLDS)
    assert (decision.verdict, decision.reason) == (Verdict.NOT_SCORED, "a localizer")


def test_a_worse_index_never_gives_a_better_verdict() -> None:
    gravity = [Verdict.USABLE, Verdict.CHECK, Verdict.REPEAT]
    steps = [decide(quality(10 - n / 4, 1 - n / 40, "ghost"), PLAIN, THRESHOLDS).verdict for n in range(40)]
    assert [gravity.index(step) for step in steps] == sorted(gravity.index(step) for step in steps)


def test_the_settings_start_from_the_thresholds_that_models_are_measured_by() -> None:
    assert Rules().model_dump() == asdict(Thresholds())


@pytest.mark.parametrize(
    ("index", "found", "around", "more", "reason"),
    [
        (9.0, (), PLAIN, {}, "Kein Artefakt fällt auf"),
        (9.0, ("zipper",), PLAIN, {}, "Gefunden: Zipper-Artefakt"),
        (2.0, ("motion", "wrap"), PLAIN, {}, "Nicht diagnostisch: Bewegung, Einfaltung"),
        (2.0, ("motion",), Circumstances(timed=True), {}, "Zeitlich gebundene Serie mit Bewegung"),
        (6.55, ("bias",), PLAIN, {}, "Bildqualitätsindex 6,5; gefunden: Inhomogenität"),
        (9.0, (), Circumstances(incomplete=True, unscored=True), {}, None),
        (9.0, (), Circumstances(conflict=True), {"n_slices": 30, "ruined": (3, 4), "unfamiliar": 9}, None),
    ],
)
def test_every_verdict_is_told_in_german_too(
    index: float, found: tuple[str, ...], around: Circumstances, more: dict[str, Any], reason: str | None
) -> None:
    seen = replace(quality(index, index / 10, *found), geometry=(SeriesFact("missing", True, 1.0, "seen"),))
    told = decide(replace(quality(index, index / 10, *found), **more), around, THRESHOLDS)
    doubted = decide(replace(seen, **more), around, THRESHOLDS)
    if reason is not None:
        assert told.reason.de == reason
    for one in (told.reason, *told.advice, *doubted.advice):
        assert not {"slices", "images", "found", "artifact", "the"} & set(one.de.lower().split())
    assert len({one.de for one in doubted.advice}) == len(doubted.advice)
    assert any("Serie erneut senden" in one.de for one in doubted.advice)


def test_ruined_and_unfamiliar_slices_are_told_of_a_series_that_is_good_else() -> None:
    good = replace(quality(9.0, 0.95, "motion"), n_slices=30)
    ruined = decide(replace(good, ruined=(3, 4)), PLAIN, THRESHOLDS)
    strange = decide(replace(good, unfamiliar=9), PLAIN, THRESHOLDS)
    assert (ruined.verdict, strange.verdict) == (Verdict.CHECK, Verdict.CHECK)
    assert "2 of 30 slices non-diagnostic" in ruined.reason
    assert "unlike those that the model was made with" in strange.reason
