"""Deliveries, nodes and the system, in a browser, on the whole product with a real PACS beside it."""

import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import update

from inference.card import load_card, released
from service.ledger.tables import outbox
from service.scu import NoAssociation, send
from tests.acceptance.test_accessibility import violations_at
from tests.outbox import OutboxHouse
from tests.peers import CHROMIUM_ARGS, Orthanc, chromium, free_port, wait_until
from tests.peers.house import House, run, scanside
from tests.series import Patient, mr_series, write_series

PASSWORD = "blue horse under moon"
PEOPLE = {"ada": "administrator", "pia": "physicist", "tom": "technologist"}
CANARY = Patient(name="Quastenflosser^Hedwig", id="CANARY-4711")
THOUSAND = 1000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGS))
        yield made
        made.close()


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("operations")


@pytest.fixture(scope="module")
def settings(state_dir: Path) -> dict[str, object]:
    return {
        "destination": [
            {"name": "down", "kind": "dicom", "host": "127.0.0.1", "port": free_port(), "ae_title": "DOWN"}
        ],
        "scanner": [{"name": "MR 1", "ae_title": "MR1"}],
        "allow": {"ae_titles": ["MR1"]},
        "quiet_s": 1.0,
        "mode": "shadow",
    }


@pytest.fixture(scope="module")
def product(state_dir: Path, settings: dict[str, object]) -> Iterator[House]:
    """The whole product in shadow mode, with somebody of three roles and a thousand results that were given up."""
    secret = state_dir.parent / "password"
    secret.write_text(f"{PASSWORD}\n")
    for name, role in PEOPLE.items():
        done = run("user", "add", name, "--role", role, "--password-file", str(secret), state_dir=state_dir)
        assert done.returncode == 0, done.stderr
    house = OutboxHouse.installed(state_dir)
    for number in range(THOUSAND // 4):
        house.post(to="down", key=f"s{number}", kinds=("SR", "SEG", "SC", "KO"), patient=CANARY)
    with house.database.write() as connection:
        told = {"state": "dead", "attempts": 212, "answer": "no association", "tried_at": house.clock()}
        connection.execute(update(outbox).values(told))
    house.database.close()
    with scanside(state_dir=state_dir, within_s=180.0, **settings) as made:
        yield made


Open = Callable[[str, str], Page]


@pytest.fixture
def opened(browser: Browser, product: House) -> Iterator[Open]:
    """Give what opens a page as somebody; nothing may go wrong in its scripts, nor leave the origin."""
    wrong: list[str] = []
    contexts = []

    def hear(page: Page) -> None:
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda one: one.url.startswith(product.url) or wrong.append(one.url))

    def open_page(name: str, path: str) -> Page:
        context = browser.new_context(viewport={"width": 1366, "height": 900}, locale="en-GB")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        hear(page)
        page.goto(f"{product.url}/login?next={path}")
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{product.url}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


ASK = """async ([path, method, body, headers]) => {
  const answer = await fetch(path, { method, headers: { "Content-Type": "application/json", ...headers }, body });
  const json = answer.headers.get("content-type")?.includes("json");
  return [answer.status, json ? await answer.json() : null];
}"""


def asked(page: Page, path: str, method: str = "GET", body: object = None, **headers: str) -> tuple[int, Any]:
    """Ask the API as whoever is signed in on a page; gives status and body."""
    text = None if body is None else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    status, told = page.evaluate(ASK, [path, method, text, named])
    return status, told


def states(page: Page) -> dict[str, int]:
    told = asked(page, "/api/v1/deliveries/counts")[1]["items"]
    return {f"{one['destination']} {one['state']}": one["count"] for one in told}


def an_exam(folder: Path, key: str) -> Path:
    """Write a small series of the canary."""
    write_series(folder / key, mr_series(slices=6, rows=96, columns=96, key=key, patient=CANARY))
    return folder / key


def verdicts(page: Page) -> int:
    return sum(bool(one["verdict"]) for one in asked(page, "/api/v1/series?limit=200")[1]["items"])


def test_1_in_shadow_mode_series_are_scored_and_shown_and_nothing_leaves(
    opened: Open, product: House, tmp_path: Path
) -> None:
    page = opened("pia", "/system")
    before = verdicts(page)
    send([an_exam(tmp_path, "shadow")], "127.0.0.1", product.dicom_port, calling="MR1")
    wait_until(lambda: verdicts(page) > before, within_s=60, what="the verdict")
    newest = asked(page, "/api/v1/series?limit=1")[1]["items"][0]
    wait_until(
        lambda: asked(page, f"/api/v1/series/{newest['id']}")[1]["state"] == "delivered",
        what="the end of its way",
    )
    assert asked(page, f"/api/v1/deliveries?series={newest['id']}")[1]["items"] == []
    assert states(page) == {"down dead": THOUSAND}
    for path in ("/", "/system", "/deliveries", "/nodes", "/account"):
        page.goto(f"{product.url}{path}")
        expect(page.locator("#maintenance")).to_contain_text("SHADOW MODE")


def test_2_whoever_accepts_the_thresholds_takes_the_site_live_and_back(opened: Open, product: House) -> None:
    technologist = opened("tom", "/system")
    expect(technologist.locator("#mode")).to_contain_text("Shadow mode")
    expect(technologist.get_by_role("button", name="Accept and go live")).to_have_count(0)
    page = opened("pia", "/system")
    expect(page.locator("#mode")).to_contain_text("Usable from index")
    accept = page.get_by_role("button", name="Accept and go live")
    accept.click()
    expect(page.locator("#mode")).to_contain_text("Shadow mode")  # the first press asks
    page.get_by_role("button", name="Press again").click()
    expect(page.locator("#mode .state-word")).to_contain_text("Live")
    expect(page.locator("#mode")).to_contain_text("accepted by pia")
    expect(technologist.locator("#maintenance")).to_be_hidden(timeout=15_000)
    page.get_by_role("button", name="Back to shadow mode").click()
    page.get_by_role("button", name="Press again").click()
    expect(page.locator("#maintenance")).to_contain_text("SHADOW MODE")
    page.get_by_role("button", name="Accept and go live").click()
    page.get_by_role("button", name="Press again").click()
    expect(page.locator("#maintenance")).to_be_hidden()


def test_3_a_pacs_that_is_added_on_the_page_answers_and_gets_results_without_a_restart(
    opened: Open, product: House, orthanc_server: Orthanc, tmp_path: Path
) -> None:
    pids = {part["pid"] for part in product_parts(opened("tom", "/system"))}
    page = opened("ada", "/nodes")
    page.get_by_label("PACS, by C-STORE").check()
    page.get_by_label("Name", exact=True).fill("archive")
    page.get_by_label("AE title", exact=True).fill(orthanc_server.ae_title)
    page.get_by_label("Host", exact=True).fill("nowhere at all")
    page.get_by_label("Port").fill(str(orthanc_server.port))
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#form-said")).to_contain_text("host")
    page.get_by_label("Host", exact=True).fill(orthanc_server.address)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#said")).to_contain_text("archive is in force")
    page.get_by_role("button", name="C-ECHO: archive").click()
    expect(page.locator("#said")).to_contain_text("archive: C-ECHO answered")
    expect(page.locator("#destinations")).to_contain_text("✓")
    page.get_by_role("button", name="C-ECHO: down").click()
    expect(page.locator("#said")).to_contain_text("down: C-ECHO failed: no association", timeout=5_000)
    send([an_exam(tmp_path, "added")], "127.0.0.1", product.dicom_port, calling="MR1")
    wait_until(lambda: states(page).get("archive sent", 0) >= 3, within_s=60, what="results in the archive")
    assert kept_by(orthanc_server) >= 3
    assert {part["pid"] for part in product_parts(page)} == pids


def kept_by(pacs: Orthanc) -> int:
    return int(pacs.get("/statistics")["CountInstances"])


def product_parts(page: Page) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = asked(page, "/api/v1/system")[1]["parts"]
    assert len(parts) == 3
    assert all(part["alive"] and part["version"] for part in parts)
    return parts


def test_4_a_scanner_that_was_turned_away_is_let_in_on_the_page(
    opened: Open, product: House, tmp_path: Path
) -> None:
    exam = an_exam(tmp_path, "stranger")
    with pytest.raises(NoAssociation):
        send([exam], "127.0.0.1", product.dicom_port, calling="MR9")
    page = opened("ada", "/nodes")
    wait_until(lambda: asked(page, "/api/v1/refusals")[1]["callers"], what="the refusal")
    page.reload()
    row = page.locator("#away tr", has_text="MR9")
    expect(row).to_contain_text("its AE title is not let in")
    row.locator("summary").click()
    expect(row).to_contain_text('ae_titles = ["MR1", "MR9"]')
    row.get_by_role("button", name="Let in").click()
    expect(page.locator("#ae_title")).to_have_value("MR9")
    page.get_by_label("Name", exact=True).fill("MR nine")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#said")).to_contain_text("MR nine is in force")
    expect(row).to_contain_text("is let in now")

    def arrived() -> bool:
        try:
            return all(one.stored for one in send([exam], "127.0.0.1", product.dicom_port, calling="MR9"))
        except NoAssociation:
            return False

    wait_until(arrived, within_s=10, what="the scanner being let in")
    scanners = {one["scanner"] for one in asked(page, "/api/v1/series?limit=200")[1]["items"]}
    assert "MR nine" in scanners
    mine = page.locator("#scanners tr", has_text="MR nine")

    def seen() -> bool:  # the door notes who called every two seconds
        page.reload()
        return "never" not in mine.inner_text()

    wait_until(seen, within_s=20, what="the scanner being seen")


def test_5_a_thousand_results_are_moved_in_one_request_and_reach_the_pacs(
    opened: Open, product: House, orthanc_server: Orthanc
) -> None:
    page = opened("ada", "/deliveries")
    before = kept_by(orthanc_server)
    page.get_by_role("button", name=re.compile("Given up")).click()
    expect(page.locator("#rows tr")).to_have_count(100)
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("button", name="Select all that match").click()
    expect(page.locator("#count")).to_have_text("All that match are selected")
    page.get_by_label("Reason").fill("quastenflosser was lost")
    page.get_by_label("Move to").select_option("archive")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator("#said")).to_contain_text("names a patient", timeout=60_000)
    assert states(page)["down dead"] == THOUSAND
    page.get_by_label("Reason").fill("the old PACS is gone")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator("#said")).to_contain_text(f"{THOUSAND} deliveries changed", timeout=60_000)
    expect(page.locator("#done")).to_contain_text("the old PACS is gone")
    wait_until(
        lambda: kept_by(orthanc_server) >= before + THOUSAND,
        within_s=300,
        every_s=1.0,
        what="a thousand results in the archive",
    )


def test_6_the_same_request_counts_once_and_technologists_send_nothing(
    opened: Open, orthanc_server: Orthanc
) -> None:
    page = opened("ada", "/deliveries")
    page.wait_for_selector("#rows tr")
    listed = asked(page, "/api/v1/deliveries?destination=archive&state=sent&limit=200")[1]["items"]
    csrf = asked(page, "/api/v1/session")[1]["csrf"]
    headers = {"X_CSRF_Token": csrf, "Idempotency_Key": "press-00001"}
    body = {"what": "resend", "reason": "lost there", "ids": [one["id"] for one in listed[:4]]}
    first = asked(page, "/api/v1/deeds", "POST", body, **headers)
    again = asked(page, "/api/v1/deeds", "POST", body, **headers)
    assert first == again == (201, {"changed": 4, "left": 0})
    assert asked(page, "/api/v1/deeds", "POST", body | {"what": "hold"}, **headers)[0] == 409
    assert asked(page, "/api/v1/deeds", "POST", body | {"ids": []}, **headers)[0] == 400
    wait_until(lambda: states(page).get("archive waiting", 0) == 0, what="the resending")
    assert any(
        one["reason"] == "lost there"
        for one in asked(page, f"/api/v1/deliveries/{listed[0]['id']}/deeds")[1]["items"]
    )
    technologist = opened("tom", "/deliveries")
    expect(technologist.locator("#rows tr")).not_to_have_count(0)
    expect(technologist.locator("#rows input")).to_have_count(0)
    csrf = asked(technologist, "/api/v1/session")[1]["csrf"]
    assert asked(technologist, "/api/v1/deeds", "POST", body, **headers | {"X_CSRF_Token": csrf})[0] == 403


def test_7_what_is_stopped_waits_and_everybody_sees_it(opened: Open, product: House, tmp_path: Path) -> None:
    technologist, page = opened("tom", "/"), opened("ada", "/system")
    page.get_by_label("Reason").fill("the GPU is exchanged")
    page.get_by_role("button", name="Stop after what is under way").click()
    for one in (page, technologist):
        expect(one.locator("#maintenance")).to_contain_text("SCORING IS STOPPED", timeout=15_000)
        expect(one.locator("#maintenance")).to_contain_text("the GPU is exchanged")
    page.get_by_label("Stop", exact=True).select_option("to:archive")
    page.get_by_label("Reason").fill("the archive is updated")
    page.get_by_role("button", name="Stop after what is under way").click()
    expect(page.locator("#maintenance")).to_contain_text("SENDING TO archive IS STOPPED")
    before, sent = verdicts(page), states(page)["archive sent"]
    told = send([an_exam(tmp_path, "meanwhile")], "127.0.0.1", product.dicom_port, calling="MR1")
    assert all(one.stored for one in told)  # images are received all the same
    wait_until(lambda: asked(page, "/api/v1/system")[1]["queues"][0]["waiting"] >= 6, what="slices")
    page.wait_for_timeout(3000)
    assert verdicts(page) == before
    page.get_by_role("button", name="Let it go on: Scoring").click()
    wait_until(lambda: verdicts(page) == before + 1, within_s=60, what="the verdict")
    wait_until(lambda: states(page).get("archive waiting", 0) >= 3, what="results that wait")
    page.wait_for_timeout(2000)
    assert states(page)["archive sent"] == sent
    page.get_by_role("button", name="Let it go on: To archive").click()
    wait_until(lambda: states(page).get("archive waiting", 0) == 0, within_s=30, what="what waited")
    expect(technologist.locator("#maintenance")).to_be_hidden(timeout=15_000)


def test_8_the_system_page_tells_disk_provider_and_model_as_they_are(opened: Open, state_dir: Path) -> None:
    page = opened("pia", "/system")
    card, disk = load_card(released()), shutil.disk_usage(state_dir)
    expect(page.locator("#model")).to_contain_text(f"{card.name} {card.version}")
    expect(page.locator("#model code")).to_have_text(card.sha256)
    expect(page.locator("#parts tr", has_text="CPU")).to_have_count(1)
    told = asked(page, "/api/v1/system")[1]
    assert {one["provider"] for one in told["parts"]} == {"", "CPUExecutionProvider"}
    meter = page.locator("#room meter")
    assert float(meter.get_attribute("max") or 0) == disk.total
    assert float(meter.get_attribute("value") or 0) == pytest.approx(disk.free, abs=disk.total / 20)


def test_9_the_pages_can_be_used_by_everybody(opened: Open, product: House) -> None:
    page = opened("ada", "/deliveries")
    page.locator("#rows input").first.check()
    page.get_by_role("button", name=re.compile("^History")).first.click()
    expect(page.locator(".past")).to_be_visible()
    assert violations_at(page) == []
    page.goto(f"{product.url}/nodes")
    expect(page.locator("#destinations tr")).to_have_count(2)
    page.get_by_label("PACS, by C-STORE").check()
    assert violations_at(page) == []
    page.get_by_role("button", name="Change: archive").press("Enter")  # by keyboard alone
    expect(page.locator("#ae_title")).to_be_focused()
    page.goto(f"{product.url}/system")
    page.locator("summary", has_text="Measured on others").click()
    assert violations_at(page) == []
    page.set_viewport_size({"width": 320, "height": 900})
    small = page.evaluate("""[...document.querySelectorAll("button, select, input[type=text], summary, td a")]
      .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.5)
      .map((one) => one.outerHTML.slice(0, 120))""")
    assert small == []


def test_10_the_bundle_for_support_tells_much_and_nothing_of_a_patient(opened: Open, product: House) -> None:
    page = opened("ada", "/system")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the bundle").click()
    content = Path(download.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
        text = b"\n".join(archive.read(name) for name in archive.namelist()).decode()
        assert json.loads(archive.read("tables.json"))["outbox"] >= THOUSAND
        assert json.loads(archive.read("settings.json"))["mode"] == "shadow"
        assert json.loads(archive.read("in_force.json"))["destination"][-1]["name"] == "archive"
    assert {"about.json", "settings.json", "parts.json", "metrics.txt", "callers.json"} <= names
    assert "scanside_deliveries_total" in text
    words = [*re.split(r"\W+", CANARY.name), CANARY.id]
    assert [word for word in words if word.casefold() in text.casefold()] == []
    assert (product.state_dir / "key").read_text().strip() not in text
    assert "the old PACS is gone" not in text  # what people write stays out
    technologist = opened("tom", "/system")
    expect(technologist.get_by_role("link", name="Download the bundle")).to_be_hidden()
    assert asked(technologist, "/api/v1/support")[0] == 403
