"""A ledger on a real SQLite file and, where there is one, a real PostgreSQL; and a clock that a test moves."""

from collections.abc import Iterator

import pytest

from service.ledger import Database, prepare
from service.ledger.tables import metadata
from tests.peers import postgres
from tests.unit.service.test_ledger import Clock


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def engine_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.sqlite'}"
        return
    with postgres() as cluster:
        yield cluster.database()


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    made = Database(engine_url)
    prepare(made)
    yield made
    with made.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()
