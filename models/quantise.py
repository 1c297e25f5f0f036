"""Make an eight-bit copy of a released model: convolutions in int8, their scales measured on clean and spoilt slices.

    python -m models.quantise FOLDER [--name scanside-artifacts-int8] [--out FOLDER]

It is worth keeping only where masks lose less than a hundredth of IoU and it is faster: `make evaluate` and the model
benchmark say so.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from inference.card import CARD_FILE, MODEL_FILE, load_card
from models.dataset import cache_folder, load_pool
from models.export import NAME, RELEASED, typical_slices
from models.modelcard import ModelCard, file_digest

CALIBRATION = 96  # slices


class _Slices(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Hands slices to the calibration one by one."""

    def __init__(self, images: NDArray[np.float32]) -> None:
        self._left = iter(images[:, None])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(({"image": image} for image in self._left), None)


def quantise(model: Path, images: NDArray[np.float32], out: Path) -> None:
    """Write the copy of `model` to `out`; `images` (n, 1, 256, 256) tell the ranges."""
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch) / "prepared.onnx"
        quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(out),
            _Slices(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.Percentile,
        )


def main() -> None:
    """Quantise as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of the released model")
    parser.add_argument("--name", default=f"{NAME}-int8")
    parser.add_argument("--out", type=Path, default=RELEASED)
    options = parser.parse_args()
    whole = load_card(options.folder)
    place = options.out / f"{options.name}-{whole.version}"
    place.mkdir(parents=True, exist_ok=True)
    path = place / MODEL_FILE
    quantise(options.folder / MODEL_FILE, typical_slices(load_pool(cache_folder()), CALIBRATION), path)
    card = ModelCard(
        name=options.name,
        version=whole.version,
        sha256=file_digest(path),
        trained_commit=whole.trained_commit,
        trained_on=whole.trained_on,
        weights=whole.weights,
        cost={name: value for name, value in whole.cost.items() if name != "energy"},  # words of other widths
    )
    (place / CARD_FILE).write_text(card.to_toml(), encoding="utf-8")
    print(f"{place}: {card.sha256}")


if __name__ == "__main__":
    main()
