"""The console's files: read once, served from memory, so that no path of a request ever meets the disk."""

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response, Security

from service.access import Caller, Permission
from service.web.access import PUBLIC, authorised
from service.web.problems import documented

_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html", ".css": "text/css"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the console."""

    content: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the console, and what whoever opens it has to be allowed."""

    path: str
    file: str
    summary: str
    needs: Permission | None


PAGES = (
    Page("/", "index.html", "The console", Permission.READ),
    Page("/boards", "boards.html", "Boards", Permission.READ),
    Page("/board/{scanner}", "board.html", "A scanner's board", Permission.READ),
    Page("/study/{study_id}", "study.html", "An exam", Permission.READ),
    Page("/trends", "trends.html", "Trends", Permission.READ),
    Page("/search", "search.html", "Search", Permission.READ),
    Page("/review", "review.html", "Review", Permission.REVIEW),
    Page("/agreement", "agreement.html", "Agreement and thresholds", Permission.REVIEW),
    Page("/login", "login.html", "Sign in", None),
    Page("/account", "account.html", "My account", Permission.OWN),
    Page("/deliveries", "deliveries.html", "Deliveries", Permission.DELIVERIES),
    Page("/nodes", "nodes.html", "Nodes", Permission.STATUS),
    Page("/system", "system.html", "System", Permission.STATUS),
    Page("/rules", "rules.html", "Rules", Permission.STATUS),
    Page("/users", "users.html", "Users and tokens", Permission.USERS),
    Page("/deid", "deid.html", "De-identification", Permission.STATUS),
    Page("/audit", "audit.html", "Audit", Permission.AUDIT),
    Page("/help", "help.html", "Help", None),
    Page("/api-docs", "api-docs.html", "The API", Permission.READ),
)
"""A page whose path is not here does not exist; one that demands a sign-in leads browsers to ``/login``."""


def _media_type(name: str) -> str:
    suffix = name[name.rfind(".") :]
    # Not left to the system's table alone: a wrong entry there, and nosniff makes browsers refuse the script.
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def read_assets() -> Mapping[str, Asset]:
    """Read the files of ``static``, by name."""
    assets: dict[str, Asset] = {}
    for file in resources.files("service.web").joinpath("static").iterdir():
        if file.is_file():
            content = file.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
            assets[file.name] = Asset(content, _media_type(file.name), etag)
    return assets


def console_router(assets: Mapping[str, Asset]) -> APIRouter:
    """Serve the pages, each to those who may see what it is made of, and their files under ``/static``."""
    router = APIRouter(tags=["pages"])
    for page in PAGES:
        _add_page(router, page, assets[page.file])

    @router.get("/static/{name}", include_in_schema=False, dependencies=[PUBLIC])
    async def file(request: Request, name: str) -> Response:  # pyright: ignore[reportUnusedFunction]  # the router keeps it
        if name not in assets:
            raise HTTPException(404)
        return _answer(request, assets[name])

    return router


def _add_page(router: APIRouter, page: Page, asset: Asset) -> None:
    html: dict[int | str, dict[str, object]] = {
        200: {"description": "The page", "content": {"text/html": {"schema": {"type": "string"}}}}
    }
    declare = partial(
        router.get,
        page.path,
        summary=page.summary,
        response_class=Response,
        name=page.summary,
        openapi_extra={"parameters": _parameters(page.path)},
    )
    if page.needs is None:

        @declare(responses=html | documented(), dependencies=[PUBLIC])
        def open_page(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]  # the router keeps it
            return _answer(request, asset)

        return

    @declare(responses=html | documented(401, 403))
    def closed_page(  # pyright: ignore[reportUnusedFunction]  # the router keeps it
        request: Request, _caller: Annotated[Caller, Security(authorised, scopes=[page.needs])]
    ) -> Response:
        return _answer(request, asset)


def _parameters(path: str) -> list[dict[str, object]]:
    """Describe what a page's own script reads of its address."""
    names = re.findall(r"\{(\w+)\}", path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _answer(request: Request, asset: Asset) -> Response:
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
