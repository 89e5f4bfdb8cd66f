"""Recorded runs of the small system's graphs, and what a device must make of them."""

import numpy as np

from host.cli.verify import Call


def same(found, wanted):
    assert found.keys() == wanted.keys()
    for name, codes in wanted.items():
        assert type(found[name]) is np.ndarray
        assert found[name].shape == codes.shape and found[name].dtype == codes.dtype
        np.testing.assert_array_equal(found[name], codes)


def call_of(small, graph) -> Call:
    return next(call for call in small if call.graph == graph)


def run(device, call):
    same(device.run(call.graph, call.inputs), call.outputs)


def plant(monkeypatch, pynq, method, instead):
    """Replaces a method of every buffer that the device allocates from now on."""
    kind = type(pynq.allocate(shape=(8,), dtype=np.dtype(np.uint8), cacheable=1))
    monkeypatch.setattr(kind, method, instead)
