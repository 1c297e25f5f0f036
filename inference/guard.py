"""Is this a kind of image that the model knows? If not, why not: by kinds, in one table.

Only header elements that survive de-identification are read, so that a file and its clean copy are judged alike, but
for the words that the door makes of a description, which the copy alone holds. The reasons hold no header value.
"""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage, MRImageStorage

from inference.decoding import UnreadableImage
from inference.header import BROKEN, group, integer
from inference.mosaic import mosaic_of
from inference.series import facet_of
from inference.text import UNSAID, Text

SMALLEST_MATRIX = 64
SCORED_CLASSES = frozenset({MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage})

_LOCALIZER = Text("a localizer is not scored", "ein Localizer wird nicht bewertet")
_CALIBRATION = Text("a calibration image is not scored", "ein Kalibrierbild wird nicht bewertet")
_PHASE = Text("a phase image is not scored", "ein Phasenbild wird nicht bewertet")
_COMPLEX = Text(
    "a real or imaginary image is not scored", "ein Real- oder Imaginärteilbild wird nicht bewertet"
)
_SMALL = Text(
    f"the matrix is smaller than {SMALLEST_MATRIX} x {SMALLEST_MATRIX}",
    f"die Matrix ist kleiner als {SMALLEST_MATRIX} x {SMALLEST_MATRIX}",
)

# What a value of Image Type (0008,0008) or Frame Type (0008,9007) behind the first two says (PS3.3 C.8.3.1.1.1,
# C.8.13.1.1.1 and the vendors' own terms) or Volume Based Calculation Technique (0008,9207), and why such an image is
# not scored; "_" is written as a space. TRACEW and Dixon water are scored.
_WORDS = {
    _LOCALIZER: "LOCALIZER, LOCALISER, SCOUT",
    Text(
        "a screen save is not scored", "ein Bildschirmfoto wird nicht bewertet"
    ): "SCREEN SAVE, SCREENSAVE, SCREEN CAPTURE, CAPTURE",
    _CALIBRATION: "CALIBRATION, PRESCAN, SHIM, COIL SENSITIVITY",
    Text(
        "a reformatted image is not scored", "eine Reformatierung (MPR) wird nicht bewertet"
    ): "MPR, CURVED MPR, MPR CURVED, CSAMPR, CSA MPR, REFORMATTED, RESAMPLED",
    Text("a projection is not scored", "eine Projektion wird nicht bewertet"): (
        "MIP, MINIP, MNIP, MAXIP, MAX IP, MIN IP, PROJECTION, PROJECTION IMAGE, MAXIMUM, MINIMUM, CSAMIP, CSA MIP, "
        "VRT, VOLREN, VOLUME RENDER, SURFACE RENDER"
    ),
    Text("a subtraction is not scored", "eine Subtraktion wird nicht bewertet"): "SUBTRACTION, SUBTRACT, SUB",
    _PHASE: "P, PHASE, PHASE MAP, PHASE CONTRAST, VELOCITY, VELOCITY MAP",
    _COMPLEX: "R, REAL, I, IMAGINARY",
    Text("a derived map is not scored", "eine abgeleitete Karte wird nicht bewertet"): (
        "ADC, EADC, ADC MAP, EXP ADC, FA, COLFA, FRACT ANISO, RELATIVE ANISO, DIFFUSION ANISO, TENSOR, DIFFUSION MAP, "
        "TTP, MTT, CBF, CBV, RCBF, RCBV, RELCBF, RELCBV, RELMTT, PBP, GBP, KTRANS, "
        "T1 MAP, T1MAP, T2 MAP, T2MAP, T2 STAR MAP, T2* MAP, R2 MAP, R2 STAR MAP, R2 STAR, RHO, "
        "B0 MAP, B1 MAP, FIELD MAP, METABOLITE MAP, SNR MAP, STAT MAP, Z SCORE, T TEST, TTEST, R COEFFICIENT, "
        "TEMPERATURE, FAT FRACTION, WATER FRACTION, FF, "
        "STD DEVIATION, MULTIPLICATION, DIVISION, QUANTITY, PROCESSED"
    ),
}
KINDS = tuple((reason, frozenset(words.split(", "))) for reason, words in _WORDS.items())

# Complex Image Component (0008,9208)
COMPONENTS = {
    "PHASE": _PHASE,
    "REAL": _COMPLEX,
    "IMAGINARY": _COMPLEX,
    "MIXED": Text(
        "magnitude and other images stand mixed in one object",
        "Magnituden- und andere Bilder stehen gemischt in einem Objekt",
    ),
}
# What a series was made for, where its description tells
PURPOSES = {
    "LOCALIZER": _LOCALIZER,
    "CALIBRATION": _CALIBRATION,
}
# GE's image kind (0043,xx2F), or the copy that the door makes of it: 0 magnitude, 1 phase, 2 real, 3 imaginary
PRIVATE_KINDS = {1: COMPONENTS["PHASE"], 2: COMPONENTS["REAL"], 3: COMPONENTS["IMAGINARY"]}
PRIVATE_SOURCES = ((0x0073, "SCANSIDE", 0x0C), (0x0043, "GEMS_PARM_01", 0x2F))


def unsuited(ds: Dataset, frame: int = 1) -> Text:
    """Say why a frame (1-based) of an object is not scored; "" if it is.

    Frames of one object may differ in kind: ask for each. Never raises, nor warns (pydicom's warnings quote values).
    """
    with warnings.catch_warnings(action="ignore"):
        try:
            return next(filter(None, (ask(ds, frame) for ask in _QUESTIONS)), UNSAID)
        except UnreadableImage as error:
            return error.why
        except BROKEN:
            return Text("the header cannot be read", "der Header ist nicht lesbar")


def _object(ds: Dataset, _frame: int) -> Text:
    sop_class, modality = str(ds.get("SOPClassUID") or ""), str(ds.get("Modality") or "").strip().upper()
    if sop_class not in SCORED_CLASSES and (sop_class or not modality):
        return Text("the object is no MR image", "das Objekt ist kein MR-Bild")
    return (
        Text("the modality is not MR", "die Modalität ist nicht MR") if modality not in ("MR", "") else UNSAID
    )


def _plane(ds: Dataset, _frame: int) -> Text:
    if (integer(ds, "SamplesPerPixel") or 1) != 1:
        return Text("a colour image is not scored", "ein Farbbild wird nicht bewertet")
    if str(ds.get("BurnedInAnnotation") or "").strip().upper() == "YES":
        return Text(
            "an image with burned-in text is not scored",
            "ein Bild mit eingebrannter Schrift wird nicht bewertet",
        )
    tiles = mosaic_of(ds)
    sides = [integer(ds, "Rows"), integer(ds, "Columns")] if tiles is None else [tiles.rows, tiles.columns]
    if any(side is not None and side < SMALLEST_MATRIX for side in sides):
        return _SMALL
    return UNSAID


def _kind(ds: Dataset, frame: int) -> Text:
    of_frame = _frame_type(ds, frame)
    stated = {*_terms(ds.get("ImageType")), *_terms(of_frame.get("FrameType"))}
    technique = of_frame.get("VolumeBasedCalculationTechnique") or ds.get("VolumeBasedCalculationTechnique")
    stated.add(_plain(technique or ""))
    for reason, terms in KINDS:
        if stated & terms:
            return reason
    return UNSAID


def _purpose(ds: Dataset, frame: int) -> Text:
    """Ask the description, which reads more than Image Type: names of protocols, as the door keeps them."""
    return PURPOSES.get(facet_of(ds, "purpose", frame), UNSAID)


def _component(ds: Dataset, frame: int) -> Text:
    """Read the complex component: the frame's own counts before the object's, which may be MIXED."""
    of_frame = _frame_type(ds, frame).get("ComplexImageComponent")
    stated = str(of_frame or ds.get("ComplexImageComponent") or "").strip().upper()
    return COMPONENTS.get(stated, UNSAID)


def _private(ds: Dataset, _frame: int) -> Text:
    for number, creator, element in PRIVATE_SOURCES:
        try:
            value = ds.private_block(number, creator)[element].value
        except KeyError:
            continue
        if isinstance(value, bytes):  # implicit VR, unknown to pydicom's private dictionary
            value = int.from_bytes(value[:2], "little")
        return PRIVATE_KINDS.get(value, UNSAID) if isinstance(value, int) else UNSAID
    return UNSAID


def _frame_type(ds: Dataset, frame: int) -> Dataset:
    return group(ds, frame, "MRImageFrameTypeSequence")


def _terms(value: Any) -> Iterable[str]:  # noqa: ANN401 - whatever pydicom read
    """Give the values behind the first two, which say ORIGINAL or DERIVED, PRIMARY or SECONDARY."""
    values = [value] if isinstance(value, str) else list(value or ())
    return (_plain(term) for term in values[2:])


def _plain(term: object) -> str:
    """Write a term as the table does: some vendors put a space where others put an underscore."""
    return str(term).strip().upper().replace("_", " ")


_QUESTIONS: tuple[Callable[[Dataset, int], Text], ...] = (
    _object,
    _plane,
    _kind,
    _component,
    _private,
    _purpose,
)
