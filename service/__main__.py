"""The command line: `scanside WORD ...`. Words that need the network or the web load them only then."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from service.cli.operating_words import add_operating_words
from service.cli.people import add_people_words
from service.cli.words import Command, Word
from service.logs import configure
from service.routing.words import add_rules
from service.settings_source import BadSettings, Loaded, describe, load

DELIVERY_STATES = (  # of service/ledger/states.py, which is not loaded for every command
    *("gathering", "waiting", "sent", "uncommitted", "committed"),
    *("held", "dead", "superseded", "discarded"),
)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status."""
    from service.supervise import die_with_parent  # noqa: PLC0415 - before anything slow

    supervised = die_with_parent()
    arguments = _parser().parse_args(words)
    arguments.supervised = supervised
    try:
        loaded = load()
    except BadSettings as error:
        print(f"scanside: {error}", file=sys.stderr)
        return 2
    configure(loaded.settings.log_level, plain=sys.stderr.isatty())
    return _run(arguments, loaded)


def _run(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from dicom_scp.identity import KeyProblem  # noqa: PLC0415
    from inference.card import UnfitModel  # noqa: PLC0415
    from service.ledger import LedgerUnavailable, UnfitSchema  # noqa: PLC0415
    from service.tls import BadCertificate  # noqa: PLC0415

    command: Command = arguments.command
    try:
        return command(arguments, loaded)
    except (KeyProblem, UnfitModel, UnfitSchema, LedgerUnavailable, BadCertificate, OSError) as error:
        print(f"scanside: {error or type(error).__name__}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _serve(_arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.bootstrap import gate_of, lay_foundation, model_card  # noqa: PLC0415
    from service.supervise import supervise  # noqa: PLC0415

    settings = loaded.settings
    foundation = lay_foundation(settings)
    gate_of(foundation)
    foundation.database.close()  # what is wrong is said once, here, and not by three parts
    card = model_card(settings)
    for concern in settings.concerns():
        print(f"scanside: {concern}", file=sys.stderr)
    scheme = "https" if settings.http_certificate else "http"
    print(
        f"scanside: DICOM {settings.ae_title} on {settings.dicom_host}:{settings.dicom_port}, "
        f"console {scheme}://{settings.http_host}:{settings.http_port}/, model {card.name} {card.version}",
        file=sys.stderr,
    )
    supervise(os.environ)
    return 0


def _part(name: str) -> Command:
    def command(arguments: argparse.Namespace, loaded: Loaded) -> int:
        part = import_module(f"service.parts.{name}")
        run: Callable[..., None] = part.run
        run(loaded.settings, supervised=arguments.supervised)
        from service.parts.part import leave  # noqa: PLC0415

        leave()
        return 0

    return command


def _score(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.cli.commands import score  # noqa: PLC0415

    return score(
        arguments.paths,
        loaded.settings,
        as_json=arguments.json,
        masks=arguments.masks,
        explain=arguments.explain,
    )


def _send(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.cli.commands import send  # noqa: PLC0415

    return send(arguments.paths, arguments.to, loaded.settings, called=arguments.called, pace=arguments.pace)


def _check(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.check import check  # noqa: PLC0415

    return check(loaded.settings, as_json=arguments.json)


def _deid(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.cli.commands import deid, describe_profiles  # noqa: PLC0415

    if arguments.describe:
        return describe_profiles(loaded.settings, arguments.profile)
    if not arguments.paths or arguments.out is None:
        print("scanside: deid needs PATH... and --out DIR, or --describe", file=sys.stderr)
        return 2
    return deid(
        arguments.paths, arguments.out, loaded.settings, profile=arguments.profile, source=arguments.source
    )


def _vault(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.cli.commands import vault  # noqa: PLC0415

    return vault(
        arguments.action,
        arguments.name,
        loaded.settings,
        patient_id=arguments.patient_id,
        issuer=arguments.issuer,
        undelivered=arguments.undelivered,
    )


def _exams(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.cli.commands import exams  # noqa: PLC0415

    return exams(loaded.settings, days=arguments.days)


def _disputes(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.cli.commands import decide, disputes  # noqa: PLC0415

    if arguments.keep is None or arguments.series is None:
        return disputes(loaded.settings)
    return decide(loaded.settings, arguments.series, arguments.keep)


def _deliveries(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.ledger_views import DeliverySelection  # noqa: PLC0415
    from service.operating.deliveries import act, list_deliveries  # noqa: PLC0415

    hours = arguments.older_than
    selection = DeliverySelection(
        ids=tuple(arguments.ids),
        destination=arguments.destination,
        state=arguments.state,
        series_id=arguments.series,
        before=None if hours is None else time.time() - hours * 3600,
    )
    if arguments.action == "list":
        return list_deliveries(loaded.settings, selection, limit=arguments.limit, as_json=arguments.json)
    return act(loaded.settings, arguments.action, selection, reason=arguments.reason, to=arguments.to)


def _samples(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.review.samples import write_samples  # noqa: PLC0415

    return write_samples(loaded.settings, arguments.out, pictures=not arguments.no_pictures)


def _settings(arguments: argparse.Namespace, loaded: Loaded) -> int:
    rows = describe(loaded)
    if arguments.json:
        print(json.dumps({row.name: {"value": row.value, "origin": row.origin} for row in rows}, indent=1))
        return 0
    width = max(len(row.name) for row in rows)
    for row in rows:
        print(f"{row.name:<{width}}  {row.value}  ({row.origin})")
    return 0


def _db(_arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.ledger import Database, upgrade  # noqa: PLC0415

    upgrade(Database(loaded.settings.database))
    return 0


def _demo(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.demo import demo  # noqa: PLC0415

    return demo(loaded.settings, once=arguments.once, as_json=arguments.json, data=arguments.data)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scanside", description="Scores MR series while the scanner sends them."
    )
    words = parser.add_subparsers(required=True, metavar="COMMAND")

    def word(name: str, told: str, command: Command) -> argparse.ArgumentParser:
        made = words.add_parser(name, help=told, description=told)
        made.set_defaults(command=command)
        return made

    demo = word("demo", "send a series with planted artifacts through the whole service", _demo)
    demo.add_argument("--once", action="store_true", help="end after the result")
    demo.add_argument("--json", action="store_true", help="print the result as one JSON object")
    demo.add_argument("--data", type=Path, metavar="DIR", help="send the DICOM files of this folder instead")
    word("serve", "run the whole service on this machine", _serve)
    word("receive", "run the DICOM listener alone", _part("receive"))
    word("work", "run a worker alone", _part("work"))
    word("web", "run the console and the API alone", _part("web"))
    _add_images(word)
    check = word("check", "say whether this installation can do its work", _check)
    check.add_argument("--json", action="store_true")
    _add_keeping(word)
    settings = word("settings", "print the settings in force and where each comes from", _settings)
    settings.add_argument("--json", action="store_true")
    _add_deliveries(word)
    add_rules(word)
    add_operating_words(word)
    add_people_words(word)
    db = word("db", "look after the database", _db)
    db.add_argument("action", choices=["upgrade"])
    return parser


def _add_images(word: Word) -> None:
    score = word("score", "score files and folders", _score)
    score.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    score.add_argument("--json", action="store_true", help="print JSON Lines, one object for each series")
    score.add_argument(
        "--masks", type=Path, metavar="DIR", help="write one .npz with the masks of each series"
    )
    score.add_argument(
        "--explain",
        action="store_true",
        help="show beside the masks why the three worst slices of each series were called unsuitable "
        "(some seconds of processor time a slice)",
    )
    send = word("send", "send files and folders by C-STORE", _send)
    send.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    send.add_argument("--to", required=True, metavar="HOST:PORT")
    send.add_argument("--called", default="SCANSIDE", metavar="AET", help="called AE title")
    send.add_argument(
        "--pace", type=float, metavar="N", help="instances each second; as fast as it goes without"
    )
    deid = word("deid", "de-identify files exactly as the listener does", _deid)
    deid.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    deid.add_argument("--out", type=Path, metavar="DIR")
    deid.add_argument("--profile", metavar="NAME", help="live, export, or one of the settings")
    deid.add_argument("--source", default="", metavar="AET", help="take the profile of this calling AE title")
    deid.add_argument(
        "--describe", action="store_true", help="print what becomes of each attribute, by profile"
    )
    samples = word(
        "samples", "write what people decided in review as labelled samples, without identity", _samples
    )
    samples.add_argument("--out", type=Path, required=True, metavar="DIR")
    samples.add_argument("--no-pictures", action="store_true", help="the table alone")


def _add_keeping(word: Word) -> None:
    vault = word("vault", "look after the sealed identities", _vault)
    vault.add_argument("action", choices=["status", "rotate", "purge", "lookup"])
    vault.add_argument("name", nargs="?", metavar="PSEUDONYM", help="of a patient, or a keyed UID")
    vault.add_argument(
        "--patient-id", metavar="ID", help="in place of the pseudonym; - reads it from standard input"
    )
    vault.add_argument("--issuer", default="", metavar="TEXT", help="issuer of the patient id")
    vault.add_argument(
        "--undelivered", action="store_true", help="purge even what still waits to be scored or delivered"
    )
    exams = word("exams", "what scanners told of exams, and what of it never came", _exams)
    exams.add_argument("--days", type=float, default=7.0, metavar="N", help="those that began since then")
    disputes = word(
        "disputes", "series that wait for a decision: which images stand, whose they are", _disputes
    )
    disputes.add_argument(
        "series", nargs="?", metavar="SERIES", help="decide on this one; all are listed without"
    )
    disputes.add_argument(
        "--keep", choices=["first", "last"], help="which image stands where one UID came with two"
    )


def _add_deliveries(word: Word) -> None:
    made = word("deliveries", "look after results on their way", _deliveries)
    made.add_argument("action", choices=["list", "resend", "hold", "release", "discard", "move"])
    made.add_argument("ids", nargs="*", type=int, metavar="ID")
    made.add_argument("--destination", metavar="NAME", help="only those to this one")
    made.add_argument("--state", choices=DELIVERY_STATES, help="only those in this state")
    made.add_argument("--series", metavar="ID", help="only those of this series, as the API names it")
    made.add_argument("--older-than", type=float, metavar="HOURS", help="only those posted before that")
    made.add_argument("--to", metavar="NAME", help="for move: the destination of the settings to go to")
    made.add_argument(
        "--reason",
        default="",
        metavar="TEXT",
        help="kept with the name of who asks; no patient's name or number",
    )
    made.add_argument("--limit", type=int, default=50, metavar="N", help="for list")
    made.add_argument("--json", action="store_true", help="for list")


if __name__ == "__main__":
    sys.exit(main())
