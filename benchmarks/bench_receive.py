"""How fast 32 x 384 x 512 x 16 bit come in, lose their identity and are durable; Orthanc and dcmtk beside it.

`python -m benchmarks.bench_receive` measures `scanside receive` with its whole pipeline; with `--door` the listener,
de-identification and spool alone, without the ledger.
"""

import argparse
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.sender import MAX_PDU, Run, send_all, series
from dicom_scp.deidentify import Deidentifier
from dicom_scp.identity import KeyRing, Vault
from dicom_scp.instance import Instance
from dicom_scp.listener import Listener, ListenerConfig
from dicom_scp.spool import Spool
from dicom_scp.taking import Taker
from tests.peers import free_port, orthanc, scanside
from tests.peers.processes import running, wait_until
from tests.peers.programs import program

INSTANCES, ASSOCIATIONS, ROUNDS = 32, (1, 4, 8), 3


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who receives."""

    name: str
    host: str
    port: int
    called: str
    pid: int | None  # for its resident memory

    def resident_mb(self) -> float:
        """Give the peak resident memory in MB."""
        if self.pid is None:
            return 0.0
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


@contextmanager
def door() -> Iterator[Target]:
    """Run the door alone in a process of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.bench_receive", "--serve", folder, str(port)]
        with running(command, Path(folder) / "log") as process:
            wait_until(lambda: _answers("127.0.0.1", port), process=process)
            yield Target("door", "127.0.0.1", port, "SCANSIDE", process.pid)


@contextmanager
def receive() -> Iterator[Target]:
    """Run `scanside receive`."""
    with scanside("receive") as house:
        yield Target("scanside receive", "127.0.0.1", house.dicom_port, "SCANSIDE", house.process.pid)


@contextmanager
def pacs() -> Iterator[Target]:
    """Run Orthanc on a host of its own, its sync on."""
    with orthanc(MaximumPduLength=MAX_PDU) as server:
        yield Target("orthanc", server.address, server.port, server.ae_title, None)


@contextmanager
def storescp() -> Iterator[Target]:
    """Run dcmtk's storescp, which neither de-identifies nor syncs; one process for each association."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program("storescp")), "--fork", "--max-pdu", str(MAX_PDU), "-od", folder, str(port)]
        with running(command, Path(folder) / "log") as process:
            wait_until(lambda: _answers("127.0.0.1", port), process=process)
            yield Target("storescp", "127.0.0.1", port, "STORESCP", process.pid)


def _answers(host: str, port: int) -> bool:
    with socket.create_connection((host, port), timeout=1):
        return True


def serve(folder: Path, port: int) -> None:
    """Be the receiver of `door`."""
    keyring = KeyRing.ephemeral()
    spool = Spool(folder / "spool", Vault(keyring))

    def taken(instance: Instance) -> int:
        spool.write(instance.content, instance.digest)
        return 0

    listener = Listener(ListenerConfig(port=port), Taker(taken, Deidentifier(keyring)))
    listener.start()
    try:
        time.sleep(3600)
    finally:
        listener.stop()


def measured(target: Target, round_number: int) -> list[Run]:
    """Send one series over each number of associations."""
    runs = []
    for associations in ASSOCIATIONS:
        keys = [f"{target.name}-{round_number}-{associations}-{number}" for number in range(associations)]
        shares = [series(INSTANCES if associations < 8 else INSTANCES // 2, key=key) for key in keys]
        runs.append(send_all(target.host, target.port, target.called, shares))
    return runs


def main() -> None:
    """Measure all and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--door", action="store_true")
    parser.add_argument("--serve", nargs=2, metavar=("FOLDER", "PORT"))
    arguments = parser.parse_args()
    if arguments.serve:
        serve(Path(arguments.serve[0]), int(arguments.serve[1]))
        return
    ours: Callable[..., object] = door if arguments.door else receive
    with ours() as us, pacs() as peer, storescp() as bare:  # type: ignore[attr-defined]
        targets = (us, peer, bare)
        found: dict[str, list[list[Run]]] = {target.name: [] for target in targets}
        for number in range(ROUNDS):
            for target in targets:
                found[target.name].append(measured(target, number))
        report(targets, found)


def report(targets: tuple[Target, ...], found: dict[str, list[list[Run]]]) -> None:
    """Print the medians of the rounds."""
    for n, associations in enumerate(ASSOCIATIONS):
        rates = {name: median(runs[n].rate for runs in rounds) for name, rounds in found.items()}
        ours, peer = rates[targets[0].name], rates["orthanc"]
        words = [
            f"receive {associations} associations: {targets[0].name} {ours:.0f}/s ({ours / peer:.2f} x Orthanc)"
        ]
        for target in targets:
            p50 = median(runs[n].p50 for runs in found[target.name])
            failed = sum(runs[n].failures for runs in found[target.name])
            words.append(f"{target.name} {rates[target.name]:.0f}/s p50 {p50:.1f} ms, {failed} failed")
        print("; ".join(words), flush=True)
    print(f"receive memory: {targets[0].name} {targets[0].resident_mb():.0f} MB at its peak", flush=True)


if __name__ == "__main__":
    main()
