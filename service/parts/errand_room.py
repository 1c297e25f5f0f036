"""A runner for each way to alert and for each PACS in force: what site rules order is done here."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from dicom_scp.identity import Vault
from service.ledger.actions import Errands
from service.metrics import Metrics
from service.parts.part import Part
from service.routing.channels import Channel
from service.routing.forward import Archive
from service.routing.mail import Mail
from service.routing.runner import Runner, alerting, forwarding
from service.routing.syslog import Syslog
from service.routing.webhook import Webhook
from service.settings import Settings
from service.settings_alerts import AlertChannel, EmailAlert, WebhookAlert
from service.settings_tables import DicomDestination, Tls
from service.tls import TlsFiles

RENEW_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class ErrandRoom:
    """Employs them. In shadow mode nobody does anything."""

    part: Part
    errands: Errands
    vault: Vault
    installation: str
    metrics: Metrics
    settings: Callable[[], Settings]  # in force now
    _employed: dict[str, tuple[object, threading.Event]] = field(
        default_factory=dict[str, tuple[object, threading.Event]]
    )

    def open(self) -> None:
        """Begin, and keep up with what people change."""
        self.renew()
        self.part.every(RENEW_EVERY_S, self.renew, "errand room")

    def renew(self) -> None:
        """Let those go whose channel went or changed; what they do at the moment they do to its end."""
        settings = self.settings()
        entries: list[AlertChannel | DicomDestination] = list(settings.alert)
        entries += [one for one in settings.destination if isinstance(one, DicomDestination)]
        live = settings.mode == "live"
        wanted = {f"{entry.kind} {entry.name}": entry for entry in entries if live}
        for name, (entry, dismissed) in list(self._employed.items()):
            if wanted.get(name) != entry:
                dismissed.set()
                del self._employed[name]
        for name, entry in wanted.items():
            if name not in self._employed:
                dismissed = threading.Event()
                self._employed[name] = entry, dismissed
                runner = self._runner(entry, settings)
                self.part.loop(runner.run_next, f"order {entry.name}", until=dismissed)

    def _runner(self, entry: AlertChannel | DicomDestination, settings: Settings) -> Runner:
        if isinstance(entry, DicomDestination):
            return forwarding(self.errands, archive_of(entry, settings), self.vault, self.metrics)
        return alerting(self.errands, channel_of(entry), self.installation, self.metrics)


def archive_of(entry: DicomDestination, settings: Settings) -> Archive:
    """Give a PACS that can be asked to send images on."""
    calling = entry.calling_ae_title or settings.ae_title
    tls = None if entry.tls is None else _files(entry.tls)
    return Archive(entry.name, entry.host, entry.port, entry.ae_title, calling, tls)


def channel_of(entry: AlertChannel) -> Channel:
    """Give a way to alert."""
    tls = _files(entry.tls)
    if isinstance(entry, WebhookAlert):
        return Webhook(
            entry.name, entry.url, entry.secret_file, tls, entry.token_file, entry.body, entry.timeout_s
        )
    if isinstance(entry, EmailAlert):
        return Mail(
            entry.name,
            entry.host,
            entry.port,
            entry.sender,
            entry.recipients,
            tls,
            entry.security,
            entry.user,
            entry.password_file,
        )
    return Syslog(entry.name, entry.host, entry.port, tls, entry.transport, entry.facility)


def _files(entry: Tls) -> TlsFiles:
    return TlsFiles(entry.ca, entry.certificate, entry.private_key, check_name=entry.check_name)
