"""Settings: every knob of the house, one frozen value. ``settings_source.load()`` reads it, once."""

import ipaddress
import re
from collections import Counter
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from dicom_scp.profile import EXPORT, LIVE
from dicom_scp.ps3_15 import Option
from service.settings_alerts import AlertChannel
from service.settings_keeping import Keeping
from service.settings_review import Review
from service.settings_tables import (
    AeTitle,
    Allow,
    Destination,
    Dicomweb,
    DoorTls,
    Folder,
    HostName,
    Network,
    Port,
    ResearchDestination,
    Rules,
    Scanner,
    SourceProfile,
    StowDestination,
    TlsProfile,
)

PREFIX = "SCANSIDE_"
DEFAULT_STATE_DIR = Path("~/.local/state/scanside")
KEYS = re.compile(r"[0-9A-Fa-f]{64}([\s,]+[0-9A-Fa-f]{64})*")
IDENTIFYING = frozenset(  # what no research export retains
    {
        Option.RETAIN_UIDS,
        Option.RETAIN_DEVICE_IDENTITY,
        Option.RETAIN_INSTITUTION_IDENTITY,
        Option.RETAIN_FULL_DATES,
    }
)
_PSYCOPG = "postgresql+psycopg"


class Settings(BaseSettings):
    """Everything that can be set. Made from keywords alone: ``settings_source`` reads the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )

    state_dir: Folder = DEFAULT_STATE_DIR
    """database, spool, key: one folder"""
    mode: Literal["live", "shadow"] = "live"
    """``shadow``: score and show on the console, but send nothing until a person accepts the thresholds there"""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    ae_title: AeTitle = "SCANSIDE"
    dicom_host: str = "127.0.0.1"
    """address of the DICOM port; ``0.0.0.0`` for scanners outside this machine, best with ``[allow]``"""
    dicom_port: Port = 11112
    max_pdu: int = Field(default=131_072, ge=4096, le=1_048_576)
    """bytes; what peers are told; a PDU longer than this and 131072 ends the association"""
    pdu_deadline_s: float = Field(default=8.0, gt=0)
    """seconds from a PDU's first byte, or from the connection to its first PDU"""
    idle_s: float = Field(default=300.0, gt=0)
    """seconds that an association may be silent"""
    max_associations: int = Field(default=200, ge=1, le=400)
    max_associations_per_peer: int = Field(default=100, ge=1)
    """associations at a time from one address"""
    max_instance_mb: int = Field(default=512, ge=1)

    mpps: bool = False
    """take procedure steps (MPPS), best from a forwarder: they end exams, and tell what should have come"""
    commitment: Literal["off", "signal"] = "off"
    """``signal``: take storage commitment requests as a hint that all is sent; the answer is always no"""

    http_host: str = "127.0.0.1"
    """address of the console; others than this machine's own need TLS, or a proxy that has it, and a user"""
    http_port: Port = 8080
    http_names: tuple[HostName, ...] = ()
    """names and addresses under which browsers elsewhere ask for the console"""
    http_certificate: Folder | None = None
    """the console's certificate with its chain, PEM; the console speaks https then"""
    http_key: Folder | None = None
    """the certificate's key, PEM, without a password"""
    http_behind_proxy: bool = False
    """a proxy has the certificate; it tells the client's address and scheme (X-Forwarded-For, X-Forwarded-Proto)"""
    http_proxies: tuple[Network, ...] = ("127.0.0.1/32", "::1/128")
    """networks of the proxies that are believed; nobody else is answered behind a proxy"""
    session_idle_minutes: float = Field(default=15.0, gt=0)
    """minutes without doing anything after which a person is signed out"""
    session_hours: float = Field(default=12.0, gt=0)
    """hours after which a person is signed out in any case"""
    board_days: float = Field(default=90.0, gt=0)
    """days for which a scanner's board stays open"""
    receive_health_port: Port = 8081
    """``/livez``, ``/readyz``, ``/metrics`` of ``scanside receive``"""
    work_health_port: Port = 8082
    """the same of ``scanside work``"""

    database_url: SecretStr | None = None
    """SQLAlchemy URL; empty: ``scanside.sqlite`` in the state folder"""
    key: SecretStr | None = None
    """site key, 64 hexadecimal digits, and further ones that seal; empty: the key file in the state folder"""
    unsafe_keep_identity: bool = False
    """for the test of the test only: identity stays in the spool"""

    model: str = ""
    """a released model's name or a folder; empty: the newest released one"""
    provider: Literal["auto", "cpu", "cuda"] = "auto"
    volumes: int = Field(default=8, ge=1)
    """volumes of a series in time that are scored, of each kind and echo; spread over the time"""
    threads: int = Field(default=0, ge=0)
    """threads of the network on a CPU; 0: as many as there are cores"""

    quiet_s: float = Field(default=3.0, gt=0)
    """seconds of silence after which a series counts as complete, until its protocol's own are learnt"""
    quiet_floor_s: float = Field(default=2.0, gt=0)
    """no learnt quiet time is shorter, in seconds"""
    cap_s: float = Field(default=60.0, gt=0)
    """seconds after its last instance at which a series is closed as it stands"""
    timed_cap_s: float = Field(default=1500.0, ge=1500)
    """the same for series with dynamics, which get a provisional verdict before"""
    study_quiet_s: float = Field(default=600.0, gt=0)
    """seconds of silence after which a study counts as over, for destinations with ``bundle = "study"``"""
    retention_days: float = Field(default=7.0, ge=0)
    """how long pixels stay in the spool after every result was delivered"""
    identity_days: float = Field(default=30.0, ge=0)
    """how long the vault keeps who a series is of after every result was delivered"""
    min_free_mb: int = Field(default=512, ge=0)
    """free space on the spool's disk below which instances are answered 0xA700"""
    give_up_hours: float = Field(default=72.0, gt=0)
    """how long a delivery is tried before it is set aside for a person"""

    rules_file: Folder | None = None
    """site rules, TOML; empty: ``rules.toml`` in the state folder, where there is one"""
    console_url: str = Field(default="", pattern=r"^(https?://[^/\s?#@]+)?$")
    """where browsers find the console, for the links in alerts: scheme, name, port"""

    allow: Allow = Allow()
    tls: DoorTls | None = None
    tls_profile: tuple[TlsProfile, ...] = ()
    rules: Rules = Rules()
    review: Review = Review()
    keep: Keeping = Keeping()
    destination: tuple[Destination, ...] = ()
    scanner: tuple[Scanner, ...] = ()
    profile: tuple[SourceProfile, ...] = ()
    alert: tuple[AlertChannel, ...] = ()
    dicomweb: Dicomweb = Dicomweb()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the library calls by keyword
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take keywords only; ``settings_source`` hands in what the environment and the files say."""
        return (init_settings,)

    @model_validator(mode="after")
    def _shows_the_console_safely(self) -> Self:
        if (self.http_certificate is None) != (self.http_key is None):
            raise ValueError("http_certificate and http_key go together")
        if self.http_certificate is not None and self.http_behind_proxy:
            raise ValueError("http_behind_proxy: the proxy has the certificate, so http_certificate must go")
        if not (is_loopback(self.http_host) or self.http_certificate or self.http_behind_proxy):
            raise ValueError(
                f"http_host {self.http_host} is not this machine's own: that needs http_certificate and "
                "http_key, or http_behind_proxy"
            )
        if self.exposed and not self.http_names:
            raise ValueError("http_names must say under which names browsers ask for the console")
        return self

    @field_validator("database_url")
    @classmethod
    def _names_the_driver(cls, url: SecretStr | None) -> SecretStr | None:
        """PostgreSQL goes through psycopg 3 however the URL spells it; other engines are refused."""
        if url is None:
            return None
        scheme, separator, rest = url.get_secret_value().partition("://")
        driver = {"sqlite": "sqlite", "postgres": _PSYCOPG, "postgresql": _PSYCOPG, _PSYCOPG: _PSYCOPG}.get(
            scheme
        )
        if not separator or driver is None:
            raise ValueError("a database URL begins with sqlite:// or postgresql://")
        return SecretStr(f"{driver}://{rest}")

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not KEYS.fullmatch(key.get_secret_value().strip()):
            raise ValueError("a key is 64 hexadecimal digits")
        return key

    @field_validator("profile")
    @classmethod
    def _has_one_profile_a_source(cls, entries: tuple[SourceProfile, ...]) -> tuple[SourceProfile, ...]:
        titles = Counter(title for entry in entries for title in entry.ae_titles)
        doubles = [title for title, n in titles.items() if n > 1]
        if doubles:
            raise ValueError(f"two profiles are for the source {doubles[0]!r}")
        return entries

    @field_validator("destination", "scanner", "profile", "alert", "tls_profile")
    @classmethod
    def _has_no_double(
        cls, entries: tuple[Destination | Scanner | SourceProfile | AlertChannel | TlsProfile, ...]
    ) -> tuple[Destination | Scanner | SourceProfile | AlertChannel | TlsProfile, ...]:
        doubles = [name for name, n in Counter(entry.name for entry in entries).items() if n > 1]
        if doubles:
            raise ValueError(f"two entries are named {doubles[0]!r}")
        return entries

    @model_validator(mode="after")
    def _cap_is_beyond_quiet(self) -> Self:
        if self.cap_s < self.quiet_s:
            raise ValueError("cap_s must not be shorter than quiet_s")
        return self

    @model_validator(mode="after")
    def _exports_what_a_profile_allows(self) -> Self:
        options = {one.name: frozenset(one.options) for one in (LIVE, EXPORT)}
        options |= {one.name: frozenset(one.options) for one in self.profile}
        for one in self.destination:
            if not isinstance(one, ResearchDestination):
                continue
            if one.profile not in options:
                raise ValueError(f"there is no profile {one.profile!r}")
            if options[one.profile] & IDENTIFYING:
                raise ValueError(
                    f"the profile {one.profile!r} retains too much for a destination of kind 'research'"
                )
        return self

    @model_validator(mode="after")
    def _exports_no_identity(self) -> Self:
        if self.unsafe_keep_identity and any(
            isinstance(one, ResearchDestination) for one in self.destination
        ):
            raise ValueError("unsafe_keep_identity and a destination of kind 'research' exclude each other")
        return self

    @property
    def deidentify(self) -> bool:
        """Whether identity is taken off at the door."""
        return not self.unsafe_keep_identity

    @property
    def exposed(self) -> bool:
        """Whether others than this machine's own users reach the console: nothing is open without a sign-in then."""
        return self.http_behind_proxy or not is_loopback(self.http_host)

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in use. It may hold a password: for the engine only."""
        if self.database_url is None:
            return f"sqlite:///{self.state_dir / 'scanside.sqlite'}"
        return self.database_url.get_secret_value()

    @property
    def key_path(self) -> Path:
        """Where the site key lives when it is not handed in."""
        return self.state_dir / "key"

    @property
    def rules_path(self) -> Path:
        """Where the file of the site rules lies, if there is one."""
        return self.rules_file or self.state_dir / "rules.toml"

    @property
    def spool_dir(self) -> Path:
        """Where the sealed instances lie."""
        return self.state_dir / "spool"

    @property
    def destination_names(self) -> tuple[str, ...]:
        """The names of the destinations."""
        return tuple(entry.name for entry in self.destination)

    def concerns(self) -> tuple[str, ...]:
        """Say what a careful administrator would change, a sentence each."""
        found: list[str] = []
        if is_loopback(self.dicom_host):
            found.append("the DICOM port answers this machine only: scanners elsewhere need dicom_host")
        if self.mode == "shadow":
            found.append("shadow mode: series are scored, nothing is sent")
        if not is_loopback(self.dicom_host) and not (self.allow.networks or self.allow.ae_titles):
            found.append(
                "the DICOM port is open to every machine that reaches it: set [allow] networks or ae_titles"
            )
        if self.unsafe_keep_identity:
            found.append("unsafe_keep_identity is on: names and dates of birth are written to the spool")
        found += [
            f"the destination {one.name!r} is called without TLS: names and numbers of patients can be read"
            for one in self.destination
            if isinstance(one, StowDestination) and _is_plain(one.url)
        ]
        found += [
            f"the alert {one.name!r} is sent without TLS: it can be read and kept back on the way"
            for one in self.alert
            if one.in_the_clear and not is_loopback(one.peer)
        ]
        web = self.dicomweb
        if web.port is not None and web.certificate is None and not is_loopback(web.host):
            found.append("DICOMweb has no certificate: a proxy that has one belongs before the port")
        if not self.destination:
            found.append("no [[destination]]: results stay on this machine")
        return tuple(found)


def _is_plain(url: str) -> bool:
    """Whether a URL leads elsewhere without TLS."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own; a name other than ``localhost`` is not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
