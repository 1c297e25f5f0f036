"""One step of learning, and a run of them that can be stopped and taken up again.

A run lies on one device, which `begin` and `take_up` are told. Whatever is read from a file lies on the processor.
"""

import math
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.classes import CLASSES
from models.losses import Losses, Truth, likeness, losses
from models.network import Answer, Network, network_of
from models.shelf import Batch
from models.teaching import Taught, Teacher

CPU = torch.device("cpu")
WARM_UP = 0.03  # of the budget
FULL_MARKS = 1.1  # IoU of which a class falls short by its lag: the best one keeps a share too
FAVOUR = 2.0  # times what its lag says


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is told."""

    minutes: float = 60.0
    batch: int = 12
    rate: float = 2.5e-3
    decay: float = 0.999  # of the averaged weights
    shelf: int = 5000  # slices kept for drawing from
    first: int = 600  # slices simulated before the first step
    workers: int = 1
    threads: int = 2
    check_minutes: float = 4.0
    validation: int = 160  # slices
    seed: int = 1
    favoured: tuple[str, ...] = ()  # classes that are planted more often and count more than their lag says


@dataclass(slots=True)
class Run:
    """A training that can be stopped and taken up again."""

    network: Network
    average: Network
    optimiser: torch.optim.Optimizer
    minutes: float = 0.0  # spent
    step: int = 0
    seen: int = 0  # slices, counted as often as they were drawn
    teacher: Teacher | None = None  # whose answers it learns from too
    emphasis: Tensor | None = None  # (13,) how much each class counts, 1 on average

    @property
    def device(self) -> torch.device:
        """Where the networks lie."""
        return next(self.network.parameters()).device

    def save(self, path: Path) -> None:
        """Write the checkpoint; a stop in between leaves the last one whole."""
        scratch = path.with_suffix(".part")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "minutes": self.minutes,
                "step": self.step,
                "seen": self.seen,
            },
            scratch,
        )
        scratch.replace(path)


def fastest() -> torch.device:
    """Return where to learn: on a GPU where there is one."""
    return torch.device("cuda") if torch.cuda.is_available() else CPU


def begin(options: Options, network: Network, device: torch.device = CPU) -> Run:
    """Return a run that has not begun; it takes the network over."""
    return _run(options, network, network_of(network.state_dict()), device)


def take_up(options: Options, path: Path, device: torch.device = CPU) -> Run:
    """Return the run that `Run.save` wrote, on whatever device that was."""
    state = _stored(path)
    run = _run(options, network_of(state["network"]), network_of(state["average"]), device)
    run.optimiser.load_state_dict(state["optimiser"])  # lays its state beside the weights
    run.minutes, run.step, run.seen = float(state["minutes"]), int(state["step"]), int(state["seen"])
    return run


def _run(options: Options, network: Network, average: Network, device: torch.device) -> Run:
    for each in (network, average):
        each.to(device)
        for weight in each.parameters():
            weight.data = weight.data.contiguous(memory_format=_layout(weight))
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=1e-4)
    return Run(network, average.eval(), optimiser)


def _stored(path: Path) -> dict[str, Any]:
    return dict(torch.load(path, map_location=CPU, weights_only=True))


def averaged(*paths: Path) -> Network:
    """Return the averaged network of a checkpoint or of compact weights, ready to be asked.

    Of several, which must be of one training, the mean of their weights (Wortsman et al. 2022, "Model soups").
    """
    states = [_stored(path) for path in paths]
    weights = [state.get("average", state) for state in states]
    mean = {
        name: torch.stack([each[name].float() for each in weights]).mean(0)
        if value.is_floating_point()
        else value
        for name, value in weights[-1].items()
    }
    return network_of(mean).eval()


def save_compact(network: Network, path: Path) -> None:
    """Write the weights in half precision, for another machine to go on from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = network.state_dict()
    torch.save(
        {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}, path
    )


def _layout(weight: Tensor) -> torch.memory_format:
    """Return channels last for convolutions: faster on processors."""
    return torch.channels_last if weight.dim() == 4 else torch.contiguous_format


def emphasis_of(iou: Sequence[float], favoured: Collection[str]) -> Tensor:
    """Return how much each class counts, 1 on average: the square of its lag behind a perfect IoU."""
    lag = torch.tensor([FULL_MARKS - value if math.isfinite(value) else FULL_MARKS for value in iou])
    wanted = torch.tensor([FAVOUR if name in favoured else 1.0 for name in CLASSES])
    emphasis = lag**2 * wanted
    return emphasis / emphasis.mean()


def rate_at(share: float, peak: float) -> float:
    """Return the learning rate when `share` (0..1) of the budget is spent: warm-up, then a cosine to a hundredth."""
    if share < WARM_UP:
        return peak * (0.05 + 0.95 * share / WARM_UP)
    falling = min(1.0, (share - WARM_UP) / (1 - WARM_UP))
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * falling)))


def step(run: Run, batch: Batch, options: Options) -> Losses:
    """Learn from one batch."""
    device = run.device
    for group in run.optimiser.param_groups:
        group["lr"] = rate_at(run.minutes / options.minutes, options.rate)
    run.network.train()
    image, truth = tensors(batch, device)
    with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
        answer = run.network(image)
    parts = _fused()[0](answer, truth, run.emphasis)
    total = parts.total()
    if run.teacher is not None:
        with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
            taught = run.teacher(image)
        total = total + _fused()[1](answer, taught)
    run.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(total)
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), 2.0)
    run.optimiser.step()
    run.step += 1
    run.seen += len(batch.image)
    _follow(run, min(options.decay, (run.step + 1) / (run.step + 10)))
    return parts


def _follow(run: Run, decay: float) -> None:
    with torch.no_grad():
        for mean, now in zip(
            run.average.state_dict().values(), run.network.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)


def fast_bfloat16(device: torch.device) -> bool:
    """Say whether half precision is faster here (it is slower on processors without its instructions)."""
    if device.type == "cuda":
        return True
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and any(
        word in flags.read_text(encoding="utf-8") for word in ("avx512_bf16", "amx_bf16")
    )


@cache
def _fused() -> tuple[Callable[[Answer, Truth, Tensor | None], Losses], Callable[[Answer, Taught], Tensor]]:
    """Return both losses, compiled where a compiler is at hand: a dozen passes over large planes become a few."""
    if not shutil.which("g++"):
        return losses, likeness
    return torch.compile(losses), torch.compile(likeness)


def tensors(batch: Batch, device: torch.device) -> tuple[Tensor, Truth]:
    """Return a batch on the device."""
    image = torch.from_numpy(batch.image).to(device, memory_format=torch.channels_last)
    return image, Truth(
        torch.from_numpy(batch.log_visibility).to(device),
        torch.from_numpy(batch.mask).to(device),
        torch.from_numpy(batch.band).to(device),
        torch.from_numpy(batch.presence).to(device),
        torch.from_numpy(batch.similarity).to(device),
        torch.from_numpy(batch.side).to(device),
    )
