"""Every real series through one running service at the pace of a scanner, some times over, and what became of each.

`python -m benchmarks.replay [--passes 5] [--speed 1] [--limit N] [--only TEXT] [--state DIR]` starts `scanside serve`
with a real Orthanc as its PACS and sends what lies under SCANSIDE_DATA (folders e2e and train), under fresh UIDs in
every pass. The last pass is shuffled and interleaved, and some of its series get an image late. The table says for each
series what was expected and received, which sign closed it and how long after its last instance, the verdict or the
reason, and how many of its results Orthanc holds; the last lines count what was lost, split, and closed early. With
--state a stopped run goes on after its last whole pass: its rows are in replay.tsv of that folder.
"""

import argparse
import csv
import hashlib
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field, fields
from json import loads
from pathlib import Path
from statistics import median

from pydicom import Dataset, dcmread
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association

from benchmarks.replay_cases import Case, cases_in
from dicom_scp.identity import KeyRing
from dicom_scp.libraries import quiet_libraries
from tests.peers import House, Orthanc, orthanc, scanside, wait_until

PACE = 10.0  # instances a second, as a fast scanner sends them
TOGETHER = 3  # series that the last pass interleaves
LATE_EVERY, LATE_FROM = 5, 4  # in the last pass one series of five with four images or more gets one late
CONTEXTS = 100
OPEN = ("receiving", "settling")
SETTLED_S = 180.0  # how long a pass may take to settle after its last image


@dataclass(slots=True)
class Row:
    """What became of a series in one pass."""

    number: int  # pass
    series: str
    sent: int
    expected: int  # instances that the door should keep
    received: int
    generations: int
    late: int  # instances that were sent after it was closed
    announced: str  # what the header's counts said
    sign: str
    delay: float | None  # s from the last instance to the decision that it is complete
    verdict_delay: float | None  # s from the last instance to the verdict
    verdict: str
    reason: str
    built: int
    stored: int  # of these, how many Orthanc holds

    @property
    def problem(self) -> str:
        """What must not happen."""
        if self.received < self.expected:
            return "lost"
        if self.generations > 1 + bool(self.late):
            return "closed early"
        if self.received > self.expected:
            return "split"
        return "" if self.stored == self.built else "not stored"


@dataclass(slots=True)
class Sender:
    """Sends data sets at a pace and notes the answers."""

    house: House
    pace: float
    statuses: Counter[int] = field(default_factory=Counter)
    last: dict[str, float] = field(default_factory=dict)  # by series: when its last instance was answered
    due: float = 0.0

    @contextmanager
    def associated(self, contexts: set[tuple[str, str]]) -> Iterator[Association]:
        """Associate for some SOP classes and transfer syntaxes, and release."""
        entity = ApplicationEntity("REPLAY")
        for sop_class, syntax in sorted(contexts)[:CONTEXTS]:
            entity.add_requested_context(sop_class, syntax)
        association = entity.associate("127.0.0.1", self.house.dicom_port, ae_title="SCANSIDE")
        if not association.is_established:
            raise ConnectionError("no association")
        try:
            yield association
        finally:
            association.release()

    def send(self, association: Association, ds: Dataset) -> None:
        """Send one object when its moment has come."""
        time.sleep(max(0.0, self.due - time.monotonic()))
        self.due = max(self.due, time.monotonic()) + 1 / self.pace
        try:
            status = association.send_c_store(ds)
        except ValueError:  # no context was accepted for it
            self.statuses[-1] += 1
            return
        self.statuses[int(status.Status) if "Status" in status else -1] += 1
        self.last[str(ds.SeriesInstanceUID)] = time.time()


def fresh(uid: str, number: int) -> str:
    """Give another UID for a pass, always the same one."""
    return f"2.25.{int.from_bytes(hashlib.sha256(f'{number} {uid}'.encode()).digest()[:15])}"


def renamed(path: Path, number: int) -> Dataset:
    """Read an object under the UIDs of a pass."""
    ds = dcmread(path, force=True)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if ds.get(keyword):
            setattr(ds, keyword, fresh(str(ds[keyword].value), number))
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


def _contexts(cases: Sequence[Case]) -> set[tuple[str, str]]:
    heads = (
        dcmread(path, stop_before_pixels=True, force=True, specific_tags=["SOPClassUID"])
        for case in cases
        for path in case.paths
    )
    return {
        (str(ds.SOPClassUID), str(ds.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian)))
        for ds in heads
    }


def in_order(sender: Sender, cases: Sequence[Case], number: int) -> None:
    """Send series after series, an association each."""
    for case in cases:
        with sender.associated(_contexts([case])) as association:
            for path in case.paths:
                sender.send(association, renamed(path, number))


def interleaved(sender: Sender, cases: Sequence[Case], number: int, ledger: "Ledger") -> dict[str, int]:
    """Send some series at once, shuffled, and to some of them an image when they are closed; gives how many, by UID."""
    rng = random.Random(number)
    order = rng.sample(cases, len(cases))
    whole = [case for case in order if not case.why and len(case.taken) == len(case.paths)]
    late = {case.uid: 1 for case in [c for c in whole if len(c.paths) >= LATE_FROM][::LATE_EVERY]}
    held: list[tuple[Case, Path]] = []
    for start in range(0, len(order), TOGETHER):
        group = order[start : start + TOGETHER]
        queue: list[Path] = []
        for case in group:
            paths = rng.sample(case.paths, len(case.paths))
            held += [(case, path) for path in paths[: late.get(case.uid, 0)]]
            queue += paths[late.get(case.uid, 0) :]
        rng.shuffle(queue)
        with sender.associated(_contexts(group)) as association:
            for path in queue:
                sender.send(association, renamed(path, number))
    ledger.settled(number, cases)
    for case, path in held:
        with sender.associated(_contexts([case])) as association:
            sender.send(association, renamed(path, number))
    return late


@dataclass(frozen=True, slots=True)
class Ledger:
    """The database of the service, read only."""

    state_dir: Path
    keyring: KeyRing

    def ask(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Run one query."""
        with closing(
            sqlite3.connect(f"file:{self.state_dir / 'scanside.sqlite'}?mode=ro", uri=True)
        ) as database:
            database.row_factory = sqlite3.Row
            return database.execute(query, values).fetchall()

    def uid(self, case: Case, number: int) -> str:
        """Give the name of a series of a pass in the ledger."""
        return self.keyring.uid(fresh(case.uid, number))

    def settled(self, number: int, cases: Sequence[Case]) -> None:
        """Wait until every series of a pass is closed, or judged provisionally, and its results have left."""
        mine = {self.uid(case, number) for case in cases}

        def done() -> bool:
            waits = self.ask(
                "SELECT uid FROM series WHERE state IN ('receiving', 'settling')"
                " OR (state = 'complete' AND NOT conflict)"
            )
            sends = self.ask("SELECT 1 FROM outbox WHERE state = 'waiting' LIMIT 1")
            return not sends and not any(row["uid"] in mine for row in waits)

        try:
            wait_until(done, within_s=SETTLED_S + sum(len(case.paths) for case in cases), every_s=0.5)
        except AssertionError:
            print("not everything is settled", file=sys.stderr)


def rows_of(
    ledger: Ledger,
    pacs: Orthanc,
    cases: Sequence[Case],
    number: int,
    late: dict[str, int],
    last: dict[str, float],
) -> Iterator[Row]:
    """Say what became of each series of a pass."""
    there = {one["MainDicomTags"]["SOPInstanceUID"] for one in pacs.get("/instances?expand")}
    for case in cases:
        uid = ledger.uid(case, number)
        of_series = ledger.ask("SELECT * FROM series WHERE uid = ? ORDER BY generation", uid)
        here = ledger.ask("SELECT DISTINCT sop_instance_uid FROM instance WHERE series_uid = ?", uid)
        results = [
            one["sop_instance_uid"]
            for one in ledger.ask(
                "SELECT o.sop_instance_uid FROM outbox o JOIN series s ON s.id = o.series_id WHERE s.uid = ?"
                " AND o.state != 'superseded'",
                uid,
            )
        ]
        first, final = (of_series[0], of_series[-1]) if of_series else (None, None)
        evidence = loads(first["closing"]) if first is not None and first["closing"] else {}
        answered = last.get(fresh(case.uid, number))
        judged = None if first is None or case.uid in late else first["closed_at"]
        yield Row(
            number=number,
            series=case.name,
            sent=len(case.paths),
            expected=len(case.taken),
            received=len(here),
            generations=len(of_series),
            late=late.get(case.uid, 0),
            announced=" ".join(f"{sign}={n}" for sign, n in evidence.get("counts", {}).items()),
            sign=evidence.get("sign", "" if final is None else final["state"]),
            delay=evidence.get("waited_s"),
            verdict_delay=round(judged - answered, 3) if judged and answered else None,
            verdict="" if final is None else final["verdict"],
            reason=case.why if final is None else final["reason"],
            built=len(results),
            stored=len(there.intersection(results)),
        )


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write the table, whole or not at all."""
    aside = path.with_suffix(".new")
    with aside.open("w", newline="") as file:
        table = csv.DictWriter(file, [one.name for one in fields(Row)] + ["problem"], delimiter="\t")
        table.writeheader()
        table.writerows(asdict(row) | {"problem": row.problem} for row in rows)
    aside.replace(path)


def read(path: Path) -> list[Row]:
    """Read the rows of passes that are done."""
    if not path.exists():
        return []

    def cell(name: str, text: str) -> object:
        if name in {"series", "announced", "sign", "verdict", "reason"}:
            return text
        return None if text == "" else float(text) if "delay" in name else int(text)

    with path.open(newline="") as file:
        return [
            Row(**{name: cell(name, text) for name, text in line.items() if name != "problem"})  # type: ignore[arg-type]
            for line in csv.DictReader(file, delimiter="\t")
        ]


def summary(rows: Sequence[Row]) -> list[str]:
    """Count what matters."""
    problems = Counter(row.problem for row in rows)
    judged = [row for row in rows if row.generations]
    counted = [row for row in judged if row.sign[:1].isdigit() and row.delay is not None]
    signs = Counter("count" if row.sign[:1].isdigit() else row.sign for row in judged)
    lines = [
        f"{len(rows)} series sent, {len(judged)} kept, {sum(row.received for row in rows)} instances",
        ", ".join(f"{name} {problems[name]}" for name in ("lost", "split", "closed early", "not stored")),
        "closed by: " + ", ".join(f"{sign} {n}" for sign, n in signs.most_common()),
        "verdicts: "
        + ", ".join(f"{v or 'none'} {n}" for v, n in Counter(r.verdict for r in judged).most_common()),
        f"results stored in Orthanc: {sum(row.stored for row in rows)} of {sum(row.built for row in rows)}",
    ]
    if counted:
        delays = [row.delay or 0.0 for row in counted]
        lines.append(
            f"closed by a count: {len(counted)} ({len({row.series for row in counted})} series), "
            f"median {median(delays):.2f} s, longest {max(delays):.2f} s after the last instance"
        )
    return lines


def replay(options: argparse.Namespace, state_dir: Path) -> list[Row]:
    """Run the passes that are not done yet."""
    cases = cases_in(Path(os.environ["SCANSIDE_DATA"]), options.limit, options.only)
    table = state_dir / "replay.tsv"
    rows = read(table)
    with orthanc() as pacs, scanside(state_dir=state_dir, destination=[pacs.destination()]) as house:
        ledger = Ledger(state_dir, KeyRing.from_file(state_dir / "key", create=False))
        for number in range(1 + max((row.number for row in rows), default=0), options.passes + 1):
            sender, late = Sender(house, PACE * options.speed), dict[str, int]()
            if number < options.passes or options.passes == 1:
                in_order(sender, cases, number)
            else:
                late = interleaved(sender, cases, number, ledger)
            ledger.settled(number, cases)
            told = ", ".join(f"0x{s:04X} {n}" if s >= 0 else f"none {n}" for s, n in sender.statuses.items())
            print(f"pass {number}: answers {told}", file=sys.stderr)
            rows += rows_of(ledger, pacs, cases, number, late, sender.last)
            write(table, rows)
        print(table.read_text(), end="")
        print("\n".join(summary(rows)), flush=True)
    return rows


def main() -> int:
    """Replay, print the table and the counts; 1 where something was lost, split, closed early or not stored."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--speed", type=float, default=1.0, help="1: ten instances a second")
    parser.add_argument("--limit", type=int, help="only so many series")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only series with this in the name of their folder"
    )
    parser.add_argument("--state", type=Path, help="the service's folder, to go on later")
    options = parser.parse_args()
    quiet_libraries()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends with it
    with ExitStack() as stack:
        folder = options.state or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="scanside-replay-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        rows = replay(options, folder)
    return int(any(row.problem for row in rows))


if __name__ == "__main__":
    sys.exit(main())
