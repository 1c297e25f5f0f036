"""The words of the command line that look after identities, exams and what waits for a decision."""

import argparse

from service.cli.words import Word
from service.settings_source import Loaded


def add_keeping_words(word: Word) -> None:
    """Add them to the command line."""
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
