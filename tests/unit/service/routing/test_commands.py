"""`scanside rules` on a state folder: what is imported, and what a later start makes of the file of the site."""

from pathlib import Path

from service.bootstrap import lay_foundation
from service.ledger.rules import Rulebooks
from service.routing.commands import Asked, rules
from service.routing.file import rules_file
from service.routing.names import Names
from tests.rules import RULES, rules_settings


def test_what_was_imported_of_another_file_stands_until_the_file_of_the_site_changes(tmp_path: Path) -> None:
    settings, other = rules_settings(tmp_path / "state"), tmp_path / "other.toml"
    foundation = lay_foundation(settings)
    books = Rulebooks(foundation.database, lambda: 1.0)
    of_site = rules_file(settings.rules_path, foundation.database, Names.of(settings))
    settings.rules_path.write_text(RULES)
    assert of_site.taken_in() == "new"

    other.write_text(RULES.replace("Tell about repeats", "Tell of repeats"))
    assert rules("import", settings, Asked(file=other, reason="a try")) == 0
    assert of_site.taken_in() == "known"  # at the next start
    assert books.newest() == 2

    settings.rules_path.write_text(RULES.replace("Usable", "Check"))
    assert of_site.taken_in() == "differs"
    assert rules("import", settings, Asked(reason="it is right")) == 0
    assert of_site.taken_in() == "same"
    assert [(one.number, one.origin) for one in books.page(9)[0]] == [
        (3, "file"),
        (2, "command"),
        (1, "file"),
    ]
    foundation.database.close()
