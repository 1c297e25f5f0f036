"""Every page of the console in its shell: whole, with what it names, and nothing that no page uses."""

import re
from importlib import resources

import pytest

from service.web.console import PAGES, Page, read_assets
from service.web.shell import in_shell

ASSETS = read_assets()
TEMPLATES = {file.name for file in resources.files("service.web").joinpath("templates").iterdir()}
BESIDE = {"shell.html", "bar.html", "problem.html"}


def html(page: Page) -> str:
    return in_shell(page.name, page.title, styles=page.styles, bar=page.bar)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_whole_and_all_that_it_names_is_served(page: Page) -> None:
    made = html(page)
    assert made.startswith("<!doctype html>")
    assert f"<title>{page.title} · Scanside</title>" in made
    assert len(re.findall(r"<main\b[^>]* id=\"main\"", made)) == len(re.findall("<main", made)) == 1
    assert ('href="#main"' in made) == page.bar  # what is skipped is the bar
    named = re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", made)
    assert f"/static/{page.name}.js" in named
    assert [one for one in named if one.removeprefix("/static/") not in ASSETS] == []
    assert re.findall(r"\$\w+", made) == []
    assert re.findall(r"<style|\bstyle=|\bon\w+=|<script(?! type=\"module\" src=)", made) == []


def test_nothing_lies_about_that_no_page_uses() -> None:
    assert {f"{page.name}.html" for page in PAGES} | BESIDE == TEMPLATES
    sheets = {f"{sheet}.css" for page in PAGES for sheet in ("style", *page.styles)}
    assert {name for name in ASSETS if name.endswith(".css")} == sheets
    scripts = "".join(one.content.decode() for name, one in ASSETS.items() if name.endswith(".js"))
    own = {f"{page.name}.js" for page in PAGES} | {"problem.js"}
    idle = {name for name in ASSETS if name.endswith(".js") and f'"/static/{name}"' not in scripts} - own
    assert idle == set()
