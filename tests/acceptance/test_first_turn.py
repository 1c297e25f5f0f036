"""What stands in a page's HTML works from the first moment, however long the service takes to say who looks."""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from service.web.console import PAGES
from tests.acceptance.test_access import browser
from tests.acceptance.test_pages import READY, address, contexts, house, url, who

__all__ = ["browser", "contexts", "house", "url"]  # fixtures

# Their banner says that the service is silent.
LIVE = {"/", "/boards", "/board/{scanner}", "/study/{study_id}"}

# Keeps what the HTML brought, before any script of the page ran, and which events its controls came to listen to.
WATCHED = """(() => {
  const add = EventTarget.prototype.addEventListener;
  const { brought, heard, late } = window.watched = { brought: new Set(), heard: new Map(), late: [] };
  EventTarget.prototype.addEventListener = function (kind, ...more) {
    if (this instanceof Element) heard.set(this, [...(heard.get(this) ?? []), kind]);
    if (brought.has(this) && document.readyState === "complete") late.push(`${kind}: ${this.outerHTML.slice(0, 120)}`);
    return add.call(this, kind, ...more);
  };
  const controls = "button, input, select, textarea, form, fieldset";
  const keep = () => { for (const one of document.querySelectorAll(controls)) brought.add(one); };
  add.call(document, "readystatechange", keep, { once: true });
})()"""
DEAF = """() => {
  const { brought, heard } = window.watched;
  const hears = (element, ...kinds) => kinds.some((kind) => heard.get(element)?.includes(kind));
  const around = (element) => element ? [element, ...around(element.parentElement)] : [];
  const works = (one) => one.matches("button[type=button]") ? hears(one, "click")
    : one.matches("button") ? hears(one.form, one.type)
    : one.matches("form") ? hears(one, "submit") || !one.querySelector("button, input")
    : one.matches("fieldset") || around(one).some((each) => hears(each, "change", "input", "submit"));
  return [...brought].filter((one) => !works(one)).map((one) => one.outerHTML.slice(0, 160));
}"""
ARRIVED = """async (path) => {
  const here = () => performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(path)).length;
  while (!here()) await new Promise((done) => setTimeout(done, 20));
  await new Promise((done) => setTimeout(done, 100));
}"""


@pytest.fixture(scope="module")
def speaking() -> str:
    return "en-GB"


@contextmanager
def slow(page: Page) -> Generator[None]:
    """Keep every answer of the service back until the block is left."""
    held: list[Route] = []
    over = False
    page.route("**/api/**", lambda route: route.continue_() if over else held.append(route))
    yield
    over = True
    for route in held:
        route.continue_()


@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_every_control_of_the_html_is_wired_before_anything_is_waited_for(
    contexts: dict[str, BrowserContext], url: str, path: str
) -> None:
    page = contexts[who(path)].new_page()
    page.add_init_script(WATCHED)
    with slow(page):
        page.goto(url + address(path))
        deaf = page.evaluate(DEAF)
    expect(page.locator(READY[path]).first).to_be_attached()
    late = page.evaluate("window.watched.late")
    page.close()
    assert deaf == []
    assert late == []


def check_the_log(page: Page) -> None:
    page.locator("#check").click()


def log_is_checked(page: Page) -> None:
    expect(page.locator("#checked .good")).to_be_visible()


def find_an_operation(page: Page) -> None:
    page.locator("#find").fill("/deeds")


def operation_is_found(page: Page) -> None:
    expect(page.locator(".operation").first).to_contain_text("/deeds")


def narrow_the_search(page: Page) -> None:
    page.locator("#verdict").select_option("Repeat")


def search_is_narrowed(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"verdict=Repeat"))
    expect(page.locator("#scanner")).to_have_value("MR 1")
    expect(page.locator("body")).to_have_attribute("data-drawn", re.compile("."))


def begin_later(page: Page) -> None:
    page.locator("#since").fill("2026-01-02")
    page.locator("#since").blur()


def begins_later(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"since=2026-01-02"))
    expect(page.locator("#measure")).to_have_value("suitability")
    expect(page.locator("#since")).to_have_value("2026-01-02")


def show_the_dead(page: Page) -> None:
    page.locator("#state").select_option("dead")


def dead_are_shown(page: Page) -> None:
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#rows")).to_contain_text("No result is like that")


def filter_the_queue(page: Page) -> None:
    page.locator("#filters summary").click()
    page.locator("#by-scanner").fill("nowhere")
    page.locator("#by-scanner").blur()


def queue_is_filtered(page: Page) -> None:
    expect(page.locator("#filtered")).not_to_be_empty()
    expect(page.locator("#queue a")).to_have_count(0)


def add_a_user(page: Page) -> None:
    page.locator("#user-name").fill("uta")
    page.locator("#new-user button").click()


def user_is_added(page: Page) -> None:
    expect(page.locator("#once code")).not_to_be_empty()
    expect(page.locator("#users")).to_contain_text("uta")


def change_the_password(page: Page) -> None:
    for field in ("current", "new", "again"):
        page.locator(f"#{field}").fill("green cow over sun")
    page.locator("#password-form button").click()


def password_is_refused(page: Page) -> None:
    expect(page.locator("#password-said")).to_contain_text("wrong")


USED: dict[str, tuple[Callable[[Page], None], Callable[[Page], None]]] = {
    "/audit": (check_the_log, log_is_checked),
    "/api-docs": (find_an_operation, operation_is_found),
    "/search?scanner=MR%201": (narrow_the_search, search_is_narrowed),
    "/trends?measure=suitability": (begin_later, begins_later),
    "/deliveries": (show_the_dead, dead_are_shown),
    "/review": (filter_the_queue, queue_is_filtered),
    "/users": (add_a_user, user_is_added),
    "/account": (change_the_password, password_is_refused),
}


@pytest.mark.parametrize("path", USED)
def test_what_is_used_at_once_takes_effect(contexts: dict[str, BrowserContext], url: str, path: str) -> None:
    use, effect = USED[path]
    page = contexts[who(path.split("?", maxsplit=1)[0])].new_page()
    with slow(page):
        page.goto(url + path)
        use(page)
    effect(page)
    page.close()


@pytest.mark.parametrize("name", ["ada", "pia"])
def test_a_page_that_cannot_tell_who_looks_says_so(
    contexts: dict[str, BrowserContext], url: str, name: str
) -> None:
    page = contexts[name].new_page()
    page.route("**/api/v1/session", lambda route: route.fulfill(status=502, body="<html>"))
    for path in {one.path for one in PAGES if who(one.path) == name} - LIVE:
        page.goto(url + address(path))
        expect(page.locator("main > [role=alert]").first).to_contain_text("cannot be shown: status 502")
    page.close()


def test_an_answer_that_comes_late_replaces_nothing_that_was_chosen_since(
    contexts: dict[str, BrowserContext], url: str
) -> None:
    page = contexts["pia"].new_page()
    page.goto(f"{url}/review")
    shown = page.locator(".case-head a")
    expect(shown).to_be_visible()
    first, other = page.locator(".case-link").all()
    before, late = shown.get_attribute("href"), other.get_attribute("data-id")
    held: list[Route] = []
    page.route(f"**/reviews/{late}", lambda route: held.insert(0, route))
    other.click()
    first.click()
    expect(first).to_have_attribute("aria-current", "true")
    held[0].continue_()
    page.evaluate(ARRIVED, f"/reviews/{late}")
    expect(shown).to_have_attribute("href", str(before))
    page.close()
