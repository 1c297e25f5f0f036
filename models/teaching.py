"""A trained network as a teacher of a smaller one: what it says of a slice, asked once and remembered."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

import torch
from torch import Tensor

from models.network import Network


@dataclass(frozen=True, slots=True)
class Taught:
    """What is to be learnt of n slices beside the truth, before sigmoids."""

    log_visibility: Tensor  # (n, 13, 128, 128)
    presence: Tensor  # (n, 13)
    suitability: Tensor  # (n,)


class Teacher:
    """A network that is asked about a slice and about its mirror image, and teaches the mean.

    A slice is drawn from the shelf several times; its answers are kept, in half precision, for as many slices as the
    shelf holds.
    """

    def __init__(self, network: Network, keeps: int) -> None:
        self._network = network.eval()
        self._keeps = keeps
        self._known: OrderedDict[bytes, tuple[Tensor, Tensor, Tensor]] = OrderedDict()

    @torch.no_grad()
    def __call__(self, image: Tensor) -> Taught:
        """Return what it says of images (n, 1, 256, 256); under the caller's autocast."""
        names = [blake2b(part.tobytes(), digest_size=16).digest() for part in image[:, 0, ::8].cpu().numpy()]
        fresh = [k for k, name in enumerate(names) if name not in self._known]
        if fresh:
            self._ask(image[fresh], [names[k] for k in fresh])
        for name in names:
            self._known.move_to_end(name)
        known = [[part.float() for part in self._known[name]] for name in names]
        taught = Taught(*(torch.stack(parts).to(image.device) for parts in zip(*known, strict=True)))
        while len(self._known) > max(self._keeps, len(names)):
            self._known.popitem(last=False)
        return taught

    def _ask(self, image: Tensor, names: list[bytes]) -> None:
        plain, mirrored = self._network(image), self._network(image.flip(3))
        visibility = (plain.log_visibility + mirrored.log_visibility.flip(3)) / 2
        presence, suitability = (
            (one + other) / 2
            for one, other in (
                (plain.presence, mirrored.presence),
                (plain.suitability, mirrored.suitability),
            )
        )
        for k, name in enumerate(names):
            self._known[name] = _kept(visibility[k]), _kept(presence[k]), _kept(suitability[k])


def _kept(part: Tensor) -> Tensor:
    """Return a copy in half precision: a view would keep the whole batch."""
    return part.half().cpu().clone()
