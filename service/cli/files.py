"""The files that a person means by naming files and folders."""

from collections.abc import Iterable, Iterator
from pathlib import Path


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Give named files as they are and the files below folders in order; a DICOMDIR only lists what is there anyway."""
    for path in paths:
        inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        yield from (file for file in inside if file.name != "DICOMDIR")
