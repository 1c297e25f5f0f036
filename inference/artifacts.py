"""The catalogue of artifacts: what each is called, how it is coded and drawn, how it counts."""

from dataclasses import dataclass
from typing import Literal

from inference.text import Text

Cap = Literal["Check", "Repeat"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """One class of the model, as people and PACS know it."""

    name: str  # of the output channel
    title: Text  # for people
    scheme: str  # Coding Scheme Designator (0008,0102)
    code: str  # Code Value (0008,0100), at most 16 characters
    meaning: str  # Code Meaning (0008,0104)
    colour: str  # "#rrggbb": near Okabe and Ito's hues at two levels of lightness, told apart by any eye
    weight: float  # 0..1: how much a slice suffers where the artifact covers all of the body
    cap: Cap  # the gravest verdict that this artifact alone may bring about

    @property
    def coded(self) -> str:
        """The code in one word, as in "RADLEX:RID11423"."""
        return f"{self.scheme}:{self.code}"


# In the order of the network's output channels. RadLex and DCM codes: PS3.16 CID 6315, 6316 and RadLex 4.
CATALOGUE: tuple[Artifact, ...] = (
    Artifact(
        name="motion",
        title=Text("Motion", "Bewegung"),
        scheme="RADLEX",
        code="RID11423",
        meaning="Motion related artifact",
        colour="#e1a312",
        weight=1.0,
        cap="Repeat",
    ),
    Artifact(
        name="ghost",
        title=Text("Ghosting", "Geisterbilder"),
        scheme="RADLEX",
        code="RID11426",
        meaning="Ghost",
        colour="#eede55",
        weight=0.9,
        cap="Repeat",
    ),
    Artifact(
        name="flow",
        title=Text("Flow or pulsation", "Fluss oder Pulsation"),
        scheme="RADLEX",
        code="RID11438",
        meaning="Flow-related artifact",
        colour="#c89bbc",
        weight=0.7,
        cap="Repeat",
    ),
    Artifact(
        name="wrap",
        title=Text("Wrap-around", "Einfaltung"),
        scheme="RADLEX",
        code="RID11395",
        meaning="Phase wraparound artifact",
        colour="#3e94e1",
        weight=0.8,
        cap="Repeat",
    ),
    Artifact(
        name="gibbs",
        title=Text("Gibbs ringing", "Gibbs-Artefakt"),
        scheme="RADLEX",
        code="RID11470",
        meaning="Truncation artifact",
        colour="#93b7ff",
        weight=0.3,
        cap="Check",
    ),
    Artifact(
        name="spike",
        title=Text("K-space spike", "Spike im k-Raum"),
        scheme="RADLEX",
        code="RID11359",
        meaning="Data error artifact",
        colour="#fffcab",
        weight=0.8,
        cap="Repeat",
    ),
    Artifact(
        name="zipper",
        title=Text("Zipper", "Zipper-Artefakt"),
        scheme="RADLEX",
        code="RID11336",
        meaning="Zipper artifact",
        colour="#3c72c5",
        weight=0.6,
        cap="Repeat",
    ),
    Artifact(
        name="noise",
        title=Text("Low signal to noise", "Rauschen"),
        scheme="DCM",
        code="130578",
        meaning="Poor SNR",
        colour="#c9eaf7",
        weight=0.7,
        cap="Repeat",
    ),
    Artifact(
        name="bias",
        title=Text("Inhomogeneity", "Inhomogenität"),
        scheme="RADLEX",
        code="RID11408",
        meaning="Non-uniform signal intensity artifact",
        colour="#089269",
        weight=0.3,
        cap="Check",
    ),
    Artifact(
        name="susceptibility",
        title=Text("Susceptibility", "Suszeptibilität"),
        scheme="RADLEX",
        code="RID11372",
        meaning="Tissue magnetic susceptibility effect",
        colour="#b68420",
        weight=0.4,
        cap="Check",
    ),
    Artifact(
        name="chemshift",
        title=Text("Chemical shift", "Chemical Shift"),
        scheme="RADLEX",
        code="RID11374",
        meaning="Chemical shift artifact",
        colour="#31bd86",
        weight=0.15,
        cap="Check",
    ),
    Artifact(
        name="parallel",
        title=Text("Parallel imaging", "Artefakt der parallelen Bildgebung"),
        scheme="RADLEX",
        code="RID11464",
        meaning="Parallel imaging artifact",
        colour="#a85981",
        weight=0.8,
        cap="Repeat",
    ),
    Artifact(
        name="fatsat",
        title=Text("Failed fat suppression", "Fettsättigung misslungen"),
        scheme="99SCANSIDE",
        code="FATSAT",
        meaning="Fat suppression failure",
        colour="#89702f",
        weight=0.6,
        cap="Repeat",
    ),
)

NAMES: tuple[str, ...] = tuple(artifact.name for artifact in CATALOGUE)
_BY_NAME = {artifact.name: artifact for artifact in CATALOGUE}


def by_name(name: str) -> Artifact:
    """Give the artifact of that name. Raises KeyError."""
    return _BY_NAME[name]
