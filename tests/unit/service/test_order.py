"""The order of a series is one, whether all of its slices are asked for or a single one."""

from dataclasses import replace

from service.ledger import Database, Intake, Views
from service.ledger.order import scored_rows, slice_at
from tests.unit.service.test_ledger import Clock, arrival, note, score_all

UID = "2.25.1"


def test_a_slice_is_found_by_its_position_as_in_the_whole_list(database: Database, clock: Clock) -> None:
    intake = Intake(database, clock)
    for number in (3, 1, 4, 2):
        note(intake, replace(arrival(number), frames=3, multi_frame=True))
    note(intake, replace(arrival(5), position=None))
    note(intake, arrival(1, series="2.25.2"))
    score_all(database, clock)
    with database.read() as connection:
        rows = scored_rows(connection, UID, 1)
        assert len(rows) == 13
        assert [slice_at(connection, UID, 1, position) is None for position in (12, 13)] == [False, True]
    views = Views(database, clock)
    (series_id,) = [one.id for one in views.series_page(9)[0] if len(views.slices_of(one.id)) == len(rows)]
    sources = [views.slice_source(series_id, row.position) for row in rows]
    assert [(one.spool_name, one.frame) for one in sources if one] == [
        (row.spool_name, row.frame) for row in rows
    ]
    assert all(one is not None and one.masks == b"m" for one in sources)
    assert views.slice_source(series_id, len(rows)) is None
    assert views.slice_source(series_id, -1) is None
    assert views.slice_source("none", 0) is None
