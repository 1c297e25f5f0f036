"""A client that talks to the application without a socket."""

import anyio
import httpx
import pytest
from fastapi import FastAPI

from service.web import create_app
from tests.unit.service.web.recorded import RecordedLedger, a_house, judged, some_slices

BASE = "http://localhost"


class Asked:
    """Asks the application in process; every call is one request."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def __call__(self, method: str, url: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
                return await http.request(method, url, headers=headers)

        return anyio.run(ask)

    def get(self, url: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self("GET", url, headers)


@pytest.fixture
def ledger() -> RecordedLedger:
    made = RecordedLedger()
    found = {"motion": 0.9, "ghost": 0.6}
    made.put(judged("s1", "Repeat", found, index=2.4, reason="Motion"), some_slices("s1", found), "alert")
    return made


@pytest.fixture
def app(ledger: RecordedLedger) -> FastAPI:
    return create_app(a_house(ledger))


@pytest.fixture
def client(app: FastAPI) -> Asked:
    return Asked(app)
