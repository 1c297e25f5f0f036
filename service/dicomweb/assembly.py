"""STOW-RS with metadata and bulk data apart (PS3.18, 8.7.3): put together again as DICOM files."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from dicom_scp.deidentify import is_uid
from service.dicomweb.media import DICOM_JSON, OCTET_STREAM, parse
from service.dicomweb.multipart import MOST_PARTS, BrokenMultipart, Part, TooLarge

LONGEST_METADATA = 16 << 20  # bytes of JSON; read, it is some ten times as large
UNICODE = "ISO_IR 192"  # whatever the metadata names: JSON is in UTF-8 (PS3.18, F.2)
_SOP_CLASS_UID, _SOP_INSTANCE_UID = "00080016", "00080018"


class Unbuildable(ValueError):
    """Metadata and bulk data make no data set."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An instance of which the metadata has come."""

    model: Mapping[str, Any] = field(repr=False)  # DICOM JSON Model (PS3.18, annex F)
    links: frozenset[str] = field(repr=False)  # of its bulk data

    def uid(self, tag: str) -> str:
        """Give a UID of the metadata, "" where there is none."""
        element = self.model.get(tag)
        values = element.get("Value") if isinstance(element, dict) else None
        given = values[0] if isinstance(values, list) and values else None
        return given if isinstance(given, str) and is_uid(given) else ""

    @property
    def names(self) -> tuple[str, str]:
        """SOP Class UID and SOP Instance UID."""
        return self.uid(_SOP_CLASS_UID), self.uid(_SOP_INSTANCE_UID)


class Assembly:
    """Holds metadata until its bulk data has come, and bulk data until its metadata is complete."""

    def __init__(self, most_bytes: int) -> None:
        self._waiting: list[Waiting] = []
        self._bulk: dict[str, bytes] = {}
        self._most_bytes = most_bytes
        self.held = 0  # bytes of bulk data

    def add(self, part: Part) -> Iterator[tuple[Waiting, Mapping[str, bytes]]]:
        """Take a part; gives the instances that are complete with it, each with its bulk data.

        Raises BrokenMultipart where it is neither metadata nor bulk data, TooLarge.
        """
        kind = parse(part.media_type)
        name = kind.name if kind is not None else ""
        if name == DICOM_JSON:
            self._waiting += _models(part.body, MOST_PARTS - len(self._waiting))
        elif name == OCTET_STREAM and part.location:
            self._bulk[part.location] = part.body
            self.held = sum(map(len, self._bulk.values()))
            if self.held > self._most_bytes:
                raise TooLarge("the bulk data that waits for its metadata is larger than an instance may be")
        else:
            raise BrokenMultipart("a part is neither metadata as DICOM JSON nor uncompressed bulk data")
        complete = [one for one in self._waiting if one.links <= self._bulk.keys()]
        self._waiting = [one for one in self._waiting if not one.links <= self._bulk.keys()]
        for one in complete:
            yield one, {link: self._bulk[link] for link in one.links}
        needed = frozenset().union(*(one.links for one in self._waiting))
        if complete:
            self._bulk = {link: body for link, body in self._bulk.items() if link in needed}
            self.held = sum(map(len, self._bulk.values()))

    def rest(self) -> list[Waiting]:
        """Give the instances whose bulk data never came."""
        return self._waiting


def built(waiting: Waiting, bulk: Mapping[str, bytes]) -> bytes:
    """Build a DICOM file, Explicit VR Little Endian, in Unicode as its JSON is. Raises Unbuildable."""
    try:
        model = {tag: element for tag, element in waiting.model.items() if not tag.startswith("0002")}
        dataset = Dataset.from_json(model, bulk_data_uri_handler=lambda _tag, _vr, link: bulk[link])
        dataset.SpecificCharacterSet = UNICODE
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        buffer = BytesIO()
        dcmwrite(buffer, dataset, implicit_vr=False, little_endian=True, enforce_file_format=True)
    except Exception as error:
        # Whatever pydicom makes of a stranger's JSON; its message may quote values.
        raise Unbuildable("the metadata and its bulk data make no data set") from error
    return buffer.getvalue()


def _models(encoded: bytes, most: int) -> list[Waiting]:
    if len(encoded) > LONGEST_METADATA:
        raise TooLarge("the metadata is longer than it may be")
    try:
        models = json.loads(encoded)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError too
        raise BrokenMultipart("the metadata is no DICOM JSON") from error
    models = models if isinstance(models, list) else [models]
    if not all(isinstance(model, dict) for model in models):
        raise BrokenMultipart("the metadata is no DICOM JSON")
    if len(models) > most:
        raise TooLarge("there are too many instances")
    try:
        return [Waiting(model, frozenset(_links(model))) for model in models]
    except RecursionError as error:
        raise BrokenMultipart("the metadata is no DICOM JSON") from error


def _links(model: Mapping[str, Any]) -> Iterator[str]:
    for element in model.values():
        if not isinstance(element, dict):
            continue
        link = element.get("BulkDataURI")
        if isinstance(link, str):
            yield link
        values = element.get("Value")
        for value in values if isinstance(values, list) else ():
            if isinstance(value, dict):
                yield from _links(value)
