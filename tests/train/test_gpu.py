"""The whole way of a model on a GPU."""

from dataclasses import replace
from pathlib import Path

import pytest

from models import prune
from models.cost import cost_of
from models.dataset import phantom_pool
from models.export import export, typical_slices
from models.learning import CPU, Options, averaged, fastest
from models.network import Network, Shape
from models.shelf import unpacked
from models.train import CHECKPOINT, train
from models.trial import drawn

SHORT = Options(minutes=0.02, batch=4, shelf=16, first=8, check_minutes=0.02, validation=4, threads=1)


@pytest.mark.gpu
def test_a_gpu_trains_takes_up_prunes_and_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCANSIDE_DATA", raising=False)
    monkeypatch.setattr(prune, "ROUNDS", 2)
    monkeypatch.setattr(prune, "BATCHES", 2)
    assert fastest().type == "cuda"

    begun = train(SHORT, tmp_path, Network(Shape((8, 8, 16, 16, 16), (16, 12, 8, 8), (8, 8, 4), 8, 8, 8)))
    taken_up = train(replace(SHORT, minutes=begun.minutes + 0.02), tmp_path)
    whole = averaged(tmp_path / CHECKPOINT)
    slots = drawn(phantom_pool(2, 2), 2, seed=1).slots
    worth = prune.taylor(taken_up.average, [unpacked(slots)])
    pruned = prune.prune(whole, SHORT, 0.8, tmp_path / "pruned", tmp_path / "shelf.bin")
    card = export(pruned, typical_slices(phantom_pool(6, 2), 12), tmp_path, version="0.0.9")

    assert taken_up.device.type == "cuda"
    assert taken_up.step > begun.step > 0
    for network in (taken_up.average, whole, pruned):
        assert {weight.device for weight in network.parameters()} == {CPU}
    assert worth.keys() == prune.widths_of(whole).keys()
    assert max(cost_of(pruned).share_of(cost_of(whole))) <= 0.8
    assert (tmp_path / card.folder_name / "model.onnx").is_file()
