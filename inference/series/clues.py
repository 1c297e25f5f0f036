"""What a description is read from: the elements of one frame as texts, and what several of them say together.

Only what survives de-identification is read; a name of ours stands for each element of the door's private block.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset

GROUP, CREATOR = 0x0073, "SCANSIDE"  # the block that the door writes
PRIVATE = {
    "BValue": 0x02,
    "DiffusionDirectionality": 0x03,
    "DynamicScans": 0x07,
    "Echoes": 0x08,
    "Phases": 0x09,
    "ImageKind": 0x0C,
    "ContrastGiven": 0x0E,
    "Words": 0x0F,
    "OrientationWord": 0x10,
    "PartWord": 0x11,
    "Technique": 0x12,
    "EpiFactor": 0x13,
    "Spir": 0x14,
    "PrepulseDelay": 0x15,
    "Seconds": 0x16,
    "Acceleration": 0x17,
}
_STATED = (
    *("Manufacturer", "AcquisitionContrast", "ScanningSequence", "SequenceVariant", "ScanOptions"),
    *("MRAcquisitionType", "ComplexImageComponent", "VolumeBasedCalculationTechnique", "EchoPulseSequence"),
    *(
        "EchoPlanarPulseSequence",
        "SteadyStatePulseSequence",
        "Spoiling",
        "InversionRecovery",
        "MultipleSpinEcho",
    ),
    *("SpectrallySelectedSuppression", "SpectrallySelectedExcitation", "ArterialSpinLabelingContrast"),
    *("TimeOfFlightContrast", "PhaseContrast", "DiffusionDirectionality"),
)
_FIRST = {  # names under which the first element that is there stands
    "SequenceName": ("PulseSequenceName", "SequenceName", "Technique"),
    "TR": ("RepetitionTime",),
    "TE": ("EffectiveEchoTime", "EchoTime"),
    "TI": ("InversionTimes", "InversionTime"),
    "Prepulse": ("PrepulseDelay",),
    "FA": ("FlipAngle",),
    "ETL": ("EchoTrainLength",),
    "RFETL": ("RFEchoTrainLength",),
    "GETL": ("GradientEchoTrainLength",),
    "B": ("DiffusionBValue", "BValue"),
    "Times": ("NumberOfTemporalPositions", "DynamicScans"),
    "CardiacPhases": ("CardiacNumberOfImages", "Phases"),
    "BodyPart": ("BodyPartExamined", "PartWord"),
}
_READ = frozenset({*_STATED, *(one for names in _FIRST.values() for one in names)} - PRIVATE.keys()) | {
    "DiffusionDirectionality",
    "ImageType",
    "FrameType",
}
_NULLS_FAT = (100.0, 260.0)  # ms, inversion times between 0.2 and 3 T
_NULLS_FLUID = 1400.0  # ms and above
_LONG_ECHO = 60.0  # ms
_NEVER = 1e9
_PREPARES = 300.0  # ms from the inversion to a 3-D gradient echo, and above
_TURBO_WAIT = 500.0  # ms: a train of gradient echoes with a longer TR is an echo-planar one


@dataclass(slots=True)
class Clues:
    """Texts by name, and the elements that each was made of."""

    texts: dict[str, str] = field(default_factory=dict[str, str])
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def note(self, name: str, text: str, *sources: str) -> None:
        """Keep a text; one that is there stays."""
        if name not in self.texts:
            self.texts[name] = text
            self.sources[name] = sources or (name,)

    def text(self, name: str) -> str:
        """Give a text; "" where there is none."""
        return self.texts.get(name, "")

    def number(self, name: str) -> float | None:
        """Read the first number of a text."""
        try:
            return float(self.text(name).split("/")[0])
        except ValueError:
            return None

    def at_least(self, name: str, least: float) -> bool:
        """Tell whether a number is there and is not smaller."""
        value = self.number(name)
        return value is not None and value >= least

    def says(self, name: str, *words: str) -> bool:
        """Tell whether one of the values of a text is one of some words."""
        return not frozenset(words).isdisjoint(self.text(name).split("/"))


def read(ds: Dataset, frame: int) -> Clues:
    """Read the clues of a frame (1-based)."""
    flat = flat_elements(ds, frame, _READ)
    found = Clues()
    for name in _STATED:
        if name in flat:
            found.note(name, text_of(flat[name]).upper(), name)
    for name, sources in _FIRST.items():
        source = next((one for one in sources if text_of(flat.get(one))), None)
        if source is not None:
            text = text_of(flat[source])
            found.note(name, text.upper() if name == "BodyPart" else text, source)
    for name in ("ImageKind", "ContrastGiven", "OrientationWord", "EpiFactor", "Spir", "Echoes"):
        if name in flat:
            found.note(name, text_of(flat[name]).upper(), name)
    if "Words" in flat:
        found.note("Words", text_of(flat["Words"]).upper().replace("/", " "), "described words")
    _image_type(found, flat)
    _together(found)
    return found


def flat_elements(ds: Dataset, frame: int, keywords: frozenset[str]) -> dict[str, Any]:
    """Lay the functional groups of a frame flat (PS3.3, C.7.6.16); what a frame says goes before the object.

    Given are the values of the keywords, and those of the door's private block by their names.
    """
    flat: dict[str, Any] = {}
    per_frame = ds.get("PerFrameFunctionalGroupsSequence") or ()
    shared = ds.get("SharedFunctionalGroupsSequence") or ()
    for item in (*per_frame[frame - 1 : frame], *shared[:1]):
        for keyword, value in _items(item, keywords, depth=0):
            flat.setdefault(keyword, value)
    for keyword in keywords:
        value = ds.get(keyword)
        if value is not None:
            flat.setdefault(keyword, value)
    try:
        block = ds.private_block(GROUP, CREATOR)
    except KeyError:
        return flat
    for name, number in PRIVATE.items():
        if number in block:
            flat.setdefault(name, block[number].value)
    return flat


def _items(item: Dataset, keywords: frozenset[str], depth: int) -> Iterator[tuple[str, Any]]:
    for element in item:
        if element.VR != "SQ":
            if element.keyword in keywords:
                yield element.keyword, element.value
        elif depth < 2 and element.value:
            yield from _items(element.value[0], keywords, depth + 1)


def text_of(value: Any) -> str:  # noqa: ANN401 - whatever pydicom read
    """Write values in one line, parted by "/"; "" where there are none."""
    if value is None:
        return ""
    values = [value] if isinstance(value, str | bytes) or not hasattr(value, "__iter__") else list(value)
    if any(isinstance(one, bytes) for one in values):
        return ""
    return "/".join(str(one).strip() for one in values)


def _image_type(found: Clues, flat: dict[str, Any]) -> None:
    """Part Image Type (0008,0008), or the frame's own, in what it says of the pixels and the rest."""
    source = "FrameType" if text_of(flat.get("FrameType")) else "ImageType"
    values = text_of(flat.get(source)).upper().replace("_", " ").split("/")
    found.note("ImageKindOfPixels", values[0], source)
    found.note("ImageType", "/".join(values[2:]), source)
    if values[0] == "DERIVED" and found.text("Words"):
        found.note("DerivedWords", found.text("Words"), source, *found.sources["Words"])


def _together(found: Clues) -> None:
    """Note what several elements say together."""
    if found.at_least("B", 1e-6):
        found.note("Weighted", "YES", *found.sources["B"])
    epi = "EP" in found.text("ScanningSequence").split("/") or found.text("EchoPlanarPulseSequence") == "YES"
    time = found.number("TI")
    if time and not epi and not _is_gradient(found):
        if _NULLS_FAT[0] <= time <= _NULLS_FAT[1]:
            found.note("ShortInversion", "YES", *found.sources["TI"])
        if time >= _NULLS_FLUID and found.at_least("TE", _LONG_ECHO):
            found.note("LongInversion", "YES", *found.sources["TI"], *found.sources["TE"])
    sources, attributes = _attributes(found)
    if attributes:
        found.note("Attributes", attributes, *sources)
    if "INVERTED 3D" in attributes or _prepared(found):
        found.note(
            "PreparedSequenceName",
            found.text("SequenceName"),
            *found.sources.get("SequenceName", ()),
            *sources,
        )
    grase = re.match("(?i)grase", found.text("SequenceName")) is not None
    if grase and (found.says("AcquisitionContrast", "PERFUSION") or found.says("ImageType", "PERFUSION")):
        found.note(
            "PerfusionFamily", "PERFUSION GRASE", "AcquisitionContrast", *found.sources["SequenceName"]
        )


def _is_gradient(found: Clues) -> bool:
    return "GR" in found.text("ScanningSequence").split("/") or found.text("EchoPulseSequence") == "GRADIENT"


def _prepared(found: Clues) -> bool:
    """Tell whether a 3-D gradient echo is prepared by an inversion."""
    named = re.search(r"\bMPRAGE\b", found.text("Words")) is not None
    inverted = found.at_least("TI", _PREPARES) or found.at_least("Prepulse", _PREPARES)
    return found.text("MRAcquisitionType") == "3D" and (named or inverted)


def _attributes(found: Clues) -> tuple[tuple[str, ...], str]:
    """Say in words of our own what the header's attributes tell of a sequence, and which they are."""
    if found.text("EchoPulseSequence"):
        return ("EchoPulseSequence", "EchoPlanarPulseSequence"), _of_enhanced(found)
    if found.text("ScanningSequence"):
        return ("ScanningSequence", "SequenceVariant", "EchoTrainLength"), _of_classic(found)
    if found.at_least("GETL", 2) and (found.at_least("RFETL", 1) or found.at_least("TR", _TURBO_WAIT)):
        echo = "SPIN EPI" if found.at_least("RFETL", 1) else "GRADIENT EPI"
        return ("RFEchoTrainLength", "GradientEchoTrainLength", "RepetitionTime"), echo
    if found.text("Spoiling") == "RF":
        return ("Spoiling",), "GRADIENT SPOILED"
    return (), ""


def _of_enhanced(found: Clues) -> str:
    """Read the pulse sequence attributes (PS3.3, C.8.13.4)."""
    echo = found.text("EchoPulseSequence")
    inverted = found.text("InversionRecovery") == "YES"
    if found.text("EchoPlanarPulseSequence") == "YES":
        turbo = found.at_least("RFETL", 2) or found.text("MultipleSpinEcho") == "YES"
        refocused = (echo == "BOTH" and not turbo) or (echo == "GRADIENT" and _diffusion(found))
        return f"{'SPIN' if refocused else echo} EPI"
    if echo == "SPIN":
        turbo = found.at_least("RFETL", 2) or found.at_least("ETL", 2)
        return "SPIN TURBO" if turbo else f"SPIN{' INVERTED' * inverted}"
    return _gradient(found, inverted=inverted) if echo == "GRADIENT" else ""


def _gradient(found: Clues, *, inverted: bool) -> str:
    spoiled = found.text("Spoiling") in ("RF", "GRADIENT", "RF_AND_GRADIENT")
    steady = found.text("SteadyStatePulseSequence")
    if steady == "FREE_PRECESSION" and not spoiled:
        return "GRADIENT FREE_PRECESSION"
    if inverted and found.text("MRAcquisitionType") == "3D":
        return "GRADIENT INVERTED 3D"
    return "GRADIENT SPOILED" if spoiled or steady == "LONGITUDINAL" else "GRADIENT"


def _of_classic(found: Clues) -> str:
    """Read Scanning Sequence and Sequence Variant (PS3.3, C.8.3.1.1.2 and 3)."""
    sequence = frozenset(found.text("ScanningSequence").split("/"))
    variant = frozenset(found.text("SequenceVariant").split("/"))
    solid = found.text("MRAcquisitionType") == "3D"
    if "EP" in sequence or found.at_least("EpiFactor", 2):
        return _echo_planar(found, sequence, solid=solid)
    if "GR" in sequence:
        if solid and ("IR" in sequence or "MP" in variant or found.at_least("TI", _PREPARES)):
            return "GRADIENT INVERTED 3D"
        return "GRADIENT SPOILED" if "SP" in variant else "GRADIENT"
    if sequence.isdisjoint({"SE", "IR"}):
        return ""
    # Nobody waits for a 3-D spin echo of one line a repetition.
    train = found.at_least("ETL", 2) and not found.at_least("Echoes", 2)
    if solid or train or "FAST_GEMS" in found.text("ScanOptions"):
        return "SPIN TURBO"
    return "SPIN INVERTED" if "IR" in sequence else "SPIN"


def _echo_planar(found: Clues, sequence: frozenset[str], *, solid: bool) -> str:
    if "SE" in sequence and solid and found.at_least("ETL", 2 * (found.number("EpiFactor") or _NEVER)):
        return "BOTH EPI"
    if "SE" in sequence or _diffusion(found):
        return "SPIN EPI"
    return "GRADIENT EPI" if "GR" in sequence else "EPI"


def _diffusion(found: Clues) -> bool:
    named = re.search(r"\b(DWI|DTI|TRACE|ADC)\b", found.text("Words")) is not None
    return (
        named
        or "Weighted" in found.texts
        or "DIFFUSION" in found.text("ImageType") + found.text("AcquisitionContrast")
    )
