"""The losses: every class counts as much as any other, however few pixels it has.

Regression of log2 E, focal cross-entropy of the mask (its logit is a multiple of the regression) normalised by the
class's own positives, Dice per class, cross-entropy of presence and suitability.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from models.classes import CLASSES
from models.network import MASK_SLOPE, Answer
from models.teaching import Taught
from models.visibility import GREY_ZONE, suitable

BAND_WEIGHT = 0.25  # where two honest observers differ
RANGE = (-2.0, 3.0)  # log2 E outside is only known to be small or large
FOCUS = 2.0
BESIDE = 0.5  # without it a class that is seen but hard to place is drawn everywhere
MOST_SHADING = 4.0  # E with its sign
BIAS = CLASSES.index("bias")
FEWEST = 150.0  # px of a class in a batch below which its share is damped


@dataclass(frozen=True, slots=True)
class Truth:
    """What the network should have said."""

    log_visibility: Tensor  # (n, 13, 128, 128)
    mask: Tensor  # (n, 13, 128, 128) bool
    band: Tensor  # (n, 13, 128, 128) bool
    presence: Tensor  # (n, 13) 1, 0 or -1 unknown
    similarity: Tensor  # (n, 2)
    side: Tensor  # (n, 128, 128) 1, -1 or 0: where bias brightens, darkens or is not told


@dataclass(frozen=True, slots=True)
class Losses:
    """The parts of the loss, each a scalar."""

    regression: Tensor
    mask: Tensor
    dice: Tensor
    presence: Tensor
    suitability: Tensor
    shading: Tensor

    def values(self) -> dict[str, float]:
        """Return the parts as plain numbers."""
        return {part.name: float(getattr(self, part.name).detach()) for part in fields(self)}

    def total(self) -> Tensor:
        """Return the weighted sum."""
        return (
            self.regression
            + self.mask
            + 0.5 * self.dice
            + self.presence
            + 0.5 * self.suitability
            + self.shading
        )


def losses(answer: Answer, truth: Truth, emphasis: Tensor | None = None) -> Losses:
    """Return the losses of a batch, in float32; `emphasis` (13,), 1 on average, says how much each class counts."""
    if emphasis is None:
        emphasis = answer.presence.new_ones(len(CLASSES), dtype=torch.float32)
    log = answer.log_visibility.float().contiguous()  # sums per class are several times faster so
    mask, weight = truth.mask.float(), 1 - (1 - BAND_WEIGHT) * truth.band.float()
    return Losses(
        _regression(log, truth.log_visibility, emphasis),
        _focal(MASK_SLOPE * log, mask, weight, emphasis),
        _dice(MASK_SLOPE * log, mask, weight, emphasis),
        _presence(answer.presence.float(), truth.presence),
        _suitability(answer.suitability.float(), truth.similarity),
        _shading(answer.shading.float(), truth),
    )


def likeness(answer: Answer, teacher: Taught) -> Tensor:
    """Return how far an answer is from a teacher's (Hinton et al. 2015), in float32: a scalar.

    A teacher says what is likely where the truth of one draw is a matter of chance.
    """
    low, high = RANGE
    said = answer.log_visibility.float().contiguous().clamp(low, high)
    taught = teacher.log_visibility.float().contiguous().clamp(low, high)
    error = functional.smooth_l1_loss(said, taught, reduction="none", beta=0.5)
    near = (taught > -1.0).float()
    heads = (
        (answer.presence, teacher.presence),
        (answer.suitability, teacher.suitability),
    )
    return (_per_class(error, near) + _per_class(error, 1 - near)).mean() + sum(
        (
            functional.binary_cross_entropy_with_logits(ours.float(), torch.sigmoid(theirs.float()))
            for ours, theirs in heads
        ),
        torch.zeros(()),
    )


def _regression(log: Tensor, truth: Tensor, emphasis: Tensor) -> Tensor:
    low, high = RANGE
    target = truth.clamp(low, high)
    # Below the range any small answer is right, above it any large one.
    said = torch.where(target <= low, log.clamp(min=low), log)
    said = torch.where(target >= high, said.clamp(max=high), said)
    error = functional.smooth_l1_loss(said, target, reduction="none", beta=0.5)
    near = (target > -1.0).float()
    beside = (1 - near) * near.amax(
        dim=(2, 3), keepdim=True
    )  # where a slice that shows the class does not show it
    everywhere = (error * (1 - near)).sum(dim=(0, 2, 3)) / _pixels(error)
    return ((_per_class(error, near) + BESIDE * _per_class(error, beside) + everywhere) * emphasis).mean()


def _focal(logit: Tensor, mask: Tensor, weight: Tensor, emphasis: Tensor) -> Tensor:
    entropy = functional.binary_cross_entropy_with_logits(logit, mask, reduction="none")
    focus = (1 - torch.exp(-entropy)) ** FOCUS
    error = focus * entropy * weight
    positives = (mask * weight).sum(dim=(0, 2, 3))
    return ((error.sum(dim=(0, 2, 3)) / (positives + FEWEST * 4)).clamp(max=20) * emphasis).mean()


def _dice(logit: Tensor, mask: Tensor, weight: Tensor, emphasis: Tensor) -> Tensor:
    probability = torch.sigmoid(logit)
    both = (probability * mask * weight).sum(dim=(0, 2, 3))
    either = ((probability + mask) * weight).sum(dim=(0, 2, 3))
    there = (mask.sum(dim=(0, 2, 3)) > FEWEST).float() * emphasis
    dice = 1 - (2 * both + 1) / (either + 1)
    return (dice * there).sum() / there.sum().clamp(min=0.1)


def _presence(logit: Tensor, presence: Tensor) -> Tensor:
    known = (presence >= 0).float()
    target = presence.clamp(min=0).float()
    entropy = functional.binary_cross_entropy_with_logits(logit, target, reduction="none")
    return (entropy * known * (1 + 2 * target)).sum() / known.sum().clamp(min=1)


def _suitability(logit: Tensor, similarity: Tensor) -> Tensor:
    mean, tenth = similarity.unbind(1)
    target = suitable(mean, tenth).float()
    grey = (mean > GREY_ZONE[0]) & (mean < GREY_ZONE[1])
    entropy = functional.binary_cross_entropy_with_logits(logit, target, reduction="none")
    return (entropy * torch.where(grey, 0.3, 1.0)).mean()


def _shading(said: Tensor, truth: Truth) -> Tensor:
    """Regress E of bias with its sign, which is smooth where E itself has a crease."""
    side = truth.side.float()
    target = side * torch.exp2(truth.log_visibility[:, BIAS]).clamp(max=MOST_SHADING)
    told = side.abs()
    error = functional.smooth_l1_loss(said, target, reduction="none", beta=0.5)
    return (error * told).sum() / (told.sum() + FEWEST)


def _per_class(error: Tensor, where: Tensor) -> Tensor:
    """Return (13,): the mean over where each class counts."""
    count = where.sum(dim=(0, 2, 3))
    return (error * where).sum(dim=(0, 2, 3)) / (count + FEWEST)


def _pixels(error: Tensor) -> float:
    return float(error.shape[0] * error.shape[2] * error.shape[3])
