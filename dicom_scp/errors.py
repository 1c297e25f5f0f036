"""What the door answers instead of taking an instance; no message ever holds a value of the header."""


class Refused(Exception):
    """The instance is not taken."""

    status = 0xC000  # PS3.4, table B.2-1


class NotUnderstood(Refused):
    """The data set cannot be understood."""

    status = 0xC000


class Mismatch(Refused):
    """The data set does not match what was announced, or its SOP class."""

    status = 0xA900


class Skipped(Refused):
    """The instance is sound but nothing that is scored; it is dropped and counted."""

    status = 0x0000
