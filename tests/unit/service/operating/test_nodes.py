"""Nodes that the console keeps, what is in force with them, what people stop, and who called."""

from pathlib import Path
from typing import Any

import pytest

from service.ledger import Callers, Control, Database, Intake, NodeBook, Outbox, Scoring, Worker
from service.ledger.callers import MOST
from service.ledger.control import SCORING
from service.ledger.nodes import KeyUsed, NodeChange, NodeChanged, NodeExists, NoNode
from service.operating.acceptance import Accepted
from service.operating.node_views import Call
from service.operating.nodes import Kept, Roster, UnfitNode, in_force, kept, told_of, understood
from service.operating.refusals import refusals
from service.rules import Thresholds
from service.settings import Settings
from service.settings_tables import Allow, DicomDestination, Scanner, TlsProfile
from tests.outbox import Clock, OutboxHouse
from tests.unit.service.test_ledger import Clock as LedgerClock
from tests.unit.service.test_ledger import arrival, claimed, worker

PACS: dict[str, Any] = {"kind": "dicom", "name": "second", "host": "pacs2", "port": 104, "ae_title": "PACS2"}
MR: dict[str, Any] = {"name": "MR 7", "ae_title": "MR7", "network": "10.1.2.3"}


def change(node_id: str, told: dict[str, Any] | None, key: str = "key-0001") -> NodeChange:
    return NodeChange(node_id, told, "ada", key)


def test_each_change_of_a_node_is_a_version_and_the_old_ones_stay(database: Database) -> None:
    book = NodeBook(database)
    assert book.added(change("to:second", PACS)).version == 1
    assert book.added(change("to:second", PACS)).version == 1  # the same request again
    with pytest.raises(KeyUsed):
        book.added(change("to:second", PACS | {"port": 105}))
    with pytest.raises(NodeExists):
        book.added(change("to:second", PACS, "key-0002"))
    assert book.changed(change("to:second", PACS | {"port": 105}, "key-0003"), 1).version == 2
    with pytest.raises(NodeChanged):
        book.changed(change("to:second", PACS, "key-0004"), 1)
    book.changed(change("to:second", None, "key-0005"), 2)
    assert book.all() == []
    with pytest.raises(NoNode):
        book.changed(change("to:second", PACS, "key-0006"), 3)
    assert book.added(change("to:second", PACS, "key-0007")).version == 4
    told = [row.told and row.told["port"] for row in book.versions("to:second")]
    assert told == [104, None, 105, 104]


@pytest.mark.parametrize(
    ("node_id", "told", "why"),
    [
        ("to:second", PACS | {"tls": {"ca": "/etc/shadow"}}, "settings file"),
        ("to:second", PACS | {"tls": {}, "tls_profile": "hospital"}, "exclude each other"),
        ("to:second", PACS | {"tls_profile": "../key"}, "tls_profile"),
        ("to:second", PACS | {"commitment": True}, "commitment"),
        ("to:second", PACS | {"kind": "folder", "folder": "/etc"}, "kind"),
        ("to:second", PACS | {"results": ["REGIONS"]}, "needs SEG"),
        ("to:other", PACS, "keeps its name"),
        ("scanner:MR 7", MR | {"serial": "4711"}, "ae_title or serial"),
        ("scanner:MR 7", MR | {"network": "10.1.2.3/99"}, "network"),
        ("scanner:MR 7", MR | {"ae_title": "A\\B"}, "AE title"),
        ("scanner:MR 7", MR | {"host": "mr7"}, "go together"),
    ],
)
def test_what_does_not_fit_is_no_node(node_id: str, told: dict[str, Any], why: str) -> None:
    with pytest.raises(UnfitNode, match=why):
        understood(node_id, told)


def test_a_node_is_kept_as_it_would_stand_in_the_file_and_read_back_the_same() -> None:
    entry = understood("to:second", PACS | {"tls": {}, "results": ["SR"]})
    assert told_of(entry) == {"name": "second", "host": "pacs2", "port": 104, "ae_title": "PACS2"} | {
        "tls": {},
        "results": ["SR"],
    }
    assert understood("to:second", told_of(entry)) == entry


def test_nodes_join_the_file_which_wins_and_lists_of_who_is_let_in_grow() -> None:
    scanner, pacs = understood("scanner:MR 7", MR), understood("to:second", PACS)
    more = Kept((scanner,), (pacs,))  # type: ignore[arg-type]  # of these kinds
    plain = in_force(Settings(), more, "live")
    assert (plain.destination_names, plain.allow) == (("second",), Allow())  # everybody is let in still
    listed = Settings(allow=Allow(ae_titles=("MR1",), networks=("10.9.0.0/16",)))
    assert in_force(listed, more, "live").allow == Allow(
        ae_titles=("MR1", "MR7"), networks=("10.9.0.0/16", "10.1.2.3/32")
    )
    there = DicomDestination(name="second", host="elsewhere", port=1, ae_title="X")
    named = Settings(destination=(there,), scanner=(Scanner(name="other", ae_title="MR7"),))
    assert in_force(named, more, "live").destination == (there,)
    assert [one.name for one in in_force(named, more, "live").scanner] == ["other"]


def test_a_destination_has_the_certificates_of_its_profile_or_is_not_in_force() -> None:
    entry = understood("to:second", PACS | {"tls_profile": "hospital"})
    assert told_of(entry)["tls_profile"] == "hospital"
    more = Kept((), (entry,))  # type: ignore[arg-type]  # of this kind
    profile = TlsProfile(name="hospital", ca=Path("/ca.pem"), certificate=Path("/own.pem"))
    (found,) = in_force(Settings(tls_profile=(profile,)), more, "live").destination
    assert isinstance(found, DicomDestination)
    assert found.tls is not None
    assert (found.tls.ca, found.tls.certificate) == (Path("/ca.pem"), Path("/own.pem"))
    assert in_force(Settings(), more, "live").destination == ()  # never in the clear


def test_what_this_version_does_not_understand_is_left_out(database: Database) -> None:
    book = NodeBook(database)
    book.added(change("to:second", PACS | {"from the future": 1}))
    book.added(change("scanner:MR 7", MR, "key-0002"))
    assert [one.name for one in kept(book.all()).scanners] == ["MR 7"]
    assert kept(book.all()).destinations == ()


def test_settings_in_force_are_looked_up_once_a_second_and_stay_the_same_object(database: Database) -> None:
    book, at = NodeBook(database), [0.0]
    roster = Roster(Settings(), book, Control(database), clock=lambda: at[0])
    before = roster()
    book.added(change("to:second", PACS))
    assert roster() is before
    at[0] = 1.0
    assert roster().destination_names == ("second",)
    assert roster() is roster()
    assert roster.fresh().destination_names == ("second",)


def test_a_site_in_shadow_mode_is_live_while_its_very_thresholds_and_model_are_accepted(
    database: Database,
) -> None:
    control = Control(database)
    now = Accepted.of(Thresholds(), "a" * 64)
    other = Accepted.of(Thresholds(usable_index=8.0), "a" * 64)
    shadow = Settings(mode="shadow")

    def mode(accepted: Accepted | None, settings: Settings = shadow) -> str:
        digest = None if accepted is None else accepted.digest()
        return Roster(settings, NodeBook(database), control, digest)().mode

    assert mode(now) == "shadow"
    control.accepted(now.digest(), now.told(), "pia")
    assert (mode(now), mode(other), mode(None)) == ("live", "shadow", "shadow")
    assert mode(Accepted.of(Thresholds(), "b" * 64)) == "shadow"
    assert control.withdrawn("pia")
    assert not control.withdrawn("pia")
    assert mode(now) == "shadow"
    assert mode(other, Settings()) == "live"  # the file says live


def test_nothing_is_claimed_for_what_is_stopped_and_its_time_begins_anew(
    database: Database, tmp_path: Path
) -> None:
    clock = Clock()
    house = OutboxHouse(database, OutboxHouse.spool(tmp_path), clock)
    house.post(to="pacs")
    house.post(to="copy", key="b")
    control = Control(database, clock)
    outbox = Outbox(Worker(database, "worker", clock=clock), give_up_s=3600.0)
    under_way = outbox.claim("pacs", 1)
    assert control.paused("to:pacs", "ada", "PACS is exchanged")
    assert not control.paused("to:pacs", "tom", "again")
    (told,) = control.pauses()
    assert (told.what, told.by, told.reason, told.under_way) == ("to:pacs", "ada", "PACS is exchanged", 1)
    assert outbox.claim("pacs", 9) == []
    assert len(outbox.claim("copy", 9)) == 2
    outbox.delivered(under_way[0], "0x0000")  # what was begun ends
    assert control.pauses()[0].under_way == 0
    clock.ahead = 7200.0  # longer than it would be tried
    assert outbox.claim("pacs", 9) == []
    assert control.resumed("to:pacs", "ada")
    assert not control.resumed("to:pacs", "ada")
    (item,) = outbox.claim("pacs", 9)
    assert outbox.failed(item, "no association") == "waiting"


def test_no_slice_is_claimed_while_scoring_is_stopped(database: Database, clock: LedgerClock) -> None:
    Intake(database, clock).received(arrival(1))
    control, scoring = Control(database, clock), Scoring(worker(database, clock))
    assert control.paused(SCORING, "ada", "the GPU is exchanged")
    assert claimed(scoring, 9) == []
    assert control.resumed(SCORING, "ada")
    assert len(claimed(scoring, 9)) == 1


def test_calls_are_counted_and_a_flood_of_titles_pushes_out_only_the_oldest(database: Database) -> None:
    callers = Callers(database)
    callers.called([Call("10.0.0.1", "MR1", "accepted", 3, 1.0, 2.0)])
    callers.called([Call("10.0.0.1", "MR1", "accepted", 2, 5.0, 6.0)])
    (told,) = callers.all()
    assert (told.count, told.first_at, told.last_at) == (5, 1.0, 6.0)
    callers.called(Call("10.0.0.2", f"T{n}", "rejected", 1, 10.0 + n, 10.0 + n) for n in range(MOST + 20))
    titles = [call.ae_title for call in callers.all()]
    assert len(titles) == MOST
    assert titles[0] == f"T{MOST + 19}"
    assert "MR1" not in titles


def test_who_was_turned_away_is_told_why_and_what_would_let_it_in() -> None:
    allow = Allow(ae_titles=("MR1",), networks=("10.9.0.0/16",))
    calls = [
        Call("192.0.2.7", "", "refused_address"),
        Call("::ffff:10.9.1.1", "", "refused_address"),
        Call("10.9.1.1", "STRANGER", "rejected"),
        Call("10.9.1.1", "MR1", "rejected"),
        Call("10.9.1.1", "", "refused_too_many"),
        Call("10.9.1.1", "MR1", "accepted"),
    ]
    told = refusals(calls, allow)
    assert [one.let_in_now for one in told] == [False, True, False, True, True]
    assert told[0].settings == '[allow]\nnetworks = ["10.9.0.0/16", "192.0.2.7/32"]'
    assert told[2].settings == '[allow]\nae_titles = ["MR1", "STRANGER"]'
    assert "max_associations" in told[4].why
