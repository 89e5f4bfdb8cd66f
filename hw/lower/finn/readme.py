"""README.md of a FINN build folder: what is in it and what Vivado and Vitis HLS have to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hw.board import Board


class Built(Protocol):
    """What the table shows of a graph."""

    @property
    def graph(self) -> str: ...
    @property
    def layers(self) -> dict[str, int]: ...
    @property
    def resources(self) -> dict[str, int]: ...
    @property
    def cycles(self) -> int: ...


def readme(model: str, board: Board, clock: float, built: Sequence[Built]) -> str:
    """Returns the text of the README beside FINN's graphs."""
    rows = [
        f"| {b.graph} | {sum(b.layers.values())} | {b.resources['LUT']:,} "
        f"| {b.resources['DSP']} | {b.resources['BRAM_18K']} | {b.cycles:,} |"
        for b in built
    ]
    table = "\n".join(rows)
    return f"""# FINN build of `{model}` for {board.name}

Device {board.part}, {clock:g} MHz. Estimates by FINN at the folding in `folding.json`; attention
and mask products by the cost model of their kernels.

| graph | layers | LUT | DSP | BRAM18 | cycles of the slowest layer |
| --- | --- | --- | --- | --- | --- |
{table}

## Files of a graph
- `hardware.onnx`: all layers, named after the model's modules; opens in Netron. Maps are (1,H,W,C).
  Layers of the domain `hw.lower.finn.ops` are this project's.
- `model.onnx`: specialised to HLS and RTL for the device, PE and SIMD set, FINN's names.
- `layers.json`: FINN's name of a layer -> the model's module.
- `folding.json`: PE and SIMD by layer. `estimates.json`: cycles and resources by layer.
- `folding_config.json`, `dataflow_build_config.json`: as FINN's builder reads them.

## What is left, and what it needs
In each graph's folder, with finn-plus installed along with all of its dependencies, this project on
PYTHONPATH, Vivado with its simulator library (XSI) and Vitis HLS:

    finn build dataflow_build_config.json model.onnx

FINN's own steps up to the generated code, Verilog for `_rtl` and C++ for `_hls` layers, call none
of the tools, though its builder looks for them when it starts. What needs them:

1. HLS synthesis of the layers whose type ends in `_hls` needs Vitis HLS: DuplicateStreams,
   ElementwiseAdd, UpsampleNearestNeighbour, VVAU, whose RTL wants a Versal, and this project's
   IntegerAttention and StreamProduct. FINN's own also need finn-hlslib, this project's bring their
   headers along.
2. FIFO sizes come from simulation, which needs XSI.
3. Stitching to an IP block with AXI streams needs Vivado.

FINN's IP blocks keep each layer's PE codes a beat; ports of this project's system carry one code a
beat, so that data width converters stand between.
"""
