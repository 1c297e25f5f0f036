"""The short commands: score, send, deid, vault, disputes."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dicom_scp.cleaning import Done
from dicom_scp.deidentify import Deidentifier, deidentify_file
from dicom_scp.errors import Refused
from dicom_scp.identity import KeyRing
from dicom_scp.libraries import quiet_libraries
from dicom_scp.profile import LIVE, describe
from inference.burned_in import TextDetector
from inference.eye import Eye
from service.bootstrap import lay_foundation, model_card, profiles, thresholds
from service.cli.files import files_in
from service.cli.operator import operator_name
from service.ledger import Disputes, Exams, NoDispute
from service.ledger.disputes import Keep
from service.score_files import FileScorer
from service.scu import NoAssociation, Sent
from service.scu import send as send_files
from service.settings import Settings
from service.vault import Keeper, NoPseudonym

WIDEST = 56  # characters of a description in a table
EXPLANATIONS = Path("explanations")


def score(
    paths: Sequence[Path], settings: Settings, *, as_json: bool, masks: Path | None, explain: bool = False
) -> int:
    """Score files and folders; the key lives as long as the command.

    Explanations lie beside the masks, or where these are not asked for in a folder of their own.
    """
    quiet_libraries()
    eye = Eye(model_card(settings), provider=settings.provider, threads=settings.threads)
    eye.warm()
    scorer = FileScorer(
        eye=eye,
        detector=TextDetector(),
        deidentifier=Deidentifier(KeyRing.ephemeral(), enabled=settings.deidentify),
        thresholds=thresholds(settings),
        volumes=settings.volumes,
        masks=masks,
        explain=(masks or EXPLANATIONS) if explain else None,
        note=lambda text: print(f"scanside: {text}", file=sys.stderr),
        progress=_progress if sys.stderr.isatty() else lambda _done, _all: None,
    )
    if not as_json:
        print(f"{'verdict':<11}{'index':>6}  {'slices':>6}  {'series':<34}findings")
    missing = [path for path in paths if not path.exists()]
    for path in missing:
        print(f"scanside: {path}: no such file or folder", file=sys.stderr)
    scored = 0
    for result in scorer.score([path for path in paths if path not in missing]):
        lines = [json.dumps(result)] if as_json else [_row(result), *(_reasons(result) if explain else ())]
        print("\n".join(lines), flush=True)
        scored += 1
    if not scored:
        print("scanside: no MR series found", file=sys.stderr)
    return 1 if missing or not scored else 0


def _progress(done: int, of: int) -> None:
    filled = 30 * done // max(of, 1)
    print(
        f"\r[{'#' * filled}{'.' * (30 - filled)}] {done}/{of}",
        end="\n" if done == of else "",
        file=sys.stderr,
    )


def _row(result: dict[str, object]) -> str:
    index = result["index"]
    artifacts = result["artifacts"]
    assert isinstance(artifacts, list)
    found = ", ".join(f"{one['name']} {one['probability']:.2f}" for one in artifacts if one["slices"])
    shown = f"{index:.1f}" if isinstance(index, float) else "-"
    text = str(result["modality_text"])[:WIDEST]
    told = found if result["scored"] else result["reason"]
    return f"{result['verdict']:<11}{shown:>6}  {result['n_slices']:>6}  {text:<{WIDEST + 2}}{told}"


def _reasons(result: Mapping[str, Any]) -> Iterator[str]:
    """Say what speaks for and against each finding, and where the pictures lie."""
    for found in result["artifacts"]:
        for said in found["evidence"] if found["present"] else ():
            value = said["reason"] or f"{said['value']:.4g}, clean {said['low']:.4g} to {said['high']:.4g}"
            yield f"  {found['name']}: {said['metric']} {said['says']} ({value})"
    for fact in result["geometry"]:
        if fact["present"]:
            yield f"  {fact['check']}: {fact['detail']}"
    for shown in result["explanations"]:
        yield (
            f"  image {shown['instance_number']} frame {shown['frame']}: {shown['picture']} "
            f"({shown['runs']} runs, {shown['cpu_seconds']:.1f} s of processor time)"
        )


def send(paths: Sequence[Path], to: str, settings: Settings, *, called: str, pace: float | None) -> int:
    """Send files by C-STORE and say what became of them."""
    host, _, port = to.rpartition(":")
    if not host or not port.isdecimal():
        print("scanside: --to needs HOST:PORT", file=sys.stderr)
        return 2

    def told(sent: Sent) -> None:
        if not sent.stored:
            answer = sent.reason if sent.status is None else f"0x{sent.status:04X}"
            print(f"scanside: {sent.path}: {answer}", file=sys.stderr)

    try:
        sent = send_files(
            paths, host, int(port), called=called, calling=settings.ae_title, pace=pace or 0.0, on_sent=told
        )
    except NoAssociation as error:
        print(f"scanside: {to}: {error}", file=sys.stderr)
        return 1
    stored = sum(one.stored for one in sent)
    print(f"{stored} of {len(sent)} stored")
    return 0 if stored == len(sent) else 1


def describe_profiles(settings: Settings, name: str | None) -> int:
    """Print what becomes of each attribute, in one profile or in all."""
    known = profiles(settings)
    if name is not None and name not in known:
        return _no_profile(name, known)
    print(describe(list(known.values()) if name is None else [known[name]]))
    return 0


def _no_profile(name: str, known: Iterable[str]) -> int:
    print(f"scanside: no profile {name!r}: there are {', '.join(known)}", file=sys.stderr)
    return 2


def deid(paths: Sequence[Path], out: Path, settings: Settings, *, profile: str | None, source: str) -> int:
    """De-identify files as the listener does, with a report of what was done to each attribute.

    The site's key is used where there is one, so that names agree with the service's; else one that nobody
    can have again. The profile is the named one, or that of the source with this calling AE title.
    """
    known = profiles(settings)
    if profile is not None and profile not in known:
        return _no_profile(profile, known)
    by_source = (entry.name for entry in settings.profile if source in entry.ae_titles)
    chosen = known[profile or next(by_source, LIVE.name)]
    quiet_libraries()
    deidentifier = Deidentifier(_site_key(settings), profile=chosen, enabled=settings.deidentify)
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path in files_in(paths):
        trail: list[Done] = []
        try:
            instance = deidentify_file(path, deidentifier, trail)
        except (Refused, OSError) as error:
            reason = str(error) if isinstance(error, Refused) else type(error).__name__
            print(json.dumps({"source": str(path), "refused": reason}))
            failed += 1
            continue
        target = out / f"{instance.sop_instance_uid}.dcm"
        target.write_bytes(instance.content)
        done = [asdict(one) for one in trail]
        print(json.dumps({"source": str(path), "target": str(target), "attributes": done}))
    return 1 if failed else 0


def vault(
    action: str,
    name: str | None,
    settings: Settings,
    *,
    patient_id: str | None,
    issuer: str,
    undelivered: bool,
) -> int:
    """Do what an administrator asks of the vault, and print the answer as JSON."""
    keeper = Keeper.of(lay_foundation(settings))
    if action == "status":
        print(json.dumps(keeper.status(), indent=1))
        return 0
    if action == "rotate":
        rotation = keeper.rotate()
        print(json.dumps(asdict(rotation), indent=1))
        return 1 if rotation.unreadable else 0
    if patient_id is not None:
        number = sys.stdin.readline().strip() if patient_id == "-" else patient_id
        name = keeper.pseudonym(issuer, number)
    if name is None:
        print(f"scanside: vault {action} needs a pseudonym, a keyed UID or --patient-id", file=sys.stderr)
        return 2
    try:
        return _lookup(keeper, name) if action == "lookup" else _purge(keeper, name, undelivered=undelivered)
    except NoPseudonym as error:
        print(f"scanside: {error}", file=sys.stderr)
        return 2


def _lookup(keeper: Keeper, name: str) -> int:
    found = keeper.lookup(name)
    print(json.dumps(found, indent=1, ensure_ascii=False))
    return 0 if found else 1


def _purge(keeper: Keeper, name: str, *, undelivered: bool) -> int:
    waiting = keeper.waiting(name)
    if waiting and not undelivered:
        print(
            f"scanside: {waiting} series still wait for their results: --undelivered purges them too",
            file=sys.stderr,
        )
        return 1
    purged = keeper.purge(name)
    print(json.dumps({"purged": purged}))
    return 0 if purged else 1


def _site_key(settings: Settings) -> KeyRing:
    if settings.key is not None:
        return KeyRing.from_text(settings.key.get_secret_value())
    if settings.key_path.exists():
        return KeyRing.from_file(settings.key_path, create=False)
    return KeyRing.ephemeral()


def disputes(settings: Settings) -> int:
    """Print the series that wait for a person's decision; gives the exit status."""
    for one in Disputes(lay_foundation(settings).database).open():
        why = [f"{one.images} UIDs with two images"] if one.images else []
        why += [f"images under {one.bearers} identities"] if one.bearers > 1 else []
        arrived = datetime.fromtimestamp(one.opened_at, UTC).astimezone().isoformat(timespec="seconds")
        print(f"{one.id}  {arrived}  {one.scanner}  series {one.series_number or ''}: {', '.join(why)}")
    return 0


def decide(settings: Settings, series_id: str, keep: Keep) -> int:
    """Let the first or the last image stand under each disputed UID of a series; gives the exit status."""
    try:
        Disputes(lay_foundation(settings).database).decided(series_id, keep, operator_name())
    except NoDispute as error:
        print(f"scanside: {error}", file=sys.stderr)
        return 1
    print(f"{series_id} is judged anew; its results leave under the newest identity")
    return 0


def exams(settings: Settings, *, days: float) -> int:
    """Print what scanners told of exams (MPPS) and what of it never came; gives the exit status."""
    for exam in Exams(lay_foundation(settings).database).audit(time.time() - days * 86400):
        began = datetime.fromtimestamp(exam.opened_at, UTC).astimezone().isoformat(timespec="seconds")
        print(f"{began}  {exam.state}  study {exam.study_uid}")
        for one in exam.series:
            print(f"  series {one.uid}: {one.told - len(one.missing)} of {one.told} instances are here")
            for uid in one.missing:
                print(f"    never came: {uid}")
    return 0
