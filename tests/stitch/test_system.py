"""A system of small accelerators in Verilator: runs, loads, faults, resets, the bus; and the
hardware that it refuses.
"""

import contextlib
import io
import pickle
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cocotb_tools.runner import get_runner

from hw.design import Design
from hw.kernels.skid import Skid
from hw.spec.errors import SpecError
from hw.spec.registers import Control, Register, Status
from hw.stitch import system_registers
from hw.stitch.netlist import Netlist
from hw.stitch.system import PARTS, System
from hw.synth import measure
from sim.bench.check import SEED
from sim.lint import verible
from sim.verilate import build, lint
from tests.stitch import small_system
from tests.stitch.system_host import Frame

BENCH = Path(__file__).parent / "system_bench.py"
SCENARIOS = re.findall(r"@cocotb.test\(\)\nasync def (\w+)", BENCH.read_text(encoding="utf-8"))


def words(stream, codes):
    return stream.words(np.asarray(codes).reshape(-1))


def frame(name, rng, length=0, layer=0):
    """Random codes of a graph and what its golden makes of them, by channel."""
    entry = next(g for g in small_system.GRAPHS if g.name == name.split()[0])
    netlist = small_system.ACCELERATORS[entry.name]
    tensors, inputs = {}, {}
    if entry.name == "attend":
        head = netlist.instances["head"]
        drawn = head.stimulus(rng, "random", length=length, layer=layer)
        short = {"s_axis_q": "queries", "s_axis_k": "keys", "s_axis_v": "values"}
        tensors |= {f"s_axis_{new}": drawn[old] for old, new in short.items()}
        made = {"m_axis_context": head.golden(_tensors(drawn))["m_axis"]}
    else:
        for port, stream in netlist.inputs().items():
            low, high = stream.dtype.min, stream.dtype.max
            tensors[port] = rng.integers(low, high, stream.shape, np.int64, endpoint=True)
        made = netlist.golden(_tensors(tensors))
    for end in entry.inputs:
        inputs[end.channel] = words(netlist.inputs()[end.name], tensors[end.name])
        assert len(inputs[end.channel]) == end.total(length)
    outputs = {e.channel: words(netlist.outputs()[e.name], made[e.name]) for e in entry.outputs}
    return Frame(name, entry.index, inputs, outputs, length, layer)


def _tensors(arrays):
    return {k: torch.from_numpy(np.asarray(v)) for k, v in arrays.items()}


def all_frames():
    rng = np.random.default_rng(SEED)
    made = [frame(name, rng) for name in ("copy", "add", "multiply")]
    made += [frame(f"attend {n}", rng, n, n % 2) for n in (16, 5, 8, 1)]
    weights = small_system.PRODUCT.setup()["s_axis_weights"]
    loaded = words(small_system.PRODUCT.inputs()["s_axis_weights"], weights)
    load = Frame("load", 3, {0: loaded}, {}, small_system.HARDWARE.identity, load=True)
    return {"load": load} | {f.name: f for f in made}


def simulate(work, plant=None):
    """What each scenario came to: "" or the words of its failure. plant: (file, text, other text)
    in a copy of the sources.
    """
    design = small_system.system().design(work)
    if plant is not None:
        name, text, other = plant
        path = next(f for f in design.files if f.name == name)
        content = path.read_text(encoding="utf-8")
        assert content.count(text) == 1, f"{text} stands {content.count(text)} times in {name}"
        copy = work / "planted" / name
        copy.parent.mkdir()
        copy.write_text(content.replace(text, other), encoding="utf-8")
        design = replace(design, files=tuple(copy if f == path else f for f in design.files))
    (work / "frames.pickle").write_bytes(pickle.dumps(all_frames()))
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(Exception, SystemExit):
        get_runner("verilator").test(
            test_module="tests.stitch.system_bench",
            hdl_toplevel=design.top,
            hdl_toplevel_lang="verilog",
            build_dir=build(design),
            test_dir=work,
            results_xml=str(work / "results.xml"),
            log_file=str(work / "log"),
            plusargs=["+verilator+rand+reset+2", f"+verilator+seed+{SEED}"],
            extra_env={"BENCH_FOLDER": str(work), "COCOTB_LOG_LEVEL": "WARNING"},
        )
    log = work / "log"
    assert (work / "results.xml").exists(), log.read_text()[-3000:] if log.exists() else said
    found = {}
    for case in ET.parse(work / "results.xml").iter("testcase"):
        failure = case.find("failure")
        failure = case.find("error") if failure is None else failure
        text = "" if failure is None else f"{failure.attrib} {log.read_text()[-3000:]}"
        found[case.attrib["name"].split(".")[-1]] = text
    return found


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("system"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(outcomes, scenario):
    assert outcomes.get(scenario, "it did not run") == ""


FAULTS = [
    ("system_gate.sv", "else if (take && m_axis_tlast) open_q", "else if (1'b0) open_q"),
    ("system_gate.sv", "rows_q <= i_rows;", "rows_q < i_rows;"),
    ("system_gate.sv", "take && !s_axis_tlast && m_axis_tlast", "1'b0"),
    ("control.sv", "on_q && !error && i_inputs_done &&", "on_q && !error &&"),
    ("control.sv", "else if (counting) cycles_q", "else if (on_q) cycles_q"),
    ("control.sv", "write && writable && !busy) begin", "write && writable) begin"),
    ("control.sv", "assign writable      = whole_q && known;", "assign writable = known;"),
    ("system_input.sv", "(i_start && |chosen)", "(i_start)"),
    ("system_output.sv", "else if (i_start && |chosen)", "else if (i_start)"),
    ("system_setting.sv", "else if (m_axis_tready) m_axis_tvalid <= 1'b0;", ""),
]


@pytest.mark.slow
@pytest.mark.parametrize("plant", FAULTS, ids=[f"{f[0]}: {f[2]}" for f in FAULTS])
def test_a_planted_fault_is_noticed(plant, tmp_path):
    assert any(simulate(tmp_path, plant).values())


def test_the_module_reads_cleanly(tmp_path):
    design = small_system.system().design(tmp_path)
    # Ports of parts that a netlist leaves open, and constants in kernels, are theirs.
    assert lint(design, "-Wno-PINMISSING", "-Wno-CMPCONST") == ""
    own = [f for f in design.files if f.stem in (*PARTS, "registers")]
    assert len(own) == len(PARTS) + 1
    assert not any(verible(path) for path in own)


def test_the_package_says_what_the_map_says():
    package = system_registers.package()
    found = dict(re.findall(r"logic \[7:0\] (\w+) = 8'h(\w+);", package))
    assert {k: int(v, 16) for k, v in found.items()} == {r.name: r.value for r in Register}
    bits = dict(re.findall(r"int unsigned (\w+) = (\d+);", package))
    for name, kind in (("CONTROL", Control), ("STATUS", Status)):
        for bit in kind:
            assert 1 << int(bits[f"{name}_{bit.name}"]) == bit.value


@pytest.mark.parametrize("family", ["xcup", "xc7"])
def test_the_registers_stay_small(family, tmp_path):
    files = small_system.system().design(tmp_path).files[:2]
    cost = measure(Design("control", files, {}, {}), family)
    assert 100 < cost.lut < 200 and cost.ff < 300 and cost.bram18 == cost.dsp == 0


def changed(place, **fields):
    graphs = list(small_system.GRAPHS)
    graphs[place] = replace(graphs[place], **fields)
    return {"graphs": tuple(graphs)}


END = small_system.end


@pytest.mark.parametrize(
    ("hardware", "message"),
    [
        ({"graphs": small_system.GRAPHS[:3]}, "hardware of copy, add, attend"),
        (changed(0, index=5), "indices of graphs"),
        (changed(0, inputs=(END("s_axis_picture", 0, 24),)), "names s_axis_picture"),
        (changed(0, inputs=(END("s_axis_image", 0, 23),)), "23 beats of 24"),
        (changed(2, inputs=(*small_system.GRAPHS[2].inputs[:2],)), "has s_axis_keys"),
        (changed(1, inputs=(END("s_axis_a", 0, 24), END("s_axis_b", 0, 24))), "channels"),
        (changed(1, inputs=(END("s_axis_a", 0, 24), END("s_axis_b", 8, 24))), "channels"),
        (changed(3, setup=None), "has s_axis_vectors, s_axis_weights"),
        (changed(0, outputs=(END("m_axis_first", 0, 24),)), "has m_axis_first, m_axis_second"),
    ],
)
def test_hardware_that_does_not_agree_is_refused(hardware, message):
    with pytest.raises(SpecError, match=message):
        small_system.system(**hardware)


def test_wide_streams_are_refused():
    wide = Netlist(
        "wide",
        {"skid": Skid(STREAM_WIDTH=16)},
        (("s_axis_x", "skid.s_axis"), ("skid.m_axis", "m_axis_y")),
    )
    beats = wide.inputs()["s_axis_x"].beats
    entry = replace(
        small_system.GRAPHS[0],
        inputs=(END("s_axis_x", 0, beats),),
        outputs=(END("m_axis_y", 0, beats),),
    )
    hardware = replace(small_system.HARDWARE, graphs=(entry,))
    with pytest.raises(SpecError, match="s_axis_x is 16 bits wide"):
        System("samfabric", {"copy": wide}, hardware)
