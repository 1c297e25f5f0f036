"""What is no text is refused before an operation sees it: one place for every text of every operation."""

import re
from collections.abc import Iterable, Mapping

from fastapi import Request
from fastapi.exceptions import RequestValidationError

UNFIT = "Holds NUL or half of a surrogate pair"  # PostgreSQL keeps no NUL, and UTF-8 has no such half
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_JSON = re.compile(r"application/(?:[^;\s]+\+)?json\s*(?:;|$)", re.IGNORECASE)


async def plain_text(request: Request) -> None:
    """Let a request pass whose path, query, headers and JSON hold text. Raises RequestValidationError.

    A name that is no text itself is not repeated in the answer.
    """
    brought: Mapping[str, Iterable[tuple[str, object]]] = {
        "path": request.path_params.items(),
        "query": request.query_params.multi_items(),
        "header": request.headers.items(),
        "body": [("", await _json(request))],
    }
    errors = [
        {"loc": (where, name) if name and is_plain(name) else (where,), "msg": UNFIT, "type": "text"}
        for where, values in brought.items()
        for name, value in values
        if not (is_plain(name) and is_plain(value))
    ]
    if errors:
        raise RequestValidationError(errors)


def is_plain(value: object) -> bool:
    """Tell whether all texts of a value, at whatever depth, can be kept."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if _UNFIT.search(one):
                return False
        elif isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            waiting += one
    return True


async def _json(request: Request) -> object:
    """Give the body of an operation that takes JSON, which FastAPI has read by now; None of the others."""
    takes = getattr(request.scope.get("route"), "body_field", None) is not None
    if not takes or not _JSON.match(request.headers.get("content-type", "")) or not await request.body():
        return None
    return await request.json()
