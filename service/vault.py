"""The vault's keeper: how it stands, keys rotated without downtime, identities let go, looked up, purged."""

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self

from pydicom.charset import python_encoding

from dicom_scp.facts import pseudonym_of
from dicom_scp.identity import KeyFile, KeyProblem, Vault, WrongKey, key_id
from dicom_scp.instance import header_dataset
from dicom_scp.spool import Spool
from service.bootstrap import Foundation, alone
from service.cli.operator import operator_name
from service.ledger.audit import AuditBook
from service.ledger.identities import Found, Identities, Leftovers, SealedValue
from service.operating.audit_views import Entry
from service.reception import header_context, reference_context

AUDIT = "vault-audit.jsonl"  # in the state folder; a line for each lookup and purge, without what was found
_NAME = re.compile(r"[A-Z2-7]{16}|2\.25\.\d{1,39}")
AT_ONCE = 50  # series forgotten in one go
ANSWER = (  # of a lookup, PS3.6
    *(
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "PatientBirthDate",
        "StudyInstanceUID",
        "AccessionNumber",
    ),
    *("SeriesInstanceUID", "StudyDate"),
)
SHOWN = ("PatientName", "PatientID")  # to a person at the console, who compares it with the one on the table


class NoPseudonym(ValueError):
    """A patient is asked for by a pseudonym, all else by a keyed UID; true names go in by --patient-id."""


class KeyHandedIn(KeyProblem):
    """The key comes from outside: lay a new one behind it there, start the parts anew, then rotate again."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation has sealed anew."""

    key: str  # id of the key that seals now
    resealed: Mapping[str, int]  # by kind of value
    unreadable: Mapping[str, int]  # what no key of the ring opens, or what is damaged


@dataclass(frozen=True, slots=True)
class Keeper:
    """Looks after the sealed values of one house, while it runs or not."""

    foundation: Foundation
    identities: Identities

    @classmethod
    def of(cls, foundation: Foundation) -> Self:
        """Take over the vault of a house."""
        return cls(foundation, Identities(foundation.database))

    def status(self) -> dict[str, object]:
        """Say how many values of which kind are sealed with which key, and how much is due to be forgotten."""
        by_kind = {kind: dict(Counter(ids)) for kind, ids in self._key_ids()}
        settings = self.foundation.settings
        return {
            "key_from": "handed in" if settings.key is not None else str(settings.key_path),
            "keys": list(self.foundation.vault.key_ids),
            "sealed": by_kind,
            "identity_days": settings.identity_days,
        }

    def rotate(self) -> Rotation:
        """Seal everything with a new key; parts that run use it from the moment it is in the key file.

        Of two rotations the second one waits. Raises KeyHandedIn.
        """
        with alone(self.foundation.settings.state_dir / "rotation.lock"):
            return self._rotated()

    def _rotated(self) -> Rotation:
        settings, vault = self.foundation.settings, self.foundation.vault
        if settings.key is None:
            in_use = {key for _, ids in self._key_ids() for key in ids if key}
            KeyFile(settings.key_path).add(keep=in_use)
        elif len(vault.key_ids) == 1:
            raise KeyHandedIn(KeyHandedIn.__doc__)
        done: Counter[str] = Counter()
        while True:  # again, for what a part sealed with the old key meanwhile
            resealed, unreadable = self._resealed()
            if not resealed:
                return Rotation(vault.key_ids[-1], dict(done), dict(unreadable))
            done += resealed

    def forget(self, now: float) -> int:
        """Let identities go whose time is over; gives of how many series."""
        before = now - self.foundation.settings.identity_days * 86400
        due = self.identities.due(before, AT_ONCE)
        for series_uid in due:
            self._let_go(self.identities.forget(series_uid, before))
        return len(due)

    def lookup(self, name: str) -> list[dict[str, str]]:
        """Give who stands behind a pseudonym or keyed UID; noted in the audit file before it is told.

        Raises WrongKey and Damaged.
        """
        found = self._named(name)
        self._note("lookup", name, len(found))
        return [self._answer(one) for one in found]

    def whose(self, series_id: str, by: str) -> Mapping[str, str] | None:
        """Give name and ID of the patient of a series; noted in the audit file before it is told.

        ``by`` is who asks. None where the vault has let it go. Raises WrongKey and Damaged.
        """
        value = self.identities.header_of(series_id)
        if value is None:
            return None
        header = header_dataset(self.foundation.vault.open(value.sealed, header_context(value.name)))
        self._note("shown", value.name, 1, by)
        return {keyword: str(header.get(keyword) or "") for keyword in SHOWN}

    def purge(self, name: str) -> int:
        """Let everything go that tells who the series behind a name are of; gives how many series they were."""
        found = self._named(name)
        self._note("purge", name, len(found))
        for one in found:
            self._let_go(self.identities.purge(one.uid))
        return len(found)

    def pseudonym(self, issuer: str, number: str) -> str:
        """Give the pseudonym of a patient by the true id, in the character set in which the ledger knows it."""
        known = list(dict.fromkeys(self._pseudonyms(issuer, number)))
        return next((name for name in known if self.identities.find(name)), known[0])

    def _pseudonyms(self, issuer: str, number: str) -> Iterator[str]:
        """Give the pseudonyms that the door may have made: it reads bytes, whatever their character set."""
        for encoding in ("utf-8", *python_encoding.values()):
            with suppress(UnicodeEncodeError):
                of_bytes = (text.encode(encoding).decode("latin-1") for text in (issuer, number))
                yield pseudonym_of(self.foundation.keyring, *of_bytes)

    def waiting(self, name: str) -> int:
        """Count the series behind a name of which something still waits to be scored or delivered."""
        return sum(not one.delivered for one in self._named(name))

    def _answer(self, found: Found) -> dict[str, str]:
        answer = {"series": found.uid, "study": found.study_uid, "patient": found.patient}
        if found.header is not None:
            header = header_dataset(self.foundation.vault.open(found.header, header_context(found.uid)))
            answer |= {keyword: str(header.get(keyword, "")) for keyword in ANSWER}
        return answer

    def _let_go(self, left: Leftovers) -> None:
        for name in left.images:
            self.foundation.spool.delete(name)
        for name in left.results:
            self.foundation.outbox.delete(name)

    def _key_ids(self) -> Iterator[tuple[str, list[str]]]:
        yield "headers", [key_id(value.sealed) or "" for value in self.identities.headers()]
        yield "references", [key_id(value.sealed) or "" for value in self.identities.references()]
        for kind, spool in self._files():
            yield kind, [found for name in spool.names() if (found := _key_of(spool, name))]

    def _files(self) -> Iterable[tuple[str, Spool]]:
        return (("images", self.foundation.spool), ("results", self.foundation.outbox))

    def _resealed(self) -> tuple[Counter[str], Counter[str]]:
        """Seal anew whatever the newest key has not sealed; gives how much that was, and how much does not open."""
        done: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for kind, reseal in self._older():
            try:
                done[kind] += reseal()
            except WrongKey:
                failed[kind] += 1
        return +done, failed

    def _older(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        """Give every sealed value by its kind, with what seals it anew if it has to be."""
        identities, vault = self.identities, self.foundation.vault
        for value in identities.headers():
            yield "headers", partial(_reseal, vault, value, header_context, identities.header_resealed)
        for value in identities.references():
            yield (
                "references",
                partial(_reseal, vault, value, reference_context, identities.reference_resealed),
            )
        for kind, spool in self._files():
            for name in spool.names():
                yield kind, partial(spool.reseal, name)

    def _named(self, name: str) -> list[Found]:
        if not _NAME.fullmatch(name):
            raise NoPseudonym(NoPseudonym.__doc__)
        return self.identities.find(name)

    def _note(self, what: str, name: str, found: int, by: str = "") -> None:
        """Add a durable line to the audit file: who asked for what, never the answer."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"at": at, "user": by or operator_name(), "what": what, "name": name, "series": found}
        _append(self.foundation.settings.state_dir / AUDIT, json.dumps(line))
        entry = Entry(f"identity: {what}", str(line["user"]), name, detail={"series": found})
        AuditBook(self.foundation.database).noted(entry)


def _reseal(
    vault: Vault, value: SealedValue, context: Callable[[str], str], put: Callable[[SealedValue, bytes], None]
) -> bool:
    sealed = vault.resealed(value.sealed, context(value.name))
    if sealed is None:
        return False
    put(value, sealed)
    return True


def _key_of(spool: Spool, name: str) -> str:
    try:
        return spool.key_id(name) or ""
    except FileNotFoundError:  # it has just left
        return ""


def _append(path: Path, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
