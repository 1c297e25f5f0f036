"""A profile applied to the elements of one data set, at every depth."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dicom_scp.concepts import Concept, purpose, region
from dicom_scp.dates import shifted, well_formed
from dicom_scp.elements import PIXEL_DATA, Element, Walker, encode, encode_item
from dicom_scp.errors import NotUnderstood
from dicom_scp.identity import STANDARD_UIDS, KeyRing
from dicom_scp.known import Known
from dicom_scp.private import SAFE_BLOCKS, SAFE_PLACES, SafeElement
from dicom_scp.profile import (
    ALWAYS_EMPTY,
    ALWAYS_PATIENT,
    ANYWHERE,
    DECIMAL_VRS,
    DEFINED_TERMS,
    DISPENSABLE,
    DUMMIES,
    LISTED,
    MAX_TEXT,
    NUMBER_VRS,
    PIXEL_VRS,
    TEXT_VRS,
    Action,
    Profile,
    Rule,
    name_of,
)
from dicom_scp.ps3_15 import Option
from dicom_scp.values import numbers, text
from dicom_scp.wording import is_term, of_the_body, words_of

_CODE_VALUE, _CODING_SCHEME, _CODE_MEANING = 0x00080100, 0x00080102, 0x00080104
_CODED: dict[str, Callable[[str, str], Concept | None]] = {
    "AnatomicRegionSequence": region,
    "PurposeOfReferenceCodeSequence": purpose,
}
_BODY_PART = 0x00180015
_PRINTABLE = bytes(range(0x20, 0x7F))
_NUMBER = rb" *+(?:[+\-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+\-]?\d++)?)? *+"  # PS3.5, table 6.2-1, IS and DS
_DECIMALS = re.compile(_NUMBER + rb"(?:\\" + _NUMBER + rb")*+")
_UIDS = re.compile(rb"[0-9.\\\0 ]*")
_AGE = re.compile(rb"(\d{3})([DWMY])")
_OLDEST = {  # ages above are capped (three digits hold most anyway)
    b"D": 32850,
    b"W": 4692,
    b"M": 1079,
    b"Y": 89,
}
_KINDS = (TEXT_VRS, NUMBER_VRS | DECIMAL_VRS, PIXEL_VRS)
_WIDTHS = {b"US": 2, b"SS": 2, b"UL": 4, b"SL": 4, b"FL": 4, b"AT": 4, b"FD": 8, b"UV": 8, b"SV": 8}
_COUNTING = frozenset({b"UL", b"SL", b"UV", b"SV"})  # whole numbers that may be as long as those of people
# What no number of an image looks like: all its bytes are letters, digits and what stands between them.
_TEXT_IN_NUMBERS = re.compile(rb"[A-Za-z0-9 ,.^'_\-+/:#()&\x80-\xFF]{6,}\0{0,7}")
_RUNS = re.compile(
    r"[A-ZÀ-ÖØ-Þ]?[a-zß-öø-ÿ]+|[A-ZÀ-ÖØ-Þ]+|[^\W\d_A-Za-zÀ-ÿ]+|[0-9]+|.", re.DOTALL
)  # words and the like
_BETWEEN = frozenset("0123456789 ,.^'_-+/:#()&")
_REMOVED = b"REMOVED"
_LONGEST = {b"SH": 16, b"LO": 64, b"CS": 16}  # characters of one value (PS3.5, table 6.2-1)


Acted = tuple[int, Action]
"""A tag, and what was done to it."""


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
    profile: Profile
    patient: str
    signed: bool  # the pixels are signed: what "US or SS" means
    known: Known
    trail: list[Done] | None = None
    acted: set[Acted] = field(default_factory=set)  # the same by tag, each once
    _path: list[str] = field(default_factory=list)

    def top(self, elements: Iterable[Element]) -> dict[int, bytes]:
        """Clean the elements of the top level; gives encoded elements by tag, without the pixels."""
        cleaned = {tag: encode(tag, LISTED[tag].vrs[0], b"") for tag in ALWAYS_EMPTY}
        cleaned |= {tag: encode(tag, LISTED[tag].vrs[0], self.patient.encode()) for tag in ALWAYS_PATIENT}
        cleaned.update(self._cleaned(elements, depth=0))
        return cleaned

    def _cleaned(self, elements: Iterable[Element], depth: int) -> dict[int, bytes]:
        """Clean the elements of one level; of an element given twice the last one counts, as everywhere."""
        cleaned: dict[int, bytes] = {}
        owners: dict[int, str] = {}  # of private blocks that may stay, by their first tag
        rules = self.profile.rules
        for element in elements:
            if element.tag & 0x10000:
                self._private(element, owners, cleaned)
                continue
            rule = rules.get(element.tag)
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

    def _private(self, element: Element, owners: dict[int, str], cleaned: dict[int, bytes]) -> None:
        """Keep an element that is safe by PS3.15, table E.3.10-1, with its creator; each block by its own owner."""
        group, number = element.tag >> 16, element.tag & 0xFFFF
        if 0x10 <= number <= 0xFF:
            creator = text(self._value(element)) if element.end - element.start <= 64 else ""
            if (group, creator) in SAFE_BLOCKS and Option.RETAIN_SAFE_PRIVATE in self.profile.options:
                owners[group << 16 | number << 8] = creator
            return  # written with the first element that stays; noted as removed with all else of its block
        creator = owners.get(element.tag & ~0xFF, "")
        safe = SAFE_PLACES.get((group, creator, number & 0xFF)) if creator else None
        value = b"" if safe is None or element.undefined else self._safe(safe, element)
        if safe is None or not value:
            self._note(element.tag, Action.DROP)
            return
        owner = group << 16 | (number >> 8)
        cleaned[owner] = encode(owner, b"LO", creator.encode())
        cleaned[element.tag] = encode(element.tag, safe.vr, value)
        self._note(element.tag, Action.KEEP)

    def _safe(self, safe: SafeElement, element: Element) -> bytes:
        if element.vr not in {safe.vr, b"", b"UN"}:
            return b""
        value = self._kept(safe.vr, self._value(element), safe.most)
        if safe.vr in _WIDTHS and self.known.in_numbers(numbers(safe.vr, value)):
            return b""
        return value if not safe.terms or text(value) in safe.terms else b""

    def _note(self, tag: int, action: Action) -> None:
        self.acted.add((tag, action))
        if self.trail is not None:
            self.trail.append(Done(".".join((*self._path, name_of(tag))), action))

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
        value = None if element.undefined else self._replaced(rule, self._value(element))
        if rule.action is Action.EMPTY:
            value = b""
        return b"" if value is None else encode(rule.tag, rule.vrs[0], value)

    def _keep(self, rule: Rule, element: Element) -> bytes:
        vr = self._vr(rule, element)
        if element.undefined or not vr:
            return b""
        value = self._kept(vr, self._value(element), rule.most)
        if rule.tag == _BODY_PART and not of_the_body(text(value)):
            value = " ".join(words_of(text(value)))[:16].encode()
        if element.end > element.start and not value:
            return b""
        return encode(rule.tag, vr, value)

    def _kept(self, vr: bytes, value: bytes, most: int) -> bytes:
        """Give what may stay of a value: all of it, in almost every case."""
        if vr in TEXT_VRS:
            return self._kept_text(value)
        if vr in DECIMAL_VRS:
            return self._kept_decimal(value)
        if vr == b"UI":
            return self._kept_uids(value)
        width = _WIDTHS.get(vr, 1)
        if len(value) % width or (most and len(value) > most * width):
            return b""
        if _is_text(value) or (vr in _COUNTING and self.known.in_numbers(numbers(vr, value))):
            return b""
        return b"" if len(value) > 8 and self.known.in_bytes(value) else value

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
        whole = value.decode("ascii")
        if not self.known.in_text(whole):
            return value
        parts = whole.split("\\")
        kept = [_REMOVED if self.known.in_text(part) else part.encode() for part in parts]
        if _REMOVED not in kept and self.known.in_text("".join(part for part in parts if not is_term(part))):
            return _REMOVED  # it was spread over several values
        return b"\\".join(kept)

    def _kept_decimal(self, value: bytes) -> bytes:
        plain = value.rstrip(b" \0")
        if not _DECIMALS.fullmatch(plain):
            return b""
        parts = plain.decode("ascii").split("\\")
        return b"" if any(self.known.is_number(part.strip()) for part in parts) else value

    def _kept_uids(self, value: bytes) -> bytes:
        return value if STANDARD_UIDS.issuperset(text(value).split("\\")) else b""

    def _walk(self, rule: Rule, element: Element, depth: int) -> bytes:
        if element.vr not in {b"", b"SQ", b"UN"}:
            return b""
        self._path.append(rule.keyword)
        items = []
        try:
            for elements in self.walker.items(element, depth):
                cleaned = self._cleaned(elements, depth + 1)
                items.append(encode_item(b"".join(cleaned[tag] for tag in sorted(cleaned))))
        except NotUnderstood:
            if rule.keyword not in DISPENSABLE:
                raise
            return b""
        finally:
            self._path.pop()
        return encode(rule.tag, b"SQ", b"".join(items))

    def _code(self, rule: Rule, element: Element, depth: int) -> bytes:
        """Keep the first code, rewritten from the Standard's table; modifiers and free codes go."""
        if element.vr not in {b"", b"SQ", b"UN"}:
            return b""
        for elements in self.walker.items(element, depth):
            given = {e.tag: text(self._value(e)) for e in elements if not e.undefined}
            coded = _CODED[rule.keyword](given.get(_CODING_SCHEME, ""), given.get(_CODE_VALUE, ""))
            if coded is None:
                return b""
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
                terms = {part.strip() for part in text(value).upper().split("\\")}
                new = value if terms <= DEFINED_TERMS[rule.keyword] else None
            case Action.RETAIN:
                new = value if _is_sound(rule.vrs[0], value) else None
            case Action.SHIFT:
                new = self._shifted(rule, value)
            case Action.WORDS:
                new = _worded(rule.vrs[0], value)
            case _:  # EMPTY
                pass
        return new

    def _uids(self, value: bytes) -> bytes | None:
        if not _UIDS.fullmatch(value):
            return None
        return "\\".join(self.keyring.uid(uid) if uid else "" for uid in text(value).split("\\")).encode()

    def _shifted(self, rule: Rule, value: bytes) -> bytes | None:
        """Shift what is a date; what must be there and is none gets a fixed one."""
        new = shifted(rule.vrs[0], text(value), self.keyring.days(self.patient))
        if new is not None:
            return new.encode()
        basic = LISTED.get(rule.tag)
        return DUMMIES[rule.vrs[0]] if basic is not None and basic.action is Action.DUMMY else None


def _is_text(value: bytes) -> bool:
    """Tell whether the bytes of binary numbers are a text: one in ASCII, or words in UTF-8 or Latin-1."""
    if not _TEXT_IN_NUMBERS.fullmatch(value):
        return False
    plain = value.rstrip(b"\0")
    if plain.isascii():
        return True
    try:
        whole = plain.decode("utf-8")
    except UnicodeDecodeError:  # bytes above 0x7F are letters in Latin-1 too often: most must be below
        whole = plain.decode("latin-1")
        if 2 * sum(letter.isascii() for letter in whole) <= len(whole):
            return False
    # A number's bytes may be letters by chance; they make no words.
    is_spelt = all(letter.isalpha() or letter in _BETWEEN for letter in whole)
    return is_spelt and 8 * len(_RUNS.findall(whole)) <= 3 * len(value)


def _is_sound(vr: bytes, value: bytes) -> bool:
    return bool(_UIDS.fullmatch(value)) if vr == b"UI" else well_formed(vr, text(value))


def _worded(vr: bytes, value: bytes) -> bytes | None:
    """Give the words of our vocabulary that a text holds, as many as fit; None where it holds none."""
    words = words_of(value.decode("latin-1"))
    longest = _LONGEST.get(vr, MAX_TEXT)
    while words and len(" ".join(words)) > longest:
        words.pop()
    return " ".join(words).encode() or None


def _capped_age(value: bytes) -> bytes | None:
    match = _AGE.fullmatch(value.rstrip(b" \0"))
    if match is None:
        return None
    return b"090Y" if int(match[1]) > _OLDEST[match[2]] else match[0]
