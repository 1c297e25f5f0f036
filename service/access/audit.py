"""The lines of the log that tell who changed who gets in, and who took what away, and the head of the audit log."""

import fcntl
import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from service.operating.audit_views import Mark

log = logging.getLogger(__name__)

SECURITY_ATTRIBUTES_CHANGED = "110136"  # DCM code of the audit message (PS3.15 A.5.3.10)
EXPORTED = "110106"  # the same (PS3.15 A.5.3.6)


def changed(operation: str, name: str, by: str) -> None:
    """Tell a change of a user or a token, once it is done."""
    facts = {"code": SECURITY_ATTRIBUTES_CHANGED, "operation": operation, "user": name, "by": by}
    log.info("security attributes changed", extra=facts)


def exported(what: str, form: str, by: str) -> None:
    """Tell that somebody takes rows of the ledger away as a file, before they leave."""
    log.info("rows exported", extra={"code": EXPORTED, "operation": f"{what} as {form}", "by": by})


@dataclass(frozen=True, slots=True)
class HeadFile:
    """Where the last row of the audit log is noted beside the database, so that a cut-off end shows."""

    path: Path

    def __call__(self, mark: Mark) -> None:
        """Note a row, unless a later one is noted by now; the log of the process has a line of it too."""
        log.info("audit head", extra={"index": mark.id, "digest": mark.digest})
        try:
            with self.path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                known = self.read()
                if known is None or known.id < mark.id:
                    self._replace(mark)
        except OSError:  # the row itself is durable: what it tells of must not seem to have failed
            log.exception("the head of the audit log cannot be noted")

    def read(self) -> Mark | None:
        """Give the row that was noted last; None where there is none."""
        try:
            told = json.loads(self.path.read_text("ascii"))
            return Mark(int(told["id"]), str(told["digest"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _replace(self, mark: Mark) -> None:
        fresh = self.path.with_suffix(".new")
        with fresh.open("w", encoding="ascii") as file:
            json.dump(asdict(mark), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
