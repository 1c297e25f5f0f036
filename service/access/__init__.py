"""Who gets in: people with passwords and sessions, programs and boards with tokens, and what each may do."""

from service.access.roles import OF_ROLE, OPEN, SCOPES, Permission, Role
from service.access.tokens import Issued, Tokens, UnfitToken

__all__ = ["OF_ROLE", "OPEN", "SCOPES", "Issued", "Permission", "Role", "Tokens", "UnfitToken"]
