"""The only place that builds things: settings in, working parts out."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from dicom_scp.deidentify import Deidentifier
from dicom_scp.identity import KeyFile, KeyRing, Vault, WrongKey, key_id
from dicom_scp.profile import EXPORT, LIVE, Profile
from dicom_scp.spool import Spool
from inference.card import Card, load_card, released
from service.closing import Patience
from service.delivery import Destination, Folder, Pacs, ResearchStore
from service.ledger import Database, Identities, Upkeep, prepare
from service.metrics import Metrics
from service.reception import ScannerBook
from service.rules import Thresholds
from service.settings import Settings
from service.settings_tables import Destination as DestinationEntry
from service.settings_tables import FolderDestination, ResearchDestination


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


def deidentifier(foundation: Foundation) -> Deidentifier:
    """Give what takes the identity off at the door."""
    known = profiles(foundation.settings)
    return Deidentifier(
        foundation.keyring,
        profile=known[LIVE.name],
        profiles={
            title: known[entry.name] for entry in foundation.settings.profile for title in entry.ae_titles
        },
        enabled=foundation.settings.deidentify,
        max_bytes=foundation.settings.max_instance_mb * 2**20,
    )


def profiles(settings: Settings) -> dict[str, Profile]:
    """Give the de-identification profiles by name: ours, and those that the settings add or put in their place."""
    return {profile.name: profile for profile in (LIVE, EXPORT)} | {
        entry.name: Profile.of(entry.name, entry.options) for entry in settings.profile
    }


def scanner_book(foundation: Foundation) -> ScannerBook:
    """Give the site's names of scanners; a serial number is known by its pseudonym only."""
    entries = foundation.settings.scanner
    return ScannerBook(
        by_ae_title={entry.ae_title: entry.name for entry in entries if entry.ae_title},
        by_device={
            foundation.keyring.pseudonym("device", entry.serial): entry.name
            for entry in entries
            if entry.serial
        },
    )


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


def destinations(settings: Settings) -> list[Destination]:
    """Give the destinations that the settings name; none in shadow mode."""
    if settings.mode == "shadow":
        return []
    return [_destination(entry, settings) for entry in settings.destination]


def _destination(entry: DestinationEntry, settings: Settings) -> Destination:
    if isinstance(entry, FolderDestination):
        return Folder(name=entry.name, path=entry.folder)
    pacs = None
    if entry.host is not None and entry.ae_title is not None:
        calling = entry.calling_ae_title or settings.ae_title
        pacs = Pacs(entry.name, entry.host, entry.port, entry.ae_title, calling)
    if isinstance(entry, ResearchDestination):
        return ResearchStore(entry.name, Folder(entry.name, entry.folder, timeless=True), pacs)
    assert pacs is not None
    return pacs


def metrics_of(settings: Settings) -> Metrics:
    """Make the metrics of a process, labelled with the site's names."""
    return Metrics.build(
        version=version("scanside"),
        scanners=[entry.name for entry in settings.scanner],
        destinations=[entry.name for entry in settings.destination],
    )
