"""The network at work."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from inference.card import UnfitModel, load_card, released
from inference.segmenter import CPU, CUDA, ModelFailed, Segmenter

WITH_CUDA = CUDA in onnxruntime.get_available_providers()


@pytest.fixture(scope="module")
def card():
    return load_card(released())


@pytest.fixture(scope="module")
def segmenter(card):
    return Segmenter(card, provider="cpu", threads=1)


def canvases(count, seed=3):
    return np.random.default_rng(seed).random((count, 1, 256, 256), dtype=np.float32)


def with_model(card, content, tmp_path):
    """The card, with another model in place of its own."""
    folder = shutil.copytree(card.folder, tmp_path / "model")
    (folder / "model.onnx").write_bytes(content)
    path = folder / "card.toml"
    path.write_text(
        path.read_text("utf-8").replace(card.sha256, hashlib.sha256(content).hexdigest()), "utf-8"
    )
    return load_card(folder)


def fields(content, start, end):
    """Walk a protobuf message: (field number, first byte, end) of each field."""

    def varint(at):
        value, shift = 0, 0
        while content[at] & 0x80:
            value, shift, at = value | (content[at] & 0x7F) << shift, shift + 7, at + 1
        return value | content[at] << shift, at + 1

    while start < end:
        tag, start = varint(start)
        first = start
        length, start = varint(start) if tag & 7 in {0, 2} else (0, start)
        first, start = (
            (start, start + length) if tag & 7 == 2 else (first, start + {1: 8, 5: 4}.get(tag & 7, 0))
        )
        yield tag >> 3, first, start


def without_numbers(model):
    """The model with NaN for every weight: ModelProto.graph (7), its initializer (5), float raw_data (9)."""
    spoilt = bytearray(model)
    for graph in (each for each in fields(model, 0, len(model)) if each[0] == 7):
        for tensor in (each for each in fields(model, *graph[1:]) if each[0] == 5):
            parts = {number: (first, end) for number, first, end in fields(model, *tensor[1:])}
            if model[parts[2][0]] == 1:  # TensorProto.data_type FLOAT
                first, end = parts[9]
                spoilt[first:end] = b"\xff" * (end - first)
    return bytes(spoilt)


def test_every_output_is_a_probability_of_the_right_shape(segmenter):
    said = segmenter(canvases(3))
    assert said.masks.shape == (3, 13, 128, 128)
    assert said.presence.shape == (3, 13)
    assert said.suitability.shape == (3,)
    for values in (said.masks, said.presence, said.suitability):
        assert values.dtype == np.float32
        assert 0.0 <= values.min() <= values.max() <= 1.0


def test_a_slice_gets_the_same_answer_alone_and_among_others(segmenter):
    several = canvases(3)
    together = segmenter(several)
    for n in range(3):
        alone = segmenter(several[n : n + 1])
        assert np.array_equal(alone.masks[0], together.masks[n])
        assert np.array_equal(alone.presence[0], together.presence[n])
        assert alone.suitability[0] == together.suitability[n]


def test_the_provider_is_the_one_really_in_use(segmenter):
    assert segmenter.provider == CPU
    assert segmenter.batch == 1


def test_warming_runs_the_network(segmenter):
    segmenter.warm()


@pytest.mark.skipif(WITH_CUDA, reason="there is a CUDA provider here")
def test_cuda_where_there_is_none_is_refused_and_auto_takes_the_cpu(card):
    with pytest.raises(UnfitModel, match="CUDA provider was asked for"):
        Segmenter(card, provider="cuda")
    assert Segmenter(card, provider="auto", threads=1).provider == CPU


@pytest.mark.gpu
def test_cuda_answers_as_the_cpu_does(card, segmenter):
    fast = Segmenter(card, provider="cuda")
    assert fast.provider == CUDA
    several = canvases(fast.batch + 3)
    expected, given = segmenter(several), fast(several)
    assert given.masks.shape == expected.masks.shape
    assert np.abs(given.masks - expected.masks).max() < 0.02
    assert np.abs(given.presence - expected.presence).max() < 0.02
    assert np.abs(given.suitability - expected.suitability).max() < 0.02


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_canvas_that_is_not_finite_is_a_failure_not_an_answer(segmenter, value):
    spoilt = canvases(2)
    spoilt[1] = value
    with pytest.raises(ModelFailed, match="not finite"):
        segmenter(spoilt)


def test_a_network_that_answers_nan_is_a_failure_not_an_answer(card, tmp_path):
    broken = with_model(card, without_numbers((card.folder / "model.onnx").read_bytes()), tmp_path)
    with pytest.raises(ModelFailed, match="not a probability"):
        Segmenter(broken, provider="cpu", threads=1).warm()


def test_what_the_runtime_refuses_is_a_failure(segmenter):
    with pytest.raises(ModelFailed, match="gave up"):
        segmenter(np.zeros((1, 1, 255, 255), np.float32))


def test_no_canvas_is_a_fault_of_the_caller(segmenter):
    with pytest.raises(ValueError, match="no canvas"):
        segmenter(canvases(0))


def test_a_model_of_another_shape_than_its_card_is_refused(card):
    with pytest.raises(UnfitModel, match="not those of its card"):
        Segmenter(replace(card, size=512), provider="cpu")
    with pytest.raises(UnfitModel, match="not those of its card"):
        Segmenter(replace(card, classes=card.classes[:5]), provider="cpu")


def test_what_is_no_model_is_refused(card, tmp_path):
    with pytest.raises(UnfitModel, match="cannot load"):
        Segmenter(with_model(card, b"\x08\x08 not a model", tmp_path), provider="cpu")


def test_loading_says_nothing_on_standard_output():
    script = (
        "from inference.card import load_card, released\n"
        "from inference.segmenter import Segmenter\n"
        "Segmenter(load_card(released())).warm()"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert ran.stdout == b""
