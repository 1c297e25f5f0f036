"""The only place that builds things: settings in, working parts out."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from dicom_scp.commitment_report import TakeReport, nobody_asked
from dicom_scp.deidentify import Deidentifier
from dicom_scp.identity import KeyFile, KeyRing, Vault, WrongKey, key_id
from dicom_scp.profile import EXPORT, LIVE, Profile
from dicom_scp.spool import Spool
from inference.card import Card, load_card, released
from service.access import Gate, Limits, NoUser
from service.access.audit import HeadFile
from service.closing import Patience
from service.delivery import (
    Credentials,
    Destination,
    Folder,
    Pacs,
    ResearchStore,
    ShelfSpace,
    StowServer,
)
from service.ledger import Commitments, Control, Database, Identities, NodeBook, Upkeep, prepare
from service.ledger.audit import AuditBook
from service.ledger.deid import DeidTally
from service.metrics import Metrics
from service.operating.acceptance import Accepted
from service.operating.audit_log import AuditLog
from service.operating.deid_log import DeidLog, Tell
from service.operating.nodes import Roster
from service.reception import ScannerBook
from service.review.second_look import Sampling
from service.rules import Thresholds
from service.settings import Settings
from service.settings_tables import Destination as DestinationEntry
from service.settings_tables import (
    DicomDestination,
    DoorTls,
    FolderDestination,
    ResearchDestination,
    ShelfDestination,
    StowDestination,
    Tls,
)
from service.tls import TlsFiles, earliest_expiry

AUDIT_HEAD = "audit-head"  # in the state folder: the last row of the audit log
RECHECK_AFTER_S = 3600.0  # study and patient may have been corrected at the destination meanwhile


@dataclass(frozen=True, slots=True)
class Foundation:
    """What every part of one house shares: state folder, key, database."""

    settings: Settings
    keyring: KeyRing
    vault: Vault
    database: Database
    upkeep: Upkeep
    installation_id: str
    spool: Spool
    outbox: Spool


def lay_foundation(settings: Settings) -> Foundation:
    """Open the state folder, or set up an empty one.

    Raises KeyProblem where the key is missing or wrong beside a filled vault, UnfitSchema, LedgerUnavailable.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone(settings.state_dir / "lock"):
        database = Database(settings.database)
        prepare(database)
        upkeep = Upkeep(database)
        installation = upkeep.installation()
        keyring = _keyring(settings, create=installation is None)
        vault = Vault(keyring) if settings.key else Vault(keyring, KeyFile(settings.key_path).renewed)
        installation = installation or upkeep.install(vault.fingerprint)
        if installation.key_fingerprint != vault.fingerprint:
            raise WrongKey(WrongKey.__doc__)
        database.sign_audit(keyring.derive("audit"), HeadFile(settings.state_dir / AUDIT_HEAD))
        newest = Identities(database).newest_head()
        if newest is not None and key_id(newest) not in vault.key_ids:  # a ring without its last key
            raise WrongKey(WrongKey.__doc__)
        return Foundation(
            settings=settings,
            keyring=keyring,
            vault=vault,
            database=database,
            upkeep=upkeep,
            installation_id=installation.id,
            spool=Spool(settings.spool_dir, vault),
            outbox=Spool(settings.state_dir / "outbox", vault),
        )


@contextmanager
def alone(path: Path) -> Generator[None]:
    """Wait until no other process is in such a block of the same path."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _keyring(settings: Settings, *, create: bool) -> KeyRing:
    if settings.key is not None:
        return KeyRing.from_text(settings.key.get_secret_value())
    return KeyRing.from_file(settings.key_path, create=create)


def deidentifier(foundation: Foundation, tell: Tell = lambda _profile, _acted: None) -> Deidentifier:
    """Give what takes the identity off at the door; `tell` is told what was done to which attributes."""
    known = profiles(foundation.settings)
    return Deidentifier(
        foundation.keyring,
        profile=known[LIVE.name],
        profiles={
            title: known[entry.name] for entry in foundation.settings.profile for title in entry.ae_titles
        },
        enabled=foundation.settings.deidentify,
        max_bytes=foundation.settings.max_instance_mb * 2**20,
        tell=tell,
    )


def profiles(settings: Settings) -> dict[str, Profile]:
    """Give the de-identification profiles by name: ours, and those that the settings add or put in their place."""
    return {profile.name: profile for profile in (LIVE, EXPORT)} | {
        entry.name: Profile.of(entry.name, entry.options) for entry in settings.profile
    }


def scanner_book(foundation: Foundation, settings: Settings) -> ScannerBook:
    """Give the site's names of scanners; a serial number is known by its pseudonym only."""
    entries = settings.scanner
    return ScannerBook(
        by_ae_title={entry.ae_title: entry.name for entry in entries if entry.ae_title},
        by_device={
            foundation.keyring.pseudonym("device", entry.serial): entry.name
            for entry in entries
            if entry.serial
        },
    )


def gate_of(foundation: Foundation) -> Gate:
    """Give what knows who may use the console and the API. Raises NoUser."""
    settings = foundation.settings
    gate = Gate.of(
        foundation.database,
        partial(foundation.keyring.pseudonym, "sign-in"),
        Limits(
            idle_s=settings.session_idle_minutes * 60,
            session_s=settings.session_hours * 3600,
            board_s=settings.board_days * 86400,
        ),
        open_when_empty=not settings.exposed,
    )
    if settings.exposed and not gate.accounts.any():
        raise NoUser(NoUser.__doc__)
    return gate


def audit_log(foundation: Foundation) -> AuditLog:
    """Give what people did, and what checks that nothing of it was changed."""
    head = HeadFile(foundation.settings.state_dir / AUDIT_HEAD)
    return AuditLog(AuditBook(foundation.database), head.read)


def deid_log(foundation: Foundation) -> DeidLog:
    """Give the profiles in force and what was done by them."""
    entries = foundation.settings.profile
    titles = {entry.name: tuple(entry.ae_titles) for entry in entries}
    return DeidLog(DeidTally(foundation.database), profiles(foundation.settings), titles)


def model_card(settings: Settings) -> Card:
    """Read and check the model that the settings name. Raises UnfitModel."""
    named = Path(settings.model).expanduser()
    return load_card(named if settings.model and named.is_dir() else released(settings.model or None))


def patience(settings: Settings) -> Patience:
    """Give how long to wait for a series' next instance."""
    return Patience(
        quiet_s=settings.quiet_s,
        floor_s=settings.quiet_floor_s,
        cap_s=settings.cap_s,
        timed_cap_s=settings.timed_cap_s,
    )


def thresholds(settings: Settings) -> Thresholds:
    """Give where the verdicts part."""
    rules = settings.rules
    return Thresholds(
        usable_index=rules.usable_index,
        repeat_index=rules.repeat_index,
        repeat_suitability=rules.repeat_suitability,
    )


def sampling(settings: Settings) -> Sampling:
    """Give what people look at again beside what the model is not sure of."""
    entry = settings.review
    return Sampling(usable=entry.usable, alerts=entry.alerts, second=entry.second, blind=entry.blind)


def accepted(settings: Settings, card: Card) -> Accepted:
    """Give what verdicts are made by: what a site in shadow mode accepts when it goes live."""
    return Accepted.of(thresholds(settings), card.sha256)


def roster(foundation: Foundation, digest: str | None = None) -> Roster:
    """Give what tells the settings in force; `digest` of what an acceptance has to be of."""
    database = foundation.database
    return Roster(foundation.settings, NodeBook(database), Control(database), digest)


def destination_of(
    entry: DestinationEntry, settings: Settings, take_report: TakeReport = nobody_asked
) -> Destination:
    """Give a destination; `take_report` takes what it says at once of the objects that it was asked to keep."""
    if isinstance(entry, FolderDestination):
        return Folder(name=entry.name, path=entry.folder)
    if isinstance(entry, ShelfDestination):
        return ShelfSpace(entry.name)
    if isinstance(entry, StowDestination):
        return StowServer(
            name=entry.name,
            url=entry.url.rstrip("/"),
            credentials=Credentials(entry.token_file, entry.user or "", entry.password_file),
            tls=_tls_files(entry.tls),
            timeout_s=entry.timeout_s,
            doubts_after_s=RECHECK_AFTER_S if entry.recheck else None,
        )
    calling = entry.calling_ae_title or settings.ae_title
    if isinstance(entry, ResearchDestination):
        pacs = None
        if entry.host is not None and entry.ae_title is not None:
            pacs = Pacs(entry.name, entry.host, entry.port, entry.ae_title, calling)
        return ResearchStore(entry.name, Folder(entry.name, entry.folder, timeless=True), pacs)
    return Pacs(
        entry.name,
        entry.host,
        entry.port,
        entry.ae_title,
        calling,
        tls=None if entry.tls is None else _tls_files(entry.tls),
        doubts_after_s=RECHECK_AFTER_S if entry.recheck else None,
        commits=entry.commitment,
        take_report=take_report,
    )


def commitments(foundation: Foundation) -> TakeReport:
    """Give what notes the reports of storage commitment."""
    ledger = Commitments(foundation.database)
    return lambda report: ledger.reported(report.transaction_uid, report.kept, report.failed)


def _tls_files(entry: Tls) -> TlsFiles:
    return TlsFiles(entry.ca, entry.certificate, entry.private_key, check_name=entry.check_name)


def door_tls(entry: DoorTls) -> TlsFiles:
    """Give the files of the door's own TLS port."""
    return TlsFiles(entry.ca, entry.certificate, entry.private_key)


def note_expiry(settings: Settings, metrics: Metrics) -> None:
    """Set the gauge of when the first certificate of our own ends; 0 where one cannot be read."""
    ends = earliest_expiry(certificates(settings))
    if ends is not None:
        metrics.certificate_expiry.set(ends)


def certificates(settings: Settings) -> list[Path]:
    """Give the certificates of this installation's own."""
    callers = (DicomDestination, StowDestination)
    tables = [settings.tls, *(entry.tls for entry in settings.destination if isinstance(entry, callers))]
    tables += settings.tls_profile
    found = [table.certificate for table in tables if table is not None]
    webs = (settings.http_certificate, settings.dicomweb.certificate)
    return [path for path in (*found, *webs) if path is not None]


def metrics_of(settings: Settings) -> Metrics:
    """Make the metrics of a process, labelled with the site's names."""
    return Metrics.build(
        version=version("scanside"),
        scanners=[entry.name for entry in settings.scanner],
        destinations=settings.destination_names,
        channels=sorted({*settings.destination_names, *(entry.name for entry in settings.alert)}),
    )
