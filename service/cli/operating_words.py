"""The words of the command line that look after nodes, pauses and the bundle for support."""

import argparse
from pathlib import Path

from service.cli.words import Word
from service.settings_source import Loaded


def add_operating_words(word: Word) -> None:
    """Add them to the command line."""
    node = word("node", "look after scanners and destinations beside those of the settings file", _node)
    node.add_argument("action", choices=["list", "add", "remove", "echo"])
    node.add_argument("id", nargs="?", metavar="scanner:NAME|to:NAME")
    node.add_argument(
        "--ae-title", metavar="AET", help="by which a scanner calls, or a destination is called"
    )
    node.add_argument("--host", metavar="HOST")
    node.add_argument("--port", type=int, metavar="N")
    node.add_argument("--network", metavar="CIDR", help="of a scanner: from where it calls")
    node.add_argument("--calling", metavar="AET", help="our AE title at a destination")
    node.add_argument("--tls", action="store_true", help="a destination proves itself by a certificate")
    node.add_argument(
        "--tls-profile", metavar="NAME", help="of the settings file: the certificates of a destination"
    )
    node.add_argument("--results", nargs="+", metavar="KIND", help="what a destination gets")
    node.add_argument("--json", action="store_true", help="for list")
    pause = word("pause", "stop scoring, or what leaves for a destination, after what is under way", _pause)
    pause.add_argument("what", nargs="?", metavar="scoring|to:NAME", help="what is stopped is listed without")
    pause.add_argument("--reason", default="", metavar="TEXT", help="everybody sees it")
    resume = word("resume", "let what was stopped go on", _resume)
    resume.add_argument("what", metavar="scoring|to:NAME")
    support = word(
        "support", "write a ZIP for support: how this installation stands, nothing of patients", _support
    )
    support.add_argument("--out", type=Path, required=True, metavar="FILE")


def _node(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.cli.operating import nodes  # noqa: PLC0415

    table = {"name": (arguments.id or "").partition(":")[2], "ae_title": arguments.ae_title}
    table |= {"host": arguments.host, "port": arguments.port, "network": arguments.network}
    table |= {"calling_ae_title": arguments.calling, "results": arguments.results}
    table |= {"tls_profile": arguments.tls_profile}
    told = {name: value for name, value in table.items() if value is not None}
    if arguments.tls:
        told["tls"] = {}
    return nodes(loaded.settings, arguments.action, arguments.id, told, as_json=arguments.json)


def _pause(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.cli.operating import pause  # noqa: PLC0415

    return pause(loaded.settings, arguments.what, arguments.reason.strip())


def _resume(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.cli.operating import resume  # noqa: PLC0415

    return resume(loaded.settings, arguments.what)


def _support(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.operating.support import support  # noqa: PLC0415

    return support(loaded.settings, arguments.out)
