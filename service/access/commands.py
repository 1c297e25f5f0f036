"""`scanside user` and `scanside token`: who may sign in, and what programs may, from the command line."""

import getpass
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from service.access.passwords import Passwords, WeakPassword
from service.access.roles import Role
from service.access.tokens import Tokens, UnfitToken
from service.access.users import UnfitName, Users
from service.bootstrap import lay_foundation
from service.cli.operator import operator_name
from service.ledger.accounts import Account, Accounts, LastAdministrator, NoAccount
from service.ledger.tokens import Grant, NameTaken, Token, TokenBook
from service.settings import Settings


class NoPassword(ValueError):
    """The two passwords differ, or none was given."""


def user(
    action: str,
    name: str | None,
    settings: Settings,
    *,
    role: str | None,
    password_file: Path | None,
    as_json: bool,
) -> int:
    """Do what is asked with the users, and say what came of it."""
    foundation = lay_foundation(settings)
    users = Users(Accounts(foundation.database), Passwords(), time.time)
    if action == "list":
        _table([_user_row(account) for account in users.all()], as_json=as_json)
        return 0
    if name is None or (action in {"add", "role"} and role is None):
        print(f"scanside: user {action} needs a name{' and --role' if name else ''}", file=sys.stderr)
        return 2
    by = f"{operator_name()} (command line)"
    try:
        print(_changed(users, action, name, role or "", password_file, by))
    except (NoAccount, NameTaken, LastAdministrator, UnfitName, WeakPassword, NoPassword) as error:
        print(f"scanside: {error}", file=sys.stderr)
        return 1
    return 0


def _changed(users: Users, action: str, name: str, role: str, file: Path | None, by: str) -> str:
    if action == "add":
        account = users.add(name, Role(role), _password(file), by)
        return f"{account.name} may sign in as {account.role}"
    if action == "passwd":
        users.set_password(name, _password(file), by)
        return f"{name} has a new password; every session has ended"
    if action == "remove":
        users.remove(name, by)
        return f"{name} is removed"
    changes: dict[str, Callable[[], Account]] = {
        "role": lambda: users.give_role(name, Role(role), by),
        "lock": lambda: users.lock(name, by),
        "unlock": lambda: users.unlock(name, by),
    }
    account = changes[action]()
    return f"{account.name}: {account.role}, {'locked' if account.locked else 'may sign in'}"


def _password(file: Path | None) -> str:
    """Take a password from the first line of a file, or ask for it twice; never from the command line."""
    if file is not None:
        try:
            lines = file.read_text("utf-8").splitlines()
        except OSError as error:
            raise NoPassword(f"the password's file: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise NoPassword("the password's file is not UTF-8") from error
        if not lines or not lines[0]:
            raise NoPassword(NoPassword.__doc__)
        return lines[0]
    try:
        password = getpass.getpass("Password: ")
        if password and getpass.getpass("Again: ") == password:
            return password
    except EOFError:  # nobody is there to be asked
        pass
    raise NoPassword(NoPassword.__doc__)


def token(action: str, grant: Grant | None, settings: Settings, *, as_json: bool) -> int:
    """Do what is asked with the tokens; the secret of a new one is printed alone on standard output."""
    foundation = lay_foundation(settings)
    tokens = Tokens(TokenBook(foundation.database))
    if action == "list":
        _table([_token_row(one) for one in tokens.all()], as_json=as_json)
        return 0
    if grant is None:
        print(f"scanside: token {action} needs a name", file=sys.stderr)
        return 2
    by, now = f"{operator_name()} (command line)", time.time()
    if action == "revoke":
        if tokens.revoke(grant.name, now, by):
            print(f"{grant.name} is revoked")
            return 0
        print("scanside: there is no token of this name", file=sys.stderr)
        return 1
    try:
        issued = tokens.issue(grant, now, by)
    except (UnfitToken, NameTaken) as error:
        print(f"scanside: {error}", file=sys.stderr)
        return 1
    print("scanside: this is shown once, and kept nowhere", file=sys.stderr)
    print(issued.secret)
    return 0


def _user_row(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "role": account.role,
        "state": "locked" if account.locked else "temporary password" if account.temporary else "may sign in",
        "added": _day(account.created_at),
        "last signed in": _day(account.seen_at),
    }


def _token_row(one: Token) -> dict[str, object]:
    return {
        "name": one.name,
        "scopes": " ".join(sorted(one.scopes)),
        "scanner": one.scanner or "all",
        "expires": _day(one.expires_at),
        "last used": _day(one.used_at),
    }


def _day(at: float | None) -> str:
    return "never" if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="minutes")


def _table(rows: list[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for head in rows[:1]:
        widths = {key: max(len(key), *(len(str(row[key])) for row in rows)) for key in head}
        print("  ".join(f"{key:<{widths[key]}}" for key in head))
        for row in rows:
            print("  ".join(f"{row[key]!s:<{widths[key]}}" for key in head))
