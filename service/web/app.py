"""The application: routes, errors and the guard put together around a house."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from service.web import (
    access_api,
    api,
    audit_api,
    board_api,
    deid_api,
    deliveries_api,
    events,
    feedback_api,
    health,
    nodes_api,
    pictures,
    review_api,
    rules_api,
    search_api,
    session_api,
    system_api,
    thresholds_api,
    trends_api,
)
from service.web.access import check_declared
from service.web.console import console_router, read_assets
from service.web.feed import Feed
from service.web.guard import Guard
from service.web.house import House
from service.web.plain import plain_text
from service.web.problems import Problem, answer_problems

MOST_BYTES = 64 * 1024  # of a request
_NAMED = re.compile(r"#/components/schemas/([\w.-]+)")
LARGER = {rules_api.FILE_PATH: rules_api.MOST_FILE}


@asynccontextmanager
async def _alive(app: FastAPI) -> AsyncGenerator[None]:
    async with app.state.feed.running():
        yield


def create_app(house: House) -> FastAPI:
    """Build the web application; it starts no thread before the server starts it."""
    app = FastAPI(
        title=house.product,
        version=house.version,
        summary="MR image quality: verdicts, findings and where they are",
        openapi_url=None,  # an operation like the others
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_alive,
        dependencies=[Depends(plain_text)],
    )
    app.state.house = house
    app.state.feed = Feed(house.ledger, house.ready)
    modules = (
        api,
        audit_api,
        board_api,
        deid_api,
        deliveries_api,
        pictures,
        events,
        feedback_api,
        nodes_api,
        review_api,
        rules_api,
        thresholds_api,
        trends_api,
        search_api,
        session_api,
        system_api,
        access_api,
        health,
    )
    for router in (*(module.router for module in modules), console_router(read_assets())):
        check_declared(router)
        app.include_router(router)
    answer_problems(app)
    app.add_middleware(Guard, hosts=house.hosts, proxies=house.proxies, most_bytes=MOST_BYTES, larger=LARGER)
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Put the schema of problem details into the description, and take out what no operation refers to."""
    generate = app.openapi

    def described() -> dict[str, object]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= schema.pop("$defs", {})
            schemas["Problem"] = schema
        while unused := schemas.keys() - set(_NAMED.findall(json.dumps(document))):
            for name in unused:
                del schemas[name]
        return document

    app.openapi = described  # type: ignore[method-assign]  # the way that FastAPI's manual shows
