"""The shapes of what is asked and answered about other machines."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.forms import USUAL, ResultKind

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[\x20-\x5b\x5d-\x7e]{1,16}$")]
Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
PortNumber = Annotated[int, Field(ge=1, le=65535)]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class NewScanner(_Asked):
    """A scanner: its AE title is let in, and its series get its name."""

    role: Literal["scanner"]
    name: Name
    ae_title: Title = Field(description="By which it calls")
    network: str | None = Field(
        default=None, max_length=49, description="From where it calls, an address or CIDR"
    )
    host: Host | None = Field(default=None, description="With port: where it answers a C-ECHO")
    port: PortNumber | None = None

    @property
    def id(self) -> str:
        """The id of the node."""
        return f"scanner:{self.name}"

    def told(self) -> dict[str, Any]:
        """Give it as it would stand in the settings file."""
        return self.model_dump(exclude={"role"}, exclude_none=True)


class NewDestination(_Asked):
    """A PACS that takes results by C-STORE."""

    role: Literal["destination"]
    name: Name
    ae_title: Title = Field(description="The called AE title")
    host: Host
    port: PortNumber
    calling_ae_title: Title | None = Field(default=None, description="Ours, where it is not the usual one")
    tls: bool = Field(default=False, description="It proves itself by a certificate that this machine trusts")
    tls_profile: Name | None = Field(
        default=None,
        description="A TLS profile of the settings file, in place of tls: it has the certificates",
    )
    results: list[ResultKind] = Field(default=list(USUAL), min_length=1, description="What it gets")
    send: Literal["always", "problems", "never"] = "always"
    bundle: Literal["series", "study"] = "series"
    recheck: bool = Field(default=False, description="Ask for study and patient before what is old leaves")

    @property
    def id(self) -> str:
        """The id of the node."""
        return f"to:{self.name}"

    def told(self) -> dict[str, Any]:
        """Give it as it would stand in the settings file."""
        table = self.model_dump(exclude={"role", "tls"}, exclude_none=True)
        return table | {"kind": "dicom"} | ({"tls": {}} if self.tls else {})


NewNode = NewScanner | NewDestination


class ProbeAnswer(_Answer):
    """What a node said when it was asked."""

    at: datetime
    good: bool
    told: str
    seconds: float


class NodeAnswer(_Answer):
    """A scanner or a destination, and what is known of it."""

    id: str
    role: Literal["scanner", "destination"]
    kind: str = Field(description="scanner, dicom, stow, folder, shelf or research")
    name: str
    source: Literal["file", "console"] = Field(
        description="Where it stands; only the console's are changed here"
    )
    overridden: bool = Field(description="The settings file has another of this name or AE title: it wins")
    version: int | None = Field(description="Of the console's; what If-Match holds")
    changed_at: datetime | None
    changed_by: str
    ae_title: str
    calling_ae_title: str
    host: str = Field(description="Or the URL or folder of what is no AE")
    port: int | None
    network: str
    tls: bool
    tls_profile: str = Field(description="Of the settings file; empty: none is named")
    lacks: str = Field(description="Why it is not in force, where the settings file does not win")
    transfer_syntaxes: list[str] = Field(description="By which it is sent to, or may send")
    results: list[str]
    send: str
    bundle: str
    recheck: bool
    can_echo: bool
    last_seen_at: datetime | None = Field(description="When it called here, or took something")
    last_tried_at: datetime | None
    last_answer: str
    probe: ProbeAnswer | None


class NodeList(_Answer):
    """Scanners first, then destinations."""

    items: list[NodeAnswer]
    tls_profiles: list[str] = Field(description="Which a destination may name")


class NodeVersion(_Answer):
    """One version of a node."""

    version: int
    at: datetime
    by: str
    told: dict[str, Any] | None = Field(description="As in the settings file; null: it was removed")


class NodeVersions(_Answer):
    """All versions of a node, newest first."""

    items: list[NodeVersion]


class TurnedAway(_Answer):
    """Somebody who was not let in."""

    address: str
    ae_title: str = Field(description="Empty: it was turned away before it could say")
    count: int
    first_at: datetime
    last_at: datetime
    why: str
    let_in_now: bool
    network: str = Field(description="What to let in, of addresses; empty where that is not the matter")
    settings: str = Field(description="The lines of the settings file that let it in")


class RefusedAnswer(_Answer):
    """An instance that was not taken."""

    at: datetime
    status: str = Field(description="DIMSE status, 0xHHHH")
    reason: str
    size: int = Field(description="Bytes")


class Refusals(_Answer):
    """Who was not let in, and what was not taken; newest first."""

    callers: list[TurnedAway]
    instances: list[RefusedAnswer]
