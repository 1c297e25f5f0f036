"""The shell of every page: what all of them have stands in it once; a page's file holds only what is its own."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template


def in_shell(name: str, title: str, *, styles: Sequence[str] = (), bar: bool = True) -> str:
    """Give the HTML of a page.

    Args:
        name: of its file in ``templates`` and of its script in ``static``, without suffix.
        title: what the browser's tab says until the script has chosen a language.
        styles: style sheets of its own in ``static``, beside the one of all pages.
        bar: whether it has the head with the ways to the other pages.

    What a placeholder of the page's own file stands for is left to the caller.

    """
    links = (f'<link rel="stylesheet" href="/static/{sheet}.css">' for sheet in ("style", *styles))
    return Template(_part("shell")).substitute(
        name=name,
        title=title,
        styles="\n    ".join(links),
        bar=_part("bar") if bar else "",
        page=_part(name),
    )


@cache
def _part(name: str) -> str:
    return (
        resources.files("service.web").joinpath("templates", f"{name}.html").read_text("utf-8").rstrip("\n")
    )
