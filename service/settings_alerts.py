"""The tables of the settings that say how people and systems are alerted: webhooks, mail, syslog."""

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from service.routing.wording import check_template
from service.settings_tables import Folder, Name, Port, Tls


def _address(value: str) -> str:
    """Check a mail address, coarsely: the mail server knows better."""
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}", value):
        raise ValueError("a mail address such as quality@hospital.example")
    return value


MailAddress = Annotated[str, AfterValidator(_address)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Template = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(check_template)]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]{1,255}$")]


class _Alert(BaseModel):
    """A way to alert, by the name that rules call it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Name
    tls: Tls = Tls()
    """whom to trust; where TLS is spoken"""

    @model_validator(mode="after")
    def _leaves_the_console_alone(self) -> Self:
        if self.name == "console":
            raise ValueError("console is the name of the console itself")
        return self


class WebhookAlert(_Alert):
    """A system that is told by a signed POST (the scheme of Standard Webhooks)."""

    kind: Literal["webhook"] = "webhook"
    url: str = Field(pattern=r"^https?://[^/\s?#@]+(/[^\s#]*)?$")
    secret_file: Folder
    """holds the secret of the signature, at least 24 characters; read anew for each POST"""
    token_file: Folder | None = None
    """holds a bearer token"""
    body: dict[str, Template] | None = None
    """keys of the JSON body, each with a text whose fields are filled in; not given: all fields"""
    timeout_s: float = Field(default=10.0, gt=0, le=60)
    """seconds that an answer may take"""

    @property
    def in_the_clear(self) -> bool:
        """Whether no TLS is spoken."""
        return urlsplit(self.url).scheme == "http"

    @property
    def peer(self) -> str:
        """The host that is called."""
        return urlsplit(self.url).hostname or ""


class EmailAlert(_Alert):
    """People who are told by mail."""

    kind: Literal["email"] = "email"
    host: Host
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    """``none`` only where the mail server is on this machine or in a network of its own"""
    user: str | None = None
    password_file: Folder | None = None
    """holds the password of ``user``"""
    sender: MailAddress
    recipients: tuple[MailAddress, ...] = Field(min_length=1)

    @property
    def in_the_clear(self) -> bool:
        """Whether no TLS is spoken."""
        return self.security == "none"

    @property
    def peer(self) -> str:
        """The host that is called."""
        return self.host

    @model_validator(mode="after")
    def _signs_in_wholly(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file go together")
        if self.user is not None and self.security == "none":
            raise ValueError('a password is not sent with security = "none"')
        return self


class SyslogAlert(_Alert):
    """A syslog server (RFC 5424)."""

    kind: Literal["syslog"] = "syslog"
    host: Host
    port: Port = 6514
    transport: Literal["udp", "tcp", "tls"] = "tls"
    """``udp`` has no answer: what is lost is not noticed"""
    facility: int = Field(default=16, ge=0, le=23)
    """16 to 23: local0 to local7"""

    @property
    def in_the_clear(self) -> bool:
        """Whether no TLS is spoken."""
        return self.transport != "tls"

    @property
    def peer(self) -> str:
        """The host that is called."""
        return self.host


AlertChannel = Annotated[WebhookAlert | EmailAlert | SyslogAlert, Field(discriminator="kind")]

__all__ = ["AlertChannel", "EmailAlert", "SyslogAlert", "WebhookAlert"]
