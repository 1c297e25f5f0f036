"""Who gives a command on this machine."""

import getpass
import os


def operator_name() -> str:
    """Give the name of the account that runs the command, or its number where it has none, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
