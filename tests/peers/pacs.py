"""A real Orthanc as the PACS, on a host of its own, with the configuration that the repository ships."""

import json
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom

from tests.peers.network import Host, host
from tests.peers.processes import running, wait_until
from tests.peers.programs import program

CONFIGURATION = Path(__file__).parents[2] / "orthanc" / "orthanc.json"
HTTP_PORT, DICOM_PORT, AE_TITLE = 8042, 4242, "ORTHANC"


@dataclass(frozen=True, slots=True)
class Orthanc:
    """A PACS that runs, and what a test asks it."""

    host: Host
    ae_title: str = AE_TITLE
    port: int = DICOM_PORT

    @property
    def address(self) -> str:
        """The address that DICOM and HTTP clients on this side use."""
        return self.host.address

    @property
    def url(self) -> str:
        """The base of its REST interface, without a slash at the end."""
        return f"http://{self.host.address}:{HTTP_PORT}"

    def destination(self, name: str = "pacs", **more: object) -> dict[str, object]:
        """Return a ``[[destination]]`` of the settings that points here."""
        where = {
            "name": name,
            "kind": "dicom",
            "host": self.address,
            "port": self.port,
            "ae_title": self.ae_title,
        }
        return where | more

    def get(self, path: str) -> Any:
        """GET a JSON resource, such as ``/instances``."""
        return json.loads(self._ask("GET", path))

    def text(self, path: str) -> str:
        """GET a text, such as a value of the metadata."""
        return self._ask("GET", path).decode()

    def find(self, level: str = "Instance", **query: str) -> list[Any]:
        """Search by DICOM keywords and return the expanded answers."""
        body = json.dumps({"Level": level, "Query": query, "Expand": True}).encode()
        return list(json.loads(self._ask("POST", "/tools/find", body)))

    def instances(self, **query: str) -> list[pydicom.Dataset]:
        """Fetch every stored object that matches DICOM keywords."""
        return [self.dataset(found["ID"]) for found in self.find("Instance", **query)]

    def dataset(self, instance: str) -> pydicom.Dataset:
        """Fetch one object by Orthanc's own identifier."""
        return pydicom.dcmread(BytesIO(self.file(instance)))

    def file(self, instance: str) -> bytes:
        """Fetch the bytes of one object by Orthanc's own identifier."""
        return self._ask("GET", f"/instances/{instance}/file")

    def store(self, path: Path) -> None:
        """Hand it a file over HTTP."""
        self._ask("POST", "/instances", path.read_bytes())

    def tell(self, method: str, path: str, body: object) -> Any:
        """PUT or POST a JSON body, and return the answer's, if it has one."""
        said = self._ask(method, path, json.dumps(body).encode())
        return json.loads(said) if said.strip() else None

    def empty(self) -> None:
        """Delete everything."""
        for patient in self.get("/patients"):
            self._ask("DELETE", f"/patients/{patient}")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, data=body, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())


@contextmanager
def orthanc(**changes: object) -> Iterator[Orthanc]:
    """Run an empty Orthanc; ``changes`` replace entries of its configuration."""
    executable = program("Orthanc")
    with tempfile.TemporaryDirectory(prefix="scanside-orthanc-") as folder, host() as there:
        room = Path(folder)
        settings = json.loads(CONFIGURATION.read_text())
        settings |= {"StorageDirectory": str(room / "db"), "IndexDirectory": str(room / "db")}
        settings["Plugins"] = [plugin for plugin in settings["Plugins"] if Path(plugin).exists()]
        settings |= {"DicomModalities": {}} | changes
        (room / "orthanc.json").write_text(json.dumps(settings))
        pacs = Orthanc(there)
        log = room / "log"
        with running(there.command(executable, room / "orthanc.json"), log, cwd=room) as process:
            wait_until(lambda: pacs.get("/system"), process=process, log=log, what="Orthanc")
            yield pacs
