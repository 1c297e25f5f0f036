"""Syslog: one line of RFC 5424, over UDP (RFC 5426), TCP (RFC 6587, counted) or TLS (RFC 5425)."""

import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from service.routing.channels import NotDone, Notice
from service.tls import BadCertificate, TlsFiles, client_context

TIMEOUT_S = 10.0
SEVERITIES: Mapping[str, int] = {"high": 3, "medium": 4, "low": 6}  # error, warning, informational
APP, SD_ID = "scanside", "scanside@32473"  # RFC 5612: the number for those who have none of their own
LONGEST_VALUE = 200
_TOLD = ("verdict", "index", "scanner", "series", "series_number", "generation", "provisional", "rule")


@dataclass(frozen=True, slots=True)
class Syslog:
    """A syslog server."""

    name: str
    host: str
    port: int
    tls: TlsFiles
    transport: Literal["udp", "tcp", "tls"] = "tls"
    facility: int = 16

    def tell(self, notice: Notice) -> str:
        """Send it; over TCP and TLS it counts once the server has closed its side, too. Raises NotDone."""
        line = self.line(notice).encode()
        try:
            if self.transport == "udp":
                return self._datagram(line)
            return self._stream(b"%d %s" % (len(line), line))
        except BadCertificate as error:
            raise NotDone("our certificate, key or CA cannot be used") from error
        except ssl.SSLError as error:
            raise NotDone("TLS failed") from error
        except TimeoutError as error:
            raise NotDone("no connection in time") from error
        except OSError as error:
            raise NotDone("no connection") from error

    def line(self, notice: Notice) -> str:
        """Write the line."""
        fields = notice.message.fields
        priority = 8 * self.facility + SEVERITIES.get(fields["priority"], SEVERITIES["medium"])
        host = re.sub(r"[^!-~]", "-", socket.gethostname())[:255] or "-"
        told = {"id": notice.id, "event": notice.message.event} | {name: fields[name] for name in _TOLD}
        if notice.replaces:
            told["replaces"] = notice.replaces
        data = " ".join(f'{name}="{_escaped(value)}"' for name, value in told.items())
        head = f"<{priority}>1 {fields['time']} {host} {APP} - {notice.message.event}"
        return f"{head} [{SD_ID} {data}] \ufeff{notice.message.text}"

    def _datagram(self, line: bytes) -> str:
        family, kind, protocol, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[
            0
        ]
        with socket.socket(family, kind, protocol) as out:
            out.settimeout(TIMEOUT_S)
            out.connect(address)
            out.send(line)
        return "sent by UDP: there is no answer"

    def _stream(self, frame: bytes) -> str:
        with socket.create_connection((self.host, self.port), timeout=TIMEOUT_S) as plain:
            if self.transport == "tcp":
                plain.sendall(frame)
                plain.shutdown(socket.SHUT_WR)
                _drained(plain)
                return "sent by TCP"
            with client_context(self.tls).wrap_socket(plain, server_hostname=self.host) as out:
                out.sendall(frame)
                with suppress(
                    ssl.SSLEOFError
                ):  # a server that hangs up without a word has read it all the same
                    out.unwrap()
        return "sent by TLS"


def _drained(connection: socket.socket) -> None:
    """Wait until the server has read all and closes; one that keeps the connection open is believed."""
    connection.settimeout(1.0)
    try:
        while connection.recv(1024):
            pass
    except TimeoutError:
        return


def _escaped(value: str) -> str:
    """Escape a value (RFC 5424, 6.3.3)."""
    return re.sub(r'(["\\\]])', r"\\\1", value[:LONGEST_VALUE])
