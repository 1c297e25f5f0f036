"""A released model and its card."""

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from inference.artifacts import NAMES
from inference.card import Calibration, UnfitModel, load_card, released

# An ONNX graph with one initializer whose data lies in w.bin, as protobuf writes it; appended, it is merged.
OUTSIDE = bytes.fromhex("6a110a08") + b"location" + bytes.fromhex("1205") + b"w.bin" + bytes.fromhex("7001")


@pytest.fixture
def folder(tmp_path):
    """A copy of the released model, to spoil."""
    return shutil.copytree(released(), tmp_path / "scanside-artifacts-9.9.9")


def spoil(folder, old, new):
    """Replace the first place where the pattern stands."""
    path = folder / "card.toml"
    text, places = re.subn(old, lambda _: new, path.read_text("utf-8"), count=1)
    assert places == 1
    path.write_text(text, "utf-8")


def with_model(folder, content):
    """Let another model stand in, with the hash that belongs to it."""
    card = load_card(folder)
    (folder / "model.onnx").write_bytes(content)
    spoil(folder, card.sha256, hashlib.sha256(content).hexdigest())


def test_the_released_model_fits_its_card():
    card = load_card(released())
    assert card.name == "scanside-artifacts"
    assert tuple(each.name for each in card.classes) == NAMES
    assert (card.size, card.mask_size, card.percentile) == (256, 128, 99.5)
    assert card.sha256 == hashlib.sha256((card.folder / "model.onnx").read_bytes()).hexdigest()
    assert card.limits
    assert card.title == f"{card.name} {card.version}+{card.sha256[:12]}"


def test_another_file_than_the_one_described_is_refused(folder):
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(UnfitModel, match="SHA-256 differs"):
        load_card(folder)


def test_a_file_changed_after_loading_is_refused(folder):
    card = load_card(folder)
    (folder / "model.onnx").write_bytes(b"something else")
    with pytest.raises(UnfitModel, match="SHA-256 differs"):
        card.model_bytes()


def test_data_outside_the_file_is_refused(folder):
    graph = b"\x2a" + bytes([len(OUTSIDE)]) + OUTSIDE  # GraphProto.initializer
    with_model(folder, (folder / "model.onnx").read_bytes() + b"\x3a" + bytes([len(graph)]) + graph)
    with pytest.raises(UnfitModel, match="other files"):
        load_card(folder)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("format = 2", "format = 3", "format 2"),
        ('name = "ghost"', 'name = "ghosting"', "classes"),
        (r"mask_threshold = \S+", "mask_threshold = 1.0", "between"),
        (r"mask_threshold = \S+", 'mask_threshold = "half"', "not a number"),
        (r"presence_threshold = \S+", "presence_threshold = 0.0", "between"),
        (r"presence_temperature = \S+", "presence_temperature = 0.0", "temperature"),
        (r"presence_temperature = \S+", "presence_temperature = nan", "temperature"),
        (r"presence_bias = \S+", "presence_bias = inf", "bias"),
        ("percentile = 99.5", "percentile = 101.0", "between"),
        ("size = 256", "size = 250", "canvas"),
        ("mask_size = 128", "mask_size = 64", "masks"),
        ("channels = 1", "channels = 3", "one channel"),
        ("phase encoding along rows", "as it comes", "phase encoding"),
        ("sha256", "sha512", "sha256"),
        ('version = "', 'version = 1 # "', "not a text"),
        (r"\[input\]", "[input", "cannot be read"),
    ],
)
def test_a_card_that_does_not_hold_together_is_refused(folder, old, new, told):
    spoil(folder, old, new)
    with pytest.raises(UnfitModel, match=told):
        load_card(folder)


@pytest.mark.parametrize("missing", ["card.toml", "model.onnx"])
def test_a_missing_file_is_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(UnfitModel, match=f"{missing} cannot be read"):
        load_card(folder)


def test_the_headline_leaves_out_single_classes_and_texts():
    card = load_card(released())
    mixed = replace(card, metrics={"iou_mean": 0.5, "note": "held-out", "iou": {"motion": 0.6}})
    assert mixed.headline() == {"iou_mean": 0.5}


def models_beside(tmp_path, *names):
    package = tmp_path / "models"
    for name in names:
        (package / "released" / name).mkdir(parents=True)
        (package / "released" / name / "card.toml").touch()
    (package / "__init__.py").write_text("raise RuntimeError('the makers must not be imported')")


def test_the_newest_version_is_taken_and_the_makers_are_not_imported(tmp_path, monkeypatch):
    models_beside(
        tmp_path,
        "scanside-artifacts-0.9.0",
        "scanside-artifacts-0.10.0",
        "scanside-artifacts-0.10.rc1",
        "another-3.0.0",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "models", raising=False)
    assert released().name == "scanside-artifacts-0.10.0"
    assert released("another").name == "another-3.0.0"
    assert released("scanside-artifacts-0.9.0").name == "scanside-artifacts-0.9.0"
    assert "models" not in sys.modules


def test_an_unknown_model_is_refused():
    with pytest.raises(UnfitModel, match="no released model is called crystal-ball"):
        released("crystal-ball")


@pytest.mark.parametrize("module", ["inference", "inference.card", "inference.masks", "inference.score"])
def test_the_vocabulary_comes_without_the_runtime(module):
    asked = f"import sys, {module}; sys.exit('onnxruntime' in sys.modules or 'models' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


def test_calibration_is_the_identity_until_something_is_learnt():
    assert Calibration()(0.3) == pytest.approx(0.3)
    assert Calibration(temperature=2.0)(0.9) == pytest.approx(0.75)
    assert Calibration(bias=1.0)(0.5) == pytest.approx(0.7310586)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_calibration_bears_the_ends(probability):
    assert Calibration(temperature=0.05, bias=3.0)(probability) == pytest.approx(probability, abs=1e-3)
