"""By what the patient of one header is known: a text that may stay loses every value in which one of these turns up."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from pydicom.charset import python_encoding

from dicom_scp.elements import Element
from dicom_scp.errors import NotUnderstood
from dicom_scp.header import Header
from dicom_scp.wording import TERMS, is_term, tokens

# PS3.6: people, then numbers, places, orders and dates. The items of _SEQUENCES are looked through for them too.
_NAMES = frozenset({
    0x00100010, 0x00101001, 0x00101005, 0x00101060, 0x00102297, 0x00102298, 0x00080090, 0x0008009C, 0x00081048,
    0x00081050, 0x00081060, 0x00081070, 0x00321032, 0x0040A123, 0x00400006, 0x00401010, 0x00402008, 0x00700084,
})  # fmt: skip
_NUMBERS = frozenset({
    0x00100020, 0x00100021, 0x00101000, 0x00101040, 0x00102154, 0x00102155, 0x00101090, 0x00101081, 0x00080050,
    0x00200010, 0x00380010, 0x00380060, 0x00401001, 0x00400009, 0x00400253, 0x00402016, 0x00402017, 0x00120040,
    0x00120042, 0x00080092, 0x00080094, 0x00181000, 0x00080055, 0x00102152, 0x00321033,
})  # fmt: skip
_PLACES = frozenset({0x00080080, 0x00080081, 0x00081040, 0x00081010, 0x00400241, 0x00400242})
_DATES = frozenset({0x00100030, 0x00080020, 0x00080021, 0x00080022, 0x00080023, 0x00080012})
_SEQUENCES = frozenset({0x00101002, 0x00400275, 0x00081111, 0x00081110, 0x00321064, 0x00080096, 0x00081049,
                        0x00081052, 0x00081062, 0x00081072, 0x00380004, 0x04000561})  # fmt: skip
_CHARACTER_SET, _BIRTH = 0x00080005, 0x00100030
_MONTHS = """
    JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER
""".split()  # noqa: SIM905 - a table of words

_SHORTEST_NAME, _SHORTEST_NUMBER = 3, 4
_BEGINNING = 6  # letters by which a longer name is known: fields are short, and names are cut
_SHORTEST_SQUEEZED_NUMBER = 6  # digits: shorter ones turn up in the names of sequences too
_INSIDE, _SQUEEZED = (
    4,
    5,
)  # letters from which a word is looked for inside of others, and across their borders
_ESCAPE = re.compile(r"\x1b[$()*+,\-./%&]*[@-~]?")  # ISO 2022
_BETWEEN = re.compile(r"[\^=\\,;:\s/]+")
_NO_WORD = re.compile(r"[^A-Z0-9]+")
_LETTERS = str.maketrans(
    {"ß": "SS", "ẞ": "SS", "Ø": "O", "Æ": "AE", "Œ": "OE", "Ł": "L", "Đ": "D", "Þ": "TH", "Ð": "D"}
)
_GERMAN = str.maketrans({"Ä": "AE", "Ö": "OE", "Ü": "UE", "Å": "AA"})
# What a technologist adds when a field of the device is misused, and marks of names and addresses
_TELLING = re.compile(
    r"[@^]|\d{9,}|\+?\d{2,5}(?:[-/ ]\d{2,}){2,}|\b(?:DR|PROF|MRN|DOB|PAT|PATIENT|NAME|TEL|SSN)\b *[.:#=]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Known:
    """Words in upper case, without marks on letters, by how they are looked for."""

    whole: frozenset[str]  # as a word by itself
    inside: tuple[str, ...]  # anywhere within a word
    squeezed: tuple[str, ...]  # anywhere, whatever stands between the letters; backwards too
    numbers: frozenset[str]  # the digits of decimals, six or more, without zeros in front

    def in_text(self, text: str) -> bool:
        """Tell whether one value of a text says who the patient is, or looks as if it said who anybody is."""
        if is_term(text):
            return False
        if _TELLING.search(text):
            return True
        found = tokens(text)
        if not self.whole.isdisjoint(found) or any(word in token for token in found for word in self.inside):
            return True
        squeezed = "".join(found)
        return any(word in squeezed for word in self.squeezed)

    def in_bytes(self, value: bytes) -> bool:
        """Tell whether a value that is not meant to be text holds such a word."""
        squeezed = _NO_WORD.sub("", value.decode("latin-1").upper())
        return any(word in squeezed for word in self.squeezed)

    def is_number(self, text: str) -> bool:
        """Tell whether a decimal is one of the patient's numbers, or a date of theirs, however it is written."""
        if len(text) < _SHORTEST_SQUEEZED_NUMBER:
            return False
        whole, _, fraction = text.lstrip("+-").partition(".")
        if not fraction.strip("0"):
            return whole.lstrip("0") in self.numbers
        digits = whole.lstrip("0") + fraction
        return len(digits) > _SHORTEST_SQUEEZED_NUMBER and digits in self.numbers

    def in_numbers(self, values: Iterable[float]) -> bool:
        """Tell whether one of some whole numbers is one of the patient's, or a date of theirs."""
        return any(value.is_integer() and self.is_number(f"{value:.0f}") for value in map(float, values))


def known_by(header: Header) -> Known:
    """Gather by what the patient of a header is known."""
    found: dict[str, list[bytes]] = {"name": [], "number": [], "place": [], "date": []}
    for element in _telling(header):
        found[_kind(element)].append(header.walker.buffer[element.start : element.end])
    return _known(
        tuple(found["name"]),
        tuple(found["number"]),
        tuple(found["place"]),
        tuple(found["date"]),
        (header.raw(_BIRTH),) if header.raw(_BIRTH) else (),
        header.raw(_CHARACTER_SET),
    )


def _kind(element: Element) -> str:
    for kind, tags in (("date", _DATES), ("number", _NUMBERS), ("place", _PLACES), ("name", _NAMES)):
        if element.tag in tags:
            return kind
    return "name" if element.vr == b"PN" else ""


def _telling(header: Header) -> Iterator[Element]:
    """Give the elements that tell, of the top level and of the sequences that name people and orders."""
    for element in header.elements.values():
        if element.tag in _SEQUENCES:
            yield from _nested(header, element, 0)
        elif _tells(element):
            yield element


def _nested(header: Header, sequence: Element, depth: int) -> Iterator[Element]:
    try:
        for elements in header.walker.items(sequence, depth):
            for element in elements:
                if element.vr == b"SQ" or element.undefined:
                    yield from _nested(header, element, depth + 1)
                elif _tells(element):
                    yield element
    except NotUnderstood:  # what is broken inside is dropped whole
        return


def _tells(element: Element) -> bool:
    return element.end > element.start and not element.undefined and bool(_kind(element))


@lru_cache(256)  # the same for every instance of a study
def _known(
    names: tuple[bytes, ...],
    numbers: tuple[bytes, ...],
    places: tuple[bytes, ...],
    dates: tuple[bytes, ...],
    births: tuple[bytes, ...],
    character_set: bytes,
) -> Known:
    def read(values: Iterable[bytes]) -> Iterator[str]:
        return (text for value in values for text in _readings(value, character_set))

    words = {word for text in read(names) for word in _name_words(text)}
    marks = {mark for text in read((*numbers, *places)) for mark in _number_marks(text)}
    marks |= {mark for value in dates for mark in _date_marks(value)}
    marks |= {mark for value in births for mark in _birth_marks(value)}
    short = {mark for mark in marks if mark.isdecimal() and len(mark) < _SHORTEST_SQUEEZED_NUMBER}
    loose = (words | marks) - short
    long = {word[:_BEGINNING] if word in words else word for word in loose if len(word) >= _SQUEEZED}
    backwards = {word[::-1] for word in words if len(word) >= _SQUEEZED}
    return Known(
        whole=frozenset(word for word in loose if len(word) < _INSIDE) | short,
        inside=tuple(sorted(word for word in loose if len(word) == _INSIDE)),
        squeezed=tuple(sorted(long | backwards)),
        numbers=frozenset(
            digits
            for mark in marks
            if mark.isdecimal() and len(digits := mark.lstrip("0")) >= _SHORTEST_SQUEEZED_NUMBER
        ),
    )


def _readings(value: bytes, character_set: bytes) -> Iterator[str]:
    """Read a text as its character set says, and as it may be in truth; without marks on letters, in upper case."""
    if value.isascii():
        yield _ESCAPE.sub(" ", value.decode("ascii")).upper().strip(" \0")
        return
    declared = [
        python_encoding.get(name.strip().decode("latin-1"), "") for name in character_set.split(b"\\")
    ]
    for encoding in dict.fromkeys(filter(None, (*declared, "utf-8", "latin-1", "gb18030"))):
        try:
            text = value.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        text = _ESCAPE.sub(" ", text).upper().translate(_LETTERS).strip(" \0")
        for variant in dict.fromkeys((text, text.translate(_GERMAN))):
            plain = unicodedata.normalize("NFKD", variant)
            yield "".join(letter for letter in plain if not unicodedata.combining(letter))


def _name_words(text: str) -> Iterator[str]:
    for part in _BETWEEN.split(text):
        words = [word for word in _NO_WORD.split(part) if word]
        yield from (word for word in words if len(word) >= _SHORTEST_NAME and not word.isdecimal())
        if len(words) > 1:  # Anne-Marie may be written as one word
            yield from _long_enough("".join(words), _SQUEEZED)


def _number_marks(text: str) -> Iterator[str]:
    """Give a number or place as a whole and its long parts; words that may mean anything are no marks."""
    for part in text.split("\\"):
        yield from _long_enough(_NO_WORD.sub("", part), _SHORTEST_NUMBER)
        for word in _NO_WORD.split(part):
            digits = sum(letter.isdecimal() for letter in word)
            if word not in TERMS and word not in _GENERAL:
                yield from _long_enough(word, _SQUEEZED if digits >= 3 else _LONG_WORD)


_LONG_WORD = 6
_GENERAL_WORDS = """
    HOSPITAL CLINIC CLINICS CENTER CENTRE UNIVERSITY UNIVERSITAET UNIVERSITE GENERAL HEALTH SYSTEM SERVICE SERVICES
    RADIOLOGY RADIOLOGIE DEPARTMENT INSTITUTE STREET STRASSE SCANNER MAGNET RESEARCH NATIONAL
    """
_GENERAL = frozenset(_GENERAL_WORDS.split())


def _date_marks(value: bytes) -> Iterator[str]:
    digits = value.strip(b" \0").decode("latin-1")[:8]
    if len(digits) == 8 and digits.isdecimal():
        year, month, day = digits[:4], digits[4:6], digits[6:]
        yield from (year + month + day, day + month + year, month + day + year)


def _birth_marks(value: bytes) -> Iterator[str]:
    """Give a date as people write it: without zeros, with two digits of the year, with the name of its month."""
    digits = value.strip(b" \0").decode("latin-1")[:8]
    if len(digits) == 8 and digits.isdecimal() and 1 <= int(digits[4:6]) <= len(_MONTHS):
        year, month, day = digits[:4], _MONTHS[int(digits[4:6]) - 1], digits[6:]
        d, m, short = str(int(day)), str(int(digits[4:6])), year[2:]
        yield from (mark for mark in (d + m + year, m + d + year, year + m + d) if len(mark) > 6)
        yield from (short + digits[4:], day + digits[4:6] + short, digits[4:6] + day + short)
        for name in (month, month[:3]):
            yield from (
                f"{int(day)}{name}{year}",
                f"{name}{int(day)}{year}",
                f"{name}{day}{year}",
                year + name + day,
            )


def _long_enough(word: str, least: int) -> Iterable[str]:
    return (word,) if len(word) >= least and word not in TERMS else ()
