"""How the settings name ways to alert: what cannot work, or would give something away, stops the start."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.parts.errand_room import archive_of, channel_of
from service.routing.mail import Mail
from service.routing.names import Names
from service.routing.syslog import Syslog
from service.routing.webhook import Webhook
from service.settings_alerts import EmailAlert
from service.settings_tables import DicomDestination
from tests.rules import RIS, rules_settings

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
