"""Shared test set-up: one thread a worker, and a clear skip where an optional part is missing."""

import importlib.util
import os

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers are the parallelism; threads inside each would only fight for the same cores.
    # Set before anything imports torch, which reads it once.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items):
    if importlib.util.find_spec("finn") is not None:
        return
    skip = pytest.mark.skip(reason="finn-plus is not installed: `make setup` installs it")
    for item in items:
        if item.get_closest_marker("finn"):
            item.add_marker(skip)
