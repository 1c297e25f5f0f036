"""A repository for research as a destination."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.delivery.base import Answer, Courier, Letter, Study
from service.delivery.dicom import Pacs
from service.delivery.folder import Folder


@dataclass(frozen=True, slots=True)
class ResearchStore:
    """A repository of de-identified series: a folder, or a folder for the manifests and a PACS for all else."""

    name: str
    folder: Folder
    pacs: Pacs | None = None

    @property
    def doubts_after_s(self) -> None:
        """Never: who it is about is not known there, and shall not be."""
        return

    def doubt(self, study: Study) -> str:  # noqa: ARG002 - the protocol's
        """Believe it."""
        return ""

    def tried(self) -> tuple[bool, str]:
        """Try what takes the images."""
        return (self.pacs or self.folder).tried()

    def open(self, letters: Sequence[Letter]) -> "Sorter":
        """Open the folder and, where there are objects for it, the association. Raises Undelivered."""
        objects = [letter for letter in letters if letter.kind != "MANIFEST"]
        folder = self.folder.open(letters)
        return Sorter(folder, self.pacs.open(objects) if self.pacs is not None and objects else folder)


@dataclass(frozen=True, slots=True)
class Sorter:
    """An open line to a repository."""

    manifests: Courier
    objects: Courier

    def deliver(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Answer]]:
        """Send each object where its kind goes, the manifests last. Raises Undelivered."""
        yield from self.objects.deliver([letter for letter in letters if letter.kind != "MANIFEST"])
        yield from self.manifests.deliver([letter for letter in letters if letter.kind == "MANIFEST"])

    def close(self) -> None:
        """End both lines."""
        self.manifests.close()
        self.objects.close()
