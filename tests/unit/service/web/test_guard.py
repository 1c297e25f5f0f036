"""Who may ask, and what every answer carries."""

import pytest

from tests.unit.service.web.conftest import Asked

EVERYWHERE = ["/", "/static/index.js", "/api/v1/series", "/api/v1/nothing", "/livez", "/metrics", "/readyz"]


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_carries_the_security_headers(client: Asked, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8042", "127.0.0.1:1", "[::1]:8042", "[::1]"])
def test_loopback_names_are_answered(client: Asked, host: str) -> None:
    assert client.get("/livez", {"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "192.168.1.4",
        "",
        "localhost:8042@evil",
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/series", "/livez"])
def test_a_name_that_was_made_to_point_here_is_refused(client: Asked, host: str, path: str) -> None:
    answer = client.get(path, {"Host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert "evil" not in answer.text


def test_a_harmless_request_id_is_echoed_and_others_are_replaced(client: Asked) -> None:
    assert client.get("/livez", {"X-Request-ID": "a-1.B_2"}).headers["x-request-id"] == "a-1.B_2"
    for given in ("", "x" * 65, "a b", "a\tb"):
        made = client.get("/livez", {"X-Request-ID": given}).headers["x-request-id"]
        assert len(made) == 32
        assert made.isalnum()


def test_answers_of_the_api_are_not_kept_by_caches(client: Asked) -> None:
    for path in ("/api/v1/series", "/api/v1/series/s1/slices/0/image"):
        assert client.get(path).headers["cache-control"] == "no-store"


def test_the_page_and_its_files_are_checked_by_their_tag(client: Asked) -> None:
    first = client.get("/static/index.js")
    assert first.headers["content-type"].startswith("text/javascript")
    again = client.get("/static/index.js", {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_holds_no_script_or_style_of_its_own_and_nothing_from_elsewhere(client: Asked) -> None:
    page = client.get("/").text
    assert "<style" not in page
    assert " style=" not in page
    assert page.count("<script") == page.count('<script type="module" src="/static/')
    assert "://" not in page
