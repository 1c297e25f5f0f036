"""What a person and what a program is told when something cannot be had."""

import re

import pytest
from fastapi import FastAPI

from tests.unit.service.web.conftest import Asked

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_person_gets_a_page_with_a_way_on_and_a_program_a_problem(client: Asked) -> None:
    page = client.get("/nowhere", PAGE)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="/"' in page.text
    assert 'data-status="404"' in page.text
    assert page.headers["x-request-id"] in page.text
    program = client.get("/nowhere")
    assert program.headers["content-type"] == "application/problem+json"
    assert client.get("/api/v1/nowhere", PAGE).headers["content-type"] == "application/problem+json"


def test_nothing_of_the_address_stands_on_the_page(client: Asked) -> None:
    page = client.get("/<script>alert(1)</script>?patient=Doe^Jane", PAGE | {"X-Request-ID": "<b>x</b>"})
    assert page.status_code == 404
    for word in ("alert(1)", "Doe", "<b>"):
        assert word not in page.text
    assert re.search(r"<script(?! type=\"module\" src=\"/static/)", page.text) is None


def test_a_failure_is_a_page_too_and_says_nothing_of_its_cause(app: FastAPI, client: Asked) -> None:
    async def broken() -> None:
        raise RuntimeError("secret of Doe^Jane")

    app.router.add_api_route("/broken", broken)
    page = client.get("/broken", PAGE)
    assert (page.status_code, "Doe" in page.text) == (500, False)
    assert 'data-status="500"' in page.text


@pytest.mark.parametrize("host", ["evil.example", ""])
def test_another_host_name_is_told_to_a_person_in_words(client: Asked, host: str) -> None:
    page = client.get("/", PAGE | {"Host": host})
    assert page.status_code == 421
    assert "does not answer to that host name" in page.text
