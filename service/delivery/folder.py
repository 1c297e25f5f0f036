"""A folder as a destination."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from service.delivery.base import Answer, Letter, Study, Undelivered

_SUFFIXES = {"MANIFEST": "jsonl", "FHIR": "json"}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder outside the house: files appear whole or not at all, named by kind and UID."""

    name: str
    path: Path
    timeless: bool = False  # the files do not tell when they were written

    @property
    def doubts_after_s(self) -> None:
        """Never: a folder knows no studies."""
        return

    def open(self, letters: Sequence[Letter]) -> "Folder":  # noqa: ARG002 - a folder is always open
        """Make the folder where it is missing. Raises Undelivered."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Undelivered(f"folder cannot be made: {error.strerror}") from error
        return self

    def doubt(self, study: Study) -> str:  # noqa: ARG002 - the protocol's
        """Believe it."""
        return ""

    def tried(self) -> tuple[bool, str]:
        """Tell whether files may be written."""
        nearest = next(path for path in (self.path, *self.path.parents) if path.exists())
        good = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
        return good, "a folder" if good else "a folder that cannot be written"

    def deliver(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Answer]]:
        """Write files, each durable when its answer is given. Raises Undelivered."""
        for letter in letters:
            self._write(letter)
            yield letter, Answer("written", taken=True)

    def close(self) -> None:
        """Do nothing: nothing was opened."""

    def _write(self, letter: Letter) -> None:
        target = self.path / file_name(letter.kind, letter.uid)
        temporary = target.with_suffix(".part")
        try:
            with temporary.open("wb") as file:
                file.write(letter.content)
                file.flush()
                if self.timeless:
                    os.utime(file.fileno(), (0, 0))
                os.fsync(file.fileno())
            temporary.rename(target)
            if self.timeless:
                os.utime(self.path, (0, 0))
            _make_durable(self.path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise Undelivered(f"file cannot be written: {error.strerror}") from error


def file_name(kind: str, uid: str) -> str:
    """Name a file in a folder."""
    return f"{kind}-{uid}.{_SUFFIXES.get(kind, 'dcm')}"


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
