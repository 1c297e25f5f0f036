"""Is this a kind of image that the model knows? If not, why not: by kinds, in one table.

Only header elements that survive de-identification are read, so that a file and its clean copy are judged alike; the
reasons hold no header value.
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

SMALLEST_MATRIX = 64
SCORED_CLASSES = frozenset({MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage})

# What a value of Image Type (0008,0008) or Frame Type (0008,9007) behind the first two says (PS3.3 C.8.3.1.1.1,
# C.8.13.1.1.1 and the vendors' own terms) or Volume Based Calculation Technique (0008,9207), and why such an image is
# not scored; "_" is written as a space. TRACEW and Dixon water are scored.
_WORDS = {
    "a localizer is not scored": "LOCALIZER, LOCALISER, SCOUT",
    "a screen save is not scored": "SCREEN SAVE, SCREENSAVE, SCREEN CAPTURE, CAPTURE",
    "a calibration image is not scored": "CALIBRATION, PRESCAN, SHIM, COIL SENSITIVITY",
    "a reformatted image is not scored": "MPR, CURVED MPR, MPR CURVED, CSAMPR, CSA MPR, REFORMATTED, RESAMPLED",
    "a projection is not scored": (
        "MIP, MINIP, MNIP, MAXIP, MAX IP, MIN IP, PROJECTION, PROJECTION IMAGE, MAXIMUM, MINIMUM, CSAMIP, CSA MIP, "
        "VRT, VOLREN, VOLUME RENDER, SURFACE RENDER"
    ),
    "a subtraction is not scored": "SUBTRACTION, SUBTRACT, SUB",
    "a phase image is not scored": "P, PHASE, PHASE MAP, PHASE CONTRAST, VELOCITY, VELOCITY MAP",
    "a real or imaginary image is not scored": "R, REAL, I, IMAGINARY",
    "a derived map is not scored": (
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
    "PHASE": "a phase image is not scored",
    "REAL": "a real or imaginary image is not scored",
    "IMAGINARY": "a real or imaginary image is not scored",
    "MIXED": "magnitude and other images stand mixed in one object",
}
# What a series was made for, where its description tells
PURPOSES = {
    "LOCALIZER": "a localizer is not scored",
    "CALIBRATION": "a calibration image is not scored",
}
# GE's image kind (0043,xx2F), or the copy that the door makes of it: 0 magnitude, 1 phase, 2 real, 3 imaginary
PRIVATE_KINDS = {1: COMPONENTS["PHASE"], 2: COMPONENTS["REAL"], 3: COMPONENTS["IMAGINARY"]}
PRIVATE_SOURCES = ((0x0073, "SCANSIDE", 0x0C), (0x0043, "GEMS_PARM_01", 0x2F))


def unsuited(ds: Dataset, frame: int = 1) -> str:
    """Say why a frame (1-based) of an object is not scored; "" if it is.

    Frames of one object may differ in kind: ask for each. Never raises, nor warns (pydicom's warnings quote values).
    """
    with warnings.catch_warnings(action="ignore"):
        try:
            return next(filter(None, (ask(ds, frame) for ask in _QUESTIONS)), "")
        except UnreadableImage as error:
            return str(error)
        except BROKEN:
            return "the header cannot be read"


def _object(ds: Dataset, _frame: int) -> str:
    sop_class, modality = str(ds.get("SOPClassUID") or ""), str(ds.get("Modality") or "").strip().upper()
    if sop_class not in SCORED_CLASSES and (sop_class or not modality):
        return "the object is no MR image"
    return "the modality is not MR" if modality not in ("MR", "") else ""


def _plane(ds: Dataset, _frame: int) -> str:
    if (integer(ds, "SamplesPerPixel") or 1) != 1:
        return "a colour image is not scored"
    if str(ds.get("BurnedInAnnotation") or "").strip().upper() == "YES":
        return "an image with burned-in text is not scored"
    tiles = mosaic_of(ds)
    sides = [integer(ds, "Rows"), integer(ds, "Columns")] if tiles is None else [tiles.rows, tiles.columns]
    if any(side is not None and side < SMALLEST_MATRIX for side in sides):
        return f"the matrix is smaller than {SMALLEST_MATRIX} x {SMALLEST_MATRIX}"
    return ""


def _kind(ds: Dataset, frame: int) -> str:
    of_frame = _frame_type(ds, frame)
    stated = {*_terms(ds.get("ImageType")), *_terms(of_frame.get("FrameType"))}
    technique = of_frame.get("VolumeBasedCalculationTechnique") or ds.get("VolumeBasedCalculationTechnique")
    stated.add(_plain(technique or ""))
    for reason, terms in KINDS:
        if stated & terms:
            return reason
    return ""


def _purpose(ds: Dataset, frame: int) -> str:
    """Ask the description, which reads more than Image Type: names of protocols, as the door keeps them."""
    return PURPOSES.get(facet_of(ds, "purpose", frame), "")


def _component(ds: Dataset, frame: int) -> str:
    """Read the complex component: the frame's own counts before the object's, which may be MIXED."""
    of_frame = _frame_type(ds, frame).get("ComplexImageComponent")
    stated = str(of_frame or ds.get("ComplexImageComponent") or "").strip().upper()
    return COMPONENTS.get(stated, "")


def _private(ds: Dataset, _frame: int) -> str:
    for number, creator, element in PRIVATE_SOURCES:
        try:
            value = ds.private_block(number, creator)[element].value
        except KeyError:
            continue
        if isinstance(value, bytes):  # implicit VR, unknown to pydicom's private dictionary
            value = int.from_bytes(value[:2], "little")
        return PRIVATE_KINDS.get(int(value), "")
    return ""


def _frame_type(ds: Dataset, frame: int) -> Dataset:
    return group(ds, frame, "MRImageFrameTypeSequence")


def _terms(value: Any) -> Iterable[str]:  # noqa: ANN401 - whatever pydicom read
    """Give the values behind the first two, which say ORIGINAL or DERIVED, PRIMARY or SECONDARY."""
    values = [value] if isinstance(value, str) else list(value or ())
    return (_plain(term) for term in values[2:])


def _plain(term: object) -> str:
    """Write a term as the table does: some vendors put a space where others put an underscore."""
    return str(term).strip().upper().replace("_", " ")


_QUESTIONS: tuple[Callable[[Dataset, int], str], ...] = (
    _object,
    _plane,
    _kind,
    _component,
    _private,
    _purpose,
)
