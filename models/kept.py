"""Results of heavy steps, kept in files so that an evaluation that is run again takes them up."""

import ast
import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Kept = TypeVar("Kept")
ROOT = Path(__file__).parent.parent
OURS = ("models", "inference")


def digest(*parts: object) -> str:
    """Return a name for all that a result follows from."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()[:16]


def state_of(files: Iterable[Path]) -> str:
    """Return a name for what stands in some files."""
    return digest(*(path.read_text(encoding="utf-8", errors="backslashreplace") for path in files))


def contents_of(arrays: object) -> str:
    """Return a name for all that stands in a dataclass of arrays."""
    found = hashlib.sha256()
    for name, values in _arrays(arrays).items():
        found.update(f"{name} {values.dtype} {values.shape} ".encode())
        found.update(values.tobytes())
    return found.hexdigest()[:16]


def made_of(*modules: str) -> list[Path]:
    """Return the files that modules such as "models.trial" follow from: their code, and all of ours that it reads.

    That is what it imports of OURS, however far, and the tables that it names and that lie beside it. What was kept is
    worthless once one of them changes.
    """
    found: set[Path] = set()
    left = [path for module in modules for path in _code_of(module)]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += _read_by(path) if path.suffix == ".py" else ()
    return sorted(found)


def _read_by(path: Path) -> Iterator[Path]:
    beside = {other.name: other for other in path.parent.iterdir() if other.is_file()}
    imported, texts = _names_in(path.read_bytes())
    for name in imported:
        yield from _code_of(name)
    yield from (beside[text] for text in texts & beside.keys())


@cache
def _names_in(code: bytes) -> tuple[frozenset[str], frozenset[str]]:
    """Return the dotted names that code imports, and its texts."""
    nodes = list(ast.walk(ast.parse(code)))
    plain = [each.name for node in nodes if isinstance(node, ast.Import) for each in node.names]
    held = [
        f"{node.module}.{each.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    ]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return frozenset(plain + held), frozenset(texts)


def _code_of(name: str) -> Iterator[Path]:
    """Give the files of a dotted name: of the packages that it lies in, and of the module or what it holds."""
    words = name.split(".")
    if words[0] in OURS:
        for depth in range(1, len(words) + 1):
            place = ROOT.joinpath(*words[:depth])
            yield from (path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file())


def kept(kind: Callable[..., Kept], path: Path | None, make: Callable[[], Kept]) -> Kept:
    """Return the dataclass of arrays that lies at `path`; else make it, and keep it there if there is a path."""
    if path is not None and path.is_file():
        with np.load(path) as stored:
            return kind(**{name: stored[name] for name in stored.files})
    made = make()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".part.npz")
        np.savez_compressed(scratch, **_arrays(made))
        scratch.replace(path)
    return made


def _arrays(values: Any) -> dict[str, Any]:  # noqa: ANN401  of any such dataclass
    return {field.name: np.asarray(getattr(values, field.name)) for field in dataclasses.fields(values)}
