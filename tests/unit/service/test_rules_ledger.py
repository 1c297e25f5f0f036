"""What the rules in force make of verdicts in the ledger: noted with their version, ordered once, taken back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from inference.text import kept
from service.forms import WHOLE
from service.ledger import Closings, Control, Database, Intake, Judgement, Outbox, Parcel, Reports
from service.ledger.actions import Errands
from service.ledger.errand_desk import ErrandDesk
from service.ledger.rules import ChangedMeanwhile, Rulebooks
from service.ledger.tables import outbox
from service.ledger.views import Views
from service.reporting import Subscription, _held, _is_wanted
from service.routing import Route, plain
from service.routing.clerk import Clerk
from service.routing.file import RulesFile
from service.routing.names import Names
from service.routing.text import parse, write
from service.routing.views import ErrandView
from service.settings import Settings
from tests.rules import RULES, rules_settings
from tests.unit.service.test_ledger import Clock, arrival, closing, judgement, score_all, worker

ALERT_RIS = RULES.replace('["console"]', '["ris"]')


class Site:
    """A ledger with rules in force, and series that are judged."""

    def __init__(self, database: Database, clock: Clock, settings: Settings | None = None) -> None:
        self.database, self.clock = database, clock
        self.settings = settings or rules_settings()
        self.rulebooks = Rulebooks(database, clock)
        self.clerk = Clerk(self.rulebooks, lambda: self.settings)
        self.desk = ErrandDesk(database, clock)
        self.errands = Errands(worker(database, clock), give_up_s=1e6, chance=lambda: 0.5)
        self.images = 0

    def write(self, rules: str) -> int:
        names = Names.of(self.settings)
        saved = self.rulebooks.saved(
            plain(parse(rules, names)), seen=None, author="ada", why="x", origin="page"
        )
        return saved.number

    def judge(self, verdict: str, *, fresh: bool = True, provisional: bool = False, reason: str = "") -> None:
        """Let an image of the one series come (a late one makes the next generation), and judge what is open."""
        self.clock.now += 1
        if fresh:
            self.images += 1
            Intake(self.database, self.clock).received(arrival(self.images))
            score_all(self.database, self.clock)
        closings = Closings(worker(self.database, self.clock))
        for item in closings.open_series():
            made: Judgement = replace(
                judgement(verdict), reason=kept(reason, None), closing=closing(provisional=provisional)
            )
            assert closings.closed(item, made, self.clerk.ruling(item, made))

    def ordered(self) -> list[ErrandView]:
        return self.desk.page(99)[0][::-1]

    def told(self) -> list[tuple[str, str, str, bool]]:
        return [(one.event, one.channel, one.state, one.replaces is not None) for one in self.ordered()]

    def send(self, channel: str = "ris") -> None:
        one = self.errands.claim(channel, "alert")
        assert one is not None
        self.errands.done(one, "200")


@pytest.fixture
def site(database: Database, clock: Clock) -> Site:
    return Site(database, clock)


def test_without_rules_nothing_is_noted_and_everything_goes_everywhere(site: Site) -> None:
    site.judge("Repeat")
    assert site.ordered() == []
    task = Reports(worker(site.database, site.clock)).claim_report()
    assert task is not None
    assert task.routes == {}
    assert _is_wanted(task, Subscription("pacs", WHOLE))


def test_the_version_in_force_is_noted_with_what_fired(site: Site) -> None:
    site.write(RULES)
    second = site.write(RULES.replace("Tell about repeats", "Tell of repeats"))
    site.judge("Repeat")
    (alert,) = site.ordered()
    (fired,) = site.desk.firings(alert.series_id)
    assert (fired.version, alert.version) == (second, second)
    assert fired.fired == [{"rule": "Tell of repeats", "mode": "live"}]
    notices = [one for one in Views(site.database).events_after(0) if one.kind == "notice"]
    assert [one.data["text"] for one in notices] == [alert.text]
    assert alert.state == "done"  # the console has it with the verdict


def test_the_same_verdict_judged_again_orders_nothing_twice(site: Site) -> None:
    site.write(ALERT_RIS)
    site.judge("Repeat", provisional=True)
    site.judge("Repeat", fresh=False, provisional=True)
    assert len(site.ordered()) == 1
    site.send()
    site.judge("Repeat", fresh=False)  # now it stands: whoever has the provisional one is told
    assert site.told() == [("alert", "ris", "done", False), ("alert", "ris", "waiting", True)]


def test_an_alert_that_holds_no_more_is_taken_back_where_it_arrived(site: Site) -> None:
    site.write(ALERT_RIS)
    site.judge("Repeat")
    site.send()
    site.judge("Usable")
    first, back = site.ordered()
    assert (back.event, back.replaces, back.state) == ("withdrawn", first.id, "waiting")
    assert back.text.startswith("No longer holds:")
    assert "Now Usable" in back.text
    site.send()
    site.judge("Repeat")  # and back again: it is told anew
    assert site.told()[2] == ("alert", "ris", "waiting", True)


def test_an_alert_that_did_not_leave_stays_and_nobody_is_told_twice(site: Site) -> None:
    site.write(ALERT_RIS)
    site.judge("Repeat")
    site.judge("Usable")
    assert site.told() == [("alert", "ris", "superseded", False)]
    assert site.errands.claim("ris", "alert") is None


def test_an_alert_whose_place_was_taken_while_it_was_under_way_does_not_come_after_the_new_one(
    site: Site,
) -> None:
    site.write(ALERT_RIS)
    site.judge("Repeat")
    under_way = site.errands.claim("ris", "alert")
    assert under_way is not None
    site.judge("Usable")
    assert site.errands.claim("ris", "alert") is None  # the one before it may still arrive
    site.errands.failed(under_way, "no answer")
    site.clock.now += 100  # now it would be its turn again
    site.send()
    assert site.told() == [("alert", "ris", "superseded", False), ("withdrawn", "ris", "done", True)]
    assert site.errands.claim("ris", "alert") is None


def test_in_shadow_mode_what_would_be_done_is_noted_and_not_done(database: Database, clock: Clock) -> None:
    site = Site(database, clock, rules_settings(mode="shadow"))
    site.write(RULES)
    site.judge("Repeat")
    assert site.told() == [("alert", "console", "shadow", False)]
    assert [one for one in Views(database).events_after(0) if one.kind == "notice"] == []


def test_a_forward_is_asked_for_once_for_the_images_that_are_there(site: Site) -> None:
    forward = '[[rule]]\nname = "f"\n[[rule.do]]\nkind = "forward"\npacs = "pacs"\nto = "READER"\n'
    site.write(forward)
    site.judge("Usable", provisional=True)
    site.judge("Usable", fresh=False)
    assert [(one.kind, one.text) for one in site.ordered()] == [("forward", "series to READER")]
    site.judge("Usable")  # a late image
    assert len(site.ordered()) == 2


def test_a_pacs_that_is_stopped_is_not_asked_to_send_on_until_it_goes_on(site: Site) -> None:
    site.write('[[rule]]\nname = "f"\n[[rule.do]]\nkind = "forward"\npacs = "pacs"\nto = "READER"\n')
    site.judge("Usable")
    control = Control(site.database, site.clock)
    control.paused("to:pacs", "ada", "the PACS is exchanged")
    assert site.errands.claim("pacs", "forward") is None
    (waiting,) = site.ordered()
    assert (waiting.state, waiting.stopped) == ("waiting", True)
    site.clock.now += 1e7  # longer than it would be tried
    control.resumed("to:pacs", "ada")
    one = site.errands.claim("pacs", "forward")
    assert one is not None
    assert one.tried_since == site.clock.now
    assert (site.ordered()[0].stopped, control.pauses()) == (False, [])
    control.paused("to:pacs", "ada", "again")
    assert control.pauses()[0].under_way == 1
    site.errands.done(one, "0x0000, 4 images sent")
    assert control.pauses()[0].under_way == 0


def route_of(site: Site) -> tuple[bool, str]:
    task = Reports(worker(site.database, site.clock)).claim_report()
    assert task is not None
    pacs = Subscription("pacs", WHOLE)
    held, wanted = _held(task, "pacs"), _is_wanted(task, pacs)
    parcels = [Parcel("pacs", "SR", 0, f"sr-{task.generation}", "file", held=held)] if wanted else []
    reports = Reports(worker(site.database, site.clock))
    claimed = replace(task)
    reports.reported(
        claimed, parcels, {"pacs": {"SR": ("c", f"sr-{task.generation}", "s")}} if wanted else {}
    )
    return wanted, held


def test_results_are_withheld_as_the_rules_say(site: Site) -> None:
    site.write(RULES)
    site.judge("Usable")
    assert route_of(site) == (False, "")


def states(site: Site) -> list[tuple[str, str]]:
    with site.database.read() as connection:
        rows = connection.execute(select(outbox.c.state, outbox.c.reason).order_by(outbox.c.id)).all()
    return [(row.state, row.reason) for row in rows]


def test_what_a_rule_holds_waits_and_is_let_go_by_a_rule_of_a_later_verdict(site: Site) -> None:
    held = (
        '[[rule]]\nname = "h"\n[[rule.when]]\nkind = "verdict"\none_of = ["{}"]\n[[rule.do]]\nkind = "{}"\n'
    )
    site.write(held.format("Repeat", "hold") + held.format("Usable", "release").replace('"h"', '"l"'))
    site.judge("Repeat")
    assert route_of(site) == (True, "held by the rule h")
    assert states(site) == [("held", "held by the rule h")]
    box = Outbox(worker(site.database, site.clock), give_up_s=1e6)
    assert box.claim("pacs", 9) == []
    site.judge("Usable")
    route_of(site)
    (item,) = box.claim("pacs", 9)
    assert (item.sop_instance_uid, states(site)[0][0]) == ("sr-2", "superseded")


def test_what_is_held_stays_held_where_no_rule_lets_it_go(site: Site) -> None:
    site.write('[[rule]]\nname = "h"\n[[rule.do]]\nkind = "hold"\n[[rule.when]]\nkind = "index"\nbelow = 9\n')
    site.judge("Repeat")
    route_of(site)
    site.write("format = 1")
    site.judge("Usable")
    route_of(site)
    Outbox(worker(site.database, site.clock), give_up_s=1e6).claim("pacs", 9)
    assert [state for state, _ in states(site)] == ["superseded", "held"]


def test_an_order_is_tried_again_with_a_pause_and_given_up_in_the_end(site: Site) -> None:
    site.write(ALERT_RIS)
    site.judge("Repeat")
    one = site.errands.claim("ris", "alert")
    assert one is not None
    assert site.errands.claim("ris", "alert") is None  # it is leased
    site.errands.failed(one, "503")
    assert site.errands.claim("ris", "alert") is None
    site.clock.now += 3
    again = site.errands.claim("ris", "alert")
    assert again is not None
    assert site.errands.failed(again, "410", final=True) == "dead"
    (dead,) = site.ordered()
    assert (dead.attempts, dead.answer, dead.next_at) == (2, "410", None)
    assert site.desk.retried(dead.id, "ada") is not None
    third = site.errands.claim("ris", "alert")
    assert third is not None
    site.errands.done(third, "200")
    assert site.desk.discarded(dead.id, "ada") is None  # what is done stays done


def test_the_order_of_a_worker_that_died_comes_back(site: Site) -> None:
    site.write(ALERT_RIS)
    site.judge("Repeat")
    lost = site.errands.claim("ris", "alert")
    site.clock.now += 31
    found = site.errands.claim("ris", "alert")
    assert lost is not None
    assert found is not None
    assert found.attempt == lost.attempt + 1
    site.errands.failed(lost, "late")  # of whom has lost it: changes nothing
    assert site.ordered()[0].attempts == 0


def test_of_two_who_save_the_second_is_refused_and_the_same_is_no_version(site: Site) -> None:
    first = plain(parse(RULES))
    assert site.rulebooks.saved(first, seen=0, author="a", why="", origin="page").number == 1
    with pytest.raises(ChangedMeanwhile):
        site.rulebooks.saved({"format": 1, "rule": []}, seen=0, author="b", why="", origin="page")
    assert site.rulebooks.saved(first, seen=1, author="b", why="", origin="page").number == 1


def the_file(site: Site, text: str | None = None) -> Any:
    path = site.settings.rules_path
    if text is not None:
        path.write_text(text)
    return RulesFile(path, site.rulebooks, Names.of(site.settings))


def test_a_file_is_taken_in_at_the_start_but_never_over_what_people_changed(site: Site) -> None:
    assert the_file(site).taken_in() == "none"
    assert the_file(site, RULES).taken_in() == "new"
    assert the_file(site).taken_in() == "same"
    assert the_file(site, "# a remark\n" + RULES).taken_in() == "same"
    assert the_file(site, RULES.replace("Usable", "Check")).taken_in() == "new"
    site.write(RULES.replace("Usable", "Not scored"))  # by a person
    assert the_file(site).taken_in() == "known"  # the file as before: the person's rules stand
    assert the_file(site, RULES.replace("Repeat", "Check")).taken_in() == "differs"
    current = site.rulebooks.in_force()
    assert current is not None
    assert "Not scored" in write(parse(write(parse(RULES.replace("Usable", "Not scored")))))
    assert (current.number, current.origin) == (3, "page")


@pytest.mark.parametrize("text", ["[[rule]]\n", "x = [", RULES.replace('"pacs"', '"gone"'), "\0"])
def test_a_file_that_cannot_be_used_changes_nothing(site: Site, text: str) -> None:
    site.write(RULES)
    assert the_file(site, text).taken_in() == "unfit"
    assert site.rulebooks.newest() == 1


def test_rules_that_this_release_cannot_read_stop_no_verdict(site: Site) -> None:
    site.write(RULES)
    from service.ledger.tables_rules import rulebook  # noqa: PLC0415

    with site.database.write() as connection:
        connection.execute(
            update(rulebook).values(content={"rule": [{"name": "x", "do": [{"kind": "sing"}]}]})
        )
    site.judge("Repeat")
    assert site.ordered() == []


def test_a_route_comes_back_as_it_was_written() -> None:
    route = Route(send=True, hold=False, rules=("a", "b"), holder="")
    assert Route.from_json(route.to_json()) == route


def test_a_file_that_is_set_back_is_taken_in_too(site: Site) -> None:
    assert the_file(site, RULES).taken_in() == "new"
    assert the_file(site, RULES.replace("Tell about repeats", "Tell of repeats")).taken_in() == "new"
    assert the_file(site, RULES).taken_in() == "new"
    assert site.rulebooks.newest() == 3
    assert the_file(site, RULES).taken_in() == "same"


def test_workers_that_start_together_take_the_file_in_once(site: Site) -> None:
    file = the_file(site, RULES)
    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(lambda _: file.taken_in(), range(8)))
    assert set(states) <= {"new", "same", "known"}
    assert site.rulebooks.newest() == 1
