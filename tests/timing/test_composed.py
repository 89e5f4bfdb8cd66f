"""Accelerators composed of timing models: against the flattened whole, and what a skid cuts."""

import pytest

from hw.build.timing import NEGATIVE, Timing, text, verdict
from hw.design import Design
from hw.kernels.fifo import Fifo
from hw.kernels.pipe import Pipe
from hw.kernels.skid import Skid
from hw.library import kernel_class, names
from hw.stitch.netlist import Netlist
from hw.timing import accelerators, delays
from hw.timing.compose import compose
from hw.timing.delays import TimingError
from hw.timing.model import of_module, of_netlist
from hw.timing.netlists import load, netlists

TABLE = delays.load("xcup")
LEVEL = TABLE.cell["lut"] + TABLE.net(1)


def chain(*kernels):
    parts = {f"part{i}": kernel for i, kernel in enumerate(kernels)}
    names = list(parts)
    wires = [("s_axis", f"{names[0]}.s_axis"), (f"{names[-1]}.m_axis", "m_axis")]
    wires += [(f"{a}.m_axis", f"{b}.s_axis") for a, b in zip(names, names[1:], strict=False)]
    return Netlist("chain", parts, tuple(wires))


def composed(netlist):
    designs = {name: Design.of(kernel) for name, kernel in netlist.instances.items()}
    places = netlists(designs, "xcup", jobs=1)
    models = {name: of_netlist(path, TABLE) for name, path in places.items()}
    return compose(models, accelerators.nets(netlist), TABLE)


@pytest.fixture(scope="module")
def pipes():
    return [Pipe(STREAM_WIDTH=16)] * 8


def test_a_removed_skid_is_a_longer_path_and_fails(pipes):
    cut, whole = (chain(*pipes[:4], skid, *pipes[4:]) for skid in (Skid(STREAM_WIDTH=16), pipes[0]))
    with_skid, without = composed(cut), composed(whole)
    assert without.delay > with_skid.delay + 3 * TABLE.cell["lut"]
    clock = TABLE.mhz((with_skid.delay + without.delay) / 2)  # between what the two keep
    timings = [
        Timing("chain", x, dict.fromkeys(whole.instances, "pipe")) for x in (with_skid, without)
    ]
    assert [verdict([t], TABLE, clock) for t in timings] == [0, NEGATIVE]
    said = text([timings[1]], TABLE, clock)
    assert "slack -" in said and "over part" in said


def test_a_chain_of_readies_names_who_it_passes(pipes):
    path = composed(chain(*pipes)).paths[0]
    assert path.start.name == "part7.m_axis_tvalid" and path.start.source.startswith("pipe.sv:")
    assert path.through[:3] == ("part6", "part5", "part4")


def test_models_agree_with_the_flattened_whole(pipes, tmp_path):
    netlist = chain(Fifo(DEPTH=16, STREAM_WIDTH=16), *pipes[:3], Skid(STREAM_WIDTH=16), *pipes[:2])
    whole = netlist.design(tmp_path)
    flat = of_module(load(netlists({"whole": whole}, "xcup", 1)["whole"]), TABLE)
    parts = composed(netlist).model
    ready, valid = "m_axis_tready", "s_axis_tvalid"
    assert parts.captures[ready].delay == pytest.approx(flat.captures[ready].delay, rel=0.1)
    # A LUT or two between the pin and a flip-flop of the FIFO: the mappings differ by one at most.
    assert parts.captures[valid].delay == pytest.approx(flat.captures[valid].delay, abs=LEVEL)
    assert {(a.source, a.sink) for a in parts.arcs} == {(a.source, a.sink) for a in flat.arcs}
    assert parts.flip_flops == flat.flip_flops


KINDS = [kernel_class(name).example() for name in names()]
CUTTING = [kernel for kernel in KINDS if kernel.cuts_ready]


@pytest.fixture(scope="module")
def kinds():
    places = netlists({k.name: Design.of(k) for k in CUTTING}, "xcup", 1)
    return {name: of_netlist(path, TABLE) for name, path in places.items()}


@pytest.mark.parametrize("kernel", CUTTING, ids=lambda kernel: kernel.name)
def test_no_ready_crosses_a_kernel_that_cuts(kernel, kinds):
    crossing = [a for a in kinds[kernel.name].arcs if a.sink.endswith("_tready")]
    assert [a for a in crossing if a.source.endswith("_tready")] == []


def test_a_kernel_that_says_so_and_does_not_is_refused(monkeypatch):
    netlist = chain(Pipe(STREAM_WIDTH=16))
    (path,) = netlists({"it": Design.of(Pipe(STREAM_WIDTH=16))}, "xcup", 1).values()
    models = {"part0": of_netlist(path, TABLE)}
    accelerators.check_ready(netlist, models)
    monkeypatch.setattr(Pipe, "cuts_ready", True)
    with pytest.raises(TimingError, match="part0, a pipe, .*: m_axis_tready to s_axis_tready"):
        accelerators.check_ready(netlist, models)


def test_a_planted_chain_of_comparators_is_the_longest_path(tmp_path):
    source = tmp_path / "planted.sv"
    body = "\n".join(
        f"  wire logic [15:0] w{i + 1} = w{i} > 16'd{977 * i + 5} ? w{i} - 16'd{i + 1} : ~w{i};"
        for i in range(6)
    )
    source.write_text(
        "module planted (input wire logic clk, input wire logic [15:0] d, output logic [15:0] q);\n"
        "  logic [15:0] w0;\n"
        f"{body}\n  always_ff @(posedge clk) begin w0 <= d; q <= w6; end\nendmodule\n"
    )
    design = Design("planted", (source,), {}, {})
    (path,) = netlists({"it": design}, "xcup", 1).values()
    longest = of_netlist(path, TABLE).inner[0]
    assert longest.levels >= 6 and TABLE.slack(longest.delay, 200) < 0
    assert longest.start.name.startswith("w0") and "planted.sv" in longest.end.source
