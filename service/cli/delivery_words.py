"""The words of the command line that look after results on their way."""

import argparse
import time

from service.cli.words import Word
from service.settings_source import Loaded

STATES = (  # of service/ledger/states.py, which is not loaded for every command
    *("gathering", "waiting", "sent", "uncommitted", "committed"),
    *("held", "dead", "superseded", "discarded"),
)


def add_delivery_words(word: Word) -> None:
    """Add them to the command line."""
    made = word("deliveries", "look after results on their way", _deliveries)
    made.add_argument("action", choices=["list", "resend", "hold", "release", "discard", "move"])
    made.add_argument("ids", nargs="*", type=int, metavar="ID")
    made.add_argument("--destination", metavar="NAME", help="only those to this one")
    made.add_argument("--state", choices=STATES, help="only those in this state")
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
