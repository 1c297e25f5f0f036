"""The audit log as people look at it: its rows, and its check against the head that is noted beside the database."""

from collections.abc import Callable
from dataclasses import dataclass

from service.ledger.audit import AuditBook
from service.operating.audit_views import Check, Mark


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The log and its head."""

    book: AuditBook
    head: Callable[[], Mark | None]  # as it was noted beside the database

    def check(self, *noted: Mark) -> Check:
        """Check the chain, and that it still holds the rows that were noted elsewhere."""
        head = self.head()  # read first: rows that come meanwhile are no fault
        return self.book.check(*((head,) if head is not None else ()), *noted)
