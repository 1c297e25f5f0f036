"""The artifact classes, in the order of the network's output channels."""

CLASSES: tuple[str, ...] = (
    "motion",
    "ghost",
    "flow",
    "wrap",
    "gibbs",
    "spike",
    "zipper",
    "noise",
    "bias",
    "susceptibility",
    "chemshift",
    "parallel",
    "fatsat",
)
INDEX: dict[str, int] = {name: index for index, name in enumerate(CLASSES)}
