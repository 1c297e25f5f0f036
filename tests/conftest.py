"""What every test may ask for: peers that run once a session, and a clean view of each for one test."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.peers import Orthanc, Postgres, orthanc, postgres

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("scanside", deadline=None)
hypothesis.settings.load_profile("scanside")

DATA = os.environ.get("SCANSIDE_DATA", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs real series where there are none."""
    for item in items:
        if not DATA and item.get_closest_marker("data"):
            item.add_marker(pytest.mark.skip(reason="SCANSIDE_DATA names no folder of real series"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Give the folder of real series, for tests marked ``data``."""
    return Path(DATA)


@pytest.fixture(scope="session")
def orthanc_server() -> Iterator[Orthanc]:
    """Run one Orthanc for the session."""
    with orthanc() as server:
        yield server


@pytest.fixture
def pacs(orthanc_server: Orthanc) -> Orthanc:
    """Hand out an empty PACS."""
    orthanc_server.empty()
    return orthanc_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """Run one PostgreSQL cluster for the session."""
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Hand out an empty database, once of each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'scanside.sqlite'}"
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.database()
