"""The network: a small two-dimensional encoder-decoder with mask, presence and suitability heads."""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.classes import CLASSES

# The regression is of log2 E; a mask is E > 1. With this slope a factor of two in E is a sure answer.
MASK_SLOPE = 4.0
LOG_GAIN = 100.0
# The coarsest grid on which the maximum of a mask is taken as evidence of presence.
EVIDENCE_POOL = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """What fixes the size of a network: channels per level, finest (half of the canvas) first."""

    widths: tuple[int, ...] = (16, 32, 64, 96, 128)


class Derived(nn.Module):
    """Make the channels that show what an eye sees after windowing; (n, 1, y, x) -> (n, 4, y, x).

    Magnitude, its square root, its logarithm, and the logarithm moved by half the field of view along the phase
    encoding (y), which lays an N/2 ghost over its origin.
    """

    def forward(self, image: Tensor) -> Tensor:
        """Return the channels of `image`, which is clipped to 0..1 first."""
        image = image.clamp(0.0, 1.0)
        log = torch.log1p(LOG_GAIN * image) * (1.0 / 4.6151205)
        upper, lower = log.chunk(2, dim=2)
        return torch.cat([image, torch.sqrt(image + 1e-6), log, torch.cat([lower, upper], dim=2)], dim=1)


class Block(nn.Module):
    """Two 3 x 3 convolutions with batch norm, the second with a shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Return (n, outputs, y, x)."""
        first = functional.relu(self.first_norm(self.first(features)))
        return functional.relu(first + self.second_norm(self.second(first)))


class Gate(nn.Module):
    """Weigh the channels by what the whole slice holds (squeeze and excitation, Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // 2)
        self.excite = nn.Linear(channels // 2, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        context = functional.relu(self.squeeze(features.mean(dim=(2, 3))))
        return features * torch.sigmoid(self.excite(context))[:, :, None, None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the network says, before sigmoids."""

    log_visibility: Tensor  # (n, 13, 128, 128) log2 E; the mask's logit is MASK_SLOPE times it
    presence: Tensor  # (n, 13) logits
    suitability: Tensor  # (n,) logits


class Network(nn.Module):
    """Image (n, 1, 256, 256) in 0..1, phase encoding along y -> Answer."""

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        widths = (shape or Shape()).widths
        self.derived = Derived()
        self.down = nn.ModuleList(
            Block(inputs, outputs) for inputs, outputs in zip((16, *widths[:-1]), widths, strict=True)
        )
        self.gate = Gate(widths[-1])
        rising = tuple(reversed(widths))
        self.up = nn.ModuleList(Block(deep + skip, skip) for deep, skip in itertools.pairwise(rising))
        n = len(CLASSES)
        self.masks = nn.Conv2d(widths[0], n, 1)
        nn.init.constant_(_bias(self.masks), -1.5)  # most of a slice has no artifact
        self.global_head = nn.Sequential(
            nn.Linear(2 * widths[-1] + 2 * widths[0] + n, 96), nn.ReLU(), nn.Linear(96, n + 1)
        )
        self.evidence_scale = nn.Parameter(torch.full((n,), 2.0))

    def forward(self, image: Tensor) -> Answer:
        """Return logits and log2 visibilities."""
        features = functional.pixel_unshuffle(self.derived(image), 2)
        skips: list[Tensor] = []
        for level, block in enumerate(self.down):
            features = block(features if level == 0 else functional.max_pool2d(features, 2))
            skips.append(features)
        deep = features = self.gate(features)
        for block, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            larger = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = block(torch.cat([larger, skip], dim=1))
        log_visibility = self.masks(features)
        evidence = functional.avg_pool2d(log_visibility, EVIDENCE_POOL).amax(dim=(2, 3))
        pooled = torch.cat([*_pooled(deep), *_pooled(features), evidence], dim=1)
        heads = self.global_head(pooled)
        presence = heads[:, 1:] + self.evidence_scale * evidence
        return Answer(log_visibility, presence, heads[:, 0])


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


def _pooled(features: Tensor) -> tuple[Tensor, Tensor]:
    return features.mean(dim=(2, 3)), features.amax(dim=(2, 3))


class Released(nn.Module):
    """The network as it is released: probabilities, by the names `masks`, `presence`, `suitability`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return masks (n, 13, 128, 128), presence (n, 13) and suitability (n,), each 0..1."""
        answer = self.network(image)
        return (
            torch.sigmoid(MASK_SLOPE * answer.log_visibility),
            torch.sigmoid(answer.presence),
            torch.sigmoid(answer.suitability),
        )
