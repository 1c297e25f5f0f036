"""Who gets in: people with passwords and sessions, programs and boards with tokens, and what each may do."""

from service.access.callers import ANYBODY, NOBODY, Caller
from service.access.gate import Barred, Gate, Limits, NotSignedIn, NoUser, SignedIn
from service.access.passwords import Passwords, WeakPassword, check_strength
from service.access.roles import BOARD_SCOPES, OF_ROLE, OPEN, SCOPES, Permission, Role
from service.access.tokens import Issued, Tokens, UnfitToken
from service.access.users import Invited, UnfitName, Users

__all__ = [
    "ANYBODY",
    "BOARD_SCOPES",
    "NOBODY",
    "OF_ROLE",
    "OPEN",
    "SCOPES",
    "Barred",
    "Caller",
    "Gate",
    "Invited",
    "Issued",
    "Limits",
    "NoUser",
    "NotSignedIn",
    "Passwords",
    "Permission",
    "Role",
    "SignedIn",
    "Tokens",
    "UnfitName",
    "UnfitToken",
    "Users",
    "WeakPassword",
    "check_strength",
]
