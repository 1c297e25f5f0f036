"""The command line: `scanside WORD ...`. Words that need the network or the web load them only then."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from service.cli.delivery_words import add_delivery_words
from service.cli.image_words import add_image_words
from service.cli.keeping_words import add_keeping_words
from service.cli.operating_words import add_operating_words
from service.cli.people import add_people_words
from service.cli.words import Command
from service.logs import configure
from service.routing.words import add_rules
from service.settings_source import BadSettings, Loaded, describe, load


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


def _check(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.check import check  # noqa: PLC0415

    return check(loaded.settings, as_json=arguments.json)


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
    add_image_words(word)
    check = word("check", "say whether this installation can do its work", _check)
    check.add_argument("--json", action="store_true")
    add_keeping_words(word)
    settings = word("settings", "print the settings in force and where each comes from", _settings)
    settings.add_argument("--json", action="store_true")
    add_delivery_words(word)
    add_rules(word)
    add_operating_words(word)
    add_people_words(word)
    db = word("db", "look after the database", _db)
    db.add_argument("action", choices=["upgrade"])
    return parser


if __name__ == "__main__":
    sys.exit(main())
