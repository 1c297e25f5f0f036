"""Step five: results leave for their destinations; a dead one holds up nobody else."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.association import Association
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined] # made at import

from dicom_scp.identity import WrongKey
from dicom_scp.spool import Spool
from service.ledger import Delivery, Outbox
from service.metrics import Metrics
from service.scu import Context, NoAssociation, associate

WARNINGS = range(0xB000, 0xC000)  # PS3.7 C.1.2: stored, with something to say
BUNDLE = 32
CONNECT_S = 5.0


class Undelivered(Exception):
    """The destination did not take the object; the message is its answer."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One object as it is sent."""

    kind: str
    uid: str
    content: bytes  # DICOM file; of the kind MANIFEST, lines of JSON


class Courier(Protocol):
    """A line to a destination that is open for one bundle."""

    def deliver(self, letter: Letter) -> str:
        """Send one object and give the destination's answer. Raises Undelivered."""
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

    def open(self, letters: Sequence[Letter]) -> Courier:
        """Open a line for these objects. Raises Undelivered."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder outside the house: files appear whole or not at all, named by kind and UID."""

    name: str
    path: Path
    timeless: bool = False  # the files do not tell when they were written

    def open(self, letters: Sequence[Letter]) -> "Folder":  # noqa: ARG002 - a folder is always open
        """Make the folder where it is missing. Raises Undelivered."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Undelivered(f"folder cannot be made: {error.strerror}") from error
        return self

    def deliver(self, letter: Letter) -> str:
        """Write one file, durable on return. Raises Undelivered."""
        target = self.path / file_name(letter.kind, letter.uid)
        temporary = target.with_suffix(".part")
        try:
            with temporary.open("wb") as file:
                file.write(letter.content)
                file.flush()
                if self.timeless:
                    os.utime(file.fileno(), (0, 0))
                os.fsync(file.fileno())
            temporary.rename(target)
            if self.timeless:
                os.utime(self.path, (0, 0))
            _make_durable(self.path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise Undelivered(f"file cannot be written: {error.strerror}") from error
        return "written"

    def close(self) -> None:
        """Do nothing: nothing was opened."""


def file_name(kind: str, uid: str) -> str:
    """Name a file in a folder."""
    return f"{kind}-{uid}.{'jsonl' if kind == 'MANIFEST' else 'dcm'}"


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Pacs:
    """A PACS that takes results by C-STORE."""

    name: str
    host: str
    port: int
    ae_title: str
    calling_ae_title: str

    def open(self, letters: Sequence[Letter]) -> "Line":
        """Associate, with one presentation context for each class and syntax. Raises Undelivered."""
        try:
            return Line(self._associate({_context(letter) for letter in letters}))
        except NoAssociation as error:
            raise Undelivered("no association") from error

    def echo(self) -> bool:
        """Tell whether the destination answers a C-ECHO."""
        try:
            association = self._associate({(Verification, ImplicitVRLittleEndian)})
        except NoAssociation:
            return False
        status = association.send_c_echo()
        association.release()
        return bool(getattr(status, "Status", None) == 0x0000)

    def _associate(self, contexts: set[Context]) -> Association:
        titles = (self.ae_title, self.calling_ae_title)
        return associate(contexts, (self.host, self.port), titles, connect_s=CONNECT_S)


@dataclass(frozen=True, slots=True)
class Line:
    """An open association."""

    association: Association

    def deliver(self, letter: Letter) -> str:
        """Send one object by C-STORE. Raises Undelivered."""
        dataset = dcmread(BytesIO(letter.content))
        try:
            answer = self.association.send_c_store(dataset)
        except (RuntimeError, ValueError) as error:  # aborted meanwhile, or the context was not accepted
            raise Undelivered("association lost or class not accepted") from error
        status: int | None = getattr(answer, "Status", None)
        if status is None:
            raise Undelivered("no answer")
        if status != 0x0000 and status not in WARNINGS:
            raise Undelivered(f"0x{status:04X}")
        return f"0x{status:04X}"

    def close(self) -> None:
        """Release the association."""
        if self.association.is_established:
            self.association.release()


@dataclass(frozen=True, slots=True)
class ResearchStore:
    """A repository of de-identified series: a folder, or a folder for the manifests and a PACS for all else."""

    name: str
    folder: Folder
    pacs: Pacs | None = None

    def open(self, letters: Sequence[Letter]) -> "Sorter":
        """Open the folder and, where there are objects for it, the association. Raises Undelivered."""
        objects = [letter for letter in letters if letter.kind != "MANIFEST"]
        folder = self.folder.open(letters)
        return Sorter(folder, self.pacs.open(objects) if self.pacs is not None and objects else folder)


@dataclass(frozen=True, slots=True)
class Sorter:
    """An open line to a repository."""

    manifests: Courier
    objects: Courier

    def deliver(self, letter: Letter) -> str:
        """Send one object where its kind goes. Raises Undelivered."""
        return (self.manifests if letter.kind == "MANIFEST" else self.objects).deliver(letter)

    def close(self) -> None:
        """End both lines."""
        self.manifests.close()
        self.objects.close()


@dataclass(frozen=True, slots=True)
class Postman:
    """Carries what is due to one destination."""

    outbox: Outbox
    files: Spool
    destination: Destination
    metrics: Metrics

    def deliver_next(self) -> bool:
        """Send one bundle; False if nothing was due."""
        items = self.outbox.claim(self.destination.name, BUNDLE)
        if not items:
            return False
        with self.outbox.holding(items):
            self._carry(items)
        return True

    def _carry(self, items: Sequence[Delivery]) -> None:
        bundle: list[tuple[Delivery, Letter]] = []
        for item in items:
            try:
                bundle.append((item, Letter(item.kind, item.sop_instance_uid, self.files.read(item.name))))
            except (FileNotFoundError, WrongKey):
                self._failed(item, "the built object cannot be opened")
        self._send(bundle)

    def _send(self, bundle: Sequence[tuple[Delivery, Letter]]) -> None:
        try:
            courier = self.destination.open([letter for _, letter in bundle])
        except Undelivered as error:
            for item, _ in bundle:
                self._failed(item, str(error))
            return
        stuck: set[str] = set()  # series whose report was not taken: what belongs to it waits with it
        try:
            for item, letter in bundle:
                if item.series_id in stuck:
                    self._failed(item, "waits for its report")
                elif not self._sent(courier, item, letter) and item.kind == "SR":
                    stuck.add(item.series_id)
        finally:
            courier.close()

    def _sent(self, courier: Courier, item: Delivery, letter: Letter) -> bool:
        try:
            answer = courier.deliver(letter)
        except Undelivered as error:
            self._failed(item, str(error))
            return False
        self.outbox.delivered(item, answer)
        self.metrics.deliveries.labels(destination=self.destination.name, result="sent").inc()
        return True

    def _failed(self, item: Delivery, answer: str) -> None:
        state = self.outbox.failed(item, answer)
        self.metrics.deliveries.labels(destination=self.destination.name, result=state).inc()


def _context(letter: Letter) -> Context:
    head: Dataset = dcmread(BytesIO(letter.content), stop_before_pixels=True, specific_tags=["SOPClassUID"])
    return str(head.SOPClassUID), str(head.file_meta.TransferSyntaxUID)
