"""What is found on some slices keeps its place among all slices of the series."""

from dataclasses import asdict, replace

from inference import CATALOGUE, Finding
from inference.evidence import Reading
from inference.footprint import GRID, Footprint, Plane
from inference.score import slice_score
from inference.series import Description
from inference.series.description import Answer
from inference.stacks import Place
from service.closing import Patience
from service.judging import Judge, _judging, _placed, has_phases, is_timed, missing_parts, sum_up
from service.ledger import (
    Closings,
    Database,
    Intake,
    Places,
    ScoredRow,
    Scoring,
    SliceNote,
    SliceState,
    Views,
)
from service.metrics import Metrics
from service.review.second_look import Sampling
from service.review.thresholds import InForce
from service.rules import Circumstances, Thresholds
from service.understanding import FACT
from tests.unit.service.test_ledger import Clock, arrival, in_time, worker


def row(position: int, number: int | None) -> ScoredRow:
    """A slice at place `number` of its stack; None: not scored."""
    score = plane = None
    if number is not None:
        plane = Plane((0.0, 0.0, 5.0 * number), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (200.0, 200.0))
        grid = tuple(100.0 if 16 <= cell < 48 else 1.0 for cell in range(GRID * GRID))
        findings = [Finding(known.name, 0.05, 0.0, False, 0.0, None) for known in CATALOGUE]
        score = replace(
            slice_score(findings, 0.95),
            evidence=(Reading("spike", 9.0 + 0.1 * number),),
            footprint=Footprint(plane, 0.3, (0.0, 0.0), (0.0, 0.0, 0.0, 0.0), grid),
        ).to_json()
    return ScoredRow(
        position=position,
        instance_id=position,
        frame=1,
        state=SliceState.SCORED if number is not None else SliceState.UNREADABLE,
        reason="",
        score=score,
        spool_name="",
        instance_number=position + 1,
        place=Place(None) if number is None else Place(plane),
    )


def test_slices_of_the_whole_series_findings_and_metrics_count_among_all_slices() -> None:
    numbers = [None, 0, 1, 2, None, 3, 5, 6, 7]  # the slice at place 4 is missing behind the fifth place
    rows = [row(position, number) for position, number in enumerate(numbers)]
    quality = _placed(sum_up(rows), rows)
    missing = next(fact for fact in quality.geometry if fact.check == "missing")
    assert (missing.present, missing.slices) == (True, (5,))
    spike = next(metric for metric in quality.evidence if metric.metric == "spike")
    assert spike.slice == 8


def slices_at(*moments: tuple[float | None, ...]) -> list[Place | None]:
    """Five slices at each moment."""
    planes = [Plane((0.0, 0.0, 5.0 * n), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (200.0, 200.0)) for n in range(5)]
    return [Place(plane, "8x8", "1 90", moment) for moment in moments for plane in planes]


def test_volumes_at_several_times_are_phases_and_b_values_are_none() -> None:
    assert has_phases(slices_at((1.0, None, None, None), (2.0, None, None, None)))
    assert has_phases(slices_at((None, None, 1.0, None), (None, None, 2.0, None)))
    assert not has_phases(slices_at((None, None, 1.0, 0.0), (None, None, 2.0, 1000.0)))
    assert not has_phases(slices_at((1.0, None, None, None)))


def test_a_concatenation_is_whole_with_all_of_its_parts() -> None:
    assert missing_parts([("c", 1, 2), ("c", 2, 2), ("d", 1, 1)]) == ()
    assert missing_parts([("c", 1, 3), ("c", 3, 3)]) == ("2 of 3 parts of a concatenation",)


def facts_of(**terms: str) -> dict[str, object]:
    return {FACT: Description.of([Answer(facet, term) for facet, term in terms.items()], None).to_json()}


def test_a_series_that_shows_a_bolus_is_timed_from_its_first_phase_on() -> None:
    assert is_timed(facts_of(weighting="PERFUSION", derivation="ORIGINAL"))
    assert is_timed(facts_of(weighting="CE_ANGIO"))
    assert is_timed({"temporal_positions": 2})
    assert not is_timed(facts_of(weighting="PERFUSION", derivation="PERFUSION"))
    assert not is_timed(facts_of(weighting="T1", agent="GIVEN"))
    assert not is_timed({"temporal_positions": 1})


def test_no_provisional_verdict_is_written_on_nothing_at_all(database: Database, clock: Clock) -> None:
    ours = worker(database, clock)
    places, closings, scoring = Places(ours, 8), Closings(ours), Scoring(ours)
    for number in (1, 2):
        made = arrival(number, expected=None)
        Intake(database, clock).received(replace(made, facts={"temporal_positions": 40}))
    places.placed([in_time(item, n, 1) for n, item in enumerate(places.unplaced(9))])
    judge = Judge(
        closings, places, Patience(), lambda _, __: InForce(Thresholds()), Sampling(), lambda: 0.0, "m", "CPU",
        Metrics.build(version="1"), clock,
    )  # fmt: skip
    clock.now += 5.0
    assert not judge.close_next(), "what came has not been looked through yet: it is now"
    tasks = scoring.claim_slices(9)
    assert tasks
    score = row(0, 0).score
    scoring.scored([SliceNote(task, SliceState.SCORED, score=score, masks=b"m") for task in tasks])
    assert judge.close_next()
    (view,), _ = Views(database).series_page(10)
    assert (view.state, view.verdict, view.provisional) == ("provisional", "Usable", True)


def test_thresholds_in_shadow_are_kept_beside_what_tells() -> None:
    quality = sum_up([row(position, position) for position in range(6)])
    index = quality.index or 0.0
    live, strict = Thresholds(index - 1, 1.0, 0.1), Thresholds(index + 0.01, 1.0, 0.1)
    told = _judging(quality, Circumstances(unscored=False), InForce(live, 3, strict, 4))
    assert told["version"] == 3
    assert told["thresholds"] == asdict(live)
    assert told["shadow"] == {
        "thresholds": asdict(strict),
        "version": 4,
        "verdict": "Check",
        "reason": f"Image quality index {index:.1f}",
        "de": {"reason": f"Bildqualitätsindex {index:.1f}".replace(".", ",")},
    }
    assert _judging(quality, Circumstances(), InForce(live))["shadow"] is None
