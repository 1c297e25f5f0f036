"""The shapes of the audit log's answers."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class AuditRowAnswer(_Answer):
    """One row of the audit log."""

    id: int = Field(description="1, 2, 3 ... in the order of commits")
    at: datetime
    actor: str = Field(
        description="Account or token, or who gave a command on the machine; empty: nobody known"
    )
    address: str = Field(description="Where the request came from; empty for the command line")
    what: str
    subject: str = Field(description="Opaque id, or the name of an account, token, node or rule")
    result: str = Field(description="done or refused")
    detail: dict[str, object]
    digest: str = Field(description="HMAC-SHA-256 over the row and the digest of the row before")


class AuditPage(_Answer):
    """Rows, newest first."""

    items: list[AuditRowAnswer]
    next_cursor: str | None = None


class AuditKinds(_Answer):
    """What the rows tell of."""

    items: list[str]


class AuditFault(_Answer):
    """One thing that is wrong with the log."""

    id: int = Field(description="The row at which it shows")
    told: str


class AuditCheck(_Answer):
    """What became of the check."""

    sound: bool
    rows: int
    first: int = Field(description="Number of the first row that is kept; 0 where there is none")
    head: int = Field(description="Number of the last row")
    digest: str = Field(description="Of the last row: as the log of the process has it too")
    faults: list[AuditFault]
