"""Results a second from outbox to PACS, each unsealed and its answer noted durably, beside dcmtk's storescu.

Both send the same files to the same storescp, which throws them away. One line; `--objects N`, `--size PIXELS`.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from service.delivery import Pacs
from tests.outbox import OutboxHouse, encoded
from tests.peers import free_port, program, storescu, wait_until
from tests.peers.processes import running
from tests.series import mr_series


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=512)
    parser.add_argument("--size", type=int, default=128, help="rows and columns of each object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scanside-bench-") as folder:
        ours, peers = _measured(Path(folder), arguments.objects, arguments.size)
    print(
        f"delivery: {arguments.objects / ours:.0f} objects/s from outbox to PACS; "
        f"storescu {arguments.objects / peers:.0f} objects/s "
        f"({arguments.objects} objects of {arguments.size} x {arguments.size} pixels)"
    )
    return 0


def _measured(room: Path, objects: int, size: int) -> tuple[float, float]:
    """Give the seconds that we take, and storescu."""
    house, port = OutboxHouse.at(room), free_port()
    files = []
    for number in range(objects):
        (one,) = mr_series(slices=1, rows=size, columns=size, key=f"{number}")
        house.post_built("pacs", f"{number}", [("SR", one)])
        files.append(room / f"{number}.dcm")
        files[-1].write_bytes(encoded(one))
    sink = [str(program("storescp")), "--ignore", str(port)]
    pacs = Pacs("pacs", "127.0.0.1", port, "SINK", "SCANSIDE")
    with running(sink, room / "log") as process:
        wait_until(lambda: pacs.tried()[0], process=process, log=room / "log", what="storescp")
        began = time.perf_counter()
        done = storescu(files, "127.0.0.1", port, called="SINK")
        peers = time.perf_counter() - began
        assert done.returncode == 0, done.stderr
        postman = house.postman(pacs)
        began = time.perf_counter()
        while postman.deliver_next():
            pass
        ours = time.perf_counter() - began
    assert house.states() == ["sent"] * objects
    house.database.close()
    return ours, peers


if __name__ == "__main__":
    sys.exit(main())
