"""The training: it learns, can be taken up again, and what is exported answers as it does."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

import models.export as export_module
from inference.card import load_card
from inference.segmenter import Segmenter
from models.answers import simulated
from models.classes import CLASSES, INDEX
from models.dataset import phantom_pool
from models.export import ExportDiffers, Released, export, typical_slices
from models.learning import (
    CPU,
    FAVOUR,
    Options,
    Run,
    averaged,
    begin,
    emphasis_of,
    rate_at,
    save_compact,
    step,
    take_up,
)
from models.losses import Truth, losses
from models.network import Network, Shape
from models.outlier import fitted
from models.quantise import quantise
from models.shelf import unpacked

OPTIONS = Options(minutes=1.0, batch=4)
TINY = Shape((8, 8, 16, 16, 16), (16, 12, 8, 8), (8, 8, 2), 8, 8, 8)


def test_the_network_answers_in_the_shapes_of_the_card() -> None:
    answer = Network().eval()(torch.rand(2, 1, 256, 256))

    assert answer.log_visibility.shape == (2, len(CLASSES), 128, 128)
    assert answer.presence.shape == (2, len(CLASSES))
    assert answer.suitability.shape == (2,)


def test_the_spectrum_is_that_of_the_fourier_transform() -> None:
    image = torch.rand(2, 1, 256, 256)

    seen = Network(TINY).spectrum.logarithm(image)

    waves = torch.fft.fftshift(torch.fft.fft2(image), dim=2)[..., :128].abs()
    wanted = waves / image.sum(dim=(2, 3), keepdim=True)
    said = 10 ** (6 * seen - 6)  # the outermost line stands for its neighbour
    assert torch.allclose(said[:, :, 1:], wanted[:, :, 1:], rtol=1e-3, atol=3e-6)
    assert float(wanted[:, :, 1:].max()) > 1e-3


def test_the_loss_falls_on_a_batch_seen_again() -> None:
    slots, _ = simulated(phantom_pool(6, 2), 4, seed=1)
    batch, run = unpacked(slots), begin(OPTIONS, Network())
    run.minutes = 0.1

    totals = [float(step(run, batch, OPTIONS).total().detach()) for _ in range(8)]

    assert totals[-1] < 0.8 * totals[0]


def test_a_run_is_taken_up_where_it_was_saved(tmp_path: Path) -> None:
    slots, _ = simulated(phantom_pool(6, 2), 4, seed=1)
    batch, run = unpacked(slots), begin(OPTIONS, Network(TINY))
    for _ in range(2):
        step(run, batch, OPTIONS)
    run.minutes = 0.25
    run.save(tmp_path / "checkpoint.pt")

    other = take_up(OPTIONS, tmp_path / "checkpoint.pt")

    assert (other.step, other.minutes, other.seen) == (2, 0.25, 8)
    assert same(run.average.state_dict(), other.average.state_dict())
    assert not same(run.average.state_dict(), other.network.state_dict())
    assert same(momenta(run), momenta(other))
    for each in (run, other):
        step(each, batch, OPTIONS)
    assert same(run.network.state_dict(), other.network.state_dict())
    assert same(run.average.state_dict(), other.average.state_dict())
    assert same(momenta(run), momenta(other))


def same(mine: Mapping[str, torch.Tensor], theirs: Mapping[str, torch.Tensor]) -> bool:
    assert mine.keys() == theirs.keys()
    return all(torch.equal(mine[name], theirs[name]) for name in mine)


def momenta(run: Run) -> dict[str, torch.Tensor]:
    """Return what the optimiser remembers of each weight."""
    state = run.optimiser.state_dict()["state"]
    return {f"{place} {name}": value for place, known in state.items() for name, value in known.items()}


def test_a_run_of_a_gpu_is_taken_up_and_exported_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots, _ = simulated(phantom_pool(2, 2), 2, seed=1)
    run = begin(OPTIONS, Network(TINY))
    step(run, unpacked(slots), OPTIONS)
    with monkeypatch.context() as patch:  # the file says of every tensor that it lay on a GPU
        patch.setattr("torch.serialization.location_tag", lambda _storage: "cuda:0")
        run.save(tmp_path / "checkpoint.pt")
    assert b"cuda:0" in (tmp_path / "checkpoint.pt").read_bytes()

    other = take_up(OPTIONS, tmp_path / "checkpoint.pt")
    average = averaged(tmp_path / "checkpoint.pt")

    assert other.device == CPU
    assert same(run.average.state_dict(), average.state_dict())
    assert same(momenta(run), momenta(other))


def test_what_the_optimiser_remembers_lies_where_the_network_lies(tmp_path: Path) -> None:
    slots, _ = simulated(phantom_pool(2, 2), 2, seed=1)
    run = begin(OPTIONS, Network(TINY))
    step(run, unpacked(slots), OPTIONS)
    run.save(tmp_path / "checkpoint.pt")

    elsewhere = take_up(OPTIONS, tmp_path / "checkpoint.pt", torch.device("meta"))

    weights = [*elsewhere.network.parameters(), *elsewhere.average.parameters()]
    remembered = [value for name, value in momenta(elsewhere).items() if "exp_avg" in name]
    assert len(remembered) == 2 * len(list(run.network.parameters()))
    assert {tensor.device.type for tensor in [*weights, *remembered]} == {"meta"}


def test_compact_weights_are_small_and_another_run_begins_from_them(tmp_path: Path) -> None:
    network = Network()

    save_compact(network, tmp_path / "small.pt")
    other = averaged(tmp_path / "small.pt")

    assert (tmp_path / "small.pt").stat().st_size <= 2 << 20
    for mine, theirs in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-3)


def test_of_several_checkpoints_the_mean_of_the_weights_is_taken(tmp_path: Path) -> None:
    torch.manual_seed(1)
    one, other = Network(TINY), Network(TINY)
    for name, network in (("one", one), ("other", other)):
        torch.save(network.state_dict(), tmp_path / f"{name}.pt")

    both = averaged(tmp_path / "one.pt", tmp_path / "other.pt")

    for mean, mine, theirs in zip(both.parameters(), one.parameters(), other.parameters(), strict=True):
        assert torch.allclose(mean, (mine + theirs) / 2, atol=1e-6)


def test_the_rate_warms_up_and_falls() -> None:
    rates = [rate_at(share, 1.0) for share in (0.0, 0.03, 0.5, 1.0, 1.5)]

    assert rates[0] < rates[1] == pytest.approx(1.0)
    assert rates[1] > rates[2] > rates[3] == pytest.approx(0.01) == rates[4]


def test_the_exported_model_is_accepted_and_answers_as_torch_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Network(TINY).eval()
    typical = typical_slices(phantom_pool(6, 2), 12)

    card = export(network, typical, tmp_path, version="0.0.9", name="tiny")

    folder = tmp_path / card.folder_name
    said = Segmenter(load_card(folder), provider="cpu")(typical[:2])
    with torch.inference_mode():
        masks, presence, suitability, outlier = Released(network, fitted(network, typical))(
            torch.from_numpy(typical[:2])
        )
    assert np.allclose(said.masks, masks.numpy(), atol=1e-4)
    assert np.allclose(said.presence, presence.numpy(), atol=1e-4)
    assert np.allclose(said.suitability, suitability.numpy(), atol=1e-4)
    assert np.allclose(said.outlier, outlier.numpy(), rtol=1e-3)
    assert {path.name for path in folder.iterdir()} == {"model.onnx", "card.toml"}


def test_a_released_model_says_the_same_of_a_slice_and_of_its_mirror_image() -> None:
    torch.manual_seed(0)
    network = Network(TINY).eval()
    typical = typical_slices(phantom_pool(6, 2), 12)
    released, image = Released(network, fitted(network, typical)), torch.from_numpy(typical[:3])

    with torch.inference_mode():
        masks, *others = released(image)
        mirrored, *theirs = released(image.flip(3))
        plain = network(image).presence, network(image.flip(3)).presence

    assert torch.allclose(masks, mirrored.flip(3), atol=1e-5)
    for mine, other in zip(others, theirs, strict=True):
        assert torch.allclose(mine, other, atol=1e-4)
    assert torch.allclose(others[0], torch.sigmoid(sum(plain) / 2), atol=1e-5)
    assert not torch.allclose(*plain)


def test_what_is_unlike_the_training_lies_farther_off() -> None:
    torch.manual_seed(0)
    network = Network(TINY).eval()
    typical = typical_slices(phantom_pool(6, 2), 48)
    chequers = np.indices((256, 256)).sum(axis=0)[None, None] // 16 % 2

    distance = fitted(network, typical[:40])
    with torch.inference_mode():
        usual = distance(network(torch.from_numpy(typical[40:])).features)
        odd = distance(network(torch.from_numpy(chequers.astype(np.float32))).features)

    assert 0.3 < float(usual.median()) < 3
    assert float(odd[0]) > 2 * float(usual.max())


class Otherwise(torch.nn.Module):
    """A model that answers otherwise where the image is black, as around a body: nowhere in noise."""

    def __init__(self, model: Released) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        masks, presence, suitability, outlier = self.model(image)
        black = (image <= 0).float().mean((1, 2, 3))
        return masks, presence, suitability * (1 - 0.5 * black), outlier


def test_an_export_that_differs_on_slices_alone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typical = typical_slices(phantom_pool(6, 2), 12)
    assert (typical == 0).mean() > 0.05
    write = export_module._write
    monkeypatch.setattr(export_module, "_write", lambda model, path: write(Otherwise(model).eval(), path))

    with pytest.raises(ExportDiffers):
        export(Network(TINY), typical, tmp_path, version="0.0.9")


def test_an_eight_bit_copy_answers_nearly_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    typical = typical_slices(phantom_pool(6, 2), 12)
    card = export(Network(TINY).eval(), typical, tmp_path, version="0.0.9")
    whole = tmp_path / card.folder_name / "model.onnx"

    quantise(whole, typical, tmp_path / "small.onnx")

    assert (tmp_path / "small.onnx").stat().st_size < whole.stat().st_size
    full, small = (
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(
            ["masks"], {"image": typical}
        )[0]
        for path in (whole, tmp_path / "small.onnx")
    )
    assert float(np.abs(full - small).mean()) < 0.02


def test_classes_that_lag_count_more_and_favoured_ones_more_still() -> None:
    iou = [0.9] * len(CLASSES)
    iou[INDEX["fatsat"]], iou[INDEX["bias"]] = 0.1, float("nan")
    emphasis = emphasis_of(iou, ())
    assert emphasis.mean().item() == pytest.approx(1.0)
    assert emphasis[INDEX["fatsat"]] / emphasis[INDEX["noise"]] == pytest.approx((1.0 / 0.2) ** 2, rel=1e-5)
    assert emphasis[INDEX["bias"]] > emphasis[INDEX["fatsat"]]  # what was not seen is taken for unlearnt
    favoured = emphasis_of(iou, ("fatsat",))
    assert favoured[INDEX["fatsat"]] / favoured[INDEX["noise"]] == pytest.approx(FAVOUR * 25, rel=1e-5)


def test_the_loss_of_a_class_follows_its_emphasis() -> None:
    answer = Network().eval()(torch.rand(2, 1, 256, 256, generator=torch.Generator().manual_seed(3)))
    n, k = len(CLASSES), INDEX["fatsat"]
    visible = torch.full((2, n, 128, 128), -4.0)
    visible[:, k, 30:60, 30:60] = 1.0
    mask = visible > 0
    truth = Truth(
        visible, mask, torch.zeros_like(mask), torch.zeros(2, n), torch.ones(2, 2), torch.zeros(2, 128, 128)
    )
    plain, more = torch.ones(n), torch.ones(n)
    more[k] = 4.0
    for part in ("regression", "mask"):
        assert getattr(losses(answer, truth, more), part) > 1.5 * getattr(losses(answer, truth, plain), part)
        assert getattr(losses(answer, truth), part) == getattr(losses(answer, truth, plain), part)
