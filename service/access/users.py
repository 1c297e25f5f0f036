"""People: added, given roles and passwords, locked and removed, by an administrator or on the command line."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from service.access.audit import changed
from service.access.passwords import Passwords, check_strength
from service.access.roles import Role
from service.ledger.accounts import Account, Accounts

NAME = re.compile(r"[a-z][a-z0-9._@-]{1,63}")


class UnfitName(ValueError):
    """A user's name begins with a letter and has 2 to 64 small letters, digits, dots, dashes, underscores or @."""


@dataclass(frozen=True, slots=True)
class Invited:
    """A person with a password that opens only the door to one of the person's own; it is told this once."""

    account: Account
    password: str = field(repr=False)


class Users:
    """Changes who may sign in; ``by`` says whose doing it is."""

    def __init__(self, accounts: Accounts, passwords: Passwords, clock: Callable[[], float]) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._clock = clock

    def all(self) -> list[Account]:
        """Give the accounts by name."""
        return self._accounts.all()

    def add(self, name: str, role: Role, password: str, by: str) -> Account:
        """Add a person who knows the password. Raises UnfitName, WeakPassword and NameTaken."""
        return self._added(name, role, password, by, temporary=False)

    def invite(self, name: str, role: Role, by: str) -> Invited:
        """Add a person with a password that has to be changed first. Raises UnfitName and NameTaken."""
        password = _made_up()
        return Invited(self._added(name, role, password, by, temporary=True), password)

    def _added(self, name: str, role: Role, password: str, by: str, *, temporary: bool) -> Account:
        check_name(name)
        check_strength(password, name)
        encoded = self._passwords.encode(password)
        made = self._accounts.added(name, role, encoded, temporary=temporary, now=self._clock(), by=by)
        changed("user added", name, by)
        return made

    def give_role(self, name: str, role: Role, by: str) -> Account:
        """Change a role. Raises NoAccount and LastAdministrator."""
        account = self._accounts.given_role(name, role, self._clock(), by)
        changed("role changed", name, by)
        return account

    def lock(self, name: str, by: str) -> Account:
        """Let a person in no more. Raises NoAccount and LastAdministrator."""
        account = self._accounts.locked(name, self._clock(), by)
        changed("user locked", name, by)
        return account

    def unlock(self, name: str, by: str) -> Account:
        """Let a person in again. Raises NoAccount."""
        account = self._accounts.unlocked(name, self._clock(), by)
        changed("user unlocked", name, by)
        return account

    def change(self, name: str, role: Role | None, locked: bool | None, by: str) -> Account:  # noqa: FBT001 - a state
        """Change what is not None. Raises NoAccount and LastAdministrator."""
        account = self._accounts.get(name)
        if role is not None:
            account = self.give_role(name, role, by)
        if locked is not None:
            account = self.lock(name, by) if locked else self.unlock(name, by)
        return account

    def set_password(self, name: str, password: str, by: str) -> Account:
        """Give a person another password, which ends the sessions. Raises NoAccount and WeakPassword."""
        check_strength(password, name)
        return self._given(name, password, by, temporary=False)

    def reset_password(self, name: str, by: str) -> Invited:
        """Give a person a password that has to be changed first. Raises NoAccount."""
        password = _made_up()
        return Invited(self._given(name, password, by, temporary=True), password)

    def _given(self, name: str, password: str, by: str, *, temporary: bool) -> Account:
        encoded = self._passwords.encode(password)
        account = self._accounts.given_password(name, encoded, temporary=temporary, now=self._clock(), by=by)
        changed("password changed", name, by)
        return account

    def remove(self, name: str, by: str) -> None:
        """Forget a person. Raises NoAccount and LastAdministrator."""
        self._accounts.removed(name, self._clock(), by)
        changed("user removed", name, by)


def check_name(name: str) -> None:
    """Raise UnfitName where a name is none."""
    if not NAME.fullmatch(name):
        raise UnfitName(UnfitName.__doc__)


def _made_up() -> str:
    return secrets.token_urlsafe(15)
