"""From a header: the clean facts of an instance, and the reference by which results must name it."""

from dicom_scp.header import Header
from dicom_scp.identity import KeyRing
from dicom_scp.instance import Facts, Reference
from dicom_scp.private import DESCRIBED, DYNAMIC_SCANS, ECHOES, IMAGES_IN_SERIES, PHASES, SLICES, Values

# PS3.6; the VR beside a number is what counts in Implicit VR files
SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_UID, SERIES_UID = 0x00080016, 0x00080018, 0x0020000D, 0x0020000E
_MODALITY, _MANUFACTURER, _MODEL, _SERIAL = 0x00080060, 0x00080070, 0x00081090, 0x00181000
_SERIES_NUMBER, _ACQUISITION_NUMBER, _INSTANCE_NUMBER = 0x00200011, 0x00200012, 0x00200013
FRAME_OF_REFERENCE_UID = 0x00200052
_POSITION, _ORIENTATION, _SPACING = 0x00200032, 0x00200037, 0x00280030
_IMAGES_IN_ACQUISITION, _TEMPORAL_POSITIONS = 0x00201002, 0x00200105
_CONCATENATION, _PART, _PARTS = 0x00209161, 0x00209162, 0x00209163
_WINDOW, _RESCALE = (
    (0x00281050, 0x00281051),
    (0x00281053, 0x00281052),
)  # centre and width, slope and intercept
_FRAMES, _ROWS, _COLUMNS = 0x00280008, 0x00280010, 0x00280011
_BODY_PART, _PROTOCOL, _SEQUENCE_NAME, _PULSE_SEQUENCE = 0x00180015, 0x00181030, 0x00180024, 0x00189005
_AGENT, _AGENT_SEQUENCE, _AGENT_USAGE = 0x00180010, 0x00180012, 0x00189341
_PATIENT_ID, _ISSUER = 0x00100020, 0x00100021
_BEARER = (0x00080050, 0x00100010, _PATIENT_ID, _ISSUER, 0x00100030, 0x00100040, STUDY_UID)

_NO_AGENT = frozenset(
    {"", "NO", "NONE", "N", "NO CONTRAST", "WITHOUT", "0", "ANONYMIZED", "ANONYMOUS", "REMOVED"}
)
_HEAD_PARTS = (
    "HEAD",
    "BRAIN",
    "SKULL",
    "FACE",
    "ORBIT",
    "PITUITARY",
    "IAC",
    "NEURO",
    "CEREB",
    "EAR",
    "SINUS",
)


def facts_of(header: Header, kept: Header, clean: dict[str, str], values: Values, keyring: KeyRing) -> Facts:
    """Gather the facts; `kept` holds the elements that passed the profile, `clean` their texts by keyword."""
    frames = header.integer(_FRAMES, b"IS") or 1
    first = header.first_frame() if frames > 1 or _POSITION not in header.elements else header
    orientation = _six(first.numbers(_ORIENTATION, b"DS"))
    rows, columns = header.integer(_ROWS, b"US") or 0, header.integer(_COLUMNS, b"US") or 0
    body_part = clean.get("BodyPartExamined", "").upper()
    return Facts(
        modality=header.text(_MODALITY) or "MR",
        sop_class_uid=header.text(SOP_CLASS_UID),
        manufacturer=clean.get("Manufacturer", ""),
        model=clean.get("ManufacturerModelName", ""),
        instance_number=kept.integer(_INSTANCE_NUMBER, b"IS"),
        position=_along_normal(first, orientation) if frames == 1 else None,
        orientation=orientation,
        counts=_counts(kept, values, header.integer(_PARTS, b"US")),
        concatenation=_concatenation(header, keyring),
        frames=frames,
        rows=rows,
        columns=columns,
        temporal_positions=kept.integer(_TEMPORAL_POSITIONS, b"IS") or _first(values, DYNAMIC_SCANS) or None,
        acquisition_number=kept.integer(_ACQUISITION_NUMBER, b"IS"),
        series_number=kept.integer(_SERIES_NUMBER, b"IS"),
        contrast=contrast_given(header),
        protocol_key=_protocol_key(header, keyring, rows, columns),
        body_part=body_part,
        head=(body_part or str(values.get(DESCRIBED["part"], ""))).startswith(_HEAD_PARTS),
    )


def reference_of(header: Header, facts: Facts) -> Reference:
    """Gather how results must name the original instance."""
    single = facts.frames == 1
    position = header.numbers(_POSITION, b"DS")
    spacing = header.numbers(_SPACING, b"DS")
    return Reference(
        sop_class_uid=facts.sop_class_uid,
        sop_instance_uid=header.text(SOP_INSTANCE_UID),
        series_instance_uid=header.text(SERIES_UID),
        study_instance_uid=header.text(STUDY_UID),
        instance_number=facts.instance_number,
        frames=facts.frames,
        rows=facts.rows,
        columns=facts.columns,
        position=position if single and len(position) == 3 else None,
        orientation=facts.orientation if single and facts.orientation else None,
        spacing=spacing[:2] if single and len(spacing) >= 2 else None,
        frame_of_reference_uid=header.text(FRAME_OF_REFERENCE_UID),
        window=_pair(header, _WINDOW) if single else None,
        rescale=_pair(header, _RESCALE) if single else None,
    )


def _pair(header: Header, tags: tuple[int, int]) -> tuple[float, float] | None:
    """Read two numbers that belong together, the first of several; None where one of them is missing."""
    one, other = (header.numbers(tag, b"DS")[:1] for tag in tags)
    return (one[0], other[0]) if one and other else None


def patient_of(header: Header, keyring: KeyRing) -> str:
    """Give the pseudonymous patient id: it hangs on issuer and id, or on the study where there is no id."""
    number = header.raw(_PATIENT_ID).strip(b" \0").decode("latin-1")
    if not number:
        return keyring.pseudonym("patient of study", header.text(STUDY_UID))
    return pseudonym_of(keyring, header.raw(_ISSUER).strip(b" \0").decode("latin-1"), number)


def bearer_of(header: Header, keyring: KeyRing) -> str:
    """Give a pseudonym of everything by which the header tells whose image it is, and of which study."""
    parts = (header.raw(tag).strip(b" \0").decode("latin-1") for tag in _BEARER)
    return keyring.pseudonym("bearer", "\0".join(parts))


def pseudonym_of(keyring: KeyRing, issuer: str, number: str) -> str:
    """Give the pseudonym of the patient who has this number at this issuer; texts as their bytes in Latin-1."""
    return keyring.pseudonym("patient", f"{issuer}\0{number}")


def device_of(header: Header, keyring: KeyRing, calling_ae_title: str) -> str:
    """Give the scanner's pseudonym: of its serial number (0018,1000), or else of the calling AE title."""
    serial = header.raw(_SERIAL).rstrip(b" \0").decode("latin-1")
    return keyring.pseudonym("device", serial) if serial else keyring.pseudonym("ae", calling_ae_title)


def contrast_given(header: Header) -> bool:
    """Tell whether the header names a contrast agent."""
    named = header.text(_AGENT).upper() not in _NO_AGENT
    return named or any(_has_items(header, tag) for tag in (_AGENT_SEQUENCE, _AGENT_USAGE))


def _has_items(header: Header, tag: int) -> bool:
    element = header.elements.get(tag)
    return element is not None and element.end > element.start


def _counts(kept: Header, values: Values, parts: int | None) -> dict[str, int]:
    """Give how many instances the series has as each element that counts them says; lower bounds, all of them."""
    acquisition = kept.integer(_IMAGES_IN_ACQUISITION, b"IS") or 0
    of_series, slices = _first(values, IMAGES_IN_SERIES), _first(values, SLICES)
    times = kept.integer(_TEMPORAL_POSITIONS, b"IS") or 0
    product = slices
    for number in (DYNAMIC_SCANS, ECHOES, PHASES):
        product *= max(1, _first(values, number))
    found = {
        "0020,1002": acquisition,
        "0020,0105": times * (slices or of_series or acquisition),
        "0025,1007": of_series,  # GE
        "2001,1018": product,  # Philips
        "0020,9163": parts or 0,  # of a concatenation
    }
    return {sign: count for sign, count in found.items() if count > 0}


def _concatenation(header: Header, keyring: KeyRing) -> tuple[str, int, int] | None:
    """Give which part of which concatenation the object is."""
    uid = header.text(_CONCATENATION)
    number, total = header.integer(_PART, b"US"), header.integer(_PARTS, b"US")
    return (keyring.uid(uid), number, total) if uid and number and total else None


def _first(values: Values, number: int) -> int:
    found = values.get(number)
    return int(found[0]) if isinstance(found, tuple) and found else 0


def _six(values: tuple[float, ...]) -> tuple[float, ...]:
    return values if len(values) == 6 else ()


def _along_normal(header: Header, orientation: tuple[float, ...]) -> float | None:
    """Give the position along the slice normal, in mm, to a hundredth (PS3.3, C.7.6.2.1.1)."""
    position = header.numbers(_POSITION, b"DS")
    if not orientation or len(position) != 3:
        return None
    a, b, c, d, e, f = orientation
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return round(sum(p * n for p, n in zip(position, normal, strict=True)), 2)


def _protocol_key(header: Header, keyring: KeyRing, rows: int, columns: int) -> str:
    named = (_MANUFACTURER, _MODEL, _PROTOCOL, _SEQUENCE_NAME, _PULSE_SEQUENCE)
    parts = [header.raw(tag).strip(b" \0").decode("latin-1") for tag in named]
    return keyring.pseudonym("protocol", "\0".join((*parts, str(rows), str(columns))))
