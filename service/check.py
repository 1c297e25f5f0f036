"""`scanside check`: can this installation do its work? Each line is one thing that was tried."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

from dicom_scp.identity import KeyProblem
from inference.card import UnfitModel
from service.bootstrap import certificates, destination_of, gate_of, lay_foundation, model_card, roster
from service.ledger import DeliveryState, Desk, LedgerUnavailable, UnfitSchema
from service.settings import Settings
from service.tls import BadCertificate, expiry

PACKAGES = ("service", "dicom_scp", "inference", "models")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    name: str
    good: bool
    told: str


def check(settings: Settings, *, as_json: bool) -> int:
    """Try everything, print it, and give 0 if all is good."""
    findings = list(_findings(settings))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"{'ok' if finding.good else 'FAILS':<6} {finding.name:<24} {finding.told}")
    return 0 if all(finding.good for finding in findings) else 1


def _findings(settings: Settings) -> Iterator[Finding]:
    yield _packages()
    yield _tried("model", lambda: _model(settings))
    yield _tried("state folder", lambda: _foundation(settings))
    yield _tried("console", lambda: _console(settings))
    yield _disk(settings)
    yield Finding("transfer syntaxes", good=True, told="; ".join(_syntaxes()))
    yield _decoders()
    yield from _destinations(settings)
    yield from map(_certificate, certificates(settings))
    for concern in settings.concerns():
        yield Finding("settings", good=True, told=concern)


def _tried(name: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(name, good=True, told=attempt())
    except (UnfitModel, KeyProblem, UnfitSchema, LedgerUnavailable, OSError) as error:
        return Finding(name, good=False, told=str(error) or type(error).__name__)


def _packages() -> Finding:
    owners = packages_distributions()
    shared = [
        name for name in PACKAGES if set(owners.get(name, [])) - {"scanside"}
    ]  # an editable install has no entry
    told = f"not one owner: {', '.join(shared)}" if shared else "each name has one owner"
    return Finding("package names", not shared, told)


def _model(settings: Settings) -> str:
    from inference.eye import Eye  # noqa: PLC0415 - brings ONNX Runtime

    card = model_card(settings)
    eye = Eye(card, provider=settings.provider, threads=settings.threads)
    eye.warm()
    return f"{card.name} {card.version}, sha256 {card.sha256[:12]}, on {eye.provider}"


def _foundation(settings: Settings) -> str:
    foundation = lay_foundation(settings)
    engine = foundation.database.engine.dialect.name
    foundation.database.close()
    return f"{settings.state_dir}, key and {engine} database fit"


def _destinations(settings: Settings) -> Iterator[Finding]:
    """Ask the destinations in force, and tell what waits for a person, or for one that is not there any more."""
    try:
        foundation = lay_foundation(settings)
    except (KeyProblem, UnfitSchema, LedgerUnavailable, OSError):
        return  # told above
    settings = roster(foundation)()
    for entry in settings.destination:
        good, told = destination_of(entry, settings).tried()
        yield Finding(f"destination {entry.name}", good, told)
    desk = Desk(foundation.database)
    for name, count in desk.strays(settings.destination_names).items():
        told = (
            f"{count} deliveries wait for {name!r}, which the settings do not name: scanside deliveries move"
        )
        yield Finding("deliveries", good=False, told=told)
    for (name, state), count in sorted(desk.outstanding().items()):
        if state in {DeliveryState.HELD, DeliveryState.DEAD}:
            yield Finding(
                "deliveries", good=True, told=f"{count} to {name!r} are {state}: a person has to look"
            )
    foundation.database.close()


def _certificate(path: Path) -> Finding:
    try:
        days = (expiry(path) - time.time()) / 86400
    except BadCertificate as error:
        return Finding("certificate", good=False, told=str(error))
    return Finding("certificate", days > 0, f"{path} ends in {days:.0f} days")


def _console(settings: Settings) -> str:
    """Say who may use the console."""
    foundation = lay_foundation(settings)
    try:
        gate = gate_of(foundation)
        if gate.open_to_all():
            return "open for reading to everybody on this machine: no user is made yet (scanside user add)"
        return f"{len(gate.users.all())} users may sign in"
    finally:
        foundation.database.close()


def _disk(settings: Settings) -> Finding:
    folder = settings.state_dir if settings.state_dir.exists() else Path("/")
    free_mb = shutil.disk_usage(folder).free // 2**20
    return Finding("disk", free_mb > settings.min_free_mb, f"{free_mb} MB free")


def _decoders() -> Finding:
    from inference.decoder import Decoder  # noqa: PLC0415
    from inference.decoder_samples import undecoded  # noqa: PLC0415

    failing = undecoded(Decoder())
    told = (
        f"cannot decode {', '.join(failing)}"
        if failing
        else "a frame of each kind of compression was decoded"
    )
    return Finding("decoders", not failing, told)


def _syntaxes() -> list[str]:
    from pydicom.uid import UID  # noqa: PLC0415

    from dicom_scp.transfer_syntaxes import TRANSFER_SYNTAXES  # noqa: PLC0415

    return [UID(syntax).name for syntax in TRANSFER_SYNTAXES]
