"""Write a released model: one ONNX file, held against torch, and its card.

    python -m models.export CHECKPOINT [CHECKPOINT ...] --version VERSION [--name scanside-artifacts] [--out FOLDER]

Probabilities come out, and the distance to what the network was trained on. A released model looks twice, at the slice
and at its mirror image, and answers with the mean: an artifact looks alike from both sides, an error less often.
"""

import argparse
import datetime as dt
import subprocess
import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.cost import cost_of
from models.dataset import Pool, cache_folder, load_pool
from models.learning import averaged
from models.modelcard import CANVAS, ModelCard, file_digest
from models.network import MASK_SLOPE, Network
from models.outlier import Outlier, fitted
from models.shelf import chances_of, unpacked
from models.trial import drawn

NAME = "scanside-artifacts"
OPSET = 18
TOLERANCE = 1e-4
OUTPUTS = ("masks", "presence", "suitability", "outlier")
RELEASED = Path(__file__).parent / "released"
COMPARED = 8  # typical slices, simulated and clean
TYPICAL = 3000  # slices that say what is usual: two in three simulated, the others clean
SEED = 303


class Released(nn.Module):
    """The network as it is released: the mean of what it says of a slice and of its mirror image."""

    def __init__(self, network: Network, outlier: Outlier) -> None:
        super().__init__()
        self.network, self.outlier = network, outlier

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return masks (n, 13, 128, 128), presence (n, 13), suitability (n,), each 0..1, and outlier (n,) >= 0."""
        answer = self.network(torch.stack([image, image.flip(3)], dim=1).flatten(0, 1))
        plain, mirrored = _looks(answer.log_visibility).unbind(1)
        return (
            torch.sigmoid(MASK_SLOPE * (plain + mirrored.flip(3)) / 2),
            torch.sigmoid(_looks(answer.presence).mean(1)),
            torch.sigmoid(_looks(answer.suitability).mean(1)),
            _looks(self.outlier(answer.features)).mean(1),
        )


def _looks(values: Tensor) -> Tensor:
    """Return (n, 2, ...) of (2 n, ...): what was said of each slice and of its mirror image."""
    looks: Tensor = values.unflatten(0, (-1, 2))  # type: ignore[no-untyped-call]  # the only way that keeps the shapes
    return looks


class ExportDiffers(RuntimeError):
    """The exported model does not answer as the network in torch does."""


def export(
    network: Network,
    typical: NDArray[np.float32],
    folder: Path,
    *,
    version: str,
    name: str = NAME,
    weights: str = "",
) -> ModelCard:
    """Write `model.onnx` and `card.toml` below `folder` and return the card.

    `typical` (n, 1, 256, 256) are images as the network was trained on; `weights` says what the weights are, where they
    are not simply the last ones. Raises ExportDiffers if onnxruntime and torch differ by more than TOLERANCE on some of
    the typical images or on noise.
    """
    place = folder / f"{name}-{version}"
    place.mkdir(parents=True, exist_ok=True)
    path = place / "model.onnx"
    model = Released(network, fitted(network, typical)).eval()
    _write(model, path)
    few = typical[np.linspace(0, len(typical) - 1, min(len(typical), COMPARED)).round().astype(np.intp)]
    noise = np.random.default_rng(7).random((3, 1, CANVAS, CANVAS), dtype=np.float32)
    _compare(model, path, np.concatenate([few, noise]))
    card = ModelCard(
        name=name,
        version=version,
        sha256=file_digest(path),
        trained_commit=commit(),
        trained_on=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        weights=weights,
        cost=asdict(cost_of(network).times(2)),
    )
    (place / "card.toml").write_text(card.to_toml(), encoding="utf-8")
    return card


def typical_slices(pool: Pool, number: int) -> NDArray[np.float32]:
    """Return slices (number, 1, 256, 256) as they are trained on: simulated, and a third as they were found."""
    inside = pool.of("train")
    simulated = unpacked(drawn(inside, number - number // 3, SEED).slots).image
    rng = np.random.default_rng(SEED)
    clean = [inside.image(int(k)) for k in rng.choice(len(inside), number // 3, p=chances_of(inside.source))]
    return np.concatenate([simulated, np.stack(clean)[:, None]])


def commit() -> str:
    """Return the commit of the working tree, or "unknown" outside a repository."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  fixed words
    return answer.stdout.strip() or "unknown"


def _write(model: Released, path: Path) -> None:
    example = torch.zeros(2, 1, CANVAS, CANVAS)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch:
        warnings.simplefilter("ignore")  # the exporter warns of its own parts
        raw = Path(scratch) / "model.onnx"
        torch.onnx.export(
            model,
            (example,),
            raw,
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in ("image", *OUTPUTS)},
            opset_version=OPSET,
            dynamo=False,
        )
        graph = onnx.load(raw)
    graph.ClearField("metadata_props")
    for node in graph.graph.node:
        node.ClearField("metadata_props")  # paths of this machine
        node.ClearField("doc_string")
    onnx.checker.check_model(graph, full_check=True)
    onnx.save_model(graph, path)


def _compare(model: Released, path: Path, image: NDArray[np.float32]) -> None:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = [output.numpy() for output in model(torch.from_numpy(image))]
    for wanted, given in zip(expected, session.run(None, {"image": image}), strict=True):
        answer = np.asarray(given, dtype=np.float32)
        if wanted.shape != answer.shape or np.abs(wanted - answer).max() > TOLERANCE:
            raise ExportDiffers


def main() -> None:
    """Export the network of a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "checkpoints", type=Path, nargs="+", help="of one training, or compact weights; of several the mean"
    )
    parser.add_argument("--version", required=True)
    parser.add_argument("--name", default=NAME)
    parser.add_argument("--about", help='how the weights came about, as the card says: "The weights are ..."')
    parser.add_argument("--out", type=Path, default=RELEASED)
    options = parser.parse_args()
    network = averaged(*options.checkpoints)
    typical = typical_slices(load_pool(cache_folder()), TYPICAL)
    several = len(options.checkpoints)
    weights = [
        *([f"the mean of {several} checkpoints of one training"] if several > 1 else []),
        *([options.about] if options.about else []),
    ]
    card = export(
        network,
        typical,
        options.out,
        version=options.version,
        name=options.name,
        weights=", ".join(weights),
    )
    print(f"{options.out / card.folder_name}: {card.sha256}")


if __name__ == "__main__":
    main()
