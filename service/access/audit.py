"""The lines of the log that tell who changed who gets in."""

import logging

log = logging.getLogger(__name__)

SECURITY_ATTRIBUTES_CHANGED = "110136"  # DCM code of the audit message (PS3.15 A.5.3.10)


def changed(operation: str, name: str, by: str) -> None:
    """Tell a change of a user or a token, once it is done."""
    facts = {"code": SECURITY_ATTRIBUTES_CHANGED, "operation": operation, "user": name, "by": by}
    log.info("security attributes changed", extra=facts)
