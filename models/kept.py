"""Results of heavy steps, kept in files so that an evaluation that is run again takes them up."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Kept = TypeVar("Kept")
HERE = Path(__file__).parent
# Whose change makes what was kept worthless: what is planted and counted,
PLANTING = tuple(
    HERE / f"{name}.py"
    for name in (
        *("answers", "dataset", "fields", "kspace_effects", "object_effects", "shelf", "simulate", "trial"),
        "visibility",
    )
)
# and, for verdicts and evidence, the whole way from pixels to them.
JUDGING = (
    *(HERE / f"{name}.py" for name in ("classical", "series", "stress")),
    *sorted((HERE.parent / "inference").glob("*.py")),
)


def digest(*parts: object) -> str:
    """Return a name for all that a result follows from."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()[:16]


def state_of(sources: Iterable[Path]) -> str:
    """Return a name for the state of the code in some files."""
    return digest(*(path.read_text(encoding="utf-8") for path in sources))


def kept(kind: Callable[..., Kept], path: Path | None, make: Callable[[], Kept]) -> Kept:
    """Return the dataclass of arrays that lies at `path`; else make it, and keep it there if there is a path."""
    if path is not None and path.is_file():
        with np.load(path) as stored:
            return kind(**{name: stored[name] for name in stored.files})
    made = make()
    if path is not None:
        values: Any = made
        arrays = {field.name: getattr(values, field.name) for field in dataclasses.fields(values)}
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".part.npz")
        np.savez_compressed(scratch, **arrays)
        scratch.replace(path)
    return made
