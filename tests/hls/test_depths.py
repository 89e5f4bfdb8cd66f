"""Streams that hold no more than their depth: graphs run to their end, and a stream that is too
shallow is found and named instead of hung.
"""

import re
from dataclasses import replace

import numpy as np
import pytest

from hw.hls.accelerator import netlist_top
from hw.ops.program import Program
from hw.stitch.accelerator import accelerator
from sim.csim.depths import bounded
from sim.csim.library import CsimError, Library
from tests.fold.tiny_model import GRAPHS, LONGEST, SOURCE, blocks, dataflow
from tests.hls.whole_frames import beats_of, codes_of

PACE = 40_000
QUICK = "memory_encoder"


def made(graph):
    """(top function, bytes of two frames) of a graph of tiny."""
    built = accelerator(dataflow(graph), blocks(graph, PACE))
    lengths = (LONGEST, 3)
    frames = codes_of(Program.load(SOURCE, graph), lengths)
    return netlist_top(built.netlist, axis=True), beats_of(built, frames, lengths)


@pytest.mark.parametrize(
    "graph", [g if g == QUICK else pytest.param(g, marks=pytest.mark.slow) for g in GRAPHS]
)
def test_the_depths_of_a_graph_suffice(graph):
    top, given = made(graph)
    found = Library([top], bounded=True).run(top.name, 2, given)
    free = Library([top]).run(top.name, 2, given)
    assert found
    for port, beats in found.items():
        np.testing.assert_array_equal(beats, free[port], port)


def test_a_stream_that_is_too_shallow_is_named_with_its_depth():
    top, given = made(QUICK)
    depths = dict(re.findall(r"HLS STREAM variable = (\w+) depth = (\d+)", "\n".join(top.body)))
    skip = max(depths, key=lambda name: int(depths[name]))
    lines = [
        line.replace(f"{skip} depth = {depths[skip]}", f"{skip} depth = 3") for line in top.body
    ]
    assert lines != list(top.body)
    shallow = Library([replace(top, body=lines)], bounded=True)
    with pytest.raises(CsimError, match=rf"came to a halt: full: .*{skip} \(depth 3\)") as error:
        shallow.run(top.name, 2, given)
    assert f"duplicate waits for room in {skip} (depth 3)" in str(error.value)
    assert "more depth" in error.value.remedy


def test_a_kernel_that_reads_more_than_its_neighbour_gives_is_named():
    """The halt of a stream that is empty, not full."""
    top, given = made(QUICK)
    call = next(line for line in top.body if "samfabric::give<" in line)
    more = re.sub(r"give<(\d+), (\d+)>", lambda m: f"give<{m[1]}, {int(m[2]) + 1}>", call)
    lines = [more if line == call else line for line in top.body]
    with pytest.raises(CsimError, match="full: none\n  give waits for data in"):
        Library([replace(top, body=lines)], bounded=True).run(top.name, 1, _first(given))


def _first(given):
    """The first of two frames."""
    return {name: beats[: len(beats) // 2] for name, beats in given.items()}


def test_calls_of_a_region_become_processes_and_depths_what_streams_hold():
    text = (
        "void f(hls::stream<int>& a, hls::stream<int>& b) {\n#pragma HLS DATAFLOW\n"
        '  hls::stream<int> c("c");\n#pragma HLS STREAM variable = c depth = 2 * N\n'
        "  int kept[4];\n  load<1, 2>(a, kept);\n  ns::use(kept, c);\n  copy(c,\n      b);\n}\n"
        "void g(hls::stream<int>& a) { a.read(); }\n"
    )
    new = bounded(text)
    assert "c.bound(2 * N);" in new
    assert 'region_.process("load", {}, [&] { load<1, 2>(a, kept); });' in new
    assert 'region_.process("use", {0}, [&] { ns::use(kept, c); });' in new
    assert 'region_.process("copy", {}, [&] { copy(c,\n      b); });\n  region_.join();' in new
    assert new.endswith("void g(hls::stream<int>& a) { a.read(); }\n")
