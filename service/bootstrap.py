"""The only place that builds things: settings in, working parts out."""

import fcntl
import hashlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

from pydicom import dcmread

from dicom_scp.deidentify import Deidentifier
from dicom_scp.identity import KeyProblem, KeyRing, MissingKey, Vault, WrongKey
from dicom_scp.spool import Spool
from inference.card import Card, load_card, released
from inference.image import Slice, UnreadableImage
from service.closing import Patience
from service.delivery import Destination, Folder, Pacs
from service.ledger import Database, Upkeep, prepare
from service.ledger_views import SliceSource
from service.reception import ScannerBook
from service.report.result import Product
from service.report.uids import derive
from service.reporting import Subscription
from service.rules import Thresholds
from service.settings import DicomDestination, Settings
from service.web.house import Picture, PictureGone


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
    with _alone(settings.state_dir / "lock"):
        database = Database(settings.database)
        prepare(database)
        upkeep = Upkeep(database)
        installation = upkeep.installation()
        keyring = _keyring(settings, create=installation is None)
        vault = Vault(keyring)
        installation = installation or upkeep.install(vault.fingerprint)
        if installation.key_fingerprint != vault.fingerprint:
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
def _alone(path: Path) -> Generator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _keyring(settings: Settings, *, create: bool) -> KeyRing:
    if settings.key is not None:
        return KeyRing.from_text(settings.key.get_secret_value())
    return KeyRing.from_file(settings.key_path, create=create)


def deidentifier(foundation: Foundation) -> Deidentifier:
    """Give what takes the identity off at the door."""
    return Deidentifier(foundation.keyring, enabled=foundation.settings.deidentify)


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
    return Patience(quiet_s=settings.quiet_s, cap_s=settings.cap_s)


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
    return [
        Pacs(
            name=entry.name,
            host=entry.host,
            port=entry.port,
            ae_title=entry.ae_title,
            calling_ae_title=entry.calling_ae_title or settings.ae_title,
        )
        if isinstance(entry, DicomDestination)
        else Folder(name=entry.name, path=entry.folder)
        for entry in settings.destination
    ]


def subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """Give what each destination wants; nothing is built in shadow mode."""
    if settings.mode == "shadow":
        return ()
    return tuple(
        Subscription(entry.name, frozenset(entry.results), problems_only=entry.send == "problems")
        for entry in settings.destination
    )


def product(foundation: Foundation, card: Card) -> Product:
    """Give who scores: this installation, the model, and the settings that change a result."""
    deciding = {"thresholds": asdict(thresholds(foundation.settings)), "model": card.sha256}
    return Product(
        version=version("scanside"),
        installation_uid=derive("installation", foundation.installation_id),
        model_name=card.name,
        model_version=card.version,
        model_sha256=card.sha256,
        config_digest=hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest(),
    )


@dataclass(frozen=True, slots=True)
class Pictures:
    """Opens the pixels of a slice for the console."""

    spool: Spool

    def __call__(self, source: SliceSource) -> Picture:
        """Give the picture. Raises PictureGone."""
        try:
            content = self.spool.read(source.spool_name)
            seen = Slice.from_dataset(dcmread(BytesIO(content)), source.frame)
        except (FileNotFoundError, WrongKey, UnreadableImage) as error:
            raise PictureGone(PictureGone.__doc__) from error
        return Picture(seen.pixels, seen.spacing)


__all__ = [
    "Foundation",
    "KeyProblem",
    "MissingKey",
    "Pictures",
    "deidentifier",
    "destinations",
    "lay_foundation",
    "model_card",
    "patience",
    "product",
    "scanner_book",
    "subscriptions",
    "thresholds",
]
