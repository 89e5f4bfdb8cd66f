"""What stands around the accelerators: the sum of its parts, and the parts as they are built."""

from dataclasses import dataclass

import pytest

from hw import board as boards
from hw.build.block_design import cells
from hw.build.folded import around, fold, streams, streams_of
from hw.build.hardware import describe
from hw.design import Design
from hw.search.target import Target
from hw.shell import Shell, Streams, ends, shell
from hw.spec.kernel import Cost
from hw.spec.manifest import load_manifest
from hw.stitch.netlist import Netlist, port_lines
from hw.stitch.system import System
from hw.synth import measure
from tests.fold.tiny_model import GRAPHS, SOURCE, dataflow

BOARD = boards.find("KV260")
PICO = (Streams(1, 3), Streams(6, 1, settings=1), Streams(6, 3), Streams(3, 2))


@pytest.fixture(scope="module")
def folded():
    return fold(SOURCE, load_manifest(SOURCE), BOARD, Target(1e12, 1e12, 1e12), say=lambda _: None)


def test_a_shell_is_the_sum_of_its_parts():
    made = shell(PICO, Cost(lut=5000))
    assert [part.cost.lut for part in made.parts] == [5000, 910, 400, 20]
    assert made.cost == sum((part.cost for part in made.parts), Cost())
    assert made.around.lut == 1330 and made.cost.bram18 == made.cost.dsp == 0
    assert all(part.source for part in made.parts)


def test_a_mover_has_an_end_for_every_stream_and_one_for_what_is_loaded():
    assert ends(PICO) == Streams(16, 9, settings=1)
    loaded = (*PICO, Streams(5, 4, True), Streams(1, 1, True))
    assert ends(loaded) == Streams(23, 14, settings=1)


def test_streams_are_those_of_the_accelerators(folded):
    made = streams_of(describe(folded, 0))
    loads = [bool(a.setup) for a in folded.accelerators.values()]
    assert [streams(dataflow(g), load) for g, load in zip(GRAPHS, loads, strict=True)] == made
    assert folded.shell == around(made, BOARD)


def test_parts_are_those_of_the_block_design(folded):
    """As many ends and interconnects, of as many ports, as the script for Vivado makes."""
    hardware = describe(folded, 0)
    nets = [c.config for c in cells(hardware, BOARD) if c.ip == "smartconnect"]
    assert all(net["NUM_SI"] == net["NUM_MI"] == 1 for net in nets)
    named = [part.name for part in folded.shell.parts]
    assert sum("SmartConnect" in name for name in named) == len(nets) == 2
    assert f"{hardware.reads} ends in, {hardware.writes} out" in named[0]


@dataclass(frozen=True)
class Stub:
    """In an accelerator's place: all that comes in is folded into a shift register, all that goes
    out is from it.
    """

    netlist: Netlist

    @property
    def title(self):
        return self.netlist.title

    def inputs(self):
        return self.netlist.inputs()

    def outputs(self):
        return self.netlist.outputs()

    def parameters(self):
        return {}

    def memories(self):
        return {}

    def design(self, folder):
        ports = ["input  wire logic clk", "input  wire logic rst"]
        taken, given = [], []
        for name, stream in self.inputs().items():
            ports += port_lines(name, stream, "input  wire logic", "output logic     ")
            taken += [f"{name}_{s}" for s in ("tdata", "tvalid", *["tlast"] * stream.last)]
            given.append((f"{name}_tready", 1))
        for name, stream in self.outputs().items():
            ports += port_lines(name, stream, "output logic     ", "input  wire logic")
            widths = {"tdata": stream.width, "tvalid": 1} | ({"tlast": 1} if stream.last else {})
            given += [(f"{name}_{s}", width) for s, width in widths.items()]
            taken.append(f"{name}_tready")
        width = sum(n for _, n in given)
        lines = [
            f"module {self.title} (",
            ",\n".join(ports),
            ");",
            f"  logic [{width - 1}:0] chain;",
            "  logic next;",
            f"  assign {{{', '.join(n for n, _ in given)}}} = chain;",
            f"  assign next = ^{{{', '.join(taken)}}};",
            f"  always_ff @(posedge clk) chain <= {{chain[{width - 2}:0], next}};",
            "endmodule",
        ]
        path = folder / f"{self.title}.sv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return Design(self.title, (path,), {}, {})


@pytest.mark.slow
@pytest.mark.parametrize("family", ["xcup", "xc7"])
def test_own_parts_take_what_yosys_measures(folded, family, tmp_path):
    stubs = {g: Stub(a.netlist) for g, a in folded.accelerators.items()}
    design = System("samfabric", stubs, describe(folded, 1)).design(tmp_path)
    stubbed = sum((measure(s.design(tmp_path), family) for s in stubs.values()), Cost())
    found, own = measure(design, family), folded.shell.parts[0].cost
    assert abs((found.lut - stubbed.lut) / own.lut - 1) < 0.05
    assert abs((found.ff - stubbed.ff) / own.ff - 1) < 0.05
    assert isinstance(folded.shell, Shell) and found.bram18 == 0
