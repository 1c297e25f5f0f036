"""The pages that are read: audit, de-identification, help, the API, and what stands in place of a page."""

import csv
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from sqlalchemy import update

from inference.artifacts import NAMES
from service.access import Role
from service.ledger.tables_audit import audit
from service.operating.audit_views import Entry
from service.operating.deid_views import Tallied
from service.web import create_app
from service.web.house import House
from tests.acceptance.test_access import PASSWORD, browser
from tests.acceptance.test_accessibility import violations, violations_at
from tests.unit.service.web.recorded import RecordedLedger, a_gate, a_house
from tests.unit.service.web.serving import serving

__all__ = ["browser"]  # a fixture

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "=HYPERLINK(1)",
]
SHOTS = os.environ.get("SCANSIDE_SHOTS")  # a folder: the pages as a designer would judge them


@pytest.fixture(scope="module")
def house() -> House:
    gate = a_gate()
    for name, role in (("ada", Role.ADMINISTRATOR), ("tom", Role.TECHNOLOGIST)):
        gate.users.add(name, role, PASSWORD, "test")
    made = a_house(RecordedLedger(), gate=gate)
    for number, text in enumerate(HOSTILE):
        made.audit.book.noted(
            Entry(f"looked up {text}", f"ada{text}", text, detail={"why": text, "n": number})
        )
    for number in range(70):
        made.audit.book.noted(Entry("paused", "otto", f"destination {number % 3}", address="192.0.2.7"))
    made.deid.tally.done(
        [
            Tallied("live", "PatientName", "patient", 120),
            Tallied("live", "SeriesDescription", "remove", 120),
            Tallied("live", "private element", "remove", 118),
            Tallied("", "text is burned into the pixels", "skipped", 3),
        ]
    )
    return made


@pytest.fixture(scope="module")
def url(house: House) -> Iterator[str]:
    with serving(create_app(house)) as made:
        yield made


@pytest.fixture(scope="module", params=["en-GB", "de-DE"])
def context(browser: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    made = browser.new_context(locale=request.param)
    made.set_default_timeout(10_000)
    page = made.new_page()
    page.goto(f"{url}/login")
    page.locator("#name").fill("ada")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")
    page.close()
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, url: str) -> Iterator[Page]:
    made = context.new_page()
    asked: list[str] = []
    alerts: list[str] = []
    errors: list[str] = []
    made.on("request", lambda one: asked.append(one.url))
    made.on("dialog", lambda one: alerts.append(one.message))
    made.on("pageerror", lambda one: errors.append(str(one)))
    yield made
    made.close()
    assert [one for one in asked if not one.startswith((url, "data:", "blob:"))] == []
    assert (alerts, errors) == ([], [])


def ready(page: Page, path: str) -> None:
    place = {"/audit": "#rows tr", "/deid": "#profiles section", "/help": ".shape", "/api-docs": ".operation"}
    expect(page.locator(place[path]).first).to_be_visible()
    expect(page.locator("#who")).to_contain_text("ada")


def test_what_opens_on_demand_can_be_read_by_everybody(page: Page, url: str) -> None:
    page.goto(f"{url}/audit")
    ready(page, "/audit")
    page.locator("#check").click()
    expect(page.locator("#checked .notice")).to_be_visible()
    assert violations_at(page) == []
    page.goto(f"{url}/api-docs")
    ready(page, "/api-docs")
    page.locator("#find").fill("/deeds")
    page.locator(".operation summary").first.click()
    assert violations_at(page) == []
    assert "[object" not in page.locator("body").inner_text()


def test_what_is_hostile_stays_text_and_a_file_computes_nothing(page: Page, url: str) -> None:
    page.goto(f"{url}/audit?actor=ada%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#rows")).to_contain_text(HOSTILE[0])
    assert page.locator("#rows img, #rows svg, #rows script").count() == 0
    answer = page.request.get(f"{url}/api/v1/audit/export?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text())))
    assert any(row["subject"] == "'=HYPERLINK(1)" for row in rows)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert {"previous", "digest"} <= rows[0].keys()


def test_rows_are_filtered_and_paged_by_keyboard_alone(page: Page, url: str) -> None:
    page.goto(f"{url}/audit")
    expect(page.locator("#rows tr")).to_have_count(50)
    page.locator("#more").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#rows tr")).not_to_have_count(50)
    page.locator("#actor").focus()
    page.keyboard.type("otto")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/audit\?actor=otto$"))
    expect(page.locator("#rows")).not_to_contain_text("looked up")
    page.go_back()
    expect(page.locator("#actor")).to_have_value("")


def test_a_changed_row_is_told(page: Page, url: str, house: House) -> None:
    book = house.audit.book
    page.goto(f"{url}/audit")
    page.locator("#check").click()
    expect(page.locator("#checked .good")).to_be_visible()
    with book._database.write() as connection:
        connection.execute(update(audit).where(audit.c.id == 3).values(actor="nobody"))
    page.locator("#check").click()
    expect(page.locator("#checked .bad")).to_be_visible()
    expect(page.locator(".faults li")).to_have_count(1)
    with book._database.write() as connection:
        connection.execute(update(audit).where(audit.c.id == 3).values(actor=f"ada{HOSTILE[2]}"))
    page.locator("#check").click()


def test_attributes_are_counted_and_found(page: Page, url: str) -> None:
    page.goto(f"{url}/deid")
    expect(page.locator("#profile-live")).to_be_visible()
    expect(page.locator("#door")).to_contain_text("text is burned into the pixels")
    page.locator("#find-live").fill("patient")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("120")


def test_help_shows_every_artifact_and_leads_to_its_parts(page: Page, url: str) -> None:
    page.goto(f"{url}/help")
    expect(page.locator(".shape")).to_have_count(len(NAMES))
    assert page.evaluate("import('/static/phantoms.js').then((m) => m.FIGURED)") == list(NAMES)
    assert page.locator(".shape img").count() == 0
    link = page.locator("#contents a").last
    link.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/help#limits$"))


def test_the_api_is_drawn_from_its_own_description(page: Page, url: str) -> None:
    page.goto(f"{url}/api-docs")
    paths = page.request.get(f"{url}/api/v1/openapi.json").json()["paths"]
    operations = sum(len(methods) for methods in paths.values())
    expect(page.locator(".operation")).to_have_count(operations)
    page.locator("#find").fill("/api/v1/series/{series_id}/findings")
    expect(page.locator(".operation")).to_have_count(1)
    page.locator(".operation summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".inside")).to_contain_text("series_id")
    expect(page.locator(".inside .tree").first).to_be_visible()


def test_both_languages_have_the_same_words(page: Page, url: str) -> None:
    page.goto(f"{url}/help")
    same = """async (files) => {
      const shape = (value) => Array.isArray(value) ? value.map(shape)
        : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shape(v)]))
        : typeof value;
      const wrong = [];
      for (const file of files) {
        const { CATALOGUE } = await import(`/static/words.${file}.js`);
        if (JSON.stringify(shape(CATALOGUE.en)) !== JSON.stringify(shape(CATALOGUE.de))) wrong.push(file);
      }
      return wrong;
    }"""
    assert page.evaluate(same, ["audit", "deid", "help", "api-docs", "problem"]) == []


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/users", 403)])
def test_in_place_of_a_page_stands_a_way_on(browser: Browser, url: str, path: str, status: int) -> None:
    made = browser.new_context(locale="de-DE").new_page()
    made.goto(f"{url}/login")
    made.locator("#name").fill("tom")
    made.locator("#password").fill(PASSWORD)
    made.keyboard.press("Enter")
    made.wait_for_url(f"{url}/")
    answer: Response | None = made.goto(f"{url}{path}")
    assert answer is not None
    assert answer.status == status
    expect(made.locator("#told")).not_to_be_empty()
    expect(made.get_by_role("link", name="Zur Konsole")).to_be_visible()
    assert violations(made) == []
    if SHOTS:
        made.screenshot(path=Path(SHOTS) / f"problem-{status}.png")
    made.get_by_role("link", name="Zur Konsole").click()
    made.wait_for_url(f"{url}/")
    made.context.close()
