"""Logs: one JSON line an event on standard error, and in it only what is on the allow list.

Our own events are constant texts with pseudonymous ids and numbers in ``extra``. What a library says may hold
header values (pydicom quotes them), and so only where it spoke is kept, not its words; the same holds for the
message of an exception that is not ours. Standard output stays free for what a command prints.
"""

import errno
import json
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import IO

OURS = frozenset({"service", "dicom_scp", "inference", "models", "scanside", "__main__"})
_ALLOWED = """
    address ae_title affected artifact association attempt attempts by bytes called code conflict count dead
    destination digest endpoint engine error exam exit_code expected field fingerprint folder frames free_bytes
    generation http_status index instance instances kind limit lines method mode model name objects operation
    part peer pid port provider queue reason received request_id result retry_s revision route scanner seconds
    series sha256 signal size skipped slices spool stage state status study thread transfer_syntax user verdict
    version waiting where worker
"""
ALLOWED = frozenset(_ALLOWED.split())
LONGEST = 200  # characters of a value
DEEPEST = 12  # frames of a traceback, the innermost
NAMES_CODE_ONLY = (ImportError, NameError)  # their messages quote code, never data
_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_WARNING_PLACE = re.compile(r"^(?P<file>.+?):(?P<line>\d+): (?P<kind>\w+): ")

Scalar = str | int | float | bool | None


def configure(level: str = "INFO", *, plain: bool = False, stream: IO[str] | None = None) -> None:
    """Send every logger of the process through the allow list; ``plain`` for a person at a terminal.

    Also catches what would reach standard error past the loggers: warnings and exceptions that nobody caught.
    """
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_Plain() if plain else _Json())
    handler.addFilter(_is_worth_a_line)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in (
        "pynetdicom",
        "pydicom",
        "uvicorn",
        "uvicorn.access",
        "uvicorn.error",
        "sqlalchemy",
        "alembic",
        "httpx",  # its lines hold the address of each request
        "httpcore",
    ):
        tamed = logging.getLogger(name)
        tamed.handlers.clear()
        tamed.propagate = True
        tamed.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def get_logger(name: str) -> logging.Logger:
    """Give the logger of one of our modules, by ``__name__``; a module run as a program is ours too."""
    return logging.getLogger(name)


def entry(record: logging.LogRecord) -> dict[str, object]:
    """Make what may be said of a record: when, how bad, what, and the allowed facts."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    said: dict[str, object] = {"at": f"{stamp}.{int(record.msecs):03d}Z", "level": record.levelname.lower()}
    if _is_ours(record.name):
        said["event"] = record.getMessage()
        said |= _facts(record)
    else:
        said |= {"event": "a library spoke", "logger": record.name, "where": _place(record)}
    if record.exc_info and record.exc_info[1] is not None:
        said["exception"] = list(_chain(record.exc_info[1]))
    return said


def _facts(record: logging.LogRecord) -> dict[str, object]:
    extra = {key: value for key, value in vars(record).items() if key not in _OWN_FIELDS}
    facts: dict[str, object] = {key: _short(extra[key]) for key in sorted(extra) if key in ALLOWED}
    if dropped := sorted(extra.keys() - ALLOWED):
        facts["dropped"] = dropped  # the names, which our code wrote; never the values
    return facts


def _short(value: object) -> Scalar | list[Scalar]:
    if isinstance(value, list | tuple | set | frozenset):
        return [_scalar(item) for item in list(value)[:50]]
    return _scalar(value)


def _scalar(value: object) -> Scalar:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _chain(error: BaseException) -> Iterator[dict[str, object]]:
    """Describe an exception and what led to it: type, frames, and the message only of our own."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        link: dict[str, object] = {"type": f"{type(at).__module__}.{type(at).__qualname__}"}
        if _is_ours(type(at).__module__) or isinstance(at, NAMES_CODE_ONLY):
            link["message"] = _scalar(str(at))
        if isinstance(at, OSError) and at.errno:
            link["errno"] = errno.errorcode.get(at.errno, at.errno)  # without the path: it may hold a name
        link["frames"] = [
            f"{_from_root(frame.filename)}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(at.__traceback__)[-DEEPEST:]
        ]
        yield link
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in OURS


def _place(record: logging.LogRecord) -> str:
    """Say where a library spoke; of a warning, where it was given."""
    if record.name == "py.warnings" and (found := _WARNING_PLACE.match(record.getMessage())):
        return f"{_from_root(found['file'])}:{found['line']} {found['kind']}"
    return f"{_from_root(record.pathname)}:{record.lineno} {record.funcName}"


def _from_root(path: str) -> str:
    """Shorten a path to what tells the file: from site-packages or the last three folders."""
    return (
        path.rpartition("site-packages/")[2] if "site-packages/" in path else "/".join(path.split("/")[-3:])
    )


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Hear libraries from WARNING up, whatever level they gave themselves."""
    return _is_ours(record.name) or record.levelno >= logging.WARNING


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("scanside").critical("uncaught exception", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


class _Handler(logging.StreamHandler[IO[str]]):
    """Writes lines; a full disk or a closed pipe costs the line, never the work."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name
        """Say nothing: a report would quote the record past the allow list."""


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the entry as JSON, ASCII only, so that no control character survives."""
        return json.dumps(entry(record), ensure_ascii=True, separators=(",", ":"))


class _Plain(logging.Formatter):
    """The same facts for eyes."""

    def format(self, record: logging.LogRecord) -> str:
        """Write level, event and facts in one line, the frames of an error below."""
        said = entry(record)
        facts = [f"{key}={json.dumps(value)}" for key, value in said.items() if key not in _HEADING]
        lines = [" ".join([f"{said['level']}: {json.dumps(said['event'])[1:-1]}", *facts])]
        links = said.get("exception")
        if isinstance(links, list):
            lines += [f"  {json.dumps(link)}" for link in links]
        return "\n".join(lines)


_HEADING = frozenset({"at", "level", "event", "exception"})
