"""The artifact classes, in the order of the network's output channels."""

from inference.artifacts import NAMES

CLASSES: tuple[str, ...] = NAMES
INDEX: dict[str, int] = {name: index for index, name in enumerate(CLASSES)}
