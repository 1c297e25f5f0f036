"""The words of the command line about people: who may enter, and what they did."""

import argparse
import time
from pathlib import Path

from service.cli.words import Word
from service.settings_source import Loaded


def add_people_words(word: Word) -> None:
    """Add them to the command line."""
    _add_user(word)
    _add_token(word)
    _add_audit(word)


def _add_user(word: Word) -> None:
    user = word("user", "say who may sign in to the console", _user)
    user.add_argument("action", choices=["add", "list", "role", "lock", "unlock", "passwd", "remove"])
    user.add_argument("name", nargs="?", metavar="NAME")
    user.add_argument(
        "--role", choices=["technologist", "physicist", "radiologist", "administrator", "operations"]
    )
    user.add_argument(
        "--password-file", type=Path, metavar="FILE", help="its first line; asked for at the terminal without"
    )
    user.add_argument("--json", action="store_true")


def _add_token(word: Word) -> None:
    token = word("token", "say what programs and boards may", _token)
    token.add_argument("action", choices=["add", "list", "revoke"])
    token.add_argument("name", nargs="?", metavar="NAME")
    token.add_argument(
        "--scope",
        action="append",
        default=[],
        metavar="SCOPE",
        help="read, status, deliveries, metrics, stow, results; for a board also acknowledge; may be repeated",
    )
    token.add_argument("--days", type=float, metavar="N", help="for how long; without, until it is revoked")
    token.add_argument("--scanner", default="", metavar="NAME", help="show this one alone: for its board")
    token.add_argument(
        "--ae-title", default="", metavar="AET", help="what images sent with it count as sent by"
    )
    token.add_argument("--json", action="store_true")


def _add_audit(word: Word) -> None:
    made = word("audit", "see what people did, and that nothing of it was changed", _audit)
    made.add_argument("action", choices=["verify", "list", "export", "purge"])
    made.add_argument(
        "--head", metavar="NUMBER:DIGEST", help="for verify: a row as a log of the process has it"
    )
    made.add_argument("--actor", default="", metavar="NAME", help="only what this one did")
    made.add_argument("--what", default="", metavar="TEXT", help="only this, as list shows it")
    made.add_argument("--days", type=float, metavar="N", help="only the last days")
    made.add_argument("--format", choices=["csv", "json"])
    made.add_argument("--out", type=Path, metavar="FILE", help="for export: a new file")
    made.add_argument("--limit", type=int, default=50, metavar="N", help="for list")
    made.add_argument(
        "--older-than", type=float, metavar="DAYS", help="for purge: audit_days of the settings without"
    )


def _user(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.access.commands import user  # noqa: PLC0415

    return user(
        arguments.action,
        arguments.name,
        loaded.settings,
        role=arguments.role,
        password_file=arguments.password_file,
        as_json=arguments.json,
    )


def _token(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.access.commands import token  # noqa: PLC0415
    from service.ledger.tokens import Grant  # noqa: PLC0415

    grant = arguments.name and Grant(
        name=arguments.name,
        scopes=frozenset(arguments.scope),
        scanner=arguments.scanner,
        ae_title=arguments.ae_title,
        expires_at=None if arguments.days is None else time.time() + arguments.days * 86400,
    )
    return token(arguments.action, grant, loaded.settings, as_json=arguments.json)


def _audit(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.cli import audit  # noqa: PLC0415
    from service.operating.audit_views import AuditQuery  # noqa: PLC0415

    days = arguments.days
    query = AuditQuery(
        actor=arguments.actor,
        what=arguments.what,
        since=None if days is None else time.time() - days * 86400,
    )
    match arguments.action:
        case "verify":
            return audit.verify(loaded.settings, arguments.head, as_json=arguments.format == "json")
        case "list":
            return audit.listed(loaded.settings, query, arguments.limit)
        case "export":
            return audit.export(loaded.settings, query, arguments.format or "csv", arguments.out)
        case _:
            return audit.purge(loaded.settings, arguments.older_than)
