"""The console's pages and files: read once, served from memory, so that no path of a request ever meets the disk."""

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import resources
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response, Security

from service.access import Caller, Permission
from service.web.access import PUBLIC, authorised
from service.web.problems import documented
from service.web.shell import in_shell

_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".css": "text/css"}


@dataclass(frozen=True)
class Asset:
    """One file of the console."""

    content: bytes
    media_type: str

    @cached_property
    def etag(self) -> str:
        """Give what names this content and no other."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:20]}"'


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the console, and what whoever opens it has to be allowed."""

    path: str
    name: str  # of its file in templates/ and of its script
    title: str
    needs: Permission | None
    styles: tuple[str, ...] = ()  # beside the one of all pages
    bar: bool = True  # the head with the ways to the other pages


PAGES = (
    Page("/", "index", "The console", Permission.READ, ("viewer",)),
    Page("/boards", "boards", "Boards", Permission.READ, ("board",)),
    Page("/board/{scanner}", "board", "A scanner's board", Permission.READ, ("board",)),
    Page("/study/{study_id}", "study", "An exam", Permission.READ, ("study",)),
    Page("/trends", "trends", "Trends", Permission.READ, ("trends",)),
    Page("/search", "search", "Search", Permission.READ, ("search",)),
    Page("/review", "review", "Review", Permission.REVIEW, ("viewer", "review")),
    Page("/agreement", "agreement", "Agreement and thresholds", Permission.REVIEW, ("agreement",)),
    Page("/login", "login", "Sign in", None, ("access",), bar=False),
    Page("/account", "account", "My account", Permission.OWN, ("access",)),
    Page("/deliveries", "deliveries", "Deliveries", Permission.DELIVERIES, ("operations",)),
    Page("/nodes", "nodes", "Nodes", Permission.STATUS, ("operations",)),
    Page("/system", "system", "System", Permission.STATUS, ("operations",)),
    Page("/rules", "rules", "Rules", Permission.STATUS, ("rules",)),
    Page("/users", "users", "Users and tokens", Permission.USERS, ("access",)),
    Page("/deid", "deid", "De-identification", Permission.STATUS, ("help",)),
    Page("/audit", "audit", "Audit", Permission.AUDIT, ("access", "help")),
    Page("/help", "help", "Help", None, ("help",)),
    Page("/api-docs", "api-docs", "The API", Permission.READ, ("help",)),
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
            assets[file.name] = Asset(file.read_bytes(), _media_type(file.name))
    return assets


def console_router(assets: Mapping[str, Asset]) -> APIRouter:
    """Serve the pages, each to those who may see what it is made of, and their files under ``/static``."""
    router = APIRouter(tags=["pages"])
    for page in PAGES:
        _add_page(router, page)

    @router.get("/static/{name}", include_in_schema=False, dependencies=[PUBLIC])
    async def file(request: Request, name: str) -> Response:  # pyright: ignore[reportUnusedFunction]  # the router keeps it
        if name not in assets:
            raise HTTPException(404)
        return _answer(request, assets[name])

    return router


def _add_page(router: APIRouter, page: Page) -> None:
    html_text = in_shell(page.name, page.title, styles=page.styles, bar=page.bar)
    asset = Asset(html_text.encode(), "text/html")
    html: dict[int | str, dict[str, object]] = {
        200: {"description": "The page", "content": {"text/html": {"schema": {"type": "string"}}}}
    }
    declare = partial(
        router.get,
        page.path,
        summary=page.title,
        response_class=Response,
        name=page.title,
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
