"""The page of site rules in a real browser: forms, the file, dry runs, versions, two people at once, hostile text."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from service.access import Role
from service.ledger_views import EventView
from service.routing.desk import RulesDesk
from service.routing.text import parse
from service.web import create_app
from tests.acceptance.test_access import sign_in
from tests.acceptance.test_accessibility import OPTIONS
from tests.peers import CHROMIUM_ARGS, chromium
from tests.rules import RULES, put_verdict
from tests.series import Patient, mr_series, write_series
from tests.unit.service.web.recorded import RecordedLedger, a_gate, a_house, an_empty_database, judged
from tests.unit.service.web.serving import serving

PASSWORD = "blue horse under moon"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def ledger() -> RecordedLedger:
    made = RecordedLedger()
    made.put(judged("k1-1", "Repeat", {"motion": 0.9}, index=2.4, reason="Motion"))
    return made


@pytest.fixture(scope="module")
def site(ledger: RecordedLedger) -> Iterator[tuple[str, RulesDesk]]:
    database = an_empty_database()
    for n, verdict in enumerate(("Usable", "Repeat", "Check")):
        put_verdict(database, f"k{n}", verdict, artifacts={"motion": 0.6} if verdict == "Repeat" else {})
    gate = a_gate()
    for name, role in (("ada", Role.ADMINISTRATOR), ("bob", Role.ADMINISTRATOR), ("tom", Role.TECHNOLOGIST)):
        gate.users.add(name, role, PASSWORD, "test")
    house = a_house(ledger, gate=gate, past=database)
    with serving(create_app(house)) as url:
        yield url, house.rules


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGS))
        yield made
        made.close()


@pytest.fixture
def url(site: tuple[str, RulesDesk]) -> str:
    """Begin each test with the same two rules in force."""
    url, desk = site
    desk.save(parse(RULES, desk.names), seen=None, by="ada", why="as ever")
    return url


def opened(browser: Browser, url: str, name: str = "ada", *, width: int = 1366) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 900}, locale="en-GB").new_page()
    page.set_default_timeout(15_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{url}/login?next=/rules")
    sign_in(page, name)
    expect(page.locator(".rulecard")).not_to_have_count(0)
    assert all(one.startswith(url) for one in asked)
    assert wrong == []
    return page


def save(page: Page, why: str) -> None:
    page.locator("#why").fill(why)
    page.get_by_role("button", name="Put into force").click()


def test_a_rule_is_changed_by_a_form_and_what_is_wrong_stands_at_its_field(
    browser: Browser, url: str, site: tuple[str, RulesDesk]
) -> None:
    page = opened(browser, url)
    page.get_by_role("button", name="Edit: Tell about repeats").click()
    page.get_by_role("button", name="Add condition").first.click()
    page.locator('[data-path="rule.0.when.1.kind"]').select_option("artifact")
    severity = page.locator('[data-path="rule.0.when.1.severity"]')
    severity.fill("7")
    expect(page.locator('[data-problem="rule.0.when.1.severity"]')).to_be_visible()
    expect(severity).to_have_attribute("aria-invalid", "true")
    expect(severity).to_be_focused()  # who types is not disturbed
    save(page, "too much")
    assert site[1].in_force()[1] == parse(RULES)
    severity.fill("0.5")
    expect(page.locator(".wrong")).to_have_count(0)
    save(page, "only severe ones")
    expect(page.locator("#rules-said")).to_contain_text("is in force")
    version, rulebook, _ = site[1].in_force()
    assert version is not None
    assert (version.author, version.why) == ("ada", "only severe ones")
    assert rulebook.rule[0].when[1].severity == 0.5  # type: ignore[union-attr]  # of this kind
    expect(page.locator(".rulecard").first).to_contain_text("Artifact: Motion, severity ≥ 0.5")
    page.context.close()


def test_the_file_and_the_form_are_two_sides_of_the_same(browser: Browser, url: str) -> None:
    page = opened(browser, url)
    page.get_by_role("button", name="As a file (TOML)").click()
    area = page.locator("#toml")
    assert parse(area.input_value()) == parse(RULES)
    area.fill(RULES.replace('"Usable"', '"Usble"'))
    page.get_by_role("button", name="Check and take over").click()
    page.get_by_role("button", name="line 18").click()
    assert page.evaluate(
        "getSelection().toString() || toml.value.slice(toml.selectionStart, toml.selectionEnd)"
    ) == ('one_of = ["Usble"]')
    area.fill(RULES.replace('"Usable"', '"Check"'))
    page.get_by_role("button", name="Check and take over").click()
    expect(page.locator("#rules-said")).to_contain_text("Taken over")
    page.get_by_role("button", name="As a form").click()
    expect(page.locator(".rulecard").nth(1)).to_contain_text("Verdict: Check")
    with page.expect_download() as download:
        page.get_by_role("button", name="As a file (TOML)").click()
        page.get_by_role("link", name="Export").click()
    assert parse(Path(download.value.path()).read_text("utf-8")) == parse(
        RULES.replace('"Usable"', '"Check"')
    )
    page.context.close()


def test_rules_are_tried_on_past_verdicts_and_on_a_dropped_file(
    browser: Browser, url: str, tmp_path: Path
) -> None:
    image = mr_series(slices=1, rows=16, columns=16, patient=Patient(name="Canary^Zyx"))[0]
    image.BodyPartExamined = "KNEE"
    (path,) = write_series(tmp_path, [image])
    page = opened(browser, url)
    page.goto(f"{url}/rules#try")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#try-said")).to_contain_text("3 verdicts tried")
    expect(page.locator("table.held")).to_contain_text("1 of 3")
    expect(page.locator('[data-series="k1-1"]')).to_contain_text("Alert, console: Repeat: T2, brain, 3 T")
    page.locator("#try-file").set_input_files(path)
    expect(page.locator("#file-case")).to_contain_text("knee")
    page.locator("#case-verdict").select_option("Usable")
    page.get_by_role("button", name="See what follows").click()
    expect(page.locator("#case-told")).to_contain_text("pacs: results are not sent")
    assert "Canary" not in page.content()
    page.locator("#try-file").set_input_files({"name": "x", "mimeType": "text/plain", "buffer": b"no image"})
    expect(page.locator("#file-said")).to_contain_text("no MR image")
    page.context.close()


def test_versions_are_compared_and_gone_back_to(
    browser: Browser, url: str, site: tuple[str, RulesDesk]
) -> None:
    before = site[1].in_force()[0]
    assert before is not None
    site[1].save(parse(RULES.replace("Usable", "Check")), seen=None, by="bob", why="a mistake")
    page = opened(browser, url)
    page.get_by_role("link", name="Versions").click()
    page.get_by_role("button", name=f"Compare: {before.number}").click()
    expect(page.locator(".diff .plus")).to_have_text('+one_of = ["Check"]')
    expect(page.locator(".diff .minus")).to_have_text('-one_of = ["Usable"]')
    page.keyboard.press("Escape")
    page.get_by_role("button", name=f"Go back to it: {before.number}").click()
    page.locator("#back-why").fill("that was better")
    page.get_by_role("button", name="Go back to it", exact=True).click()
    expect(page.locator("#in-force")).to_contain_text("that was better")
    version, rulebook, _ = site[1].in_force()
    assert version is not None
    assert (version.number, version.origin) == (before.number + 2, "restore")
    assert rulebook == parse(RULES)
    page.context.close()


def test_of_two_who_change_rules_at_once_nobody_loses_anything(
    browser: Browser, url: str, site: tuple[str, RulesDesk]
) -> None:
    ada, bob = opened(browser, url), opened(browser, url, "bob")
    for page in (ada, bob):
        page.get_by_role("button", name="Edit: Tell about repeats").click()
    ada.locator('[data-path="rule.0.note"]').fill("of ada")
    ada.get_by_role("button", name="Copy: Keep usable ones here").click()
    bob.locator('[data-path="rule.0.note"]').fill("of bob")
    bob.get_by_role("button", name="Remove: Keep usable ones here").click()
    save(bob, "bob was first")
    expect(bob.locator("#rules-said")).to_contain_text("is in force")
    save(ada, "ada was second")
    expect(ada.locator("dialog")).to_contain_text("bob was first")
    ada.get_by_role("radio", name="Mine").check()
    ada.get_by_role("button", name="Go on with these").click()
    expect(ada.locator("#rules-said")).to_contain_text("put together")
    save(ada, "both together")
    expect(ada.locator("#rules-said")).to_contain_text("is in force")
    rules = site[1].in_force()[1].rule
    assert [(rule.name, rule.note) for rule in rules] == [
        ("Tell about repeats", "of ada"),
        ("Keep usable ones here (copy)", ""),
    ]
    for page in (ada, bob):
        page.context.close()


def test_by_keyboard_alone_a_rule_is_added_and_put_into_force(
    browser: Browser, url: str, site: tuple[str, RulesDesk]
) -> None:
    page = opened(browser, url)
    page.get_by_role("button", name="Add rule").focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-path="rule.2.name"]')).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("Typed")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")  # mode: live
    page.locator("#why").focus()
    page.keyboard.type("by keys")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#rules-said")).to_contain_text("is in force")
    added = site[1].in_force()[1].rule[2]
    assert (added.name, added.mode) == ("Typed", "live")
    page.context.close()


def test_who_may_not_change_rules_reads_them(browser: Browser, url: str) -> None:
    page = opened(browser, url, "tom")
    expect(page.get_by_text("An administrator changes them")).to_be_visible()
    expect(page.get_by_role("button", name="Add rule")).to_have_count(0)
    expect(page.get_by_role("button", name="Edit: Tell about repeats")).to_have_count(0)
    page.get_by_role("button", name="As a file (TOML)").click()
    assert parse(page.locator("#toml").input_value()) == parse(RULES)
    page.context.close()


@pytest.mark.parametrize("width", [1366, 320])
def test_everybody_can_use_every_part_and_hostile_names_stay_text(
    browser: Browser, url: str, site: tuple[str, RulesDesk], width: int
) -> None:
    site[1].save(parse(RULES.replace("Tell about repeats", HOSTILE)), seen=None, by="ada", why=HOSTILE)
    page = opened(browser, url, width=width)
    page.get_by_role("button", name=f"Edit: {HOSTILE}").click()
    for part in ("rules", "try", "versions", "done"):
        page.goto(f"{url}/rules#{part}")
        expect(page.locator(f"#part-{part}")).to_be_visible()
        if part == "try":
            page.get_by_role("button", name="Run").click()
            expect(page.locator("table.told")).to_be_visible()
        found = Axe().run(page, options=OPTIONS).response["violations"]
        assert [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]] == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.locator("img[src=x]").count() == 0
    page.context.close()


def test_what_a_rule_alerts_the_console_to_stands_above_all_until_it_is_put_away(
    browser: Browser, url: str, ledger: RecordedLedger
) -> None:
    page = browser.new_context(locale="en-GB").new_page()
    page.goto(f"{url}/login?next=/")
    sign_in(page, "tom")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")

    def alert(errand: int, text: str, replaces: int | None = None) -> None:
        told = {
            "errand": errand,
            "text": text,
            "rule": "r",
            "event": "alert",
            "priority": "high",
            "replaces": replaces,
        }
        with ledger._changed:
            ledger.events.append(EventView(len(ledger.events) + 1, time.time(), "notice", "k1-1", told))
            ledger._marker += 1
            ledger._changed.notify_all()

    alert(1, HOSTILE)
    alert(2, "another")
    lines = page.locator(".rule-alert")
    expect(lines).to_have_count(2)
    expect(lines.last).to_contain_text(HOSTILE)
    alert(3, "in place of the first", replaces=1)
    expect(page.locator('[data-errand="1"]')).to_have_count(0)
    found = Axe().run(page, context="#rule-alerts", options=OPTIONS).response["violations"]
    assert [one["id"] for one in found] == []
    page.locator('[data-errand="3"]').get_by_role("button", name="Put away").click()
    expect(lines).to_have_count(1)
    page.context.close()
