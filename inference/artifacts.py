"""The catalogue of artifacts: what each is called, how it is coded and drawn, how it counts, what to do about it."""

from dataclasses import dataclass
from typing import Literal

Cap = Literal["Check", "Repeat"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """One class of the model, as people and PACS know it."""

    name: str  # of the output channel
    title: str  # for people
    scheme: str  # Coding Scheme Designator (0008,0102)
    code: str  # Code Value (0008,0100), at most 16 characters
    meaning: str  # Code Meaning (0008,0104)
    colour: str  # "#rrggbb": near Okabe and Ito's hues at two levels of lightness, told apart by any eye
    weight: float  # 0..1: how much a slice suffers where the artifact covers all of the body
    cap: Cap  # the gravest verdict that this artifact alone may bring about
    advice: str  # to the technologist: cause, what to change, what that costs

    @property
    def coded(self) -> str:
        """The code in one word, as in "RADLEX:RID11423"."""
        return f"{self.scheme}:{self.code}"


# In the order of the network's output channels. RadLex and DCM codes: PS3.16 CID 6315, 6316 and RadLex 4.
CATALOGUE: tuple[Artifact, ...] = (
    Artifact(
        name="motion",
        title="Motion",
        scheme="RADLEX",
        code="RID11423",
        meaning="Motion related artifact",
        colour="#cd9210",
        weight=1.0,
        cap="Repeat",
        advice="The patient moved: remind and settle the patient, pad the body part, then repeat. If it happens "
        "again use a shorter breath-hold, triggering or a radial acquisition (longer, and less sharp).",
    ),
    Artifact(
        name="ghost",
        title="Ghosting",
        scheme="RADLEX",
        code="RID11426",
        meaning="Ghost",
        colour="#decf44",
        weight=0.9,
        cap="Repeat",
        advice="Ghosts along the phase encoding: look for periodic motion (breathing, swallowing) and use triggering"
        " or a saturation band (slightly more SAR and time). In EPI repeat the phase-correction scan; if "
        "ghosts stay without a moving patient, call service.",
    ),
    Artifact(
        name="flow",
        title="Flow or pulsation",
        scheme="RADLEX",
        code="RID11438",
        meaning="Flow-related artifact",
        colour="#c89bbc",
        weight=0.7,
        cap="Repeat",
        advice="Pulsating vessels repeat along the phase encoding: place a saturation band upstream or use flow "
        "compensation (longer TE, more SAR). Where field of view and anatomy allow, swap the phase-encoding "
        "direction to move the ghosts off the region of interest; never in EPI.",
    ),
    Artifact(
        name="wrap",
        title="Wrap-around",
        scheme="RADLEX",
        code="RID11395",
        meaning="Phase wraparound artifact",
        colour="#1e88d0",
        weight=0.8,
        cap="Repeat",
        advice="Anatomy lies outside the field of view along the phase encoding: enlarge it, turn on phase "
        "oversampling (longer scan in proportion) or place a saturation band over what folds in.",
    ),
    Artifact(
        name="gibbs",
        title="Gibbs ringing",
        scheme="RADLEX",
        code="RID11470",
        meaning="Truncation artifact",
        colour="#91b7ff",
        weight=0.3,
        cap="Check",
        advice="Ringing beside sharp edges: a larger acquired matrix (longer scan, less signal) or a k-space filter "
        "in the reconstruction (no new scan) lessens it.",
    ),
    Artifact(
        name="spike",
        title="K-space spike",
        scheme="RADLEX",
        code="RID11359",
        meaning="Data error artifact",
        colour="#fffcab",
        weight=0.8,
        cap="Repeat",
        advice="Stripes over the whole image come from an electric discharge: check for loose coils, cables and "
        "metal in the room, then repeat. If spikes come back, call service.",
    ),
    Artifact(
        name="zipper",
        title="Zipper",
        scheme="RADLEX",
        code="RID11336",
        meaning="Zipper artifact",
        colour="#1059a7",
        weight=0.6,
        cap="Repeat",
        advice="Radio-frequency interference: close the door of the room, take out or switch off monitors, pumps and"
        " lamps, then repeat. If it comes back, have the shielding checked.",
    ),
    Artifact(
        name="noise",
        title="Low signal to noise",
        scheme="DCM",
        code="130578",
        meaning="Poor SNR",
        colour="#c9eaf7",
        weight=0.7,
        cap="Repeat",
        advice="Too little signal: check that the coil is plugged in, selected and close to the body. Else use "
        "thicker slices, a smaller matrix, less acceleration or more averages (longer scan).",
    ),
    Artifact(
        name="bias",
        title="Inhomogeneity",
        scheme="RADLEX",
        code="RID11408",
        meaning="Non-uniform signal intensity artifact",
        colour="#00805b",
        weight=0.3,
        cap="Check",
        advice="Uneven brightness: first turn on the intensity normalisation and reconstruct again (no new scan). "
        "Fall-off away from a surface coil is normal. Else check coil elements and positioning.",
    ),
    Artifact(
        name="susceptibility",
        title="Susceptibility",
        scheme="RADLEX",
        code="RID11372",
        meaning="Tissue magnetic susceptibility effect",
        colour="#8f4600",
        weight=0.4,
        cap="Check",
        advice="Signal is lost or displaced beside metal or air: take off removable metal. A spin echo, a larger "
        "bandwidth, a shorter TE or a metal-reduction sequence lessens it (less signal, more time or SAR).",
    ),
    Artifact(
        name="chemshift",
        title="Chemical shift",
        scheme="RADLEX",
        code="RID11374",
        meaning="Chemical shift artifact",
        colour="#2cb881",
        weight=0.15,
        cap="Check",
        advice="Fat is shifted along the frequency encoding: a property of the protocol. A larger bandwidth (less "
        "signal) or fat suppression lessens it.",
    ),
    Artifact(
        name="parallel",
        title="Parallel imaging",
        scheme="RADLEX",
        code="RID11464",
        meaning="Parallel imaging artifact",
        colour="#7c4d70",
        weight=0.8,
        cap="Repeat",
        advice="Residual folding or noise bands from the acceleration: repeat the coil reference scan if the patient"
        " moved since, make sure that the field of view holds the anatomy, or lower the acceleration (longer "
        "scan).",
    ),
    Artifact(
        name="fatsat",
        title="Failed fat suppression",
        scheme="99SCANSIDE",
        code="FATSAT",
        meaning="Fat suppression failure",
        colour="#95782c",
        weight=0.6,
        cap="Repeat",
        advice="Fat is bright or water is dark in places: shim again over the region and check the centre frequency,"
        " take off metal. Else use STIR or Dixon (longer scan; STIR not after contrast agent).",
    ),
)

NAMES: tuple[str, ...] = tuple(artifact.name for artifact in CATALOGUE)
_BY_NAME = {artifact.name: artifact for artifact in CATALOGUE}


def by_name(name: str) -> Artifact:
    """Give the artifact of that name. Raises KeyError."""
    return _BY_NAME[name]
