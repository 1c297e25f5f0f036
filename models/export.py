"""Write a released model: one ONNX file, held against torch, and its card.

python -m models.export CHECKPOINT [--version 0.1.0] [--out models/released]
"""

import argparse
import datetime as dt
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from models.learning import averaged
from models.modelcard import CANVAS, ModelCard, file_digest
from models.network import Network, Released

NAME = "scanside-artifacts"
OPSET = 18
TOLERANCE = 1e-4
OUTPUTS = ("masks", "presence", "suitability")
RELEASED = Path(__file__).parent / "released"


class ExportDiffers(RuntimeError):
    """The exported model does not answer as the network in torch does."""


def export(network: Network, folder: Path, *, version: str) -> ModelCard:
    """Write `model.onnx` and `card.toml` below `folder` and return the card.

    Raises ExportDiffers if onnxruntime and torch differ by more than TOLERANCE.
    """
    place = folder / f"{NAME}-{version}"
    place.mkdir(parents=True, exist_ok=True)
    path = place / "model.onnx"
    _write(Released(network).eval(), path)
    _compare(Released(network).eval(), path)
    card = ModelCard(
        name=NAME,
        version=version,
        sha256=file_digest(path),
        trained_commit=commit(),
        trained_on=dt.datetime.now(tz=dt.UTC).date().isoformat(),
    )
    (place / "card.toml").write_text(card.to_toml(), encoding="utf-8")
    return card


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


def _compare(model: Released, path: Path) -> None:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    image = np.random.default_rng(7).random((3, 1, CANVAS, CANVAS), dtype=np.float32)
    with torch.inference_mode():
        expected = [output.numpy() for output in model(torch.from_numpy(image))]
    for wanted, given in zip(expected, session.run(None, {"image": image}), strict=True):
        answer = np.asarray(given, dtype=np.float32)
        if wanted.shape != answer.shape or np.abs(wanted - answer).max() > TOLERANCE:
            raise ExportDiffers


def main() -> None:
    """Export the network of a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="of a training, or compact weights")
    parser.add_argument("--version", default="0.1.0")
    parser.add_argument("--out", type=Path, default=RELEASED)
    options = parser.parse_args()
    network = averaged(options.checkpoint)
    card = export(network, options.out, version=options.version)
    print(f"{options.out / card.folder_name}: {card.sha256}")


if __name__ == "__main__":
    main()
