"""Which evidence agrees with a finding, disagrees, or does not apply."""

import json
from dataclasses import replace

import numpy as np
import pytest

from inference import artifacts
from inference.evidence import METRICS, NAMES, Reading
from inference.image import Slice
from inference.postprocess import body_of
from inference.preprocess import to_canvas
from inference.reference import (
    NOT_KNOWN,
    NOT_READ,
    Band,
    MetricSummary,
    Reference,
    Statement,
    Witness,
    contradicted,
    reference,
    sum_up_metrics,
)
from inference.signal import measure
from models.head import draw_anatomy, head_slice
from models.simulate import Plan, Planted, simulate

TABLE = Reference(
    origin="these tests",
    bands={"": {"snrd": Band(10.0, 50.0, 90.0, 20), "spike": Band(7.0, 9.0, 11.0, 20)}},
    witnesses=(
        Witness("noise", "snrd", "low", auc=0.9, missed=0.0, decisive=True),
        Witness("spike", "spike", "high", auc=0.9, missed=0.1, decisive=False),
    ),
)


def heard(artifact, metric, *values, kind=""):
    readings = [(Reading(metric, value, "" if value is not None else "no air"),) for value in values]
    return TABLE.hear(artifact, readings, kind)[0]


@pytest.mark.parametrize(
    ("artifact", "metric", "value", "says"),
    [
        ("noise", "snrd", 9.0, "agrees"),
        ("noise", "snrd", 30.0, "undecided"),
        ("noise", "snrd", 50.0, "disagrees"),
        ("spike", "spike", 12.0, "agrees"),
        ("spike", "spike", 10.0, "undecided"),
        ("spike", "spike", 8.0, "disagrees"),
    ],
)
def test_beyond_the_band_agrees_and_the_better_half_disagrees(artifact, metric, value, says):
    assert heard(artifact, metric, value).says == says


def test_the_slice_that_speaks_most_for_a_finding_is_heard():
    assert heard("noise", "snrd", 60.0, 5.0, None, 70.0).value == 5.0
    assert heard("spike", "spike", 8.0, 20.0).value == 20.0


def test_what_cannot_be_said_says_why():
    assert heard("noise", "snrd", None).reason == "no air"
    assert heard("noise", "snrd", 5.0, kind="epi").reason == NOT_KNOWN
    assert TABLE.hear("noise", [()], "")[0].reason == NOT_READ
    assert {heard("noise", "snrd", None).says, heard("noise", "snrd", 5.0, kind="epi").says} == {"n/a"}
    assert TABLE.hear("flow", [()], "") == ()


def says(*words, decisive=True):
    return [Statement("snrd", word, 1.0, 0.0, 2.0, decisive) for word in words]


def test_evidence_clearly_disagrees_when_a_decisive_witness_denies_and_none_agrees():
    assert contradicted(says("disagrees", "undecided", "n/a"))
    assert not contradicted(says("disagrees", "agrees"))
    assert not contradicted(says("undecided", "n/a"))
    assert not contradicted(says("disagrees", decisive=False))
    assert not contradicted([])


def test_a_group_without_a_band_of_its_own_is_held_against_that_of_all_images():
    heads = replace(TABLE, bands={**TABLE.bands, "head": {"snrd": Band(5.0, 8.0, 20.0, 6)}})
    read = [(Reading("snrd", 9.0),)]
    assert heads.hear("noise", read, "head")[0].says == "disagrees"
    assert heads.hear("noise", read, "body")[0].says == "agrees"
    assert heads.band("spike", "head") == TABLE.band("spike", "")


def test_the_measured_table_holds_together():
    table = reference()
    assert table.origin
    for bands in table.bands.values():
        assert set(bands) <= set(NAMES)
        assert all(band.low <= band.middle <= band.high for band in bands.values())
        assert all(band.subjects >= 5 for band in bands.values())
    assert set(table.bands[""]) == set(NAMES)
    assert {witness.artifact for witness in table.witnesses} <= set(artifacts.NAMES)
    assert {witness.metric for witness in table.witnesses} <= set(NAMES)
    assert all(witness.auc >= 0.75 for witness in table.witnesses)
    assert all(witness.missed <= 0.03 for witness in table.witnesses if witness.decisive)
    decided = {witness.artifact for witness in table.witnesses if witness.decisive}
    assert {"ghost", "wrap", "spike", "zipper", "noise"} <= decided


def readings(*planted, seed=5):
    image = head_slice(draw_anatomy(np.random.default_rng(seed)), 0.1)
    plan = Plan(tuple(Planted(name, 3.0) for name in planted), benign=False)
    image = Slice.from_array(simulate(np.random.default_rng(seed), image, plan).image, phase_encoding="COL")
    return measure(image, body_of(to_canvas(image)))


@pytest.mark.parametrize("name", ["ghost", "wrap", "spike", "zipper"])
def test_a_planted_artifact_is_borne_out_and_an_invented_one_denied(name):
    kind = "head"
    assert any(each.says == "agrees" for each in reference().hear(name, [readings(name)], kind))
    assert contradicted(reference().hear(name, [readings()], kind))


def test_metrics_are_summed_up_with_their_worst_slice_and_band():
    noisy, clean = readings("spike"), readings()
    found = {one.metric: one for one in sum_up_metrics({3: clean, 7: noisy, 8: clean}, "head", 0.05)}
    assert list(found) == [*NAMES, "slice_step"]
    assert (found["spike"].slice, found["spike"].n_slices) == (7, 3)
    assert found["spike"].extreme > found["spike"].high > found["spike"].median
    assert found["slice_step"].median == 0.05
    assert sum_up_metrics({0: ()}, "", None) == ()


def test_a_metric_that_applies_to_no_slice_keeps_its_reason():
    read = tuple(Reading(metric.name, None, "no air") for metric in METRICS)
    found = sum_up_metrics({0: read, 1: read}, "", None)[0]
    assert (found.median, found.n_slices, found.reason) == (None, 0, "no air")


def test_testimonies_and_summaries_survive_json():
    for one in (heard("noise", "snrd", 5.0), heard("noise", "snrd", None)):
        assert Statement.from_json(json.loads(json.dumps(one.to_json()))) == one
    for summary in sum_up_metrics({0: readings()}, "head", 0.1):
        assert MetricSummary.from_json(json.loads(json.dumps(summary.to_json()))) == summary


def test_echo_planar_images_have_bands_that_deny_nothing() -> None:
    known = reference()
    assert all(known.band(metric, "epi") is not None for metric in ("gsr_pe", "psg", "snrd"))
    said = known.hear("noise", [(Reading.of("snrd", 40.0),)], "epi")
    assert any(one.says == "disagrees" for one in said)
    assert not any(one.decisive for one in said)
