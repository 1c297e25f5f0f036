"""One received object without its identity (`Instance`), and the identity that was taken (`Identity`)."""

import json
from dataclasses import asdict, dataclass, field
from io import BytesIO
from typing import Any, Self

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID


@dataclass(frozen=True, slots=True)
class Facts:
    """What closing, scoring and the console need to know of an instance; nothing here identifies anybody."""

    modality: str
    sop_class_uid: str
    manufacturer: str
    model: str
    instance_number: int | None
    position: float | None  # mm along the slice normal; None for multi-frame objects and where unknown
    orientation: tuple[float, ...]  # ImageOrientationPatient, six direction cosines, or ()
    counts: dict[str, int]  # instances that the header announces, by the element that does: lower bounds
    concatenation: tuple[str, int, int] | None  # (0020,9161-9163): keyed UID, number and total of its parts
    frames: int
    rows: int
    columns: int
    temporal_positions: int | None  # (0020,0105), or Philips' dynamic scans
    acquisition_number: int | None
    series_number: int | None
    contrast: bool  # an agent was given, as far as the header says
    protocol_key: str  # keyed pseudonym of scanner model, protocol and matrix: equal for equal protocols
    body_part: str
    head: bool

    def to_json(self) -> dict[str, Any]:
        """Give the facts as plain values for a JSON column."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Rebuild what `to_json` gave."""
        part = values["concatenation"]
        known: dict[str, Any] = {
            **values,
            "orientation": tuple(values["orientation"]),
            "concatenation": None if part is None else tuple(part),
        }
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Reference:
    """How a result must name the original instance; identifies the patient, so it lives sealed."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    instance_number: int | None
    frames: int
    rows: int
    columns: int
    position: tuple[float, ...] | None  # ImagePositionPatient, mm
    orientation: tuple[float, ...] | None  # ImageOrientationPatient
    spacing: tuple[float, ...] | None  # PixelSpacing (row, column), mm
    frame_of_reference_uid: str = ""
    window: tuple[float, ...] | None = None  # WindowCenter, WindowWidth: the first of several
    rescale: tuple[float, ...] | None = None  # RescaleSlope, RescaleIntercept

    def encode(self) -> bytes:
        """Give the reference as JSON, always the same bytes for the same reference."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


def parse_reference(encoded: bytes) -> Reference:
    """Rebuild what `Reference.encode` gave."""
    values = json.loads(encoded)
    for name in ("position", "orientation", "spacing", "window", "rescale"):
        values[name] = None if values[name] is None else tuple(values[name])
    return Reference(**values)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the instance belongs to: only ever written sealed.

    `header` is the original data set without pixels, private groups, overlays and curves, character set
    verbatim: the ASCII transfer syntax UID, a line feed, the elements. `reference` is `Reference.encode()`.
    """

    header: bytes = field(repr=False)
    reference: bytes = field(repr=False)

    def dataset(self) -> Dataset:
        """Decode the original header."""
        return header_dataset(self.header)


def header_dataset(header: bytes) -> Dataset:
    """Decode the header of an `Identity` (Implicit or Explicit VR Little Endian) into a data set."""
    syntax, _, elements = header.partition(b"\n")
    implicit = UID(syntax.decode("ascii")).is_implicit_VR
    return read_dataset(BytesIO(elements), is_implicit_VR=implicit, is_little_endian=True)


@dataclass(frozen=True, slots=True)
class Instance:
    """One received object: clean bytes, clean facts, pseudonymous names, and the identity beside them."""

    study_instance_uid: str  # this and the next two are keyed: see KeyRing.uid
    series_instance_uid: str
    sop_instance_uid: str
    patient: str  # pseudonymous id
    calling_ae_title: str
    device: str  # pseudonym of the scanner: its serial number, or the calling AE title where there is none
    facts: Facts
    content: bytes = field(repr=False)  # clean DICOM file (PS3.10), the same bytes for the same input and key
    digest: str  # SHA-256 of content, hexadecimal
    picture: str  # SHA-256 of pixels and geometry alone: the same image under another name has the same one
    bearer: str  # pseudonym of who it is of, by name, number, birth date, sex, study and accession number
    identity: Identity = field(repr=False)
