"""Dataflows of the shipped tiny model, and blocks of one pace for them."""

from functools import cache
from pathlib import Path

from hw import board
from hw.fold.block import Block, Style
from hw.fold.folding import cheapest
from hw.fold.layers import Dataflow, gather
from hw.ops.program import Program
from hw.spec.manifest import load_manifest

SOURCE = next((Path(__file__).resolve().parents[2] / "bitstreams").glob("tiny_emulated_*"))
GRAPHS = [entry.name for entry in load_manifest(SOURCE).graphs]
LONGEST = 8 * 16 + 8
BUDGET = board.find("KV260").budget()


@cache
def dataflow(graph: str) -> Dataflow:
    return gather(Program.load(SOURCE, graph), LONGEST)


@cache
def blocks(graph: str, pace: int) -> dict[str, Block]:
    return {x.name: cheapest(x, pace, Style(), BUDGET) for x in dataflow(graph).layers}
