"""The logs: what is on the allow list is said, and nothing of what a header holds."""

import ast
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service import logs
from service.settings_source import BadSettings

ROOT = Path(__file__).parents[3]
NAME = "Quastenflosser^Wilhelmine"


@pytest.fixture(autouse=True)
def _untouched() -> Iterator[None]:
    """Put back what the configuration changes for the whole process."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        yield
        logging.captureWarnings(capture=False)
    root.handlers[:], level, sys.excepthook, threading.excepthook = before
    root.setLevel(level)


@pytest.fixture
def sink() -> io.StringIO:
    """Configure the logs as the service does, at the most talkative level."""
    stream = io.StringIO()
    logs.configure("DEBUG", stream=stream)
    return stream


def lines(sink: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_its_facts(sink: io.StringIO) -> None:
    logging.getLogger("service.pipeline").info("series closed", extra={"series": "ab12", "received": 32})
    (line,) = lines(sink)
    assert line.pop("at").endswith("Z")
    assert line == {"level": "info", "event": "series closed", "series": "ab12", "received": 32}


def test_a_fact_that_is_not_on_the_list_is_dropped_by_name(sink: io.StringIO) -> None:
    logging.getLogger("dicom_scp").warning("refused", extra={"patient_name": NAME, "size": 5})
    (line,) = lines(sink)
    assert line["dropped"] == ["patient_name"]
    assert NAME not in sink.getvalue()


def test_a_fact_cannot_take_the_place_of_time_level_or_event() -> None:
    assert not {"at", "level", "event", "exception", "dropped"} & logs.ALLOWED


@pytest.mark.parametrize(
    "library", ["pydicom", "pynetdicom.acse", "uvicorn.error", "sqlalchemy.engine", "PIL"]
)
def test_of_a_library_only_the_place_is_kept_and_only_warnings(library: str, sink: io.StringIO) -> None:
    logger = logging.getLogger(library)
    logger.setLevel(logging.DEBUG)
    logger.info("value %s", NAME)
    logger.warning("value " + NAME)  # noqa: G003  # as libraries do
    (line,) = lines(sink)
    assert line["event"] == "a library spoke"
    assert line["logger"] == library
    assert "test_logs.py" in line["where"]
    assert NAME not in sink.getvalue()


def test_a_warning_of_python_keeps_its_place_and_loses_its_words(sink: io.StringIO) -> None:
    warnings.warn(f"Invalid value for VR UI: {NAME}", UserWarning, stacklevel=1)
    (line,) = lines(sink)
    assert line["where"].endswith("UserWarning")
    assert "test_logs.py" in line["where"]
    assert NAME not in sink.getvalue()


def test_an_exception_keeps_type_and_frames_and_only_our_own_words(sink: io.StringIO) -> None:
    def decode() -> None:
        raise ValueError(f"cannot decode {NAME}")

    def answer() -> None:
        try:
            decode()
        except ValueError as error:
            raise BadSettings("a line of ours") from error

    try:
        answer()
    except BadSettings:
        logging.getLogger("service").exception("failed")
    (line,) = lines(sink)
    ours, theirs = line["exception"]
    assert ours["message"] == "a line of ours"
    assert theirs["type"] == "builtins.ValueError"
    assert "message" not in theirs
    assert "test_logs.py" in theirs["frames"][0]
    assert NAME not in sink.getvalue()


def test_of_a_failing_system_call_the_number_is_kept_and_not_the_path(sink: io.StringIO) -> None:
    try:
        Path(f"/nowhere/{NAME}").read_bytes()
    except OSError:
        logging.getLogger("service").exception("failed")
    assert lines(sink)[0]["exception"][0]["errno"] == "ENOENT"
    assert NAME not in sink.getvalue()


def test_an_exception_that_nobody_caught_passes_the_same_list(sink: io.StringIO) -> None:
    def fall() -> None:
        raise KeyError(NAME)

    thread = threading.Thread(target=fall)
    thread.start()
    thread.join()
    try:
        fall()
    except KeyError:
        kind, error, trace = sys.exc_info()
        assert kind is not None
        assert error is not None
        sys.excepthook(kind, error, trace)
    assert [line["event"] for line in lines(sink)] == ["uncaught exception"] * 2
    assert NAME not in sink.getvalue()


def test_control_characters_do_not_make_lines_of_their_own(sink: io.StringIO) -> None:
    logging.getLogger("service").info("called", extra={"called": 'A\n{"level":"critical"}\x1b[2J'})
    assert len(sink.getvalue().splitlines()) == 1
    assert "\x1b" not in sink.getvalue()


def test_a_long_value_is_cut(sink: io.StringIO) -> None:
    logging.getLogger("service").info("long", extra={"reason": "x" * 10_000})
    assert len(lines(sink)[0]["reason"]) == logs.LONGEST


def test_a_stream_that_fails_costs_the_line_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    logs.configure(stream=Full())
    logging.getLogger("service").info("lost", extra={"reason": NAME})
    assert capsys.readouterr() == ("", "")


def test_at_a_terminal_the_same_facts_are_one_plain_line() -> None:
    stream = io.StringIO()
    logs.configure(plain=True, stream=stream)
    logging.getLogger("service").warning("no room", extra={"free_bytes": 3, "patient": NAME})
    assert stream.getvalue() == 'warning: no room free_bytes=3 dropped=["patient"]\n'


def test_the_code_logs_no_fact_that_is_not_on_the_list() -> None:
    """A dropped fact is a fact that nobody will read when it is needed."""
    unlisted = [
        f"{path.relative_to(ROOT)}:{call.lineno} {key.value!r}"
        for package in ("service", "dicom_scp", "inference")
        for path in (ROOT / package).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict)
        for key in keyword.value.keys
        if isinstance(key, ast.Constant) and key.value not in logs.ALLOWED
    ]
    assert unlisted == []
