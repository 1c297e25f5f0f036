"""The card of a released model: what is written is what the eye reads."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from inference.card import load_card, released
from models.classes import CLASSES
from models.modelcard import ModelCard, OperatingPoint, file_digest


def card(sha256: str = "0" * 64, metrics: dict[str, object] | None = None) -> ModelCard:
    points = tuple(OperatingPoint(0.4 + k / 100, 0.5, 1.5, -0.25) for k in range(len(CLASSES)))
    return ModelCard("toy", "0.2.0", sha256, "abc", "2026-01-02", points, (1.2, 0.1), metrics or {})


def test_the_eye_reads_what_the_maker_wrote(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"a model")
    written = card(file_digest(tmp_path / "model.onnx"), {"iou_mean": 0.25, "split": {"test": "a, b"}})
    (tmp_path / "card.toml").write_text(written.to_toml(), encoding="utf-8")

    read = load_card(tmp_path)

    assert (read.name, read.version, read.size, read.mask_size) == ("toy", "0.2.0", 256, 128)
    assert [each.name for each in read.classes] == list(CLASSES)
    assert read.classes[3].mask_threshold == pytest.approx(0.43)
    assert read.classes[3].presence_temperature == pytest.approx(1.5)
    assert read.headline() == {"iou_mean": 0.25}
    assert read.limits == written.limits


def test_text_with_quotes_and_umlauts_survives() -> None:
    text = card(metrics={"split": {"test": 'a "b" \\ ü'}}).to_toml()

    assert tomllib.loads(text)["metrics"]["split"]["test"] == 'a "b" \\ ü'


def test_the_released_model_has_a_card_that_the_eye_accepts() -> None:
    assert load_card(released()).limits


def test_the_distance_from_which_a_slice_is_not_scored_is_stated() -> None:
    assert tomllib.loads(replace(card(), outlier=2.5).to_toml())["outlier"] == {"threshold": 2.5}


def test_what_is_released_and_the_weights_to_go_on_from_stay_small() -> None:
    models = list(released().parent.glob("*/model.onnx"))
    weights = list((released().parents[1] / "checkpoints").glob("*.pt"))

    assert len(models) >= 2  # the whole network and the pruned one
    assert len(weights) >= 1
    assert max(path.stat().st_size for path in models) <= 20_000_000
    assert max(path.stat().st_size for path in weights) <= 2_000_000
