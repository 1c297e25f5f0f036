"""What scoring and closing need of the vendors' private elements, moved to typed elements of our own.

The vendors' blocks themselves never pass the door: most hold free text, some a whole second header.
"""

import re
from dataclasses import dataclass
from struct import Struct, pack

from dicom_scp.elements import encode
from dicom_scp.header import Header
from dicom_scp.known import Known
from dicom_scp.values import numbers

GROUP, CREATOR = 0x0073, b"SCANSIDE"
_BLOCK = 0x10

Values = dict[int, tuple[float, ...] | str]


@dataclass(frozen=True, slots=True)
class PrivateValue:
    """One element of our block, and where it may come from."""

    number: int  # (0073,10nn)
    name: str
    vr: bytes
    sources: tuple[tuple[int, str, int, bytes], ...]  # group, creator, element, VR in Implicit VR files


_SIEMENS, _PHILIPS, _PHILIPS_MR = "SIEMENS MR HEADER", "Philips Imaging DD 001", "Philips MR Imaging DD 001"
_TERMS_OF = {  # what the safe texts may say (the vendors' conformance statements)
    "Diffusion Directionality": frozenset({"NONE", "DIRECTIONAL", "ISOTROPIC", "BMATRIX"}),
    "Diffusion Direction": frozenset({"M", "P", "S", "O", "I", "R", "A", "L", "F", "H"}),
}


@dataclass(frozen=True, slots=True)
class SafeElement:
    """An element that PS3.15 calls safe, in its vendor's own block."""

    group: int
    creator: str
    number: int
    vr: bytes
    most: int  # values
    name: str

    @property
    def terms(self) -> frozenset[str]:
        """What a text may say; nothing where any name of a sequence may stand."""
        return _TERMS_OF.get(self.name, frozenset())


SAFE = tuple(  # PS3.15, table E.3.10-1
    SafeElement(group, creator, number, vr, most, name)
    for group, creator, number, vr, most, name in (
        (0x0019, _SIEMENS, 0x0C, b"IS", 1, "B value"),
        (0x0019, _SIEMENS, 0x0D, b"CS", 1, "Diffusion Directionality"),
        (0x0019, _SIEMENS, 0x0E, b"FD", 3, "Diffusion Gradient Direction"),
        (0x0019, _SIEMENS, 0x27, b"FD", 6, "B matrix"),
        (0x0043, "GEMS_PARM_01", 0x39, b"IS", 4, "B value and further integers"),
        (0x0043, "GEMS_PARM_01", 0x6F, b"DS", 4, "Scanner Table Entry"),
        (0x0025, "GEMS_SERS_01", 0x07, b"SL", 1, "Images in Series"),
        (0x0019, "GEMS_ACQU_01", 0x9E, b"LO", 1, "Internal Pulse Sequence Name"),
        (0x2001, _PHILIPS, 0x03, b"FL", 1, "Diffusion B-Factor"),
        (0x2001, _PHILIPS, 0x04, b"CS", 1, "Diffusion Direction"),
        (0x2001, _PHILIPS, 0x14, b"SL", 1, "Number of Echoes"),
        (0x2001, _PHILIPS, 0x17, b"SL", 1, "Number of Phases MR"),
        (0x2001, _PHILIPS, 0x18, b"SL", 1, "Number of Slices MR"),
        (0x2001, _PHILIPS, 0x60, b"SL", 1, "Number of Stacks"),
        (0x2001, _PHILIPS, 0x81, b"IS", 1, "Number of Dynamic Scans"),
        (0x2005, _PHILIPS_MR, 0x0D, b"FL", 1, "Scale Intercept"),
        (0x2005, _PHILIPS_MR, 0x0E, b"FL", 1, "Scale Slope"),
    )
)
SAFE_BLOCKS = frozenset((safe.group, safe.creator) for safe in SAFE)
SAFE_PLACES = {(safe.group, safe.creator, safe.number): safe for safe in SAFE}
TABLE = (
    PrivateValue(0x01, "MosaicTiles", b"US", (
        (0x0019, _SIEMENS, 0x0A, b"US"),
        (0x0065, "Image Private Header", 0x50, b"DS"),  # United Imaging: slices of one picture
    )),
    PrivateValue(0x02, "BValue", b"FD", (
        (0x0019, _SIEMENS, 0x0C, b"IS"),
        (0x0043, "GEMS_PARM_01", 0x39, b"IS"),
        (0x2001, _PHILIPS, 0x03, b"FL"),
    )),
    PrivateValue(0x03, "DiffusionDirectionality", b"CS", ((0x0019, _SIEMENS, 0x0D, b"CS"),)),
    PrivateValue(0x04, "DiffusionGradientOrientation", b"FD", ((0x0019, _SIEMENS, 0x0E, b"FD"),)),
    PrivateValue(0x05, "ImagesInSeries", b"UL", ((0x0025, "GEMS_SERS_01", 0x07, b"SL"),)),
    PrivateValue(0x06, "Slices", b"UL", ((0x2001, _PHILIPS, 0x18, b"SL"),)),
    PrivateValue(0x07, "DynamicScans", b"UL", ((0x2001, _PHILIPS, 0x81, b"IS"),)),
    PrivateValue(0x08, "Echoes", b"UL", ((0x2001, _PHILIPS, 0x14, b"SL"),)),
    PrivateValue(0x09, "Phases", b"UL", ((0x2001, _PHILIPS, 0x17, b"SL"),)),
    PrivateValue(0x0A, "ScaleIntercept", b"FD", ((0x2005, _PHILIPS_MR, 0x0D, b"FL"),)),
    PrivateValue(0x0B, "ScaleSlope", b"FD", ((0x2005, _PHILIPS_MR, 0x0E, b"FL"),)),
    PrivateValue(0x0C, "ImageKind", b"US", ((0x0043, "GEMS_PARM_01", 0x2F, b"SS"),)),  # 0 M, 1 P, 2 R, 3 I
    PrivateValue(0x0D, "SliceNormal", b"FD", ()),  # from the CSA header of a mosaic
    PrivateValue(0x0E, "ContrastGiven", b"CS", ()),  # YES where an agent was named; which one is not kept
    PrivateValue(0x0F, "DescribedContrast", b"CS", ()),  # these three from descriptions, in our vocabulary
    PrivateValue(0x10, "DescribedOrientation", b"CS", ()),
    PrivateValue(0x11, "DescribedBodyPart", b"CS", ()),
    PrivateValue(0x12, "Technique", b"SH", (
        (0x0019, "GEMS_ACQU_01", 0x9C, b"LO"),
        (0x0019, "GEMS_ACQU_01", 0x9E, b"LO"),
        (0x2001, _PHILIPS, 0x20, b"LO"),
    )),
    PrivateValue(0x13, "EpiFactor", b"UL", ((0x2001, _PHILIPS, 0x13, b"SL"),)),
    PrivateValue(0x14, "Spir", b"CS", ((0x2001, _PHILIPS, 0x21, b"CS"),)),  # fat saturated: Y or N
    PrivateValue(0x15, "PrepulseDelay", b"FD", ((0x2001, _PHILIPS, 0x1B, b"FL"),)),  # ms
    PrivateValue(0x16, "AcquisitionSeconds", b"FD", (
        (0x0019, "GEMS_ACQU_01", 0x5A, b"FL"),  # microseconds
        (0x0051, _SIEMENS, 0x0A, b"LO"),  # "TA 02:40", or seconds with hundredths
    )),
    PrivateValue(0x17, "Acceleration", b"FD", (
        (0x0043, "GEMS_PARM_01", 0x83, b"DS"),  # the inverse
        (0x0051, _SIEMENS, 0x11, b"LO"),  # "p2"
    )),
)  # fmt: skip
MOSAIC_TILES, B_VALUE, IMAGES_IN_SERIES, SLICE_NORMAL, CONTRAST_GIVEN = 0x01, 0x02, 0x05, 0x0D, 0x0E
DESCRIBED = {"contrast": 0x0F, "orientation": 0x10, "part": 0x11}
SLICES, DYNAMIC_SCANS, ECHOES, PHASES = 0x06, 0x07, 0x08, 0x09

_GE_B_VALUE_BIAS = 100_000  # GE adds 10^9 to mark a multi-band acquisition
_TERMS = frozenset({"NONE", "DIRECTIONAL", "ISOTROPIC", "BMATRIX", "YES", "Y", "N"})
# What the names of the vendors' sequences are made of; one that has anything else in it is not kept
_SYLLABLES = (
    "3DASL ASL B-FFE B-TFE BRAVO B0MAP B0RF COSMIC CS CSMEMP CUBE DWI EFGRE3D EFGRE EPI2 EPIRT EPI FE FFE FGRE FIESTA "
    "FLAIR FR FSE GRASE GRE IDEAL IR LAVA MEMP MERGE MIX MSE PCA PC PROPELLER PROP SE SPGR SS SWAN T1 T2 TFE TIR TOF "
    "TSE VIBRANT XL 2D 3D"
)
_TECHNIQUE = re.compile("(?:" + "|".join(sorted(_SYLLABLES.split(), key=len, reverse=True)) + "|[-_])+")
# Siemens: minutes and seconds, or seconds with hundredths; what is counted several times is not told clearly
_DURATION = re.compile(r"TA:? *(?:(\d{1,3}):)?(\d{1,2}(?:\.\d+)?)")
_FACTOR = re.compile(r"p(\d{1,2})(?!\d)")
_CSA = (0x0029, "SIEMENS CSA HEADER", 0x10)
_CSA_TAG = Struct("<64sl4slll")  # name, VM, VR, syngo data type, items, check
_CSA_ITEM = Struct("<4l")  # the second is the length
_MOST_CSA_ITEMS = 64
_PACKING = {b"US": ("H", 0, 0xFFFF), b"UL": ("L", 0, 0xFFFFFFFF)}


def vendor_values(header: Header, known: Known, *, mosaic: bool) -> Values:
    """Read the values of the table that a header holds, by element number of our block (PS3.5, 7.8.1).

    A number by which the patient is known is none of them.
    """
    owners = {
        (tag >> 16, header.text(tag)): tag & 0xFF
        for tag in header.elements
        if tag & 0x10000 and 0x10 <= tag & 0xFFFF <= 0xFF
    }
    found: Values = {}
    for line in TABLE:
        for group, creator, number, vr in line.sources:
            if (group, creator) in owners:
                tag = group << 16 | owners[group, creator] << 8 | number
                stated = header.numbers(tag, vr)
                values = () if known.in_numbers(stated) else _measured(header, creator, tag, stated)
                _note(found, line, () if known.in_numbers(values) else values, header.text(tag))
    if mosaic and _CSA[:2] in owners:
        _note_mosaic(found, header.raw(_CSA[0] << 16 | owners[_CSA[:2]] << 8 | _CSA[2]))
    if B_VALUE in found and (0x0043, "GEMS_PARM_01") in owners:
        found[B_VALUE] = tuple(
            value % _GE_B_VALUE_BIAS for value in found[B_VALUE][:1] if isinstance(value, float)
        )
    return found


def encode_block(values: Values) -> bytes:
    """Encode our private block; nothing where there are no values."""
    parts = []
    for line in TABLE:
        value = values.get(line.number)
        if value is None or value == ():
            continue
        raw = value.encode("ascii") if isinstance(value, str) else _packed(line.vr, value)
        if raw:
            parts.append(encode(GROUP << 16 | _BLOCK << 8 | line.number, line.vr, raw))
    return encode(GROUP << 16 | _BLOCK, b"LO", CREATOR) + b"".join(parts) if parts else b""


def _packed(vr: bytes, values: tuple[float, ...]) -> bytes:
    if vr == b"FD":
        return pack(f"<{len(values)}d", *values)
    code, least, most = _PACKING[vr]
    whole = [int(value) for value in values[:1] if least <= value <= most]
    return pack(f"<{len(whole)}{code}", *whole)


def _measured(header: Header, creator: str, tag: int, stated: tuple[float, ...]) -> tuple[float, ...]:
    """Give the numbers of an element in our unit; durations in whole seconds, which is all that is wanted."""
    match creator, tag >> 16, tag & 0xFF:
        case "GEMS_ACQU_01", 0x0019, 0x5A:
            return tuple(float(round(value / 1e6)) for value in stated[:1])
        case "GEMS_PARM_01", 0x0043, 0x83:
            return tuple(round(1 / value, 2) for value in stated[:1] if value > 0)
        case "SIEMENS MR HEADER", 0x0051, 0x0A:
            told = _DURATION.fullmatch(header.text(tag))
            return () if told is None else (float(round(float(told[1] or 0) * 60 + float(told[2]))),)
        case "SIEMENS MR HEADER", 0x0051, 0x11:
            factor = _FACTOR.match(header.text(tag))
            return () if factor is None else (float(factor[1]),)
        case _:
            return stated


def _note(found: Values, line: PrivateValue, values: tuple[float, ...], term: str) -> None:
    if line.vr == b"CS":
        if term in _TERMS:
            found[line.number] = term
    elif line.vr == b"SH":
        word = term.upper().partition(" ")[0][:16]
        if _TECHNIQUE.fullmatch(word):
            found[line.number] = word
    elif values:
        found[line.number] = values[:3]


def _note_mosaic(found: Values, csa: bytes) -> None:
    tiles = _csa_numbers(csa, b"NumberOfImagesInMosaic")
    normal = _csa_numbers(csa, b"SliceNormalVector")
    if tiles:
        found.setdefault(MOSAIC_TILES, tiles[:1])
    if len(normal) >= 3:
        found[SLICE_NORMAL] = normal[:3]


def _csa_numbers(csa: bytes, name: bytes) -> tuple[float, ...]:
    """Read the numbers of one tag of a Siemens CSA header (nibabel's description of its format)."""
    position = csa.find(name + b"\0")
    if position < 0 or position + _CSA_TAG.size > len(csa):
        return ()
    items = _CSA_TAG.unpack_from(csa, position)[4]
    position += _CSA_TAG.size
    found: list[float] = []
    for _ in range(min(max(items, 0), _MOST_CSA_ITEMS)):
        if position + _CSA_ITEM.size > len(csa):
            break
        length = _CSA_ITEM.unpack_from(csa, position)[1]
        position += _CSA_ITEM.size
        if not 0 <= length <= len(csa) - position:
            break
        found += numbers(b"DS", csa[position : position + length].partition(b"\0")[0])
        position += (length + 3) // 4 * 4
    return tuple(found)
