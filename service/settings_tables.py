"""The tables of the settings: destinations, scanners, profiles, rules; and the types of their values."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from dicom_scp.profile import Profile
from dicom_scp.ps3_15 import Option
from service.forms import USUAL, Colour, Form, Frames, ResultKind, SendWhen, SrClass, Syntax


def _clean_title(value: str) -> str:
    """Check an AE title of PS3.5 6.2: 1 to 16 printable characters, no backslash, not only spaces."""
    title = value.strip(" ")
    if not re.fullmatch(r"[\x20-\x5b\x5d-\x7e]{1,16}", title):
        raise ValueError("an AE title has 1 to 16 printable ASCII characters and no backslash")
    return title


def _clean_network(value: str) -> str:
    """Check a network in CIDR notation; a single address is a network of one."""
    return str(ipaddress.ip_network(value, strict=False))


def _host_name(value: str) -> str:
    """Check a name as it stands in a Host header, without the port; an IPv6 address gets its brackets."""
    name = f"[{value}]" if ":" in value and not value.startswith("[") else value
    if not re.fullmatch(r"\[[0-9a-f:.]+\]|[a-z0-9.-]+", name.lower()):
        raise ValueError("a name or address without scheme, port and path")
    return name.lower()


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


AeTitle = Annotated[str, AfterValidator(_clean_title)]
Network = Annotated[str, AfterValidator(_clean_network)]
HostName = Annotated[str, AfterValidator(_host_name)]
Folder = Annotated[Path, AfterValidator(_absolute)]
Port = Annotated[int, Field(ge=0, le=65535)]  # 0: the system chooses
Name = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}$")
]  # becomes a metric's label
Share = Annotated[float, Field(ge=0, le=1)]
Index = Annotated[float, Field(ge=0, le=10)]


class _Table(BaseModel):
    """A table of the TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Allow(_Table):
    """Who may open an association; an empty list lets everyone in."""

    ae_titles: tuple[AeTitle, ...] = ()
    """calling AE titles that are let in"""
    networks: tuple[Network, ...] = ()
    """networks, in CIDR notation, whose connections are let in"""


class _Destination(_Table):
    name: Name
    send: SendWhen = "always"
    """``problems``: nothing for a series that is Usable, ``never``: nothing; but what takes back what is there, and
    what a site rule sends"""


class _ResultDestination(_Destination):
    results: tuple[ResultKind, ...] = USUAL
    """what it gets; the SR is sent first"""
    sr_class: SrClass = "enhanced"
    """class of its structured reports"""
    card: Colour = "rgb"
    """``monochrome`` for consoles that take no colour"""
    transfer_syntax: Syntax = "explicit"
    """of all that is not compressed"""
    overlay: Frames = "jpeg"
    """``native``: the frames of the overlay are not compressed"""
    bundle: Literal["series", "study"] = "series"
    """``study``: it gets the results of a study when that is over, and one generation of each series only"""

    @model_validator(mode="after")
    def _takes_what_it_asks_for(self) -> Self:
        if "REGIONS" in self.results and "SEG" not in self.results:
            raise ValueError("REGIONS is a report on segments: it needs SEG")
        if "FHIR" in self.results and not isinstance(self, FolderDestination):
            raise ValueError("FHIR is no DICOM object: only a folder takes it")
        return self

    @property
    def form(self) -> Form:
        """How it takes its results."""
        return Form(frozenset(self.results), self.sr_class, self.card, self.transfer_syntax, self.overlay)


class Tls(_Table):
    """How a connection is secured; files are PEM. An empty table: the other side proves itself, and we do not."""

    ca: Folder | None = None
    """who signs the other side's certificate; not given: whom this machine trusts"""
    certificate: Folder | None = None
    """ours, for a side that asks for one"""
    private_key: Folder | None = None
    """of ``certificate``, where it does not stand in the same file"""
    check_name: bool = True
    """the certificate of the other side must be for the host that is called"""

    @model_validator(mode="after")
    def _has_what_the_key_is_for(self) -> Self:
        if self.private_key is not None and self.certificate is None:
            raise ValueError("a private_key needs its certificate")
        return self


class TlsProfile(Tls):
    """A way to secure connections that has a name: nodes of the console name it, and no file."""

    name: Name


class DoorTls(_Table):
    """A second DICOM port, which takes TLS only; files are PEM and are read again when they change."""

    port: Port = 2762
    certificate: Folder
    """the door's own"""
    private_key: Folder | None = None
    """of ``certificate``, where it does not stand in the same file"""
    ca: Folder | None = None
    """who signs the certificates of those that call; not given: they need none"""
    plain: bool = True
    """``false``: ``dicom_port`` stays shut"""


class DicomDestination(_ResultDestination):
    """A PACS that takes results by C-STORE."""

    kind: Literal["dicom"] = "dicom"
    host: str = Field(min_length=1)
    port: Port
    ae_title: AeTitle
    """the called AE title"""
    calling_ae_title: AeTitle | None = None
    """ours, where it is not ``ae_title`` of the settings"""
    tls: Tls | None = None
    """not given: no TLS"""
    commitment: bool = False
    """ask for storage commitment of what was sent; a report of its own association comes to our DICOM port"""
    recheck: bool = False
    """ask by C-FIND for study and patient before what is older than an hour leaves"""


class StowDestination(_ResultDestination):
    """A DICOMweb server that takes results by STOW-RS."""

    kind: Literal["stow"] = "stow"
    url: str = Field(pattern=r"^https?://[^/\s?#@]+(/[^\s?#]*)?$")
    """the base of the service, without ``/studies``"""
    token_file: Folder | None = None
    """holds a bearer token; read anew for each bundle"""
    user: str | None = Field(default=None, pattern=r"^[^:\x00-\x1f]+$")
    """for basic authentication"""
    password_file: Folder | None = None
    """holds the password of ``user``"""
    tls: Tls = Tls()
    """for ``https``"""
    timeout_s: float = Field(default=30.0, gt=0, le=600)
    """seconds without a byte after which an answer is not waited for any longer"""
    recheck: bool = False
    """ask by QIDO-RS for study and patient before what is older than an hour leaves"""

    @model_validator(mode="after")
    def _knows_one_way_in(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file go together")
        if self.user is not None and self.token_file is not None:
            raise ValueError("token_file and user exclude each other")
        return self


class FolderDestination(_ResultDestination):
    """A folder that takes results as files, under the true identity: it lies outside the house."""

    kind: Literal["folder"] = "folder"
    folder: Folder


class ShelfDestination(_ResultDestination):
    """A shelf in the house, from which DICOMweb clients fetch results by QIDO-RS and WADO-RS."""

    kind: Literal["shelf"] = "shelf"


class ResearchDestination(_Destination):
    """A repository that takes whole series without identity, with their quality label and a manifest."""

    kind: Literal["research"] = "research"
    folder: Folder
    """for the manifests and, where no ``host`` is given, for the images and reports too"""
    profile: str = "export"
    """``export``: dates shifted by as many days for all of a patient; ``live``: no dates; or one of ``[[profile]]``"""
    host: str | None = Field(default=None, min_length=1)
    """of a PACS that takes images and reports by C-STORE"""
    port: Port = 104
    ae_title: AeTitle | None = None
    """the called AE title"""
    calling_ae_title: AeTitle | None = None
    """ours, where it is not ``ae_title`` of the settings"""

    @model_validator(mode="after")
    def _knows_whom_to_call(self) -> Self:
        if (self.host is None) != (self.ae_title is None):
            raise ValueError("host and ae_title go together")
        return self


Destination = Annotated[
    DicomDestination | StowDestination | FolderDestination | ShelfDestination | ResearchDestination,
    Field(discriminator="kind"),
]


class Scanner(_Table):
    """A scanner that has a name: known by its calling AE title or, behind a gateway, by its serial number."""

    name: Name
    ae_title: AeTitle | None = None
    serial: str | None = None
    host: str | None = Field(default=None, min_length=1)
    """with ``port``: where it takes the answer to a commitment request; else on the association that asked"""
    port: Port | None = None

    @model_validator(mode="after")
    def _is_reached(self) -> Self:
        if (self.host is None) != (self.port is None):
            raise ValueError("host and port go together")
        if self.host is not None and self.ae_title is None:
            raise ValueError("a scanner with a host needs its ae_title: it is called by that")
        return self

    @model_validator(mode="after")
    def _is_told_apart(self) -> Self:
        if (self.ae_title is None) == (self.serial is None):
            raise ValueError("a scanner needs ae_title or serial, and not both")
        return self


class SourceProfile(_Table):
    """A de-identification profile: PS3.15's Basic Profile with options, for the sources that call by these titles."""

    name: Name
    """``live`` changes what holds for every source that is named nowhere else"""
    options: tuple[Option, ...] = ()
    """options of PS3.15, annex E.3"""
    ae_titles: tuple[AeTitle, ...] = ()
    """calling AE titles of the sources that it holds for"""

    @model_validator(mode="after")
    def _is_a_profile(self) -> Self:
        Profile.of(self.name, self.options)
        return self


class Dicomweb(_Table):
    """DICOMweb: images come in by STOW-RS, results are found by QIDO-RS and fetched by WADO-RS."""

    port: Port | None = None
    """a port of its own, below ``/dicom-web``; not set: no DICOMweb"""
    host: str = "127.0.0.1"
    """its address; any other than this machine's own takes nothing from whoever has no token"""
    certificate: Folder | None = None
    """its own with its chain, PEM; the port speaks https then"""
    private_key: Folder | None = None
    """of ``certificate``, where it does not stand in the same file"""

    @model_validator(mode="after")
    def _has_what_the_key_is_for(self) -> Self:
        if self.private_key is not None and self.certificate is None:
            raise ValueError("a private_key needs its certificate")
        return self


class Rules(_Table):
    """The site's thresholds between Usable, Check and Repeat."""

    usable_index: Index = 7.0
    """series index at and above which a series is Usable"""
    repeat_index: Index = 5.0
    """series index below which Repeat may be said"""
    repeat_suitability: Share = 0.5
    """suitability below which Repeat may be said"""

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.repeat_index > self.usable_index:
            raise ValueError("repeat_index must not exceed usable_index")
        return self
