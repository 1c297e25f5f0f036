"""What every acceptance test needs."""

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def swept() -> Iterator[None]:
    """Collect the sockets of broken connections, which pynetdicom leaves to the garbage collector, before they warn."""
    yield
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()
