"""`scanside audit`: what people did, listed, taken away as a file, and checked against any change."""

import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from service.bootstrap import audit_log, lay_foundation
from service.cli.operator import operator_name
from service.exports import csv_lines, json_lines
from service.operating.audit_views import AuditQuery, AuditRow, Mark
from service.settings import Settings
from service.web.audit_api import HEADER, exported

_MARK = re.compile(r"([1-9]\d{0,17}):([0-9a-f]{64})")
DAY_S = 86400.0


def verify(settings: Settings, noted: str | None, *, as_json: bool) -> int:
    """Check the chain; 0 where nothing is wrong. ``noted`` is a row as a log has it, NUMBER:DIGEST."""
    marks: tuple[Mark, ...] = ()
    if noted is not None:
        given = _MARK.fullmatch(noted)
        if given is None:
            print("scanside: --head needs NUMBER:DIGEST, as the log of the process has them", file=sys.stderr)
            return 2
        marks = (Mark(int(given[1]), given[2]),)
    log = audit_log(lay_foundation(settings))
    found = log.check(*marks)
    if as_json:
        head = None if found.head is None else {"id": found.head.id, "digest": found.head.digest}
        faults = [{"id": fault.id, "told": fault.told} for fault in found.faults]
        told = {"sound": found.sound, "rows": found.rows, "first": found.first, "head": head}
        print(json.dumps(told | {"faults": faults, "purged": list(found.purged)}, indent=1))
        return 0 if found.sound else 1
    for fault in found.faults:
        print(f"row {fault.id}: {fault.told}")
    for number in found.purged:
        print(f"row {number}: it went in a purge; what is noted of it can be held against the log no more")
    last = "" if found.head is None else f", head {found.head.id}:{found.head.digest}"
    word = "nothing was changed" if found.sound else "the log was changed"
    print(f"{word}: {found.rows} rows from {found.first}{last}")
    if found.rows and log.head() is None:
        print("scanside: no head is noted beside the database: a cut-off end cannot be seen", file=sys.stderr)
    return 0 if found.sound else 1


def listed(settings: Settings, query: AuditQuery, limit: int) -> int:
    """Print the last rows, the newest first."""
    rows, _ = audit_log(lay_foundation(settings)).book.page(limit, None, query)
    for row in rows:
        at = datetime.fromtimestamp(row.at, UTC).isoformat(timespec="seconds")
        place = f" from {row.address}" if row.address else ""
        print(f"{row.id}  {at}  {row.actor or '-'}{place}  {row.what}  {row.subject}  {row.result}")
    return 0


def export(settings: Settings, query: AuditQuery, kind: Literal["csv", "json"], out: Path | None) -> int:
    """Write the rows to a file or to standard output, the oldest first."""
    rows = map(exported, _rows(settings, query))
    write = csv_lines if kind == "csv" else json_lines
    if out is None:
        for piece in write(HEADER, rows):
            sys.stdout.buffer.write(piece)
        return 0
    with out.open("xb") as file:
        file.writelines(write(HEADER, rows))
    return 0


def _rows(settings: Settings, query: AuditQuery) -> Iterator[AuditRow]:
    return audit_log(lay_foundation(settings)).book.rows(query)


def purge(settings: Settings, days: float | None) -> int:
    """Let go of what is older, by default than the settings say, and write down that it went."""
    by = f"{operator_name()} (command line)"
    before = time.time() - (settings.keep.audit_days if days is None else days) * DAY_S
    book = audit_log(lay_foundation(settings)).book
    gone = 0
    while went := book.purged(before, by):
        gone += went
    print(f"{gone} rows went; the rest is proved by the row that tells of it")
    return 0
