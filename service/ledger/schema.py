"""An empty database is set up, an older one is upgraded only on request, a newer one is refused."""

from pathlib import Path

from sqlalchemy import inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from service.ledger.database import Database, LedgerUnavailable
from service.ledger.tables import REVISION

SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"


class UnfitSchema(Exception):
    """The database was made by another version; `scanside db upgrade` brings an older one up to date."""


def prepare(database: Database) -> None:
    """Make the tables where there are none. Raises UnfitSchema and LedgerUnavailable.

    The caller sees to it that one process at a time is here.
    """
    found = revision(database)
    if found is None:
        upgrade(database)
    elif found != REVISION:
        raise UnfitSchema(UnfitSchema.__doc__)


def revision(database: Database) -> str | None:
    """Give the migration that the database stands at, None if it is empty. Raises LedgerUnavailable."""
    try:
        if not inspect(database.engine).has_table("alembic_version"):
            return None
        with database.engine.connect() as connection:
            found = connection.scalar(select(text("version_num")).select_from(text("alembic_version")))
            return None if found is None else str(found)
    except SQLAlchemyError as error:
        raise LedgerUnavailable(type(error).__name__) from error


def upgrade(database: Database) -> None:
    """Bring the database to the newest migration."""
    from alembic import command  # noqa: PLC0415 - slow to import, and needed once in a site's life
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    try:
        with database.engine.begin() as connection:
            if database.sqlite:  # whose driver begins nothing by itself: all tables, or none
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except SQLAlchemyError as error:
        raise LedgerUnavailable(type(error).__name__) from error
