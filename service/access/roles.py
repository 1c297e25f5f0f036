"""Who may do what: permissions, the roles that have them, and the scopes that tokens may carry."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Permission(StrEnum):
    """What an operation demands. A token's scopes are permissions too."""

    READ = "read"  # series, slices, pictures, findings, events
    STATUS = "status"  # parts, queues, checks
    DELIVERIES = "deliveries"
    METRICS = "metrics"
    FEEDBACK = "feedback"  # to say something to a verdict
    OWN = "own"  # one's own password and sessions
    USERS = "users"
    TOKENS = "tokens"
    STOW = "stow"  # images in by STOW-RS
    RESULTS = "results"  # result objects out by QIDO-RS and WADO-RS, under the true identity


class Role(StrEnum):
    """What a person is to Scanside."""

    TECHNOLOGIST = "technologist"
    PHYSICIST = "physicist"
    ADMINISTRATOR = "administrator"
    OPERATIONS = "operations"


_P = Permission
_EVERY_ROLE = frozenset({_P.READ, _P.STATUS, _P.DELIVERIES, _P.OWN})

OF_ROLE: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.TECHNOLOGIST: _EVERY_ROLE | {_P.FEEDBACK},
        Role.PHYSICIST: _EVERY_ROLE | {_P.FEEDBACK, _P.METRICS},
        Role.ADMINISTRATOR: _EVERY_ROLE | {_P.METRICS, _P.USERS, _P.TOKENS},
        Role.OPERATIONS: _EVERY_ROLE | {_P.METRICS},
    }
)
"""Whoever gives out accounts says nothing to verdicts: what is said there is data."""

SCOPES = frozenset({_P.READ, _P.STATUS, _P.DELIVERIES, _P.METRICS, _P.STOW, _P.RESULTS})
"""What a token may be for."""

BOARD_SCOPES = frozenset({_P.READ, _P.DELIVERIES})
"""What a token that is bound to one scanner may be for: all else shows other scanners too."""

OPEN = frozenset({_P.READ, _P.STATUS, _P.DELIVERIES, _P.METRICS})
"""What everybody on this machine may where nobody can sign in yet."""
