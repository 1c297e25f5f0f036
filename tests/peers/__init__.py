"""Everything real that tests and benchmarks talk to: a PACS, a database, a browser, dcmtk, Scanside itself.

Each is a context manager that starts its own and stops it by its own process id.
"""

from tests.peers.database import Postgres, postgres
from tests.peers.house import House, environment, run, scanside
from tests.peers.network import Host, host
from tests.peers.pacs import Orthanc, orthanc
from tests.peers.processes import PeerDiedError, stop, wait_until
from tests.peers.programs import (
    CHROMIUM_ARGS,
    chromium,
    dciodvfy,
    dsrdump,
    echoscu,
    found,
    free_port,
    give_up,
    program,
    requires,
    storescu,
)

__all__ = [
    "CHROMIUM_ARGS",
    "Host",
    "House",
    "Orthanc",
    "PeerDiedError",
    "Postgres",
    "chromium",
    "dciodvfy",
    "dsrdump",
    "echoscu",
    "environment",
    "found",
    "free_port",
    "give_up",
    "host",
    "orthanc",
    "postgres",
    "program",
    "requires",
    "run",
    "scanside",
    "stop",
    "storescu",
    "wait_until",
]
