"""Every page of the console with data on it: nothing from outside, no error, and usable by everybody at every width.

`SCANSIDE_SHOTS` names a folder for a picture of each, to be judged as a designer would.
"""

import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from inference.verdict import Thresholds
from service.access import Role
from service.board_views import StepView
from service.ledger import Bands, Drifts, ReviewBook
from service.ledger.thresholds import ThresholdBook
from service.ledger.tokens import Grant
from service.ledger_views import SeriesFeedback, Verdict
from service.operating.audit_views import Entry
from service.operating.deid_views import Tallied
from service.review.reviewing import Reviewing
from service.routing.text import parse
from service.web import create_app
from service.web.console import PAGES
from service.web.house import House
from tests.acceptance.test_access import PASSWORD, browser
from tests.acceptance.test_accessibility import OPTIONS, SHAPES, WIDTHS, complaints, overflow
from tests.rules import RULES
from tests.unit.service.review.reviewing import MODEL, put_past, put_review, put_series, quality
from tests.unit.service.web.recorded import (
    RecordedLedger,
    a_gate,
    a_house,
    a_series,
    an_empty_database,
    judged,
    some_slices,
)
from tests.unit.service.web.serving import serving
from tests.year import Year, fill

__all__ = ["browser"]  # a fixture

SHOTS = os.environ.get("SCANSIDE_SHOTS")
FOUND = {"motion": 0.9, "ghost": 0.5}
EXAM: tuple[tuple[str, Verdict, float, dict[str, float]], ...] = (
    ("first", "Usable", 9.1, {}),
    ("doubt", "Check", 5.5, {"ghost": 0.5}),
    ("bad", "Repeat", 2.4, FOUND),
    ("again", "Usable", 8.6, {}),
)
AT = {"{scanner}": "MR%201", "{study_id}": "study-1"}
WIDE, NARROW = WIDTHS[0], WIDTHS[-1]
UNREAD = "/login"  # the one page for whoever is not signed in
READY = {  # what stands on a page once it has drawn what it asked for
    "/": "#series .row",
    "/boards": "main a",
    "/board/{scanner}": "#series .row",
    "/study/{study_id}": "main a[href*=series]",
    "/trends": "body[data-drawn]",
    "/search": "body[data-drawn]",
    "/review": "#queue li, #queue a, #queue button",
    "/agreement": "main table",
    "/login": "#name",
    "/account": "#sessions tr",
    "/deliveries": "tbody tr",
    "/nodes": "tbody tr",
    "/system": ".state-word",
    "/rules": ".rulecard",
    "/users": "#users tr",
    "/deid": "#profiles section",
    "/audit": "#rows tr",
    "/help": ".shape",
    "/api-docs": ".operation",
}

TOLD = """async () => {
  const { inOwnWords } = await import("/static/language.js");
  return inOwnWords(await (await fetch("/api/v1/series/bad")).json());
}"""
PLACES = """() => [...document.querySelectorAll("#who .link")].filter((one) => one.checkVisibility())
  .map((one) => one.getBoundingClientRect()).map(({ left, right, top, bottom }) => [left, right, top, bottom])"""
HEAD = """() => {
  const links = [...document.querySelectorAll("#who .link")].filter((one) => one.checkVisibility());
  const lines = new Set(links.map((one) => Math.round(one.getBoundingClientRect().top))).size;
  const height = document.querySelector(".bar")?.getBoundingClientRect().height ?? 0;
  return lines > 1 || height > 80 ? [`the head has ${lines} lines and ${height} pixels`] : [];
}"""
SMALL = """() => [...document.querySelectorAll("button, select, summary, input, nav a")]
  .filter((one) => !["checkbox", "radio"].includes(one.type))
  .filter((one) => one.checkVisibility() && !one.closest(".unseen"))
  .filter((one) => one.getBoundingClientRect().height < 43.5)
  .map((one) => `less than 44 pixels: ${one.outerHTML.slice(0, 160)}`)"""


@dataclass(slots=True)
class Heard:
    """What a browser asked for, and what it complained of."""

    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def on(self, context: BrowserContext) -> None:
        context.on("request", lambda one: self.asked.append(one.url))
        context.on("console", lambda one: self._said(one.type, one.text))
        context.on("weberror", lambda one: self.wrong.append(str(one.error)))
        context.on("requestfailed", lambda one: self._failed(one.url, one.failure))

    @contextmanager
    def telling(self) -> Generator[None]:
        """Let what fails say what the browser complained of."""
        try:
            yield
        except (AssertionError, Error) as error:
            error.add_note(f"The browser complained of: {self.wrong}")
            raise

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.wrong.append(text)

    def _failed(self, url: str, failure: str | None) -> None:
        if failure != "net::ERR_ABORTED":  # the page was left
            self.wrong.append(f"{url}: {failure}")


@pytest.fixture(scope="module")
def house() -> House:
    """A house with something in every room."""
    now, past = time.time(), an_empty_database()
    ledger, gate = RecordedLedger(), a_gate()
    for name, role in (("ada", Role.ADMINISTRATOR), ("pia", Role.PHYSICIST), ("tom", Role.TECHNOLOGIST)):
        gate.users.add(name, role, PASSWORD, "test")
    gate.tokens.issue(Grant(name="board at MR 1", scopes=frozenset({"read"}), scanner="MR 1"), now, "ada")
    told = {"scanner": "MR 1", "feedback": SeriesFeedback((), "0")}
    for number, (name, verdict, index, found) in enumerate(EXAM):
        at, reason = now - 900 + 200 * number, "As found" if found else "No artifact stands out"
        more = {"index": index, "series_number": number + 2, "opened_at": at, "closed_at": at + 120, **told}
        repeats = "bad" if name == "again" else None
        made_of = judged(name, verdict, found, reason=reason, repeats=repeats, **more)
        ledger.put(made_of, some_slices(name, found))
    ledger.put(a_series("open", scanner="MR 1", series_number=7, received=11, expected=32, opened_at=now - 5))
    ledger.steps = (StepView("IN PROGRESS", now - 1000, None, 4, 96, 3),)
    fill(past, Year(until=now, days=40, scanners=2, a_day=3))
    Bands(past).learn(now)
    Drifts(past).measure(now)
    put_past(past, 1, now)
    book = ReviewBook(past, time.time)
    for name in ("bad", "doubt"):
        score = quality(5.5, found=tuple(FOUND))
        put_review(past, 1, name, put_series(past, 1, name, score, now), now, artifacts=" motion ghost ")
    room = Reviewing(
        book,
        ThresholdBook(past, Thresholds(), MODEL, time.time),
        lambda _text, _by, _about: None,
        lambda _limit, _after: ([], None),
    )
    made = replace(a_house(ledger, gate=gate, past=past), reviewing=room)
    made.rules.save(parse(RULES, made.rules.names), seen=None, by="ada", why="as ever")
    for number in range(6):
        made.audit.book.noted(Entry("paused", "otto", f"destination {number % 3}", address="192.0.2.7"))
    made.deid.tally.done(
        [Tallied("live", "PatientName", "patient", 120), Tallied("live", "SeriesDescription", "remove", 120)]
    )
    return made


@pytest.fixture(scope="module")
def url(house: House) -> Iterator[str]:
    with serving(create_app(house)) as made:
        yield made


@pytest.fixture(scope="module", params=["en-GB", "de-DE"])
def speaking(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def contexts(browser: Browser, url: str, speaking: str) -> Iterator[dict[str, BrowserContext]]:
    """Browsers of a language: of nobody, of the administrator, and of the physicist who reviews."""
    made = {name: browser.new_context(locale=speaking) for name in ("", "ada", "pia")}
    for name, context in made.items():
        context.set_default_timeout(15_000)
        if name:
            page = context.new_page()
            page.goto(f"{url}/login?next=/account")
            page.locator("#name").fill(name)
            page.locator("#password").fill(PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(f"{url}/account")
            page.close()
    yield made
    for context in made.values():
        context.close()


def address(path: str) -> str:
    for name, value in AT.items():
        path = path.replace(name, value)
    return path


def who(path: str) -> str:
    """Tell who opens a page: the physicist what is of review, the administrator what is of the house."""
    if path == UNREAD:
        return ""
    return (
        "pia" if path in {"/review", "/agreement", "/trends", "/search", "/", "/study/{study_id}"} else "ada"
    )


def opened(context: BrowserContext, url: str, path: str) -> Page:
    page = context.new_page()
    page.goto(url + address(path))
    expect(page.locator(READY[path]).first).to_be_attached()
    return page


def picture(page: Page, path: str, width: int, speaking: str) -> None:
    if SHOTS:
        name = address(path).strip("/").replace("/", "-").replace("%20", "") or "console"
        page.screenshot(path=f"{SHOTS}/{name}.{width}.{speaking[:2]}.png", full_page=True)


def looked_at(page: Page, path: str, speaking: str) -> list[str]:
    """Give what is wrong at each width: axe looks where rules differ, that nothing is cut off is asked of all.

    German differs from English by the length of its words alone.
    """
    found: list[str] = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        told = overflow(page)
        if width == WIDE or (width == NARROW and speaking == "en-GB"):
            told += complaints(page, OPTIONS if (width, speaking) == (WIDE, "en-GB") else SHAPES)
        found += [f"{width}: {one}" for one in told]
        if width == WIDE:
            found += page.evaluate(HEAD)
        picture(page, path, width, speaking)
    return found + page.evaluate(SMALL)  # at the last width, the narrowest


def test_no_page_is_left_out() -> None:
    assert set(READY) == {page.path for page in PAGES}


@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_every_page_is_of_one_origin_without_errors_and_for_everybody(
    contexts: dict[str, BrowserContext], url: str, path: str, speaking: str
) -> None:
    heard = Heard()
    context = contexts[who(path)]
    heard.on(context)
    with heard.telling():
        page = opened(context, url, path)
        found = looked_at(page, path, speaking)
    page.close()
    assert found == []
    assert heard.wrong == []
    assert [one for one in heard.asked if not one.startswith((f"{url}/", "data:", "blob:"))] == []
    assert f"{url}{address(path)}" in heard.asked


def test_the_menus_are_used_by_key_and_by_touch_and_lie_on_the_screen(
    contexts: dict[str, BrowserContext], url: str
) -> None:
    page = opened(contexts["ada"], url, "/users")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 700})
        use_menus(page, width)
    page.close()


def use_menus(page: Page, width: int) -> None:
    menus = page.locator("#who details")
    expect(menus).to_have_count(2)
    pages, person = menus.first, menus.last
    pages.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(pages.locator("a[href='/nodes']")).to_be_visible()
    everywhere = page.locator("#who a:visible").evaluate_all(
        "all => all.map((one) => one.getAttribute('href'))"
    )
    assert sorted(everywhere) == sorted(set(everywhere))  # no page twice
    assert {"/", "/boards", "/search", "/trends", "/help", "/deliveries", "/audit"} <= set(everywhere)
    for left, right, top, bottom in page.evaluate(PLACES):
        assert left >= 0
        assert right <= width
        assert bottom - top >= 44
    page.keyboard.press("Escape")
    expect(pages).not_to_have_attribute("open", "")
    expect(pages.locator("summary")).to_be_focused()
    pages.locator("summary").click()
    person.locator("summary").click()  # one closes the other
    expect(pages).not_to_have_attribute("open", "")
    expect(person.locator("button").first).to_be_visible()
    page.mouse.click(5, 690)
    expect(person).not_to_have_attribute("open", "")
    # Where a touch gives no focus, what was focused loses it to nothing: the menu has to stay for the click.
    pages.locator("summary").click()
    pages.evaluate("one => one.dispatchEvent(new FocusEvent('focusout', { bubbles: true }))")
    expect(pages).to_have_attribute("open", "")
    page.keyboard.press("Escape")


def test_what_may_be_done_is_ranked_with_its_cost_and_its_source(
    contexts: dict[str, BrowserContext], url: str, speaking: str
) -> None:
    page = contexts["pia"].new_page()
    page.goto(f"{url}/#/series/bad")
    advice = page.locator(".artifacts > li .advice").first
    expect(advice).to_be_visible()
    told = page.evaluate(TOLD)["artifacts"]
    suggestions = next(one for one in told if one["name"] == "motion")["suggestions"]
    advice.locator("summary").click()
    shown = advice.locator(".suggestions > li")
    expect(shown).to_have_count(len(suggestions))
    for line, one in zip(shown.all_inner_texts(), suggestions, strict=True):
        assert one["text"].casefold() in line.casefold()
        assert one["cost"] in line
    sources = " ".join(advice.locator(".sources li").all_inner_texts())
    assert all(one["source"] in sources for one in suggestions)
    assert looked_at(page, "/series", speaking) == []
    page.close()


def test_what_is_chosen_is_seen_in_colours_of_ones_own(browser: Browser, url: str) -> None:
    context = browser.new_context(forced_colors="active", locale="en-GB")
    page = context.new_page()
    page.goto(f"{url}/login?next=/")
    page.locator("#name").fill("pia")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#series .row").first).to_be_visible()
    page.goto(f"{url}/#/series/bad")
    artifact = page.locator(".artifact").first
    ground = "one => getComputedStyle(one).backgroundColor"
    before = artifact.evaluate(ground)
    artifact.click()
    expect(artifact).to_have_attribute("aria-pressed", "true")
    assert artifact.evaluate(ground) != before
    edges = page.locator("#series .row").evaluate_all(
        "all => all.map((one) => [one.hasAttribute('aria-current'), getComputedStyle(one).borderTopWidth])"
    )
    assert {width for current, width in edges if current} == {"3px"}
    assert {width for current, width in edges if not current} == {"1px"}
    context.close()
