"""Free text of people, which is kept in clear, held against the patient that it is about."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from dicom_scp.identity import Vault, WrongKey
from dicom_scp.instance import header_dataset
from service.ledger import Database, Identities
from service.ledger.audit import AuditBook
from service.operating.audit_views import Entry
from service.reception import header_context

_NAMES = ("PatientName", "OtherPatientNames", "PatientBirthName")
_NUMBERS = ("PatientID", "PatientBirthDate", "AccessionNumber")
_SHORTEST_NAME = 3  # letters of a part of a name that counts as naming somebody
_SHORTEST_INSIDE = 5  # letters from which a part of a name is found inside of other words, and across blanks
_SHORTEST_IDEOGRAMS = 2  # there are no blanks between words of such scripts: found anywhere
_NUMBER = re.compile(r"\d{6,}|\d{4}-\d{2}-\d{2}|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b")
_WORD = re.compile(r"[^\W_]+")
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "þ": "th", "ð": "d"})
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa"})


class NamesSomebody(ValueError):
    """The text names a patient, or holds what looks like a number or date of one: it is kept in clear text."""


def names_somebody(text: str, headers: Iterable[Dataset]) -> bool:
    """Tell whether a text holds a part of a name, an id, a date of birth or an accession number, however spelled."""
    spelled = tuple(_spellings(text))
    return any(_named(one, header) for header in headers for one in spelled)


def _spellings(text: str) -> Iterator[str]:
    """Give a text without case and marks on letters, and with ä, ö, ü and å as they are written without marks."""
    plain = unicodedata.normalize("NFC", text.casefold()).translate(_LETTERS)
    for variant in dict.fromkeys((plain, plain.translate(_GERMAN))):
        apart = unicodedata.normalize("NFKD", variant)
        yield unicodedata.normalize("NFC", "".join(one for one in apart if not unicodedata.combining(one)))


def _named(text: str, header: Dataset) -> bool:
    """Tell whether one spelling of a text names the patient of a header."""
    words = set(_WORD.findall(text))
    squeezed = "".join(_WORD.findall(text))
    for keyword in _NUMBERS:
        for number in _spellings(str(header.get(keyword) or "")):
            if number.strip() and (
                number.strip() in text or _within("".join(_WORD.findall(number)), squeezed)
            ):
                return True
    names = (str(name) for keyword in _NAMES for name in _values(header.get(keyword)))
    groups = (
        group for name in names for group in name.split("=")
    )  # PS3.5, 6.2.1: as letters, ideograms, sounds
    return any(_is_of(part, words, squeezed) for group in groups for part in _spellings(group))


def _values(value: object) -> Iterable[object]:
    return value if isinstance(value, MultiValue) else (value or "",)


def _is_of(name: str, words: set[str], squeezed: str) -> bool:
    """Tell whether a text of these words holds a part of a name, or all its parts where they are short."""
    parts = _WORD.findall(name)
    if _wide(name):
        whole = [*parts, "".join(parts)]
        return any(len(part) >= _SHORTEST_IDEOGRAMS and part in squeezed for part in whole)
    if len(parts) > 1 and words.issuperset(parts):
        return True
    return any((len(part) >= _SHORTEST_NAME and part in words) or _within(part, squeezed) for part in parts)


def _within(part: str, squeezed: str) -> bool:
    return len(part) >= _SHORTEST_INSIDE and part in squeezed


def _wide(name: str) -> bool:
    return any(unicodedata.east_asian_width(letter) in "WF" for letter in name)


Screening = Callable[[str, str, Collection[str]], None]  # text, who wrote it, series; raises NamesSomebody


@dataclass(frozen=True, slots=True)
class Screen:
    """Holds what people write against whom it may be about, for as long as the vault knows that.

    What is refused is on record: who tries names learns whom a series is of.
    """

    identities: Identities
    audit: AuditBook
    vault: Vault

    @classmethod
    def of(cls, database: Database, vault: Vault) -> Self:
        """Give the screen of a house."""
        return cls(Identities(database), AuditBook(database), vault)

    def __call__(self, text: str, by: str, about: Collection[str]) -> None:
        """Let a text pass, ``about`` generations of series, or where there is none about whoever was here of late.

        Raises NamesSomebody.
        """
        if not text:
            return
        if _NUMBER.search(text) or names_somebody(text, self._headers(about)):
            subject = next(iter(about)) if len(about) == 1 else ""
            told = {"why": "it may name a patient", "series": len(about)}
            self.audit.noted(Entry("text refused", by, subject, "refused", detail=told))
            raise NamesSomebody(NamesSomebody.__doc__)

    def _headers(self, about: Collection[str]) -> Iterator[Dataset]:
        for sealed in self.identities.headers_of(about) if about else self.identities.lately():
            try:
                yield header_dataset(self.vault.open(sealed.sealed, header_context(sealed.name)))
            except WrongKey:
                continue
