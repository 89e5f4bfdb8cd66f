"""The system of small accelerators as a bundle: ports of its graphs, files, frames with their
golden answers.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from host.spec import GraphPorts
from hw.library import COMMON
from hw.spec.hardware import Hardware
from hw.spec.port import Port
from tests.stitch import small_system
from tests.stitch.small_system import ACCELERATORS, DIM, GRAPHS, PRODUCT, QUERIES

RAGGED = (1, 2, 5, 16, 7)

SHAPES: dict[str, dict[str, tuple[int | None, ...]]] = {
    "copy": {"image": (1, 4, 2, 3), "first": (1, 4, 2, 3), "second": (1, 3, 4, 2)},
    "add": {name: (1, 4, 3, 2) for name in ("a", "b", "sum")},
    "attend": {
        "queries": (1, DIM, QUERIES, 1),
        "keys": (1, 1, None, DIM),
        "values": (1, 1, None, DIM),
        "context": (1, DIM, QUERIES, 1),
    },
    "multiply": {"vectors": (1, 6, 5, 1), "sums": (1, 4, 5, 1)},
}


def _ports(name: str, ends, streams) -> dict[str, Port]:
    return {e.port: Port(e.port, SHAPES[name][e.port], streams[e.name].dtype) for e in ends}


PORTS = {
    g.name: GraphPorts(
        _ports(g.name, g.inputs, ACCELERATORS[g.name].inputs()),
        _ports(g.name, g.outputs, ACCELERATORS[g.name].outputs()),
    )
    for g in GRAPHS
}


def write_hardware(folder: Path) -> Hardware:
    """Sources, memories, setup file and hardware.json of the small system, as a build does."""
    rtl = folder / "rtl"
    rtl.mkdir(parents=True)
    design = small_system.system().design(rtl)
    named = []
    for path in (*design.files, COMMON / "checks.svh"):
        if path.parent != rtl:
            shutil.copy(path, rtl)
        named.append(f"rtl/{path.name}")
    for parameter, memory in design.memories.items():
        (rtl / f"{parameter.lower()}.hex").write_text(memory.hex())
        named.append(f"rtl/{parameter.lower()}.hex")
    weights = PRODUCT.inputs()["s_axis_weights"].pack(PRODUCT.setup()["s_axis_weights"].ravel())
    (folder / "multiply.bin").write_bytes(weights.tobytes())
    hardware = replace(small_system.HARDWARE, sources=tuple(named))
    hardware.save(folder)
    return hardware


def example(graph: str, rng: np.random.Generator, length: int = 0, layer: int = 0):
    """(inputs, outputs) of a graph by port: random codes, and what its golden makes of them."""
    netlist, ports = ACCELERATORS[graph], PORTS[graph]
    entry = small_system.HARDWARE.graph(graph)
    if graph == "attend":
        head = netlist.instances["head"]
        drawn = head.stimulus(rng, "random", length=length, layer=layer)
        short = {"queries": "s_axis_q", "keys": "s_axis_k", "values": "s_axis_v"}
        flat = {port: drawn[name] for port, name in short.items()}
        made = head.golden({k: torch.from_numpy(np.asarray(v)) for k, v in drawn.items()})
        answers = {"context": made["m_axis"]}
    else:
        drawn, flat = {}, {}
        for end in entry.inputs:
            stream = netlist.inputs()[end.name]
            low, high = stream.dtype.min, stream.dtype.max
            drawn[end.name] = rng.integers(low, high, stream.shape, np.int64, endpoint=True)
            flat[end.port] = drawn[end.name]
        for name in netlist.inputs().keys() - drawn.keys():
            drawn[name] = PRODUCT.setup()[name]
        made = netlist.golden({k: torch.from_numpy(v) for k, v in drawn.items()})
        answers = {end.port: made[end.name] for end in entry.outputs}
    return (
        {port: _shaped(codes, ports.inputs[port], length) for port, codes in flat.items()},
        {port: _shaped(codes.numpy(), ports.outputs[port]) for port, codes in answers.items()},
    )


def _shaped(codes: np.ndarray, port: Port, length: int = 0) -> np.ndarray:
    """Codes in stream order, (B, H, W, C), as the port's (B, C, H, W)."""
    b, c, h, w = (length if n is None else n for n in port.shape)
    codes = codes.reshape(-1)[: b * c * h * w]
    whole = codes.reshape(b, h, w, c).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(whole).astype(port.storage)


def same(found, wanted):
    assert found.keys() == wanted.keys()
    for name, codes in wanted.items():
        assert found[name].shape == codes.shape and found[name].dtype == codes.dtype
        np.testing.assert_array_equal(found[name], codes)


def run_all(driver, rng):
    """Every graph in turn, the ragged one at several lengths and with both layers."""
    for graph in ("copy", "add", "multiply"):
        inputs, wanted = example(graph, rng)
        found, cycles = driver.run(graph, inputs)
        same(found, wanted)
        assert cycles >= max(codes.size for codes in wanted.values())
    for length in RAGGED:
        inputs, wanted = example("attend", rng, length, length % 2)
        same(driver.run("attend", inputs, layer=length % 2)[0], wanted)
