"""The shelf: what stands on it, and what does not any more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Table, insert

from service.delivery import ShelfSpace
from service.delivery.base import Letter
from service.ledger import Database, DeliveryState, SeriesState, prepare
from service.ledger.shelf import Shelf
from service.ledger.tables import outbox, scanner, series
from service.parts.dicomweb import rows_of
from service.settings import Settings
from service.settings_tables import Dicomweb, ShelfDestination


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    prepare(made)
    yield made
    made.close()


def put(database: Database, table: Table, **values: object) -> None:
    """Insert a row; columns that must be filled and say nothing here are filled."""
    filled = {
        column.name: {str: "", float: 0.0, bool: False, dict: {}}.get(column.type.python_type, 0)
        for column in table.columns
        if not (column.nullable or column.server_default is not None or column.name == "id")
    }
    with database.write() as connection:
        connection.execute(insert(table), filled | values)


@pytest.fixture
def shelf(database: Database) -> Shelf:
    put(database, scanner, id=1, key="k", name="n")
    for study in ("study-1", "study-2"):
        place = {"uid": study, "study_uid": study, "scanner_id": 1, "closed_at": float(study[-1])}
        put(database, series, id=study, generation=1, state=SeriesState.DELIVERED, **place)
    rows = [
        ("study-1", "2.25.1", {}),
        ("study-1", "2.25.2", {"former_identity": True}),
        ("study-1", "2.25.3", {"state": DeliveryState.HELD}),
        ("study-1", "2.25.4", {"state": DeliveryState.WAITING}),
        ("study-2", "2.25.5", {}),
        ("study-2", "2.25.6", {"destination": "pacs"}),
    ]
    for number, (study, uid, more) in enumerate(rows, 1):
        values = {"destination": "shelf", "state": DeliveryState.SENT, "sop_instance_uid": uid} | more
        put(database, outbox, id=number, series_id=study, kind="SR", name=uid, **values)
    return Shelf(database)


def test_only_what_was_put_there_for_whom_it_is_of_now_can_be_fetched(shelf: Shelf) -> None:
    assert [one.sop_instance_uid for one in shelf.results("shelf")] == ["2.25.5", "2.25.1"]
    assert [one.sop_instance_uid for one in shelf.results("shelf", study_uid="study-1")] == ["2.25.1"]
    assert [one.sop_instance_uid for one in shelf.results("shelf", sop_instance_uid="2.25.2")] == []


def test_an_object_on_two_shelves_counts_once_and_other_destinations_are_none(
    shelf: Shelf, tmp_path: Path
) -> None:
    names = [ShelfDestination(name="shelf"), ShelfDestination(name="other")]
    rows = rows_of(Settings(state_dir=tmp_path, destination=tuple(names)), shelf)
    assert [one.sop_instance_uid for one in rows(None, None)] == ["2.25.5", "2.25.1"]
    assert rows_of(Settings(state_dir=tmp_path), shelf)(None, None) == []


def test_a_shelf_takes_whatever_it_is_given() -> None:
    letters = [Letter("SR", "2.25.1", b""), Letter("SC", "2.25.2", b"")]
    answers = list(ShelfSpace("shelf").open(letters).deliver(letters))
    assert [(letter.uid, answer.taken) for letter, answer in answers] == [("2.25.1", True), ("2.25.2", True)]


@pytest.mark.parametrize(("host", "told"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_an_open_port_without_tls_is_said(tmp_path: Path, host: str, told: bool) -> None:
    settings = Settings(state_dir=tmp_path, dicomweb=Dicomweb(host=host, port=8090))
    assert any("DICOMweb has no certificate" in one for one in settings.concerns()) is told
