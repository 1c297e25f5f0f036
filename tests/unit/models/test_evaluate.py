"""An evaluation from a released model to its card, on phantoms; what was answered once is not asked again."""

import shutil
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from inference.card import Calibration, load_card, released
from models.answers import CleanAnswers
from models.classes import CLASSES, INDEX
from models.classical import Evidence, fit
from models.dataset import phantom_pool
from models.evaluate import Bench, evaluated
from models.evaluation import Evaluation
from models.figures import both_ways
from models.kept import OURS, ROOT, digest, kept, made_of
from models.outcomes import CANDIDATES
from models.readme import readme, side_by_side
from models.resampling import resampling
from models.series import spread
from models.sightings import Shares, Sighted
from models.stress import STRESSES


@pytest.fixture(autouse=True)
def phantoms_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCANSIDE_DATA", raising=False)


@pytest.fixture(scope="module")
def found() -> Evaluation:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SCANSIDE_DATA", raising=False)
        return evaluated(released(), Bench(phantom_pool(12, 6), 24))


def test_the_readme_tells_what_was_measured(found: Evaluation) -> None:
    text = readme(found)

    iou = found.figure("iou_mean")
    assert f"| {iou.value:.3f} ({iou.low:.3f}-{iou.high:.3f}) |" in text
    assert "nan" not in text
    for name in CLASSES:
        assert text.count(f"\n| {name} |") >= 3  # figures, operating points, severities
    for stress in STRESSES:
        assert stress.told in text
    for at in CANDIDATES:
        assert f"\n| index {at.repeat_index:g} or suitability {at.repeat_suitability:.2f}" in text
    assert text.count("(default)") == 1
    assert "None are at hand." in text  # of real artifacts
    for point in range(1, 11):
        assert f"\n{point}. **" in text
    for title in (
        "Intended use",
        "Data and splits",
        "Simulation",
        "What it cannot see",
        "Good machine learning",
    ):
        assert f"## {title}" in text


def test_real_artifacts_stand_in_a_table_and_those_that_are_missed_among_the_failures(
    found: Evaluation,
) -> None:
    never, always = Shares(0.0, 0.1, 0.2), Shares(1.0, 0.9, 0.8)
    seen = [
        Sighted("holes", "susceptibility", 11, 1, never, never),
        Sighted("grain", "noise", 18, 1, always, never),
    ]

    text = readme(replace(found, sighted=seen, plain={"ghost": (0.25, 0.125)}))

    assert "| grain | noise | 18 | 1 | 1.000 | 0.900 | 0.800 | 0.000 | 0.100 | 0.200 |" in text
    assert "| ghost | 0.250 | 0.125 |" in text
    assert "real slices that show them these are said: holes (susceptibility 0.000).\n" in text


def test_a_small_evaluation_takes_few_of_everything_and_a_large_one_all() -> None:
    pool = phantom_pool(12, 6)
    small, large = Bench(pool, 8), Bench(pool, 600)

    assert (len(small.clean), len(large.clean)) == (8, 12)
    assert len(small.quiet) == 8
    assert [len(series) for series in small.series.values()] == [1, 1, 1]
    assert {split: len(series) for split, series in large.series.items()} == {
        "test": 2,
        "validation": 2,
        "train": 2,
    }
    assert spread(5, 3).tolist() == [0, 2, 4]


def test_models_stand_side_by_side(found: Evaluation) -> None:
    other = replace(found, card=replace(found.card, name="scanside-artifacts-pruned"))
    (head, rule, *rows) = side_by_side([found, other]).splitlines()

    assert head.split(" | ")[1:] == [found.title, other.title, "classical metrics alone |"]
    assert len(rule.split("|")) == 6
    assert all(len(row.split("|")) == 6 for row in rows)


def test_what_is_written_is_a_card_that_the_eye_reads(found: Evaluation, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    shutil.copyfile(released() / "model.onnx", tmp_path / "model.onnx")

    found.write(tmp_path)

    card = load_card(tmp_path)
    assert card.headline()["iou_mean"] == pytest.approx(found.figure("iou_mean").value, abs=1e-5)
    assert card.metrics["low"]["iou_mean"] <= card.metrics["iou_mean"] <= card.metrics["high"]["iou_mean"]
    assert card.classes[0].mask_threshold == found.reading.points[0].mask_threshold
    assert tomllib.loads((tmp_path / "card.toml").read_text("utf-8"))["metrics"]["stress_none"]["slices"] > 0
    for curve in ("reliability.png", "roc.png", "severity.png", "learning.png"):
        assert (tmp_path / curve).stat().st_size < 150_000


def test_a_clean_slice_shown_both_ways_alarms_where_the_joined_looks_do() -> None:
    card = replace(load_card(released()), suitability=Calibration())
    nothing, ghost = (np.full((2, len(CLASSES)), -9.0) for _ in range(2))
    ghost[:, INDEX["ghost"]] = (9.0, -9.0)
    said = [
        CleanAnswers(presence, np.array([-0.5, 4.0]), np.zeros(2), np.array(["x/a", "x/b"]))
        for presence in (nothing, ghost)
    ]
    resamples = resampling(said[0].subject)

    alike, apart = (both_ways((said[1], other), card, resamples) for other in (said[1], said[0]))

    assert alike["clean_any_alarm_both_ways"][0] == apart["clean_any_alarm_both_ways"][0] == 0.5
    assert both_ways((said[0], said[0]), card, resamples)["clean_any_alarm_both_ways"][0] == 0.0
    assert alike["clean_unsuitable_both_ways"][0] == 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    values: np.ndarray


def test_a_step_is_made_once(tmp_path: Path) -> None:
    made = []

    def make() -> Thing:
        made.append(1)
        return Thing(np.arange(3))

    first, again = (kept(Thing, tmp_path / "a" / "step.npz", make) for _ in range(2))

    assert len(made) == 1
    assert np.array_equal(first.values, again.values)
    assert digest("ab", "c") != digest("a", "bc")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay down a copy of the code and the tables, in which a test may change them."""
    unneeded = shutil.ignore_patterns("released", "checkpoints", "__pycache__")
    for package in OURS:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=unneeded)
    monkeypatch.setattr("models.kept.ROOT", tmp_path)
    return tmp_path


def key(bench: Bench) -> str:
    """Return the file in which a bench would keep an answer."""
    paths: list[Path | None] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.evaluate.kept", lambda _kind, path, _make: paths.append(path))
        bench.kept(Thing, "step", "model", lambda: Thing(np.zeros(1)))
    return str(paths[0])


def test_what_was_kept_before_code_or_a_table_changed_is_not_taken_up(checkout: Path) -> None:
    pool, cache = phantom_pool(2, 1), checkout / "cache"
    first, again = (Bench(pool, 8, cache) for _ in range(2))
    answers, verdicts = {key(first), key(again)}, {first.judging, again.judging}
    assert (len(answers), len(verdicts)) == (1, 1)

    changes = ("models/benign.py", "inference/reference.toml", "inference/series/clues.py")
    for changed in (*changes, "inference/series/tables.tsv"):
        with (checkout / changed).open("a", encoding="utf-8") as code:
            code.write("# changed\n")
        bench = Bench(pool, 8, cache)
        assert bench.judging not in verdicts
        assert key(bench) not in answers or "series" in changed  # which no network is asked by
        answers.add(key(bench))
        verdicts.add(bench.judging)


def test_all_that_leads_to_answers_and_to_verdicts_is_known() -> None:
    asked, judged = (
        {str(path.relative_to(ROOT)) for path in made_of(*names)}
        for names in (["models.answers"], ["models.classical", "models.series", "models.stress"])
    )

    planting = "dataset fields head kspace_effects object_effects shelf simulate trial visibility"
    assert {f"models/{name}.py" for name in planting.split()} < asked
    assert {"inference/segmenter.py", "inference/card.py", "models/split.toml"} < asked
    way = "eye guard header image postprocess preprocess reference score signal text verdict"
    assert {f"inference/{name}.py" for name in way.split()} < judged
    assert {"inference/series/vocabulary.py", "inference/series/vocabulary.tsv"} < judged
    assert not {path for path in asked | judged if path.startswith("models/readme")}


def test_answers_on_other_slices_or_of_another_split_are_not_taken_up(tmp_path: Path) -> None:
    pool = phantom_pool(6, 1)
    images, split, source = pool.images.copy(), pool.split.copy(), pool.source.copy()
    images[3, 100, 100] += 1
    split[0] = "test"
    source[0] = source[1]
    others = [replace(pool, images=images), replace(pool, split=split), replace(pool, source=source)]

    benches = [
        Bench(pool, 8, tmp_path),
        Bench(pool, 9, tmp_path),
        *(Bench(one, 8, tmp_path) for one in others),
    ]

    assert len({key(bench) for bench in benches}) == 5


def test_classical_metrics_are_fitted_with_those_that_do_not_apply() -> None:
    rng = np.random.default_rng(0)
    values, truth = rng.normal(size=(400, 3)), rng.random(400) < 0.5
    values[truth, 0] += 2.0
    values[::5, 1] = np.nan

    odds = fit(Evidence(values[:200]), truth[:200])(Evidence(values[200:]))

    assert float(((odds > 0) == truth[200:]).mean()) > 0.75
