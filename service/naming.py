"""Free text of people, which is kept in clear, held against the patient that it is about."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from dicom_scp.identity import Vault, WrongKey
from dicom_scp.instance import header_dataset
from service.ledger import Identities
from service.reception import header_context

_NAMING = ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber")
_SHORTEST_NAME = 3  # letters of a part of a name that counts as naming somebody
_NUMBER = re.compile(r"\d{6,}|\d{4}-\d{2}-\d{2}|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b")


class NamesSomebody(ValueError):
    """The text names the patient, or holds what looks like a number or date of one: it is kept in clear text."""


def names_somebody(text: str, headers: Iterable[Dataset]) -> bool:
    """Tell whether a text holds a part of a name, an id, a date of birth or an accession number."""
    text = text.casefold()
    words = set(re.findall(r"\w+", text))
    for header in headers:
        name, *numbers = (str(header.get(keyword) or "").casefold().strip() for keyword in _NAMING)
        parts = {part for part in re.findall(r"\w+", name) if len(part) >= _SHORTEST_NAME}
        if words & parts or any(number and number in text for number in numbers):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Screen:
    """Holds what people write about a series against who it is of, for as long as the vault knows that."""

    identities: Identities
    vault: Vault

    def __call__(self, series_id: str, text: str) -> None:
        """Let a text pass. Raises NamesSomebody."""
        if not text:
            return
        if _NUMBER.search(text) or names_somebody(text, self._headers(series_id)):
            raise NamesSomebody(NamesSomebody.__doc__)

    def _headers(self, series_id: str) -> Iterable[Dataset]:
        sealed = self.identities.header_of(series_id)
        if sealed is None:
            return
        try:
            yield header_dataset(self.vault.open(sealed.sealed, header_context(sealed.name)))
        except WrongKey:
            return
