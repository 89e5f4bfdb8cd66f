"""A whole system's timing: from the data mover through an accelerator and back."""

from dataclasses import replace

import pytest

from hw.build.timing import NEGATIVE, SYSTEM, Timing, inputs_of, text, verdict
from hw.design import Design
from hw.kernels.pipe import Pipe
from hw.spec.hardware import GraphHardware
from hw.stitch.netlist import Netlist
from hw.stitch.system import System, at_ends
from hw.timing import accelerators, delays
from hw.timing.accelerators import SHELL
from hw.timing.compose import compose
from hw.timing.model import of_netlist
from hw.timing.netlists import netlists
from tests.stitch.small_system import BEATS, HARDWARE, end

TABLE = delays.load("xcup")


def system(count):
    """The mover and one accelerator, a chain of so many pipes, through which tready runs."""
    names = [f"part{i}" for i in range(count)]
    wires = [("s_axis_x", f"{names[0]}.s_axis"), (f"{names[-1]}.m_axis", "m_axis_y")]
    wires += [(f"{a}.m_axis", f"{b}.s_axis") for a, b in zip(names, names[1:], strict=False)]
    netlist = Netlist("chain", {n: Pipe.example(beats=BEATS) for n in names}, tuple(wires))
    inputs, outputs = (end("s_axis_x", BEATS),), (end("m_axis_y", BEATS),)
    graph = GraphHardware("chain", 0, inputs, outputs, BEATS)
    every = {"chain": netlist}
    return System("one", every, at_ends(replace(HARDWARE, graphs=(graph,)), every, 8))


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    found = {}
    for count in (2, 12):
        made = system(count)
        (netlist,) = made.accelerators.values()
        designs = {f"chain.{n}": Design.of(k) for n, k in netlist.instances.items()}
        designs[SHELL] = made.shell(tmp_path_factory.mktemp("shell"))
        places = netlists(designs, "xcup", jobs=1)
        models = {name: of_netlist(path, TABLE) for name, path in places.items()}
        nets = accelerators.whole_nets({"chain": netlist}, inputs_of(made.mover))
        found[count] = compose(models, nets, TABLE), models, nets
    return found


def test_every_pin_of_the_shell_is_wired_once(composed):
    _, models, nets = composed[2]
    shell = models[SHELL]
    wired = {pin for ends in nets for name, pin in ends if name == SHELL}
    timed = shell.captures.keys() | shell.launches.keys()
    assert timed - {"clk"} <= wired
    readers = [reader for _, reader in nets]
    assert len(set(readers)) == len(readers)


def test_a_path_runs_from_the_mover_through_an_accelerator(composed):
    short, long = composed[2][0], composed[12][0]
    assert long.delay > short.delay + 5 * TABLE.cell["lut"]
    path = long.paths[0]
    assert {f"chain.part{n}" for n in range(3, 9)} <= set(path.through)
    assert SHELL in (path.start.name.split(".")[0], path.end.name.split(".")[0])
    clock = TABLE.mhz((short.delay + long.delay) / 2)
    kernels = {f"chain.part{n}": "pipe" for n in range(12)} | {SHELL: "mover"}
    timings = [Timing(SYSTEM, x, kernels) for x in (short, long)]
    assert [verdict([t], TABLE, clock) for t in timings] == [0, NEGATIVE]
    assert "mover" in text(timings[:1], TABLE, clock)
