"""The two back ends beside each other, layer by layer: cycles between frames by the SystemVerilog
and expected of the HLS form, and which of them a layer would be taken from.

Cycles of the SystemVerilog are those of the plan, which simulation confirms. Those of HLS follow
from the loops of its templates (`Kernel.hls_loops`), whose iterations are counted as they run; the
stages of their pipelines are estimates, since no vendor tool has compiled them here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hw.fold.block import Block
from hw.hls.accelerator import SLICES
from hw.spec.kernel import Kernel

SAME = 0.05
"""Back ends whose cycles differ by no more than this share count as equally fast."""


@dataclass(frozen=True)
class Choice:
    """A layer's cycles between frames by back end, the one to take (rtl, hls), and why."""

    layer: str
    rtl: int
    hls: int
    take: str
    why: str


def choose(layer: str, block: Block) -> Choice:
    """The back end to take a layer from: the faster one; of equally fast ones the SystemVerilog,
    whose area and clock are known, and whose multipliers make several products of few bits.
    """
    every = list(block.kernels.values())
    kernels = [k for k in every if k.name not in SLICES] or every
    rtl, hls = block.interval, max(k.hls_interval() for k in kernels)
    packed = max(getattr(k, "PACK", 1) for k in kernels)
    if hls < rtl * (1 - SAME) and packed == 1:
        return Choice(layer, rtl, hls, "hls", f"{1 - hls / rtl:.0%} fewer cycles: {_gain(kernels)}")
    if hls > rtl * (1 + SAME):
        slow = max(kernels, key=lambda k: k.hls_interval())
        return Choice(layer, rtl, hls, "rtl", f"{1 - rtl / hls:.0%} fewer cycles: {_loss(slow)}")
    if packed > 1:
        why = f"{packed} products a multiplier, where HLS makes one"
        if hls < rtl * (1 - SAME):
            why += f", for {1 - hls / rtl:.0%} fewer cycles"
        return Choice(layer, rtl, hls, "rtl", why)
    return Choice(layer, rtl, hls, "rtl", "as fast, and its area and clock are known")


def _gain(kernels: Iterable[Kernel]) -> str:
    single = [k for k in kernels if not getattr(k, "DOUBLE", True)]
    if single:
        return "the next frame's operands load meanwhile, into memory of twice the size"
    return "its processes wait for each other less"


def _loss(kernel: Kernel) -> str:
    slowest = max(kernel.hls_loops(), key=lambda loop: loop.cycles)
    if slowest.entries > 1:
        return f"{slowest.function} enters its pipeline {slowest.entries:,} times"
    return f"{slowest.function} takes {slowest.trips:,} iterations"


def choices(blocks: Mapping[str, Block]) -> list[Choice]:
    """Returns, for each layer of a graph, the back end that is to be taken and why."""
    return [choose(name, block) for name, block in blocks.items()]


def section(graphs: Mapping[str, Mapping[str, Block]]) -> list[str]:
    """Lines of Markdown: each graph's slowest layer by back end, then layer by layer."""
    lines = [
        "## Back ends",
        "",
        "Cycles between frames that follow each other: by the SystemVerilog, and expected of the "
        "HLS form (`BACKEND=hls`) at the same folding. The iterations of HLS loops are counted by "
        "running them; what a pipeline adds is estimated, since no vendor tool has compiled them. "
        "A layer is taken from the faster back end; of equally fast ones from the SystemVerilog, "
        "whose area and clock are known.",
        "",
        "| graph | RTL | HLS | layers from RTL | from HLS |",
        "|---|---:|---:|---:|---:|",
    ]
    every = {graph: choices(blocks) for graph, blocks in graphs.items()}
    for graph, found in every.items():
        cells = [f"{max(getattr(c, end) for c in found):,}" for end in ("rtl", "hls")]
        cells += [str(sum(c.take == end for c in found)) for end in ("rtl", "hls")]
        lines.append(f"| {' | '.join([graph, *cells])} |")
    lines += ["", "| graph | layer | RTL | HLS | take | since |", "|---|---|---:|---:|---|---|"]
    for graph, found in every.items():
        for c in found:
            lines.append(
                f"| {graph} | {c.layer} | {c.rtl:,} | {c.hls:,} | {c.take.upper()} | {c.why} |"
            )
    return [*lines, ""]
