"""The words of the command line that take images: score, send, de-identify, give away as samples."""

import argparse
import sys
from pathlib import Path

from service.cli.words import Word
from service.settings_source import Loaded


def add_image_words(word: Word) -> None:
    """Add them to the command line."""
    score = word("score", "score files and folders", _score)
    score.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    score.add_argument("--json", action="store_true", help="print JSON Lines, one object for each series")
    score.add_argument(
        "--masks", type=Path, metavar="DIR", help="write one .npz with the masks of each series"
    )
    score.add_argument(
        "--explain",
        action="store_true",
        help="show why the three worst slices of each series were called unsuitable: pictures beside the masks, "
        "or in explanations/ (some seconds of processor time a slice)",
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


def _samples(arguments: argparse.Namespace, loaded: Loaded) -> int:
    from service.review.samples import write_samples  # noqa: PLC0415

    return write_samples(loaded.settings, arguments.out, pictures=not arguments.no_pictures)
