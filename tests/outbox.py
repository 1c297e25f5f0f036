"""A house of which only the outbox is furnished: results that wait, and the postman that carries them."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmwrite
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from sqlalchemy import insert, select

from dicom_scp.commitment_report import CommitmentReport
from dicom_scp.identity import KeyRing, Vault
from dicom_scp.spool import Spool
from service.delivery import Destination, Postman
from service.ledger import Commitments, Database, Outbox, Worker, prepare
from service.ledger.tables import outbox, scanner, series, vault
from service.metrics import Metrics
from service.reception import header_context
from tests.series import Patient, mr_series

HOUR_S = 3600.0
STUDY = "1.2.826.0.1.3680043.10.1538.4711"  # whoever it is of


@dataclass(slots=True)
class Clock:
    """The time of day, moved by hand on top of the real one."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass(slots=True)
class OutboxHouse:
    """A ledger, a spool of built results, and a clock."""

    database: Database
    files: Spool
    clock: Clock = field(default_factory=Clock)
    give_up_s: float = 72 * HOUR_S

    vault: Vault | None = None  # where one is given, headers of the series lie in it

    @staticmethod
    def spool(folder: Path) -> Spool:
        """Give a place for built results, under a key of its own."""
        return Spool(folder / "outbox", Vault(KeyRing(bytes(range(32)))))

    @classmethod
    def at(cls, folder: Path) -> "OutboxHouse":
        """Furnish a folder."""
        database = Database(f"sqlite:///{folder / 'ledger.sqlite'}")
        prepare(database)
        return cls(database, cls.spool(folder))

    @classmethod
    def installed(cls, state_dir: Path) -> "OutboxHouse":
        """Furnish a state folder that Scanside itself has set up."""
        sealed = Vault(KeyRing.from_file(state_dir / "key", create=False))
        database = Database(f"sqlite:///{state_dir / 'scanside.sqlite'}")
        return cls(database, Spool(state_dir / "outbox", sealed), vault=sealed)

    def post(
        self,
        *,
        to: str = "pacs",
        key: str = "a",
        kinds: tuple[str, ...] = ("SR", "SEG"),
        generation: int = 1,
        patient: Patient | None = None,
        age_s: float = 0.0,
    ) -> list[Dataset]:
        """Post results of a generation of a series; gives the objects, the report first."""
        made = mr_series(slices=len(kinds), rows=16, columns=16, patient=patient, key=f"{key}-{generation}")
        for one in made:
            one.StudyInstanceUID = STUDY
        self.post_built(to, key, list(zip(kinds, made, strict=True)), generation=generation, age_s=age_s)
        return made

    def post_built(
        self,
        to: str,
        key: str,
        objects: Sequence[tuple[str, Dataset]],
        *,
        generation: int = 1,
        age_s: float = 0.0,
    ) -> None:
        """Post objects of a generation of a series, each with its kind."""
        at, series_id = self.clock() - age_s, f"{key}-{generation}"
        with self.database.write() as connection:
            known = connection.scalar(select(scanner.c.id).where(scanner.c.key == "mr"))
            number = known or connection.scalar(
                insert(scanner).values(key="mr", name="mr").returning(scanner.c.id)
            )
            if connection.scalar(select(series.c.id).where(series.c.id == series_id)) is None:
                connection.execute(insert(series), _series(series_id, key, generation, number, at))
                if self.vault is not None:
                    sealed = self.vault.seal(_header(objects[0][1]), header_context(key))
                    connection.execute(insert(vault), {"uid": key, "sealed": sealed, "created_at": at})
            for rank, (kind, one) in enumerate(objects):
                content = encoded(one)
                name = self.files.write(content, hashlib.sha256(content).hexdigest())
                row = {"series_id": series_id, "destination": to, "kind": kind, "rank": rank, "name": name}
                row |= {"sop_instance_uid": str(one.SOPInstanceUID), "state": "waiting"}
                connection.execute(insert(outbox), row | {"created_at": at, "next_at": at})

    def postman(self, destination: Destination) -> Postman:
        """Employ a postman for a destination."""
        worker = Worker(self.database, "worker", clock=self.clock)
        box = Outbox(worker, give_up_s=self.give_up_s, chance=lambda: 0.5)
        metrics = Metrics.build(version="0", destinations=[destination.name])
        postman = Postman(box, self.files, destination, metrics, clock=self.clock)
        postman.pause.clock = self.clock
        return postman

    def take_report(self, report: CommitmentReport) -> bool:
        """Note what an archive says that it keeps."""
        ledger = Commitments(self.database, self.clock)
        return ledger.reported(report.transaction_uid, report.kept, report.failed)

    def rows(self, key: str | None = None) -> list[Any]:
        """Give the rows of the outbox in the order of posting, of one series or of all."""
        query = select(outbox).order_by(outbox.c.id)
        if key is not None:
            query = query.where(outbox.c.series_id.startswith(f"{key}-"))
        with self.database.read() as connection:
            return list(connection.execute(query).all())

    def states(self, key: str | None = None) -> list[str]:
        """Give the states of the rows in the order of posting."""
        return [row.state for row in self.rows(key)]

    def answers(self) -> list[str]:
        """Give what destinations said last, in the order of posting."""
        return [row.answer for row in self.rows()]

    def series_states(self) -> dict[str, str]:
        """Give the states of the generations."""
        with self.database.read() as connection:
            return {row.id: row.state for row in connection.execute(select(series))}


def encoded(dataset: Dataset) -> bytes:
    """Encode an object as a file."""
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _header(dataset: Dataset) -> bytes:
    """Encode who an object is of, as the vault keeps it."""
    head = dataset[:0x00300000]  # patient and study
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    write_dataset(buffer, head)
    return str(dataset.file_meta.TransferSyntaxUID).encode() + b"\n" + buffer.getvalue()


def _series(series_id: str, key: str, generation: int, number: object, at: float) -> dict[str, object]:
    row: dict[str, object] = {"id": series_id, "uid": key, "generation": generation, "scanner_id": number}
    row |= {"study_uid": "2.25.9", "patient": "PSEUDONYM", "bearer": "PSEUDONYM", "protocol_key": ""}
    row |= {"facts": {}, "counts": {}, "ends": {}, "outlived": {}, "state": "reported", "received": 1}
    return row | {"opened_at": at, "last_instance_at": at}
