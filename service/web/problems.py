"""Errors as RFC 9457 problem details; nothing of a request's values is repeated in them."""

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from http import HTTPStatus
from string import Template
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from service.ledger.database import LedgerUnavailable
from service.ledger_views import BadCursor
from service.web.house import PictureGone
from service.web.shell import in_shell

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class WrongParameter(BaseModel):
    """One parameter of the request that does not fit."""

    parameter: str = Field(description="Where it stands: path, query or header, and its name")
    message: str = Field(description="What it should be")


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field(default="about:blank", description="The kind of problem; the status says it all")
    title: str = Field(description="The status in words")
    status: int = Field(description="The status of the answer")
    detail: str = Field(default="", description="What is wrong, for people")
    request_id: str = Field(default="", description="As in X-Request-ID, for the log")
    errors: list[WrongParameter] | None = Field(default=None, description="For 422: what does not fit")
    checks: dict[str, bool | str] | None = Field(default=None, description="For 503: what is not ready")


class ProblemResponse(JSONResponse):
    """A problem as the body of an answer."""

    media_type = MEDIA_TYPE


def problem(
    status: int,
    detail: str,
    *,
    request_id: str = "",
    errors: list[WrongParameter] | None = None,
    checks: Mapping[str, bool | str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """Say a problem."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        request_id=request_id,
        errors=errors,
        checks=None if checks is None else dict(checks),
    )
    return ProblemResponse(body.model_dump(exclude_none=True), status_code=status, headers=headers)


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Tell OpenAPI the errors of an operation; some can always come."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in sorted({*statuses, 421, 422, 500, 503})
    }


def _id_of(request: Request) -> str:
    return str(request.scope.get("request_id", ""))


def _opens_a_page(request: Request) -> bool:
    """Whether a person waits for a page: a program would be answered with a problem."""
    wants = request.headers.get("accept", "")
    return (
        request.method == "GET"
        and "text/html" in wants
        and not request.url.path.startswith(("/api/", "/dicom-web/"))
    )


def told(request: Request, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """Say a problem: to a person who waits for a page as a page with a way on, to a program as problem details."""
    request_id = _id_of(request)
    if not _opens_a_page(request):
        return problem(status, detail, request_id=request_id, headers=headers)
    said = {
        "status": str(status),
        "title": HTTPStatus(status).phrase,
        "detail": detail,
        "request_id": request_id,
    }
    page = _page().substitute({name: escape(value) for name, value in said.items()})
    return HTMLResponse(page, status, headers={"Cache-Control": "no-store"} | dict(headers or {}))


@cache
def _page() -> Template:
    return Template(in_shell("problem", "$title", styles=("access",), bar=False))


_DETAILS = {
    404: "There is nothing here.",
    405: "This method is not served here; the Allow header says which are.",
}


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 401 and _opens_a_page(request):
        return RedirectResponse(f"/login?next={quote(request.url.path, safe='/')}", 303)
    # Starlette's own errors carry the phrase as their detail; ours say something.
    said = "" if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    detail = said or _DETAILS.get(error.status_code, "")
    return told(request, error.status_code, detail, headers=error.headers)


def _where(location: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in location)


def _wrong_request(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    errors = [WrongParameter(parameter=_where(e["loc"]), message=str(e["msg"])) for e in error.errors()]
    return problem(422, "A parameter does not fit.", request_id=_id_of(request), errors=errors)


def _bad_cursor(request: Request, _error: Exception) -> ProblemResponse:
    errors = [WrongParameter(parameter="query.cursor", message="Should be a cursor that a page gave")]
    return problem(422, "A parameter does not fit.", request_id=_id_of(request), errors=errors)


def _no_ledger(request: Request, _error: Exception) -> Response:
    return told(request, 503, "The database does not answer.", headers={"Retry-After": "5"})


def _picture_gone(request: Request, _error: Exception) -> ProblemResponse:
    return problem(410, str(PictureGone.__doc__), request_id=_id_of(request))


def answer_problems(app: Starlette) -> None:
    """Let every error of the application be answered as a problem."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _wrong_request)
    app.add_exception_handler(BadCursor, _bad_cursor)
    app.add_exception_handler(PictureGone, _picture_gone)
    app.add_exception_handler(LedgerUnavailable, _no_ledger)
