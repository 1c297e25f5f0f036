"""The profile's table applied to the elements of one data set, at every depth."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pydicom.datadict import keyword_for_tag

from dicom_scp.anatomy import region
from dicom_scp.elements import PIXEL_DATA, Element, Walker, encode, encode_item
from dicom_scp.identity import KeyRing
from dicom_scp.profile import (
    ALWAYS_EMPTY,
    ANYWHERE,
    DECIMAL_VRS,
    DEFINED_TERMS,
    DUMMIES,
    MAX_TEXT,
    NUMBER_VRS,
    PIXEL_VRS,
    RULES,
    TEXT_VRS,
    Action,
    Rule,
)
from dicom_scp.values import text

_CODE_VALUE, _CODING_SCHEME, _CODE_MEANING = 0x00080100, 0x00080102, 0x00080104
_PRINTABLE = bytes(range(0x20, 0x7F))
_DECIMAL = re.compile(rb"[0-9eE+\-. \\\0]*")
_UIDS = re.compile(rb"[0-9.\\\0 ]*")
_AGE = re.compile(rb"(\d{3})([DWMY])")
_OLDEST = {
    b"D": 32850,
    b"W": 4692,
    b"M": 1079,
    b"Y": 89,
}  # ages above are capped (three digits hold most anyway)
_KINDS = (TEXT_VRS, NUMBER_VRS | DECIMAL_VRS, PIXEL_VRS)

# By these a patient is known: a kept text loses every value that holds one of them, if it is not too short.
_NAMES = (0x00100010, 0x00101001, 0x00101005, 0x00101060, 0x00080090, 0x00081050, 0x00081060, 0x00081070)
_NUMBERS = (0x00100020, 0x00101000, 0x00080050, 0x00100030, 0x00080080, 0x00380010)
_SHORTEST_NAME, _SHORTEST_NUMBER = 3, 4
_REMOVED = b"REMOVED"
_TERMS = frozenset(  # what a name may be without meaning anybody
    b"ORIGINAL DERIVED PRIMARY SECONDARY OTHER NONE MIXED NORM DIS2D DIS3D MOSAIC MAGNITUDE PHASE REAL "
    b"IMAGINARY DIFFUSION PERFUSION TRACEW ADC FMRI ASL MPR MFSPLIT LOCALIZER HEAD BRAIN NECK SPINE CSPINE "
    b"TSPINE LSPINE CHEST BREAST HEART ABDOMEN LIVER PELVIS PROSTATE HIP KNEE ANKLE FOOT SHOULDER ELBOW "
    b"WRIST HAND".split(),
)


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to one attribute: names only, never a value."""

    path: str  # keywords or tags from the top, joined by "."
    action: Action


@dataclass(slots=True)
class Cleaner:
    """Cleans the elements of one data set; give each data set its own."""

    walker: Walker
    keyring: KeyRing
    patient: str
    signed: bool  # the pixels are signed: what "US or SS" means
    known_by: tuple[bytes, ...]  # upper-case texts by which the patient is known
    trail: list[Done] | None = None
    _path: list[str] = field(default_factory=list)

    def top(self, elements: Iterable[Element]) -> dict[int, bytes]:
        """Clean the elements of the top level; gives encoded elements by tag, without the pixels."""
        cleaned = {tag: encode(tag, RULES[tag].vrs[0], b"") for tag in ALWAYS_EMPTY}
        cleaned.update(self._cleaned(elements, depth=0))
        return cleaned

    def _cleaned(self, elements: Iterable[Element], depth: int) -> dict[int, bytes]:
        """Clean the elements of one level; of an element given twice the last one counts, as everywhere."""
        cleaned: dict[int, bytes] = {}
        for element in elements:
            rule = RULES.get(element.tag)
            if rule is None or (depth and rule.action not in ANYWHERE):
                self._note(element.tag, Action.DROP)
                continue
            if element.tag == PIXEL_DATA:
                continue
            encoded = self._applied(rule, element, depth)
            self._note(element.tag, rule.action if encoded else Action.DROP)
            if encoded:
                cleaned[element.tag] = encoded
        return cleaned

    def _note(self, tag: int, action: Action) -> None:
        if self.trail is not None:
            self.trail.append(Done(".".join((*self._path, _name(tag))), action))

    def _value(self, element: Element) -> bytes:
        return self.walker.buffer[element.start : element.end]

    def _applied(self, rule: Rule, element: Element, depth: int) -> bytes:
        """Give the encoded element that takes its place, or b"" where there shall be none."""
        if rule.action is Action.KEEP:
            return self._keep(rule, element)
        if rule.action is Action.WALK:
            return self._walk(rule, element, depth)
        if rule.action is Action.CODE:
            return self._code(rule, element, depth)
        value = self._replaced(rule, self._value(element))
        return b"" if value is None else encode(rule.tag, rule.vrs[0], value)

    def _keep(self, rule: Rule, element: Element) -> bytes:
        vr = self._vr(rule, element)
        value = self._value(element)
        if vr in TEXT_VRS:
            value = self._kept_text(value)
        elif vr in DECIMAL_VRS:
            value = value if _DECIMAL.fullmatch(value) else b""
        elif vr == b"UI":
            value = value if _UIDS.fullmatch(value) else b""
        if element.undefined or not vr or (element.end > element.start and not value):
            return b""
        return encode(rule.tag, vr, value)

    def _vr(self, rule: Rule, element: Element) -> bytes:
        """Give the VR to write: what the sender says where it is of the right kind; b"" where it is not."""
        if element.vr in rule.vrs:
            return element.vr
        if element.vr in {b"", b"UN"}:
            return rule.vrs[-1 if self.signed else 0]
        same_kind = any(rule.vrs[0] in kind and element.vr in kind for kind in _KINDS)
        return element.vr if same_kind else b""

    def _kept_text(self, value: bytes) -> bytes:
        value = value.rstrip(b" \0")
        if len(value) > MAX_TEXT or value.translate(None, _PRINTABLE):
            return b""
        shout = value.upper()
        if not any(known in shout for known in self.known_by):
            return value
        parts = value.split(b"\\")
        return b"\\".join(
            _REMOVED
            if part.strip() not in _TERMS and any(known in part.upper() for known in self.known_by)
            else part
            for part in parts
        )

    def _walk(self, rule: Rule, element: Element, depth: int) -> bytes:
        if element.vr not in {b"", b"SQ", b"UN"}:
            return b""
        self._path.append(rule.keyword)
        items = []
        for elements in self.walker.items(element, depth):
            cleaned = self._cleaned(elements, depth + 1)
            items.append(encode_item(b"".join(cleaned[tag] for tag in sorted(cleaned))))
        self._path.pop()
        return encode(rule.tag, b"SQ", b"".join(items))

    def _code(self, rule: Rule, element: Element, depth: int) -> bytes:
        """Keep the coded region of the body, rewritten from our own table; modifiers and free codes go."""
        if element.vr not in {b"", b"SQ", b"UN"}:
            return b""
        for elements in self.walker.items(element, depth):
            given = {e.tag: text(self._value(e)) for e in elements if not e.undefined}
            coded = region(given.get(_CODING_SCHEME, ""), given.get(_CODE_VALUE, ""))
            item = (
                encode(_CODE_VALUE, b"SH", coded.value.encode()),
                encode(_CODING_SCHEME, b"SH", coded.scheme.encode()),
                encode(_CODE_MEANING, b"LO", coded.meaning.encode()),
            )
            return encode(rule.tag, b"SQ", encode_item(b"".join(item)))
        return b""

    def _replaced(self, rule: Rule, value: bytes) -> bytes | None:
        """Give the value that takes the place of `value`, or None where the attribute goes."""
        new: bytes | None = b""
        match rule.action:
            case Action.UID:
                new = self._uids(value)
            case Action.AGE:
                new = _capped_age(value)
            case Action.PATIENT:
                new = self.patient.encode()
            case Action.DEVICE:
                serial = value.rstrip(b" \0").decode("latin-1")
                new = self.keyring.pseudonym("device", serial).encode() if serial else b""
            case Action.DUMMY:
                new = DUMMIES[rule.vrs[0]]
            case Action.TERM:
                new = value if text(value).upper() in DEFINED_TERMS[rule.keyword] else None
            case _:  # EMPTY
                pass
        return new

    def _uids(self, value: bytes) -> bytes | None:
        if not _UIDS.fullmatch(value):
            return None
        return "\\".join(self.keyring.uid(uid) if uid else "" for uid in text(value).split("\\")).encode()


def _capped_age(value: bytes) -> bytes | None:
    match = _AGE.fullmatch(value.rstrip(b" \0"))
    if match is None:
        return None
    return b"090Y" if int(match[1]) > _OLDEST[match[2]] else match[0]


def known_by(values: Callable[[int], bytes]) -> tuple[bytes, ...]:
    """Give the texts by which the patient of a header is known, in upper case."""
    names = {part for tag in _NAMES for part in re.split(rb"[\^=\\ ,]+", values(tag).strip(b" \0").upper())}
    numbers = {part.strip() for tag in _NUMBERS for part in values(tag).strip(b" \0").upper().split(b"\\")}
    return tuple(
        sorted({name for name in names if len(name) >= _SHORTEST_NAME})
        + sorted({number for number in numbers if len(number) >= _SHORTEST_NUMBER}),
    )


def _name(tag: int) -> str:
    return keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
