"""What every destination is to the postman: a line that is opened, takes objects, and answers for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Protocol

from pydicom import dcmread
from pydicom.dataset import Dataset

DUPLICATE = 0x0111  # PS3.7, C.5.5: it is there already, under a UID that stands for its content
OTHER_PATIENT = "the study is of another patient id at the destination"
UNKNOWN_STUDY = "the study is not known at the destination"


class Undelivered(Exception):
    """The destination did not take anything more; the message says why, in words free of identity."""

    def __init__(self, why: str, *, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.wait_s = wait_s  # it asks to be left alone for so long


@dataclass(frozen=True, slots=True)
class Letter:
    """One object as it is sent."""

    kind: str
    uid: str
    content: bytes = field(repr=False)  # DICOM file; of the kind MANIFEST, lines of JSON

    def context(self) -> tuple[str, str]:
        """Read its SOP class and its transfer syntax."""
        head: Dataset = dcmread(BytesIO(self.content), stop_before_pixels=True, specific_tags=["SOPClassUID"])
        return str(head.SOPClassUID), str(head.file_meta.TransferSyntaxUID)

    def study(self) -> "Study":
        """Read of which study and patient it is."""
        names = ["SpecificCharacterSet", "StudyInstanceUID", "PatientID", "IssuerOfPatientID"]
        head: Dataset = dcmread(BytesIO(self.content), stop_before_pixels=True, specific_tags=names)
        return Study.of(head)


@dataclass(frozen=True, slots=True, repr=False)
class Study:
    """A study and its patient under their true names: never written, logged or kept."""

    uid: str
    patient_id: str
    issuer: str = ""

    @classmethod
    def of(cls, head: Dataset) -> "Study":
        """Take it from a data set."""
        values = (head.get(name) for name in ("StudyInstanceUID", "PatientID", "IssuerOfPatientID"))
        return cls(*(str(value or "").strip() for value in values))

    def doubt(self, found: Sequence["Study"]) -> str:
        """Say why this is not one of the found ones, "" where it is."""
        same = [one for one in found if one.uid == self.uid]
        if not same:
            return UNKNOWN_STUDY
        return "" if any(self._is_of(one) for one in same) else OTHER_PATIENT

    def _is_of(self, other: "Study") -> bool:
        known = self.issuer and other.issuer
        return self.patient_id == other.patient_id and (not known or self.issuer == other.issuer)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a destination said to one object."""

    said: str  # 0x0000, 200, 409 0xA700, written: free of identity
    taken: bool
    final: bool = False  # not taken, and it never will be
    wait_s: float = 0.0  # it asks to be left alone for so long


class Courier(Protocol):
    """A line to a destination that is open for one bundle."""

    def deliver(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Answer]]:
        """Send objects, the first one first, and give each with its answer as soon as it is known.

        Raises Undelivered where the line breaks; what has no answer by then is not delivered.
        """
        ...

    def close(self) -> None:
        """End the line."""
        ...


class Destination(Protocol):
    """Where results go."""

    @property
    def name(self) -> str:
        """The configured name."""
        ...

    @property
    def doubts_after_s(self) -> float | None:
        """The age from which on study and patient are asked for before an object leaves; None: never."""
        ...

    def open(self, letters: Sequence[Letter]) -> Courier:
        """Open a line for these objects. Raises Undelivered."""
        ...

    def doubt(self, study: Study) -> str:
        """Ask whether the destination knows the study and its patient; gives "" or what is wrong.

        Raises Undelivered where it does not say. One that never says (it has no query) is believed.
        """
        ...

    def tried(self) -> tuple[bool, str]:
        """Tell whether it can be reached, without sending anything, and what was tried."""
        ...
