"""The network: a small two-dimensional encoder-decoder with mask, presence and suitability heads."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.classes import CLASSES
from models.modelcard import CANVAS

# The regression is of log2 E; a mask is E > 1. With this slope a factor of two in E is a sure answer.
MASK_SLOPE = 4.0
LOG_GAIN = 100.0
# The local contrast is a difference to the surroundings in units of their brightness, as visibility is.
CONTRAST_SHARE, CONTRAST_FLOOR, CONTRAST_MOST = 0.08, 0.015, 6.0
SHRINK = 4  # of the grid on which the surroundings are taken
SPECTRUM_FLOOR = 1e-6  # of the sum of the image
SHADING_LEVEL = 1  # of the way up: a quarter of the masks' grid
LEAST_SHADING = 0.06  # E
# The coarsest grid on which the maximum of a mask is taken as evidence of presence.
EVIDENCE_POOL = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """What fixes the size of a network: its channels."""

    widths: tuple[int, ...] = (16, 32, 64, 96, 128)  # going down, finest level (half of the canvas) first
    rising: tuple[int, ...] = (96, 64, 32, 16)  # going up
    spectrum: tuple[int, int, int] = (32, 48, 8)  # convolutions over the spectrum, finest first
    reading: int = 96  # what is read from the spectrum
    context: int = 96  # what is known of the slice as a whole
    hidden: int = 96  # of the head


class Derived(nn.Module):
    """Make the channels that show what an eye sees after windowing; (n, 1, y, x) -> (n, 4, y, x).

    Magnitude; its logarithm; the logarithm moved by half the field of view along the phase encoding (y), which lays
    an N/2 ghost over its origin; and the local contrast, in which ringing and faint structure stand out.
    """

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Return the channels of `image` (0..1)."""
        with torch.autocast(image.device.type, enabled=False):
            log = torch.log1p(LOG_GAIN * image) * (1.0 / 4.6151205)
            upper, lower = log.chunk(2, dim=2)
            return torch.cat([image, log, torch.cat([lower, upper], dim=2), self._contrast(image)], dim=1)

    def _contrast(self, image: Tensor) -> Tensor:
        near = _boxed(_boxed(image, 5), 5)  # SD 2 px
        small = _boxed(_boxed(functional.avg_pool2d(image, SHRINK), 3), 3)  # SD 5 px
        around = functional.interpolate(
            small, scale_factor=float(SHRINK), mode="bilinear", align_corners=False
        )
        difference = (image - near) / (CONTRAST_SHARE * around).clamp(min=CONTRAST_FLOOR)
        return difference.clamp(-CONTRAST_MOST, CONTRAST_MOST) * (1 / CONTRAST_MOST)


def _boxed(image: Tensor, size: int) -> Tensor:
    """Return the mean over size x size px; at the border over those that there are."""
    for kernel, reach in (((size, 1), (size // 2, 0)), ((1, size), (0, size // 2))):
        image = functional.avg_pool2d(image, kernel, 1, reach, count_include_pad=False)
    return image


class Spectrum(nn.Module):
    """Read the k-space of the slice, where a spike is a point and a truncation an edge; (n, 1, y, x) -> (n, reading).

    The transform is made of matrix products, which every runtime has; kx >= 0 suffices, the image being real.
    """

    cosine: Tensor  # (128, 256) of the waves from 0
    sine: Tensor

    def __init__(self, widths: tuple[int, int, int], reading: int) -> None:
        super().__init__()
        waves = torch.arange(CANVAS // 2, dtype=torch.float64)[:, None]
        angle = 2 * torch.pi / CANVAS * waves * torch.arange(CANVAS, dtype=torch.float64)
        self.register_buffer("cosine", angle.cos().float(), persistent=False)
        self.register_buffer("sine", angle.sin().float(), persistent=False)
        self.layers = nn.Sequential(
            *itertools.chain(
                *(
                    (nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
                    for inputs, outputs in itertools.pairwise((16, *widths))
                )
            )
        )
        self.read = nn.Linear(widths[-1] * (CANVAS // 16) * (CANVAS // 32), reading)

    def forward(self, image: Tensor) -> Tensor:
        """Return what the spectrum tells."""
        features = functional.pixel_unshuffle(self.logarithm(image), 4)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d) and layer is not self.layers[0]:
                features = functional.max_pool2d(features, 2)
            features = layer(features)
        return functional.relu(self.read(features.flatten(1)))

    @torch.no_grad()
    def logarithm(self, image: Tensor) -> Tensor:
        """Return (n, 1, ky, kx): the logarithm of the magnitude relative to the sum of the image, 0..1."""
        with torch.autocast(image.device.type, enabled=False):
            plane = image.float()
            even, odd = plane @ self.cosine.T, plane @ self.sine.T
            ce, co, se, so = self.cosine @ even, self.cosine @ odd, self.sine @ even, self.sine @ odd
            upper, lower = (
                (ce - so) ** 2 + (co + se) ** 2,
                (ce + so) ** 2 + (co - se) ** 2,
            )  # ky >= 0, ky <= 0
            both = torch.cat(
                [lower[:, :, -1:], lower[:, :, 1:].flip(2), upper], dim=2
            )  # the outermost stands twice
            power = both / plane.sum(dim=(2, 3), keepdim=True).clamp(min=1.0) ** 2
            return (0.5 * torch.log10(power + SPECTRUM_FLOOR**2) + 6.0) * (1 / 6.0)


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


class Rise(nn.Module):
    """Go one level up: fewer channels, told what is known of the slice as a whole, laid over the skipped features."""

    def __init__(self, deep: int, skip: int, outputs: int, context: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(deep, skip, 1)
        self.scale, self.shift = nn.Linear(context, skip), nn.Linear(context, skip)
        self.block = Block(skip, outputs)

    def forward(self, features: Tensor, skip: Tensor, context: Tensor) -> Tensor:
        """Return features (n, outputs, y, x) on the grid of `skip`."""
        scale, shift = self.scale(context)[:, :, None, None], self.shift(context)[:, :, None, None]
        told = self.reduce(features) * (1 + scale) + shift
        return cast(
            "Tensor", self.block(functional.interpolate(told, scale_factor=2.0, mode="nearest") + skip)
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What the network says, before sigmoids."""

    log_visibility: Tensor  # (n, 13, 128, 128) log2 E; the mask's logit is MASK_SLOPE times it
    presence: Tensor  # (n, 13) logits
    suitability: Tensor  # (n,) logits
    shading: Tensor  # (n, 128, 128) E of bias with its sign
    features: Tensor  # (n, d) of the slice as a whole, which presence and suitability are read from


class Network(nn.Module):
    """Image (n, 1, 256, 256) in 0..1, phase encoding along y -> Answer."""

    which: Tensor

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        shape = shape or Shape()
        widths, rising, n = shape.widths, shape.rising, len(CLASSES)
        self.derived = Derived()
        self.spectrum = Spectrum(shape.spectrum, shape.reading)
        self.down = nn.ModuleList(
            Block(inputs, outputs) for inputs, outputs in itertools.pairwise((16, *widths))
        )
        self.context = nn.Linear(2 * widths[-1] + shape.reading, shape.context)
        self.up = nn.ModuleList(
            Rise(deep, skip, outputs, shape.context)
            for deep, skip, outputs in zip(
                (widths[-1], *rising[:-1]), reversed(widths[:-1]), rising, strict=True
            )
        )
        # Every level tells of every class: the finest alone has too few channels for what is broad and hard to place.
        self.masks = nn.ModuleList(nn.Conv2d(channels, n, 1) for channels in rising)
        nn.init.constant_(_bias(self.masks[-1]), -1.5)  # most of a slice has no artifact
        self.global_head = nn.Sequential(
            nn.Linear(2 * widths[-1] + 2 * rising[-2] + shape.context + n, shape.hidden),
            nn.ReLU(),
            nn.Linear(shape.hidden, n + 1),
        )
        self.evidence_scale = nn.Parameter(torch.full((n,), 2.0))
        # Bias is smooth with its sign and creased without it: it is read from a coarse level, and multiplies.
        self.shading = nn.Conv2d(rising[SHADING_LEVEL], 1, 1)
        nn.init.zeros_(self.shading.weight)
        nn.init.ones_(_bias(self.shading))
        which = torch.zeros(1, n, 1, 1)
        which[0, CLASSES.index("bias")] = 1.0
        self.register_buffer("which", which, persistent=False)

    def forward(self, image: Tensor) -> Answer:
        """Return logits and log2 visibilities."""
        image = image.clamp(0.0, 1.0)
        features = functional.pixel_unshuffle(self.derived(image), 2)
        skips: list[Tensor] = []
        for level, block in enumerate(self.down):
            features = block(features if level == 0 else functional.max_pool2d(features, 2))
            skips.append(features)
        deep = _pooled(features)
        context = functional.relu(self.context(torch.cat([*deep, self.spectrum(image)], dim=1)))
        risen: list[Tensor] = []
        for rise, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            features = rise(features, skip, context)
            risen.append(features)
        shading = _enlarged(self.shading(risen[SHADING_LEVEL]), 2 ** (len(risen) - 1 - SHADING_LEVEL))
        log_visibility = self.masks[0](risen[0])
        for head, plane in zip(self.masks[1:], risen[1:], strict=True):
            log_visibility = head(plane) + _enlarged(log_visibility, 2)
        log_visibility = log_visibility + self.which * torch.log2(shading.abs() + LEAST_SHADING)
        _, evidence = _pooled(functional.avg_pool2d(log_visibility, EVIDENCE_POOL))
        whole = torch.cat([*deep, *_pooled(risen[-2]), context, evidence], dim=1)
        heads = self.global_head(whole)
        presence = heads[:, 1:] + self.evidence_scale * evidence
        return Answer(log_visibility, presence, heads[:, 0], shading[:, 0], whole)


def shape_by(width: Callable[[str], int], levels: int = len(Shape().widths)) -> Shape:
    """Return the shape whose layers have the output channels that `width` says for their names."""
    first, second, third = (width(f"spectrum.layers.{3 * place}") for place in range(3))
    return Shape(
        widths=tuple(width(f"down.{level}.first") for level in range(levels)),
        rising=tuple(width(f"up.{level}.block.first") for level in range(levels - 1)),
        spectrum=(first, second, third),
        reading=width("spectrum.read"),
        context=width("context"),
        hidden=width("global_head.0"),
    )


def network_of(weights: Mapping[str, Tensor]) -> Network:
    """Return the network that these weights fit, whatever its shape."""
    network = Network(shape_by(lambda layer: int(weights[f"{layer}.weight"].shape[0])))
    network.load_state_dict(
        {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
    )
    return network


def _bias(layer: nn.Module) -> Tensor:
    assert isinstance(layer, nn.Conv2d)
    assert layer.bias is not None
    return layer.bias


def _enlarged(features: Tensor, times: int) -> Tensor:
    return functional.interpolate(features, scale_factor=float(times), mode="bilinear", align_corners=False)


def _pooled(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and maximum of each channel."""
    mean, most = functional.adaptive_avg_pool2d(features, 1), functional.adaptive_max_pool2d(features, 1)
    return mean.squeeze(3).squeeze(2), most.squeeze(3).squeeze(2)
