"""Tests of what trains the network: collected only where its libraries (extra `train`) are installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]
