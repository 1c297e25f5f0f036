"""Mail: a short plain text, by SMTP with STARTTLS."""

import smtplib
import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Literal

from service.routing.channels import NotDone, Notice
from service.tls import BadCertificate, TlsFiles, client_context

TIMEOUT_S = 30.0
LONGEST_SUBJECT = 120
_PRIORITIES = {"high": "1 (Highest)", "medium": "3 (Normal)", "low": "5 (Lowest)"}
_SKIPPED = frozenset({"rule", "priority", "advice", "artifacts", "series"})  # told otherwise, or for programs
_TITLES = {"series_number": "series", "description": "what", "provisional": "state", "link": "see"}


@dataclass(frozen=True, slots=True)
class Mail:
    """People who take alerts by mail."""

    name: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    tls: TlsFiles
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password_file: Path | None = None

    def tell(self, notice: Notice) -> str:
        """Send it to all recipients in one mail. Raises NotDone."""
        try:
            with self._server() as server:
                if self.user is not None and self.password_file is not None:
                    server.login(self.user, _read(self.password_file))
                refused = server.send_message(self.message(notice), self.sender, list(self.recipients))
        except smtplib.SMTPNotSupportedError as error:
            raise NotDone("the mail server does not offer what is needed") from error
        except smtplib.SMTPResponseException as error:
            raise NotDone(str(error.smtp_code)) from error
        except smtplib.SMTPRecipientsRefused as error:
            raise NotDone("no recipient is taken") from error
        except ssl.SSLError as error:
            raise NotDone("TLS failed") from error
        except BadCertificate as error:
            raise NotDone("our certificate, key or CA cannot be used") from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotDone("no connection") from error
        return f"250, {len(refused)} of {len(self.recipients)} recipients refused" if refused else "250"

    def message(self, notice: Notice) -> EmailMessage:
        """Write the mail; its id is the same at every try, and it answers the one that it replaces."""
        told, fields = notice.message, notice.message.fields
        made = EmailMessage()
        made["From"] = self.sender
        made["To"] = ", ".join(self.recipients)
        made["Subject"] = f"Scanside: {told.text}"[:LONGEST_SUBJECT]
        made["Date"] = format_datetime(datetime.fromisoformat(fields["time"]))
        made["Message-ID"] = f"<{notice.id}@{self.sender.rpartition('@')[2]}>"
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody on leave answers
        made["X-Priority"] = _PRIORITIES.get(fields["priority"], _PRIORITIES["medium"])
        if notice.replaces:
            made["In-Reply-To"] = made["References"] = f"<{notice.replaces}@{self.sender.rpartition('@')[2]}>"
        lines = [told.text, ""]
        lines += [
            f"{_TITLES.get(name, name)}: {value}" for name, value in fields.items() if name not in _SKIPPED
        ]
        if told.values["advice"]:
            lines += ["", "What to do:", *(f"- {line}" for line in told.values["advice"])]
        if notice.replaces:
            lines += ["", "This replaces an earlier alert on the same series."]
        made.set_content("\n".join([*lines, "", f"Rule: {told.values['rule']}"]) + "\n")
        return made

    @contextmanager
    def _server(self) -> Generator[smtplib.SMTP]:
        context = client_context(self.tls) if self.security != "none" else None
        server: smtplib.SMTP
        if self.security == "tls":
            server = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        try:
            if self.security == "starttls":
                server.starttls(context=context)
            yield server
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        raise NotDone("the file with the password cannot be read") from error
