"""The artifact classes, in the order of the network's output channels."""

from inference.artifacts import CATALOGUE

CLASSES: tuple[str, ...] = tuple(artifact.name for artifact in CATALOGUE)
INDEX: dict[str, int] = {name: index for index, name in enumerate(CLASSES)}
