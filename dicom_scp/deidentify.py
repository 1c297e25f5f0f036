"""Takes the identity off one object: encoded data set in, `Instance` out."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
)

from dicom_scp.cleaning import Acted, Cleaner, Done
from dicom_scp.elements import LONG_VRS, Element, Walker, encode, encode_item
from dicom_scp.encoding import inflate, little_endian
from dicom_scp.errors import Mismatch, NotUnderstood, Skipped
from dicom_scp.facts import (
    SERIES_UID,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_UID,
    bearer_of,
    contrast_given,
    device_of,
    facts_of,
    patient_of,
    reference_of,
)
from dicom_scp.header import Header
from dicom_scp.identity import KeyRing
from dicom_scp.instance import Facts, Identity, Instance, Reference
from dicom_scp.known import Known, known_by
from dicom_scp.own import MANUFACTURER, MODEL, OWN
from dicom_scp.part10 import file_head, opened
from dicom_scp.pixels import checked_pixels
from dicom_scp.private import CONTRAST_GIVEN, DESCRIBED, GROUP, Values, encode_block, vendor_values
from dicom_scp.profile import LISTED, LIVE, METHOD, Profile
from dicom_scp.ps3_15 import Option
from dicom_scp.transfer_syntaxes import ENCAPSULATED
from dicom_scp.values import text
from dicom_scp.wording import coded

_EQUIPMENT = (0x00080070, 0x00081090)  # manufacturer and model
SCORED_CLASSES = frozenset({MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage})
MAX_BYTES = 1 << 30  # of one object, inflated

_UID = re.compile(r"[0-9.]{1,64}")
_IMAGE_TYPE, _MODALITY, _BURNED_IN, _SIGNED = 0x00080008, 0x00080060, 0x00280301, 0x00280103
_DESCRIPTIONS = (0x0008103E, 0x00181030, 0x00081030)  # of the series, its protocol, the study
_SIGNED_PIXELS = 1  # PixelRepresentation
_OVERLAY_GROUPS = frozenset({0x5000, 0x6000})
_TEXTS = tuple(
    rule
    for rule in LISTED.values()
    if rule.keyword in {"Manufacturer", "ManufacturerModelName", "BodyPartExamined"}
)


@dataclass(frozen=True, slots=True)
class Announced:
    """What the C-STORE request and its association say of the instance; "" where there was none."""

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    calling_ae_title: str = ""


@dataclass(frozen=True, slots=True)
class Plain:
    """A data set in Little Endian, not deflated."""

    encoded: bytes
    explicit: bool
    transfer_syntax: str  # of the clean file


def _told_nobody(_profile: str, _acted: Iterable[Acted]) -> None:
    """Tell nobody what was done."""


class Deidentifier:
    """Takes the identity off objects with the keys of one site; the same object always gives the same bytes.

    `profiles` gives the profile of a source by its calling AE title; all others get `profile`. `tell` is told the
    name of the profile and what was done in each object: tags, never a value.
    With `enabled=False` the content is as it came: so can a test that looks for leaks show that it finds one.
    """

    def __init__(
        self,
        keyring: KeyRing,
        *,
        profile: Profile = LIVE,
        profiles: Mapping[str, Profile] = MappingProxyType({}),
        enabled: bool = True,
        max_bytes: int = MAX_BYTES,
        tell: Callable[[str, Iterable[Acted]], None] = _told_nobody,
    ) -> None:
        self._keyring = keyring
        self._profile = profile
        self._profiles = profiles
        self._enabled = enabled
        self._max_bytes = max_bytes
        self._tell = tell

    def __call__(
        self,
        encoded: bytes,
        transfer_syntax: str,
        *,
        announced: Announced = Announced(),
        trail: list[Done] | None = None,
    ) -> Instance:
        """Give the clean instance; what is done to each attribute is appended to `trail`.

        Raises NotUnderstood and Mismatch for what is broken, Skipped for what is sound but not scored.
        """
        plain = self._plain(encoded, transfer_syntax)
        header = _checked_header(plain, announced)
        pixels = checked_pixels(header, plain.transfer_syntax)
        patient = patient_of(header, self._keyring)
        profile = self._profiles.get(announced.calling_ae_title, self._profile)
        elements, facts = self._cleaned(header, profile, patient, trail)
        study, series, sop = (
            self._keyring.uid(header.text(tag)) for tag in (STUDY_UID, SERIES_UID, SOP_INSTANCE_UID)
        )
        written = header.text(SOP_INSTANCE_UID) if Option.RETAIN_UIDS in profile.options else sop
        head = file_head(facts.sop_class_uid, written, plain.transfer_syntax)
        content = b"".join((head, *elements, *pixels))
        if not self._enabled:
            content = file_head(facts.sop_class_uid, header.text(SOP_INSTANCE_UID), transfer_syntax) + encoded
        reference = reference_of(header, facts)
        return Instance(
            study_instance_uid=study,
            series_instance_uid=series,
            sop_instance_uid=sop,
            patient=patient,
            calling_ae_title=announced.calling_ae_title,
            device=device_of(header, self._keyring, announced.calling_ae_title),
            facts=facts,
            content=content,
            digest=hashlib.sha256(content).hexdigest(),
            picture=_picture(pixels, reference),
            bearer=bearer_of(header, self._keyring),
            identity=Identity(_identity_header(header), reference.encode()),
        )

    def _cleaned(
        self, header: Header, profile: Profile, patient: str, trail: list[Done] | None
    ) -> tuple[list[bytes], Facts]:
        """Give the clean elements in order, without the pixels, and the facts."""
        known = known_by(header)
        cleaner = Cleaner(
            walker=header.walker,
            keyring=self._keyring,
            profile=profile,
            patient=patient,
            signed=header.integer(_SIGNED, b"US") == _SIGNED_PIXELS,
            known=known,
            trail=trail,
        )
        cleaned = cleaner.top(header.elements.values())
        values = _own_values(header, known)
        if self._enabled:
            self._tell(profile.name, cleaner.acted)
        kept = Header(header.walker, {tag: one for tag, one in header.elements.items() if tag in cleaned})
        facts = facts_of(header, kept, dict(_clean_texts(cleaned)), values, self._keyring)
        cleaned.update(_statement(facts, profile))
        cleaned[GROUP << 16] = encode_block(values)
        return [cleaned[tag] for tag in sorted(cleaned)], facts

    def _plain(self, encoded: bytes, transfer_syntax: str) -> Plain:
        """Bring the data set into one of the two encodings that the walker reads."""
        if transfer_syntax == DeflatedExplicitVRLittleEndian:
            return Plain(
                inflate(encoded, self._max_bytes), explicit=True, transfer_syntax=ExplicitVRLittleEndian
            )
        if transfer_syntax == ExplicitVRBigEndian:
            return Plain(little_endian(encoded), explicit=True, transfer_syntax=ExplicitVRLittleEndian)
        if transfer_syntax == ImplicitVRLittleEndian:
            return Plain(encoded, explicit=False, transfer_syntax=ExplicitVRLittleEndian)
        if transfer_syntax in (ExplicitVRLittleEndian, *ENCAPSULATED):
            return Plain(encoded, explicit=True, transfer_syntax=transfer_syntax)
        raise NotUnderstood("the transfer syntax is none that is read here")


def deidentify_file(path: Path, deidentifier: Deidentifier, trail: list[Done] | None = None) -> Instance:
    """Take the identity off a file, as the listener does. Raises as Deidentifier does, and OSError."""
    file = opened(path.read_bytes())
    return deidentifier(file.encoded, file.transfer_syntax, trail=trail)


def is_uid(uid: str) -> bool:
    """Tell whether a UID has digits and dots only, and no more than 64 of them (PS3.5, 9)."""
    return _UID.fullmatch(uid) is not None


def check_uid(uid: str) -> None:
    """Raise NotUnderstood unless the UID is one."""
    if not is_uid(uid):
        raise NotUnderstood("a UID is no UID")


def _picture(pixels: list[bytes | memoryview], reference: Reference) -> str:
    """Give the digest of an image without its header: pixels, matrix, place."""
    geometry = (
        reference.frames,
        reference.rows,
        reference.columns,
        reference.position,
        reference.orientation,
    )
    found = hashlib.sha256(repr((*geometry, reference.spacing)).encode())
    for part in pixels:
        found.update(part)
    return found.hexdigest()


def _checked_header(plain: Plain, announced: Announced) -> Header:
    walker = Walker(plain.encoded, explicit=plain.explicit)
    header = Header(walker, {element.tag: element for element in walker.top()})
    _check_announced(header, announced)
    _check_scored(header)
    return header


def _check_announced(header: Header, announced: Announced) -> None:
    expected = {
        SOP_CLASS_UID: announced.sop_class_uid,
        SOP_INSTANCE_UID: announced.sop_instance_uid,
        STUDY_UID: "",
        SERIES_UID: "",
    }
    for tag, uid in expected.items():
        given = header.text(tag)
        if not given:
            raise Mismatch("a UID is missing")
        check_uid(given)
        if uid and uid != given:
            raise Mismatch("the data set is not the instance that was announced")


def _check_scored(header: Header) -> None:
    if tuple(header.text(tag) for tag in _EQUIPMENT) == (MANUFACTURER, MODEL):
        raise Skipped(OWN)
    if header.text(SOP_CLASS_UID) not in SCORED_CLASSES:
        raise Skipped("not an MR image")
    if (header.text(_MODALITY) or "MR") != "MR":
        raise Skipped("not an MR image")
    if "SCREEN SAVE" in header.text(_IMAGE_TYPE).upper():
        raise Skipped("a screen save")
    if header.text(_BURNED_IN).upper() == "YES":
        raise Skipped("text is burned into the pixels")


def _own_values(header: Header, known: Known) -> Values:
    """Gather what the block of our own holds."""
    values = vendor_values(header, known, mosaic="MOSAIC" in header.text(_IMAGE_TYPE))
    if contrast_given(header):
        values[CONTRAST_GIVEN] = "YES"
    described = coded([header.text(tag) for tag in _DESCRIPTIONS])
    values |= {DESCRIBED[name]: word for name, word in described.items()}
    return values


def _statement(facts: Facts, profile: Profile) -> Iterator[tuple[int, bytes]]:
    """State what was done (PS3.15, E.1.1, and PS3.3, C.12.1.1 and C.7.1.1)."""
    codes = (
        encode(0x00080100, b"SH", code.encode())
        + encode(0x00080102, b"SH", b"DCM")
        + encode(0x00080104, b"LO", meaning.encode())
        for code, meaning in profile.codes()
    )
    yield 0x00120062, encode(0x00120062, b"CS", b"YES")
    yield 0x00120063, encode(0x00120063, b"LO", METHOD.encode())
    yield 0x00120064, encode(0x00120064, b"SQ", b"".join(encode_item(code) for code in codes))
    if facts.head:
        yield 0x00280302, encode(0x00280302, b"CS", b"YES")
    yield 0x00280303, encode(0x00280303, b"CS", profile.dates.encode())


def _clean_texts(cleaned: dict[int, bytes]) -> Iterator[tuple[str, str]]:
    for rule in _TEXTS:
        if rule.tag in cleaned:
            yield rule.keyword, text(cleaned[rule.tag][8:])


def _identity_header(header: Header) -> bytes:
    """Copy the original elements but private groups, curves, overlays, pixels and what is broken inside."""
    walker = header.walker
    syntax = ExplicitVRLittleEndian if walker.explicit else ImplicitVRLittleEndian
    parts = [syntax.encode(), b"\n"]
    for tag in sorted(header.elements):
        element = header.elements[tag]
        group = tag >> 16
        if group % 2 or group & 0xFF00 in _OVERLAY_GROUPS or group >= 0x7FE0 or group < 8:
            continue
        if element.vr == b"SQ" and not _sound(walker, element):
            continue
        head = 12 if element.vr in LONG_VRS else 8
        tail = 8 if element.undefined else 0
        parts.append(walker.buffer[element.start - head : element.end + tail])
    return b"".join(parts)


def _sound(walker: Walker, sequence: Element, depth: int = 0) -> bool:
    """Tell whether a sequence can be read to its depths."""
    try:
        return all(
            _sound(walker, element, depth + 1)
            for elements in walker.items(sequence, depth)
            for element in elements
            if element.vr == b"SQ"
        )
    except NotUnderstood:
        return False
