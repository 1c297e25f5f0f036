"""Who gives a command, where the account has a name and where it has none."""

import os

import pytest

from service.cli.operator import operator_name


def test_an_account_without_a_name_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)  # as in a container with a number of its own
    assert operator_name() == "uid 3999999999"
    monkeypatch.setenv("LOGNAME", "ada")
    assert operator_name() == "ada"
