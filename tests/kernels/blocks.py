"""Blocks made of several kernels whose resources docs/kernels.md takes apart."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hw.design import Design
from hw.fold.kernels import dense, depthwise, requantizer
from hw.kernels.requant import Requant
from hw.ops.program import Program
from hw.spec.dtypes import IntType
from hw.spec.kernel import Cost
from hw.stitch.inverted_residual import Parts, inverted_residual
from hw.stitch.netlist import Netlist
from hw.synth import measure

BUNDLES = Path(__file__).resolve().parent.parent.parent / "bitstreams"
STAGE = "backbone.stages.1.1"
"""The first block of MobileNetV2 with a residual: 24 -> 144 -> 24 channels, at 64 x 64 in nano."""


@dataclass(frozen=True)
class Block:
    """A netlist and what it may take: cycles a frame, LUTs, DSPs, and where the bound is from."""

    title: str
    make: Callable[[], Netlist]
    cycles: int
    lut: int
    dsp: int
    note: str


def nano_block(size: int = 64) -> Netlist:
    """The trained block of nano with its own weights and requantizers, on a map of `size` squared;
    folded to at most 402 cycles a pixel.
    """
    program = Program.load(next(BUNDLES.glob("nano_emulated_*")), "image_encoder")
    nodes = {node.name.removeprefix(f"{STAGE}."): node for node in program.nodes}
    pixels, codes, inner = size * size, IntType(8), IntType(4, signed=False)

    def requant(conv: str, name: str, dtype: IntType) -> Requant:
        return requantizer(nodes[conv], nodes[name], dtype, pixels=pixels)

    parts = Parts(
        size,
        size,
        dense(nodes["expand.conv"], codes, pe=12, PACK=2, vectors=pixels),
        requant("expand.conv", "expand.requant", codes),
        depthwise(nodes["depthwise.conv"], inner, pe=4, pixels=pixels),
        requant("depthwise.conv", "depthwise.requant", inner),
        dense(nodes["project.conv"], inner, pe=12, PACK=2, vectors=pixels),
        requant("project.conv", "grid.requant", inner),
    )
    return inverted_residual("inverted_residual", parts)


BLOCKS = (
    Block(
        "Inverted residual, 24 -> 144 -> 24 channels at 64 x 64, 4-bit, residual included",
        nano_block,
        1_650_000,
        3000,
        60,
        "FINN's own estimate of the same block: 14,700 LUT, 21 DSP, nine tenths of it thresholds.",
    ),
)


def block_table(block: Block) -> list[str]:
    """Lines of Markdown: what each part takes alone, and the whole as one design."""
    netlist = block.make()
    lines = [f"## {block.title}", "", block.note, ""]
    lines += [
        "| part | kernel | cycles a frame | LUT | FF | DSP | BRAM18 |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name, kernel in netlist.instances.items():
        found = measure(Design.of(kernel))
        lines.append(_line(name, kernel.name, kernel.ideal_cycles(), found))
    whole = whole_cost(netlist)
    lines.append(_line("**whole**", "one design", netlist.ideal_cycles(), whole))
    return [*lines, ""]


def whole_cost(netlist: Netlist) -> Cost:
    """The stitched module through Yosys."""
    with tempfile.TemporaryDirectory() as folder:
        return measure(netlist.design(Path(folder)))


def _line(name: str, kernel: str, cycles: int, found: Cost) -> str:
    cells = [name, kernel, f"{cycles:,}", f"{found.lut:.0f}", f"{found.ff:.0f}"]
    return f"| {' | '.join([*cells, str(found.dsp), str(found.bram18)])} |"
