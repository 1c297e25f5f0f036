"""Read and check a released model's card.toml; a model that does not fit its card is refused."""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import exp, inf, isfinite, log
from pathlib import Path
from typing import Any

from inference.artifacts import NAMES
from inference.text import Text, all_kept

FORMAT = 2
DEFAULT_NAME = "scanside-artifacts"
MODEL_FILE, CARD_FILE = "model.onnx", "card.toml"
ORIENTATION = "phase encoding along rows"
MOST_BYTES = 512 * 1024 * 1024

# ONNX TensorProto.external_data, an entry with the key "location", as protobuf writes it.
_EXTERNAL = b"\x0a\x08location\x12"
_SURE = 1e-6  # probabilities are kept so far from 0 and 1 before they are turned into log odds


class UnfitModel(Exception):
    """The model, its card, or the two together cannot be used."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a probability of the network becomes one to believe: sigmoid(logit(p) / temperature + bias)."""

    temperature: float = 1.0
    bias: float = 0.0

    def __call__(self, probability: float) -> float:
        """Calibrate."""
        bounded = min(1.0 - _SURE, max(_SURE, probability))
        odds = log(bounded / (1.0 - bounded)) / self.temperature + self.bias
        return 1.0 / (1.0 + exp(-odds))


@dataclass(frozen=True, slots=True)
class ClassCard:
    """How one class's outputs are read."""

    name: str
    mask_threshold: float  # of the mask's probability, 0..1 exclusive
    presence_threshold: float  # of the calibrated presence, 0..1 exclusive
    presence_temperature: float
    presence_bias: float

    def presence(self, probability: float) -> float:
        """Calibrate the network's presence of this class."""
        return Calibration(self.presence_temperature, self.presence_bias)(probability)


@dataclass(frozen=True, slots=True)
class Card:
    """A released model as its card states it; the hash has been checked against the file."""

    folder: Path
    name: str
    version: str
    sha256: str  # of model.onnx, hexadecimal
    trained_commit: str
    trained_on: str
    weights: str  # what they are: "" where they are those of the training's end
    size: int  # side of the canvas, px
    mask_size: int  # side of the masks, px
    percentile: float  # of the image, becomes 1 on the canvas
    classes: tuple[ClassCard, ...]  # in the catalogue's order
    suitability: Calibration
    outlier: float  # distance beyond which a slice is too unlike what the model was made with
    limits: tuple[Text, ...]  # what the model cannot see
    metrics: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cost: Mapping[str, float] = field(
        default_factory=dict[str, float]
    )  # of one slice: parameters, macs, energy

    @property
    def title(self) -> str:
        """Name, version and the beginning of the hash: "scanside-artifacts 0.1.0+0123456789ab"."""
        return f"{self.name} {self.version}+{self.sha256[:12]}"

    def headline(self) -> dict[str, float]:
        """Give the metrics that are one number for the whole model, without those of single classes."""
        return {
            name: float(value)
            for name, value in self.metrics.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }

    def model_bytes(self) -> bytes:
        """Read the model. Raises UnfitModel where it is not the one that the card describes."""
        return _checked(self.folder / MODEL_FILE, self.sha256)


def load_card(folder: Path) -> Card:
    """Read and check card and model of a released folder. Raises UnfitModel."""
    try:
        stated = tomllib.loads((folder / CARD_FILE).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnfitModel(f"{CARD_FILE} cannot be read ({type(error).__name__})") from error
    if stated.get("format") != FORMAT:
        raise UnfitModel(f"{CARD_FILE} is not of format {FORMAT}")
    try:
        card = _card(folder, stated)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnfitModel(f"{CARD_FILE} lacks a value or holds a wrong one: {error}") from error
    card.model_bytes()
    return card


def released(name: str | None = None) -> Path:
    """Find a released model: a folder's name, or the newest version of a model's name.

    The folder lies in the package that makes models, which is found but not imported. Raises UnfitModel.
    """
    spec = find_spec("models")
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    places.append(Path(__file__).resolve().parent.parent / "models")
    return _newest(name or DEFAULT_NAME, [place / "released" for place in places])


def _newest(wanted: str, roots: Iterable[Path]) -> Path:
    folders = [card.parent for root in roots for card in sorted(root.glob(f"*/{CARD_FILE}"))]
    exact = [folder for folder in folders if folder.name == wanted]
    versions = exact or [folder for folder in folders if folder.name.rpartition("-")[0] == wanted]
    if not versions:
        raise UnfitModel(f"no released model is called {wanted}")
    return max(versions, key=lambda folder: _version(folder.name.rpartition("-")[2]))


def _version(text: str) -> tuple[tuple[int, str], ...]:
    """Order versions: numbers as numbers, anything else before them (0.2.rc1 < 0.2.0 < 0.10.0)."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in text.split("."))


def _card(folder: Path, stated: Mapping[str, Any]) -> Card:
    classes = stated["class"]
    names = tuple(entry["name"] for entry in classes)
    if names != NAMES:
        raise ValueError("its classes are not those of the catalogue, in their order")
    canvas, output = stated["input"], stated["output"]
    if canvas["channels"] != 1 or canvas["orientation"] != ORIENTATION:
        raise ValueError("its input is not one channel with the phase encoding along the rows")
    size, mask_size = _side(canvas["size"]), _side(output["mask_size"])
    if size % 32 or mask_size not in (size, size // 2):
        raise ValueError(
            "its canvas is no multiple of 32, or its masks are not the canvas' size or half of it"
        )
    return Card(
        folder=folder,
        name=_text(stated["name"]),
        version=_text(stated["version"]),
        sha256=_text(stated["sha256"]).lower(),
        trained_commit=_text(stated["trained_commit"]),
        trained_on=str(stated["trained_on"]),
        weights=_text(stated.get("weights", "")),
        size=size,
        mask_size=mask_size,
        percentile=_between(canvas["percentile"], 50.0, 100.0),
        classes=tuple(_class(entry) for entry in classes),
        suitability=_calibration(stated["suitability"], ""),
        outlier=_between(stated["outlier"]["threshold"], 0.0, inf),
        limits=all_kept([_text(limit) for limit in stated["limits"]], stated.get("limits_de")),
        metrics=dict(stated.get("metrics", {})),
        cost={name: _number(value) for name, value in stated.get("cost", {}).items()},
    )


def _checked(path: Path, sha256: str) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnfitModel("the model is too large")
        content = path.read_bytes()
    except OSError as error:
        raise UnfitModel(f"{MODEL_FILE} cannot be read ({type(error).__name__})") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UnfitModel(f"{MODEL_FILE} is not the file that {CARD_FILE} describes: its SHA-256 differs")
    if _EXTERNAL in content:
        raise UnfitModel(f"{MODEL_FILE} keeps data in other files, which the SHA-256 does not cover")
    return content


def _class(entry: Mapping[str, Any]) -> ClassCard:
    presence = _calibration(entry, "presence_")
    return ClassCard(
        name=_text(entry["name"]),
        mask_threshold=_between(entry["mask_threshold"], 0.0, 1.0),
        presence_threshold=_between(entry["presence_threshold"], 0.0, 1.0),
        presence_temperature=presence.temperature,
        presence_bias=presence.bias,
    )


def _calibration(entry: Mapping[str, Any], prefix: str) -> Calibration:
    temperature, bias = _number(entry[f"{prefix}temperature"]), _number(entry[f"{prefix}bias"])
    if not (isfinite(temperature) and temperature > 0 and isfinite(bias)):
        raise ValueError("a temperature is not above 0, or a bias is not finite")
    return Calibration(temperature, bias)


def _between(value: object, low: float, high: float) -> float:
    number = _number(value)
    if not low < number < high:
        raise ValueError(f"{value!r} is not between {low} and {high}")
    return number


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _side(value: object) -> int:
    if not isinstance(value, int) or not 32 <= value <= 1024:
        raise ValueError(f"{value!r} is no size of a canvas or a mask")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value
