"""The words of `scanside rules` on the command line."""

import argparse
from collections.abc import Callable
from pathlib import Path

from service.settings_source import Loaded

ACTIONS = ("check", "show", "import", "export", "versions", "restore", "test", "schema")


def add_rules(
    word: Callable[[str, str, Callable[[argparse.Namespace, Loaded], int]], argparse.ArgumentParser],
) -> None:
    """Add the command."""
    made = word("rules", "check, show, import, export and try site rules", _rules)
    made.add_argument("action", choices=ACTIONS)
    made.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="rules (.toml); for test, a DICOM file too"
    )
    made.add_argument("--version", type=int, metavar="N", help="of the rules: for show, export, restore")
    made.add_argument(
        "--reason", default="", metavar="TEXT", help="for import and restore: kept with the version"
    )
    made.add_argument(
        "--last", type=int, default=50, metavar="N", help="for test: on so many verdicts of the past"
    )
    made.add_argument(
        "--verdict",
        default="Repeat",
        choices=["Usable", "Check", "Repeat", "Not scored"],
        help="for test on a DICOM file",
    )
    made.add_argument("--index", type=float, metavar="X", help="for test on a DICOM file: 0 to 10")
    made.add_argument("--json", action="store_true", help="for test")


def _rules(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.routing.commands import Asked, rules  # noqa: PLC0415 - slow to import

    asked = Asked(
        file=arguments.file,
        version=arguments.version,
        reason=arguments.reason,
        last=arguments.last,
        verdict=arguments.verdict,
        index=arguments.index,
        as_json=arguments.json,
    )
    return rules(arguments.action, loaded.settings, asked)
