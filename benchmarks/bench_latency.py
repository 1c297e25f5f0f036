"""From the last C-STORE answer to the alert and to the report in a real Orthanc: 32 x 384 x 512 x 16 bit.

`python -m benchmarks.bench_latency` runs `scanside serve` at scanner pace (10 instances a second) and at full speed,
with a count that three series have proved and without one. Beside it: how long Orthanc takes to store that same report
sent straight to it, the floor of any such path.
"""

import argparse
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from urllib.request import urlopen

from pydicom.uid import EnhancedSRStorage

from benchmarks.sender import Sender, c_store, encoded
from service.closing import Patience
from tests.peers import House, Orthanc, orthanc, scanside, wait_until
from tests.series import head, mr_series

SLICES, ROWS, COLUMNS = 32, 384, 512
PACE = 10.0  # instances a second
QUIET_S = 2.0
WAITS = {
    "count": 0.0,
    "quiet": QUIET_S,
    "release": Patience().after_end_s,
}  # what is waited for on purpose
LESSONS = 3


@dataclass(slots=True)
class Watch:
    """Notes when alerts come over the event stream, and when objects appear in the PACS."""

    house: House
    pacs: Orthanc
    alerts: list[float] = field(default_factory=list)
    arrivals: list[tuple[float, str]] = field(default_factory=list)  # when, Orthanc's identifier
    stop: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        kind = ""
        with urlopen(f"{self.house.url}/api/v1/events", timeout=600) as lines:
            for line in lines:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data" and kind == "alert":
                    self.alerts.append(time.monotonic())
                if self.stop.is_set():
                    return

    def look(self) -> None:
        since = 0
        while not self.stop.is_set():
            answer = self.pacs.get(f"/changes?since={since}&limit=100")
            at = time.monotonic()
            since = answer["Last"]
            for change in answer["Changes"]:
                if change["ChangeType"] == "NewInstance":
                    self.arrivals.append((at, change["ID"]))
            time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds after the last C-STORE answer."""

    alert: float
    report: float
    bundle: float
    closed_by: str


def send(house: House, key: str, *, pace: float, counted: bool) -> float:
    """Send one series; gives the moment of the last answer."""
    datasets = mr_series(pixels=PIXELS, key=key, study=key, images_in_acquisition=SLICES if counted else None)
    requests = [(str(ds.SOPInstanceUID), encoded(ds)) for ds in datasets]
    sender = Sender.associated("127.0.0.1", house.dicom_port, called="SCANSIDE")
    began = time.monotonic()
    for number, (uid, data) in enumerate(requests):
        if pace:
            time.sleep(max(0.0, began + number / pace - time.monotonic()))
        status = sender.store(c_store(uid, data, number + 1, max_pdu=sender.max_pdu))
        assert status == 0, f"0x{status:04X}"
    at = time.monotonic()
    sender.release()
    return at


def measure(watch: Watch, key: str, *, pace: float, counted: bool) -> Times:
    alerts, arrivals = len(watch.alerts), len(watch.arrivals)
    at = send(watch.house, key, pace=pace, counted=counted)
    wait_until(lambda: len(watch.alerts) > alerts or None, within_s=60, what="an alert")
    wait_until(lambda: delivered(watch.house) or None, within_s=60, what="the delivery")
    time.sleep(0.1)
    came = watch.arrivals[arrivals:]
    report = next(when for when, name in came if modality(watch.pacs, name) == "SR")
    closed_by = str(watch.house.get("/api/v1/series?limit=1")["items"][0]["close_reason"])
    at += WAITS[closed_by]
    return Times(watch.alerts[alerts] - at, report - at, came[-1][0] - at, closed_by)


def delivered(house: House) -> bool:
    return bool(house.get("/api/v1/series?limit=1")["items"][0]["state"] == "delivered")


def modality(pacs: Orthanc, name: str) -> str:
    with urlopen(f"{pacs.url}/instances/{name}/content/0008-0060") as answer:
        return str(answer.read().decode().strip(" \0"))


def floor(pacs: Orthanc) -> float:
    """Seconds that Orthanc takes for the report itself: associate, store, release."""
    (found, *_) = pacs.find("Instance", Modality="SR")
    report = pacs.dataset(found["ID"])
    took = []
    for number in range(5):
        report.SOPInstanceUID = f"2.25.{4711 + number}"
        data = encoded(report)
        began = time.monotonic()
        sender = Sender.associated(pacs.address, pacs.port, called=pacs.ae_title, sop_class=EnhancedSRStorage)
        sender.store(
            c_store(str(report.SOPInstanceUID), data, 1, sop_class=EnhancedSRStorage, max_pdu=sender.max_pdu)
        )
        sender.release()
        took.append(time.monotonic() - began)
    return median(took)


@contextmanager
def watched() -> Iterator[Watch]:
    with orthanc() as pacs, scanside(quiet_s=QUIET_S, destination=[pacs.destination()]) as house:
        watch = Watch(house, pacs)
        for target in (watch.listen, watch.look):
            threading.Thread(target=target, daemon=True).start()
        time.sleep(0.5)
        yield watch
        watch.stop.set()
        time.sleep(0.1)


def told(name: str, times: list[Times], peer: float) -> dict[str, object]:
    """One line: medians."""
    alert, report, bundle = (
        median(getattr(one, what) for one in times) for what in ("alert", "report", "bundle")
    )
    return {
        "case": name,
        "runs": len(times),
        "closed_by": sorted({one.closed_by for one in times}),
        "alert_p50_s": round(alert, 3),
        "sr_stored_p50_s": round(report, 3),
        "bundle_p50_s": round(bundle, 3),
        "orthanc_stores_the_sr_s": round(peer, 3),
        "sr_over_peer": round(report / peer, 1),
    }


PIXELS = head(SLICES, ROWS, COLUMNS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs: int = parser.parse_args().runs
    with watched() as watch:
        for number in range(LESSONS):
            measure(watch, f"lesson{number}", pace=0, counted=True)
        peer = floor(watch.pacs)
        for name, pace, counted in (
            ("scanner pace, learnt count", PACE, True),
            ("full speed, learnt count", 0.0, True),
            ("scanner pace, no count, beyond the wait", PACE, False),
            ("full speed, no count, beyond the wait", 0.0, False),
        ):
            times = [measure(watch, f"{name}{number}", pace=pace, counted=counted) for number in range(runs)]
            print(json.dumps(told(name, times, peer)), flush=True)


if __name__ == "__main__":
    main()
