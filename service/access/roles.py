"""Who may do what: permissions, the roles that have them, and the scopes that tokens may carry."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Permission(StrEnum):
    """What an operation demands. A token's scopes are permissions too."""

    READ = "read"  # series, slices, pictures, findings, events
    STATUS = "status"  # parts, queues, checks
    DELIVERIES = "deliveries"
    DELIVER = "deliver"  # to resend, hold or discard results, and to decide disputes
    OPERATE = "operate"  # nodes, pauses, the support bundle
    COMMISSION = "commission"  # to accept thresholds and model, by which a site in shadow mode goes live
    METRICS = "metrics"
    EXPORT = "export"  # rows of trends and searches as files
    ACKNOWLEDGE = "acknowledge"  # to say that a verdict was seen
    FEEDBACK = "feedback"  # to say something to a verdict
    REVIEW = "review"  # to judge series in the first tier, and to see how far people and model agree
    DECIDE = "decide"  # to judge in the second tier
    THRESHOLDS = "thresholds"  # to try thresholds on past series and to accept them, and to fetch samples
    IDENTITY = "identity"  # to see whose images they are: noted before it is told
    AUDIT = "audit"  # to read what people did, and to check that nothing of it was changed
    OWN = "own"  # one's own password and sessions
    RULES = "rules"  # to change and try site rules; who may see the status reads them
    USERS = "users"
    TOKENS = "tokens"
    STOW = "stow"  # images in by STOW-RS
    RESULTS = "results"  # result objects out by QIDO-RS and WADO-RS, under the true identity


class Role(StrEnum):
    """What a person is to Scanside."""

    TECHNOLOGIST = "technologist"
    PHYSICIST = "physicist"
    RADIOLOGIST = "radiologist"
    ADMINISTRATOR = "administrator"
    OPERATIONS = "operations"


_P = Permission
_EVERY_ROLE = frozenset({_P.READ, _P.STATUS, _P.DELIVERIES, _P.OWN})
_KEEPS_RUNNING = frozenset({_P.DELIVER, _P.OPERATE})

OF_ROLE: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.TECHNOLOGIST: _EVERY_ROLE | {_P.ACKNOWLEDGE, _P.IDENTITY, _P.FEEDBACK, _P.REVIEW},
        Role.PHYSICIST: _EVERY_ROLE
        | {_P.DELIVER, _P.COMMISSION, _P.ACKNOWLEDGE, _P.IDENTITY, _P.FEEDBACK, _P.METRICS}
        | {_P.REVIEW, _P.DECIDE, _P.THRESHOLDS, _P.EXPORT, _P.AUDIT},
        Role.RADIOLOGIST: _EVERY_ROLE | {_P.ACKNOWLEDGE, _P.IDENTITY, _P.FEEDBACK, _P.REVIEW, _P.DECIDE},
        Role.ADMINISTRATOR: _EVERY_ROLE
        | _KEEPS_RUNNING
        | {_P.COMMISSION, _P.METRICS, _P.EXPORT, _P.RULES, _P.USERS, _P.TOKENS, _P.AUDIT},
        Role.OPERATIONS: _EVERY_ROLE | _KEEPS_RUNNING | {_P.METRICS},
    }
)
"""Whoever gives out accounts says nothing to verdicts: what is said there is data."""

SCOPES = frozenset({_P.READ, _P.STATUS, _P.DELIVERIES, _P.METRICS, _P.EXPORT, _P.STOW, _P.RESULTS})
"""What a token may be for."""

BOARD_SCOPES = frozenset({_P.READ, _P.DELIVERIES, _P.ACKNOWLEDGE})
"""What a token that is bound to one scanner may be for: all else shows other scanners too."""

OPEN = frozenset({_P.READ, _P.STATUS, _P.DELIVERIES, _P.METRICS, _P.EXPORT})
"""What everybody on this machine may where nobody can sign in yet."""
