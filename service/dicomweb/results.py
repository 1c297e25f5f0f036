"""The results as clients see them: opened from their seals, known by a few attributes that stay in memory only."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from dicom_scp.identity import WrongKey
from dicom_scp.spool import Spool
from service.ledger.shelf import Shelved

MOST_KNOWN = 8192  # summaries kept, some 3 KiB each

Model = Mapping[str, Mapping[str, Any]]  # DICOM JSON Model (PS3.18, annex F)

# PS3.18, tables 10.6.3-3 to 10.6.3-5: what a search answers by itself
STUDY = (
    *("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "TimezoneOffsetFromUTC"),
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("StudyInstanceUID", "StudyID", "StudyDescription"),
)
SERIES = ("Modality", "SeriesDescription", "SeriesInstanceUID", "SeriesNumber", "SeriesDate", "SeriesTime")
INSTANCE = (
    *("SOPClassUID", "SOPInstanceUID", "InstanceNumber", "ContentDate", "ContentTime"),
    *("Rows", "Columns", "BitsAllocated", "NumberOfFrames"),
)


class Gone(LookupError):
    """The result is no longer kept."""


@dataclass(frozen=True, slots=True)
class Found:
    """One result with what a search tells of it."""

    shelved: Shelved
    model: Model = field(repr=False)

    def text(self, keyword: str) -> str:
        """Give the first value of an attribute, "" where it has none."""
        values = self.model.get(tag_of(keyword), {}).get("Value", ())
        return str(values[0]) if values else ""


def tag_of(keyword: str) -> str:
    """Give an attribute's tag as the DICOM JSON Model writes it."""
    return f"{int(Tag(keyword)):08X}"


class Results:
    """Everything that stands on the shelf.

    Args:
        rows: gives the rows of the shelf, all or of one keyed study or of one object.
        files: the sealed files.
        keyed: gives the keyed form of a UID.

    """

    def __init__(
        self,
        rows: Callable[[str | None, str | None], list[Shelved]],
        files: Spool,
        keyed: Callable[[str], str],
    ) -> None:
        self._rows = rows
        self._files = files
        self._keyed = keyed
        self._known: OrderedDict[str, Model] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, study: str = "", series: str = "", instance: str = "") -> Iterator[Found]:
        """Give the results of a study, a series or an instance by their UIDs; all where none is named."""
        for row in self._rows(self._keyed(study) if study else None, instance or None):
            try:
                found = Found(row, self._summary(row))
            except Gone:
                continue
            named = (found.text("StudyInstanceUID"), found.text("SeriesInstanceUID"))
            if study in {"", named[0]} and series in {"", named[1]}:
                yield found

    def content(self, shelved: Shelved) -> bytes:
        """Open a result: a DICOM file. Raises Gone."""
        try:
            return self._files.read(shelved.name)
        except (FileNotFoundError, WrongKey) as error:
            raise Gone(Gone.__doc__) from error

    def dataset(self, shelved: Shelved) -> Dataset:
        """Open a result as a data set. Raises Gone."""
        return dcmread(BytesIO(self.content(shelved)))

    def _summary(self, row: Shelved) -> Model:
        with self._lock:
            known = self._known.get(row.name)
            if known is not None:
                self._known.move_to_end(row.name)
        if known is not None:
            if not self._files.holds(row.name):
                raise Gone(Gone.__doc__)
            return known
        known = model_of(self.content(row), (*STUDY, *SERIES, *INSTANCE))
        with self._lock:
            self._known[row.name] = known
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return known


def model_of(content: bytes, keywords: tuple[str, ...]) -> Model:
    """Read some attributes of a file as a DICOM JSON Model, in Unicode."""
    names = ["SpecificCharacterSet", *keywords]
    dataset = dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=names)
    return plain_model(dataset)


def plain_model(dataset: Dataset) -> Model:
    """Give a data set without bulk data as a DICOM JSON Model, in Unicode."""
    model: dict[str, Mapping[str, Any]] = dataset.to_json_dict(suppress_invalid_tags=True)
    model["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    return model
