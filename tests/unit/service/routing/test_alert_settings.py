"""How the settings name ways to alert: what cannot work, or would give something away, stops the start."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.ledger import Database
from service.ledger.actions import Errand, Errands
from service.metrics import Metrics
from service.operating.support import harmless
from service.parts.errand_room import archive_of, channel_of
from service.routing.channels import NotDone
from service.routing.mail import Mail
from service.routing.names import Names
from service.routing.runner import alerting
from service.routing.syslog import Syslog
from service.routing.webhook import Webhook
from service.routing.wording import FIELDS, Message
from service.settings_alerts import EmailAlert
from service.settings_tables import DicomDestination
from service.tls import TlsFiles
from tests.rules import RIS, rules_settings
from tests.unit.service.test_ledger import Clock, worker

MAIL = {
    "name": "physics",
    "kind": "email",
    "host": "h",
    "sender": "s@h.example",
    "recipients": ["a@h.example"],
}
LOG = {"name": "siem", "kind": "syslog", "host": "log.example"}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (RIS | {"name": "console"}, "console itself"),
        (RIS | {"url": "ftp://ris.example"}, "pattern"),
        (RIS | {"url": "https://user:secret@ris.example/"}, "pattern"),
        (RIS | {"body": {"text": "{patient}"}}, "no field"),
        (MAIL | {"user": "scanside"}, "go together"),
        (MAIL | {"user": "u", "password_file": "/p", "security": "none"}, "not sent"),
        (MAIL | {"recipients": []}, "at least 1"),
        (MAIL | {"sender": "a@b.c\nBcc: x@y.z"}, "mail address"),
        (LOG | {"transport": "carrier pigeon"}, "udp"),
        (LOG | {"facility": 24}, "23"),
        (LOG | {"kind": "fax"}, "tag"),
    ],
)
def test_what_cannot_alert_is_refused(entry: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=why):
        rules_settings(tmp_path, alert=(entry,))


def test_two_ways_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="two entries"):
        rules_settings(tmp_path, alert=(RIS, LOG | {"name": "ris"}))


def test_each_way_is_built_as_the_settings_say(tmp_path: Path) -> None:
    settings = rules_settings(tmp_path, alert=(RIS, MAIL, LOG))
    built = [channel_of(entry) for entry in settings.alert]
    assert [type(one) for one in built] == [Webhook, Mail, Syslog]
    assert Names.of(settings).channels == ("console", "ris", "physics", "siem")
    assert isinstance(settings.alert[1], EmailAlert)
    assert settings.alert[1].security == "starttls"  # unless somebody says otherwise
    pacs = settings.destination[0]
    assert isinstance(pacs, DicomDestination)
    archive = archive_of(pacs, settings)
    assert (archive.ae_title, archive.calling_ae_title, archive.port) == ("PACS", "SCANSIDE", 104)


def test_what_goes_without_tls_to_another_machine_is_said_at_the_start(tmp_path: Path) -> None:
    plain = (RIS | {"url": "http://ris.example/x"}, MAIL | {"security": "none"}, LOG | {"transport": "udp"})
    told = [one for one in rules_settings(tmp_path, alert=plain).concerns() if "the alert" in one]
    assert [one.split("'")[1] for one in told] == ["ris", "physics", "siem"]
    here = (RIS | {"url": "http://127.0.0.1/x"}, MAIL, LOG)
    assert not [one for one in rules_settings(tmp_path, alert=here).concerns() if "the alert" in one]


def test_a_token_that_no_header_can_hold_is_an_answer_and_stops_nothing(
    tmp_path: Path, database: Database
) -> None:
    (tmp_path / "secret").write_text("s" * 30)
    (tmp_path / "token").write_text("ключ" * 8)
    webhook = Webhook(
        "ris", "http://127.0.0.1:9/", tmp_path / "secret", TlsFiles(), token_file=tmp_path / "token"
    )
    values = dict.fromkeys(FIELDS, "x") | {"time": "2026-01-01T00:00:00+00:00", "artifacts": {}, "advice": []}
    what = Message("hello", values).to_json()
    order = Errand(1, "s1", "alert", "rule", "ris", what, None, 1, 1, 0, 0.0, "uid", None)
    errands = Errands(worker(database, Clock()), give_up_s=60.0)
    carry = alerting(errands, webhook, "0123456789", Metrics.build(version="0")).carry
    with pytest.raises(NotDone, match="cannot be sent"):
        carry(order)


def test_the_bundle_for_support_names_nobody_who_gets_mail() -> None:
    mail = MAIL | {"user": "postman", "password_file": "/p"}
    told = str(harmless(rules_settings(alert=(EmailAlert.model_validate(mail),))))
    assert [word for word in ("s@h.example", "a@h.example", "postman") if word in told] == []
