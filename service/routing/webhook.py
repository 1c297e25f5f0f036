"""A webhook: a signed POST of JSON, by the scheme of Standard Webhooks (standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from service.routing.channels import NotDone, Notice
from service.routing.wording import filled
from service.tls import BadCertificate, TlsFiles, client_context

PREFIX = "whsec_"  # of secrets in base64; any other text is its own bytes
SHORTEST_SECRET = 24
LONGEST_WAIT_S = 3600.0
GONE = 410  # the receiver wants no more
CONNECT_S = 5.0


@dataclass(frozen=True, slots=True)
class Webhook:
    """A system that takes alerts by HTTP."""

    name: str
    url: str
    secret_file: Path
    tls: TlsFiles
    token_file: Path | None = None
    body: Mapping[str, str] | None = None  # keys with templates; None: all fields
    timeout_s: float = 10.0
    clock: Callable[[], float] = time.time

    def tell(self, notice: Notice) -> str:
        """POST it; any answer of 200 to 299 counts. No redirect is followed. Raises NotDone."""
        content = json.dumps(self._body(notice), separators=(",", ":")).encode()
        headers = self._signed(notice.id, content) | {"Content-Type": "application/json"}
        if self.token_file is not None:
            headers["Authorization"] = f"Bearer {_read(self.token_file)}"
        try:
            with (
                httpx.Client(
                    verify=client_context(self.tls),
                    timeout=httpx.Timeout(self.timeout_s, connect=CONNECT_S),
                    follow_redirects=False,  # what is signed goes where the settings say
                    trust_env=False,
                ) as client,
                client.stream("POST", self.url, content=content, headers=headers) as answer,
            ):
                return _answered(answer)
        except BadCertificate as error:
            raise NotDone("our certificate, key or CA cannot be used") from error
        except httpx.TimeoutException as error:
            raise NotDone("no answer in time") from error
        except httpx.ConnectError as error:
            secure = isinstance(error.__context__, ssl.SSLError) or "SSL" in str(error)
            raise NotDone("TLS failed" if secure else "no connection") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise NotDone("no HTTP answer") from error

    def _body(self, notice: Notice) -> dict[str, Any]:
        if self.body is None:
            return notice.body()
        fields = notice.message.fields
        return {key: filled(template, fields) for key, template in self.body.items()}

    def _signed(self, notice_id: str, content: bytes) -> dict[str, str]:
        at = int(self.clock())
        return {
            "webhook-id": notice_id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(_key(_read(self.secret_file)), notice_id, at, content),
        }


def signature(key: bytes, notice_id: str, at: int, content: bytes) -> str:
    """Sign a body with its id and time, so that neither can be changed or sent again later."""
    signed = f"{notice_id}.{at}.".encode() + content
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    if len(secret) < SHORTEST_SECRET:
        raise NotDone(f"the secret is shorter than {SHORTEST_SECRET} characters")
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise NotDone("the secret is no base64") from error


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise NotDone("the file with the secret or token cannot be read") from error


def _answered(answer: httpx.Response) -> str:
    if answer.is_success:
        return str(answer.status_code)
    wait = answer.headers.get("Retry-After", "")
    wait_s = (
        min(float(wait), LONGEST_WAIT_S) if wait.isascii() and wait.isdecimal() and len(wait) < 8 else 0.0
    )
    raise NotDone(str(answer.status_code), wait_s=wait_s, final=answer.status_code == GONE)
