"""card.toml of a released model: what the program that runs the model must know, in plain text."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from inference.text import Text
from models.classes import CLASSES

FORMAT = 2
CANVAS = 256
MASK_SIZE = 128
PERCENTILE = 99.5

LIMITS = (
    Text(
        "Trained on simulated artifacts over real anatomy; real artifacts differ in ways the simulation does not show.",
        "Mit simulierten Artefakten auf echter Anatomie trainiert; echte Artefakte weichen davon ab.",
    ),
    Text(
        "Sees one slice at a time: missing slices, coverage and slice drop-out are not its matter.",
        "Sieht jede Schicht für sich: fehlende Schichten, Abdeckung und Signalausfall sind nicht seine Sache.",
    ),
    Text(
        "Works on a 256 x 256 canvas: detail above its Nyquist frequency (thin zippers and ringing, far spikes) "
        "is lost.",
        "Arbeitet auf 256 x 256 Pixeln: Feineres (dünne Zipper, feine Wellenmuster, weite Spikes) geht verloren.",
    ),
    Text(
        "Derived maps, localizers, phase, real or imaginary images, spectroscopy and images below 64 pixels are "
        "outside.",
        "Nicht bewertet: abgeleitete Karten, Localizer, Phasen-, Real- und Imaginärteilbilder, Spektroskopie, "
        "Bilder unter 64 Pixeln.",
    ),
    Text(
        "Suitability follows a similarity to the clean image, not the rating of a reader.",
        "Die Eignung misst die Ähnlichkeit mit dem ungestörten Bild, nicht das Urteil der Radiologie.",
    ),
    Text(
        "Expects phase encoding along the rows' index; where the header does not tell, both ways must be tried.",
        "Erwartet die Phasenkodierung entlang der Zeilen; nennt der Header sie nicht, werden beide Richtungen "
        "versucht.",
    ),
)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """How one class's outputs are read: presence = sigmoid(logit(p) / temperature + bias)."""

    mask_threshold: float = 0.5
    presence_threshold: float = 0.5
    presence_temperature: float = 1.0
    presence_bias: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelCard:
    """All that card.toml states; `metrics` holds floats, texts and one level of tables."""

    name: str
    version: str
    sha256: str
    trained_commit: str
    trained_on: str  # ISO date
    points: tuple[OperatingPoint, ...] = (OperatingPoint(),) * len(CLASSES)
    suitability: tuple[float, float] = (1.0, 0.0)  # temperature, bias
    metrics: Mapping[str, object] = field(default_factory=dict)
    limits: tuple[Text, ...] = LIMITS
    cost: Mapping[str, float] = field(default_factory=dict)  # of one slice
    weights: str = ""  # what they are, where they are not those of the training's end
    outlier: float = 1e6  # the distance beyond which a slice is not scored; none, until it is chosen

    @property
    def folder_name(self) -> str:
        """The name of the folder that holds model and card."""
        return f"{self.name}-{self.version}"

    def to_toml(self) -> str:
        """Return the text of card.toml."""
        head = {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "sha256": self.sha256,
            "trained_commit": self.trained_commit,
            "trained_on": self.trained_on,
            "weights": self.weights,
        }
        sections = [
            _table(
                "", head | {"limits": list(self.limits), "limits_de": [limit.de for limit in self.limits]}
            ),
            _table(
                "input",
                {
                    "size": CANVAS,
                    "channels": 1,
                    "percentile": PERCENTILE,
                    "orientation": "phase encoding along rows",
                },
            ),
            _table("output", {"mask_size": MASK_SIZE}),
            *self._classes(),
            _table("suitability", {"temperature": self.suitability[0], "bias": self.suitability[1]}),
            _table("outlier", {"threshold": self.outlier}),
            _table("cost", self.cost),
            *_tables("metrics", self.metrics),
        ]
        return "\n".join(sections)

    def _classes(self) -> Iterable[str]:
        for name, point in zip(CLASSES, self.points, strict=True):
            values = {
                "name": name,
                "mask_threshold": point.mask_threshold,
                "presence_threshold": point.presence_threshold,
                "presence_temperature": point.presence_temperature,
                "presence_bias": point.presence_bias,
            }
            yield "[[class]]\n" + _lines(values)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _tables(name: str, values: Mapping[str, object]) -> Iterable[str]:
    flat = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
    yield _table(name, flat)
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield _table(f"{name}.{key}", value)


def _table(name: str, values: Mapping[str, object]) -> str:
    return (f"[{name}]\n" if name else "") + _lines(values)


def _lines(values: Mapping[str, object]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in values.items())


def _value(value: object) -> str:
    if isinstance(value, list):
        return "[\n" + "".join(f"    {_value(item)},\n" for item in value) + "]"
    if isinstance(value, float):
        return repr(round(value, 6))
    return json.dumps(value, ensure_ascii=False)  # TOML's strings, integers and booleans are JSON's
