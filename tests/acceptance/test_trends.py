"""The pages of trends and search in a real browser: drawn, walked through by keys, in the address, and never markup."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from service.access import Gate, Role
from service.ledger import Bands, Drifts
from service.ledger.tables import scanner, series
from service.ledger.tables_trends import trend
from service.web import create_app
from tests.acceptance.test_access import PASSWORD, browser, new_page, sign_in
from tests.acceptance.test_accessibility import WIDTHS, violations_at
from tests.unit.service.web.recorded import RecordedLedger, a_gate, a_house, an_empty_database
from tests.unit.service.web.serving import serving
from tests.year import DAY_S, Year, fill

__all__ = ["browser"]  # fixtures

NOW = 1_700_000_000.0
YEAR = Year(until=NOW, days=70, scanners=2, a_day=12)
EVIL = '<img src=x onerror="window.pwned=1">'
SPAN = "since=2023-08-01"


@pytest.fixture(scope="module")
def gate() -> Gate:
    made = a_gate()
    for name, role in (("pia", Role.PHYSICIST), ("tom", Role.TECHNOLOGIST)):
        made.users.add(name, role, PASSWORD, "test")
    return made


@pytest.fixture(scope="module")
def url(gate: Gate) -> Iterator[str]:
    past = an_empty_database()
    fill(past, YEAR)
    with past.write() as connection:
        connection.execute(update(scanner).where(scanner.c.name == "MR 1").values(name=EVIL))
        for table in (trend, series):
            connection.execute(update(table).where(table.c.coil == "Head 32").values(coil=EVIL))
        late = (trend.c.scanner_id == 1) & (trend.c.opened_at > NOW - 9 * DAY_S)
        connection.execute(update(trend).where(late).values(model="scanside-next 2"))
        connection.execute(update(series).where(series.c.verdict == "Repeat").values(reason=EVIL))
    Bands(past).learn(NOW)
    Drifts(past).measure(NOW)
    with serving(create_app(a_house(RecordedLedger(), gate=gate, past=past))) as made:
        yield made


@pytest.fixture(scope="module")
def signed_in(browser: Browser, url: str) -> Iterator[Page]:
    page = new_page(browser)
    page.goto(f"{url}/login?next=/trends")
    sign_in(page, "pia")
    expect(page.locator("h1")).to_have_text("Trends")
    yield page
    page.context.close()


@pytest.fixture
def page(signed_in: Page) -> Page:
    """Give the one page that is signed in, wide again."""
    signed_in.set_viewport_size({"width": 1366, "height": 900})
    return signed_in


def opened(page: Page, url: str, path: str) -> Page:
    """Open a page and wait until it has drawn what it asked for."""
    page.goto(f"{url}{path}")
    expect(page.locator("body[data-drawn]")).to_be_attached()
    return page


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_the_charts_tell_what_is_out_of_control(page: Page, url: str) -> None:
    opened(page, url, f"/trends?{SPAN}&measure=metric.snrd&scanner=MR+2")
    charts = page.locator("#course .chart")
    expect(charts).to_have_count(2)
    assert page.locator("#course .chart").first.locator(".limit").count() == 2
    assert page.locator("#course .signal").count() > 20
    broken = page.locator("#broken tbody tr")
    assert broken.count() >= 3
    expect(page.locator("#broken")).to_contain_text("beyond three standard deviations")
    expect(page.locator("#broken")).to_contain_text("the weighted average is beyond its limits")
    expect(page.locator("#drift .alarm").first).to_have_text("1 measure drifts")
    expect(page.locator("#drift tbody tr").first).to_contain_text("Signal-to-noise ratio")


def test_another_model_is_told_and_drawn(page: Page, url: str) -> None:
    opened(page, url, f"/trends?{SPAN}")
    expect(page.locator("#course .change")).to_have_count(2)  # in either chart
    expect(page.locator("#course")).to_contain_text("scanside-next 2")


def test_a_chart_is_walked_through_by_keys_and_has_a_table(page: Page, url: str) -> None:
    opened(page, url, f"/trends?{SPAN}&scanner=MR+2")
    chart = page.locator("#course .chart").first
    chart.focus()
    chart.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "1")
    first = chart.get_attribute("aria-valuetext")
    chart.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuenow", "2")
    assert chart.get_attribute("aria-valuetext") != first
    chart.press("End")
    expect(chart).to_have_attribute("aria-valuenow", str(YEAR.days))
    told = chart.get_attribute("aria-valuetext") or ""
    assert "series" in told
    expect(page.locator("#course .told").first).to_have_text(told)
    table = page.locator("#course .as-table").first
    table.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(table.locator("tbody tr")).to_have_count(YEAR.days)


def test_a_choice_stands_in_the_address_and_back_brings_the_last_one(page: Page, url: str) -> None:
    opened(page, url, f"/trends?{SPAN}")
    expect(page.locator("#scanner option")).to_have_count(3)
    page.select_option("#measure", "presence.noise")
    expect(page.locator("#course figcaption").first).to_contain_text("Low signal to noise")
    page.select_option("#scanner", "MR 2")
    page.select_option("#by", "week")
    expect(page.locator("#files a").first).to_contain_text(f"{YEAR.days * YEAR.a_day}")
    told = asked(page)
    assert (told["measure"], told["scanner"], told["by"]) == (["presence.noise"], ["MR 2"], ["week"])
    page.reload()
    expect(page.locator("#measure")).to_have_value("presence.noise")
    expect(page.locator("#by")).to_have_value("week")
    page.go_back()
    page.go_back()
    expect(page.locator("#scanner")).to_have_value("")


def test_a_protocol_of_a_scanner_has_its_bands_beside_the_general_ones(page: Page, url: str) -> None:
    opened(page, url, f"/trends?{SPAN}&scanner=MR+2")
    expect(page.locator("#bands-section")).to_be_hidden()
    expect(page.locator("#protocol option").nth(1)).to_be_attached()
    page.select_option("#protocol", index=1)
    expect(page.locator("#bands-section")).to_be_visible()
    expect(page.locator("#bands")).to_contain_text("usable series")


def test_a_chosen_baseline_is_told_and_drawn(page: Page, url: str) -> None:
    opened(page, url, f"/trends?{SPAN}&scanner=MR+2&baseline_since=2023-10-01&baseline_until=2023-10-20")
    expect(page.locator("#course p").first).to_contain_text("20 points")
    expect(page.locator("#course p").first).to_contain_text("as chosen")
    expect(page.locator(".baseline")).to_have_attribute("open", "")


def test_who_may_export_gets_the_same_rows_as_a_file(page: Page, url: str) -> None:
    opened(page, url, f"/trends?{SPAN}&scanner=MR+2")
    with page.expect_download() as download:
        page.locator("#files a").first.click()
    assert download.value.suggested_filename == "scanside-trend.csv"
    assert download.value.path().read_bytes().count(b"\r\n") == YEAR.days * YEAR.a_day + 1


def test_who_may_not_export_is_shown_no_files(browser: Browser, url: str) -> None:
    page = new_page(browser)
    page.goto(f"{url}/login?next=/trends")
    sign_in(page, "tom")
    expect(page.locator("h1")).to_have_text("Trends")
    for path in (f"/trends?{SPAN}", "/search"):
        opened(page, url, path)
        expect(page.locator("#files a")).to_have_count(0)
    page.context.close()


def test_text_from_outside_is_never_markup(page: Page, url: str) -> None:
    for path in (f"/trends?{SPAN}", "/search?verdict=Repeat"):
        opened(page, url, path)
        expect(page.locator("#scanner option").nth(1)).to_have_text(EVIL)
        assert page.evaluate("window.pwned") is None
        assert page.locator("main img").count() == 0


def test_search_finds_pages_and_leads_to_the_series(page: Page, url: str) -> None:
    opened(page, url, "/search")
    rows = page.locator("#rows tr")
    expect(rows).to_have_count(50)
    page.locator("#more").click()
    expect(rows).to_have_count(100)
    assert len({row.get_attribute("data-id") for row in rows.all()}) == 100
    expect(rows.nth(50).locator("a")).to_be_focused()
    page.select_option("#verdict", "Check")
    page.select_option("#part", "KNEE")
    expect(page.locator("#rows .chip.usable")).to_have_count(0)
    for row in rows.all():
        expect(row).to_contain_text("knee")
    told = asked(page)
    assert (told["verdict"], told["term"]) == (["Check"], ["part=KNEE"])
    first = rows.first.get_attribute("data-id")
    page.reload()
    expect(page.locator("#part")).to_have_value("KNEE")
    expect(rows.first).to_have_attribute("data-id", first or "")
    assert rows.first.locator("a").get_attribute("href") == f"/#/series/{first}"


def test_a_search_that_finds_nothing_says_so_and_is_cleared(page: Page, url: str) -> None:
    opened(page, url, "/search?state=receiving")
    expect(page.locator("#said")).to_contain_text("Nothing is found")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#rows tr")).to_have_count(50)
    assert asked(page) == {}


def test_both_pages_can_be_used_by_everybody_with_everything_open(page: Page, url: str) -> None:
    for path in (f"/trends?{SPAN}&scanner=MR+2&measure=metric.snrd", "/search?verdict=Repeat"):
        opened(page, url, path)
        for summary in page.locator("main summary").all():
            summary.click()
        assert violations_at(page) == []
        page.set_viewport_size({"width": WIDTHS[-1], "height": 900})
        small = page.evaluate(
            "[...document.querySelectorAll('main a, main button, main select, main input, main summary')].filter("
            "(one) => one.offsetParent && one.getBoundingClientRect().height < 43.5).map((one) => one.outerHTML)"
        )
        assert small == []
