"""The console's files: read once, served from memory, so that no path of a request ever meets the disk."""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from fastapi import APIRouter, HTTPException, Request, Response

ROOT = "index.html"
_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html", ".css": "text/css"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the console."""

    content: bytes
    media_type: str
    etag: str


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
    """Serve the page at ``/`` and its files under ``/static``; no part of the API's description."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def page(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]  # the router keeps it
        return _answer(request, assets[ROOT])

    @router.get("/static/{name}")
    async def file(request: Request, name: str) -> Response:  # pyright: ignore[reportUnusedFunction]  # the router keeps it
        if name not in assets:
            raise HTTPException(404)
        return _answer(request, assets[name])

    return router


def _answer(request: Request, asset: Asset) -> Response:
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
