"""Tests of what trains the network: collected only where its libraries (extra `train`) are installed."""

from importlib.util import find_spec

import pytest

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]


@pytest.fixture(autouse=True)
def plainly() -> None:
    """Draw the same weights in each test, and compile nothing: it would take longer here than it saves."""
    import torch  # noqa: PLC0415 - not everywhere

    torch.manual_seed(0)
    torch.set_num_threads(2)
    torch.compiler.set_stance("force_eager")
