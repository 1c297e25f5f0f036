"""What a word of the command line is."""

import argparse
from collections.abc import Callable

from service.settings_source import Loaded

Command = Callable[[argparse.Namespace, Loaded], int]
"""Runs a word and gives the exit status."""
Word = Callable[[str, str, Command], argparse.ArgumentParser]
"""Adds a word: its name, what it is for, and what runs it."""
