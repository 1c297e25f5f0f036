"""`scanside check`: can this installation do its work? Each line is one thing that was tried."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

from dicom_scp.identity import KeyProblem
from inference.card import UnfitModel
from service.bootstrap import destinations, lay_foundation, model_card
from service.delivery import Pacs, ResearchStore
from service.ledger import LedgerUnavailable, UnfitSchema
from service.settings import Settings

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
    yield _disk(settings)
    yield Finding("transfer syntaxes", good=True, told="; ".join(_syntaxes()))
    yield _decoders()
    for destination in destinations(settings):
        pacs = destination.pacs if isinstance(destination, ResearchStore) else destination
        if isinstance(pacs, Pacs):
            good = pacs.echo()
            yield Finding(
                f"destination {destination.name}", good, "C-ECHO " + ("answered" if good else "failed")
            )
        else:
            yield Finding(f"destination {destination.name}", good=True, told="a folder")
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
