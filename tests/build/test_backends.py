"""Which back end a layer is taken from: the figures that decide, and the words for each reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

from hw.build import backends
from hw.fold.block import Block
from hw.kernels.matmul import Matmul
from hw.kernels.mvu import Mvu
from hw.kernels.rowexp import Rowexp
from tests.fold.tiny_model import GRAPHS, blocks

PACE = 40_000


@dataclass(frozen=True)
class Only:
    """A layer of one kernel, with the cycles of its SystemVerilog."""

    kernel: object
    interval: int

    @property
    def kernels(self):
        return {"it": self.kernel}


def choice(kernel, rtl):
    return backends.choose("it", cast(Block, Only(kernel, rtl)))


def test_equally_fast_layers_come_from_the_systemverilog():
    kernel = Mvu.example(vectors=1000)
    hls = kernel.hls_interval()
    found = choice(kernel, hls - 5)
    assert (found.hls, found.take) == (hls, "rtl") and found.why.startswith("as fast")


def test_multipliers_that_make_several_products_decide_for_the_systemverilog():
    kernel = Matmul.example(PACK=2, B_WIDTH=8, A_WIDTH=8, rows=500)
    assert (
        choice(kernel, kernel.hls_interval()).why == "2 products a multiplier, where HLS makes one"
    )
    slow = choice(kernel, 2 * kernel.hls_interval())
    assert slow.take == "rtl" and slow.why.endswith("for 50% fewer cycles")


def test_the_faster_one_is_taken_with_the_reason():
    kernel = Matmul.example(DOUBLE=False, rows=100)
    found = choice(kernel, 2 * kernel.hls_interval())
    assert found.take == "hls" and found.why.startswith(
        "50% fewer cycles: the next frame's operands"
    )
    rows = Rowexp.example(rows=50, LENGTH=8, PE=4)
    found = choice(rows, rows.ideal_cycles())
    assert found.take == "rtl" and "enters its pipeline 50 times" in found.why


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_layer_of_a_graph_has_a_line(graph):
    made = blocks(graph, PACE)
    found = backends.choices(made)
    assert [c.layer for c in found] == list(made)
    assert all(c.take in ("rtl", "hls") and c.why and c.rtl > 0 < c.hls for c in found)
    text = "\n".join(backends.section({graph: made}))
    for c in found:
        assert (
            f"| {graph} | {c.layer} | {c.rtl:,} | {c.hls:,} | {c.take.upper()} | {c.why} |" in text
        )
    assert (
        f"| {sum(c.take == 'rtl' for c in found)} | {sum(c.take == 'hls' for c in found)} |" in text
    )
    slower = sum(c.hls for c in found) / sum(c.rtl for c in found)
    assert 0.5 < slower < 1.5  # of the same folding
