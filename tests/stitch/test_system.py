"""The module of a system: it reads cleanly, and hardware that does not agree is refused.
What it does is proven through its driver (tests/host/devices/test_driver.py).
"""

import re
from dataclasses import replace

import pytest

from hw.kernels.skid import Skid
from hw.spec.errors import SpecError
from hw.spec.hardware import Hardware
from hw.stitch.netlist import Netlist
from hw.stitch.system import PARTS, System, at_ends
from sim.lint import verible
from sim.verilate import lint
from sim.vivado_lint import findings, parse
from tests.stitch import small_system

GRAPHS = small_system.HARDWARE.graphs
SETUP = GRAPHS[3].setup
assert SETUP is not None


@pytest.mark.parametrize("word_bytes", [8, 16])
def test_the_module_reads_cleanly(word_bytes, tmp_path):
    hardware = replace(small_system.HARDWARE, word_bytes=word_bytes)
    design = System("samfabric", small_system.ACCELERATORS, hardware).design(tmp_path)
    # Ports of parts that a netlist leaves open, and constants in kernels, are theirs.
    assert lint(design, "-Wno-PINMISSING", "-Wno-CMPCONST") == ""
    assert verible(PARTS[-1]) == ""
    assert findings([parse(path) for path in design.files]) == []
    assert len(set(design.files)) == len(design.files)


def test_the_shell_is_the_system_without_its_accelerators(tmp_path):
    made = small_system.system()
    shell = made.shell(tmp_path)
    assert lint(shell, "-Wno-PINMISSING", "-Wno-CMPCONST") == ""
    text = shell.files[-1].read_text(encoding="utf-8")
    instances = made.verilog().split("// ---- copy")[1]
    pins = re.findall(r"^      \.(\w+_t\w+|rst)\(", instances, re.M)
    ports = re.findall(r"(?:input  wire logic|output logic     ) \[\d+:0\] at_\w+", text)
    assert len(ports) == len(pins) > 40
    assert not {"mvu", "attention"} & {path.stem for path in shell.files}


def test_every_stream_has_an_end_for_itself():
    reads = [e.number for g in GRAPHS for e in g.inputs]
    writes = [e.number for g in GRAPHS for e in g.outputs]
    assert reads == list(range(7)) and writes == list(range(5))
    assert [g.setup.number for g in GRAPHS if g.setup] == [7]
    assert [g.settings for g in GRAPHS] == [{}, {}, {"length": 0, "layer": 1}, {}]
    assert [g.longest for g in GRAPHS] == [0, 0, small_system.LENGTH, 0]
    mover = small_system.system().mover
    assert (mover.READS, mover.WRITES, mover.SETTINGS) == (8, 5, 2)


def test_without_settings_and_setup_nothing_is_left_open(tmp_path):
    graphs = GRAPHS[:2]
    accelerators = {g.name: small_system.ACCELERATORS[g.name] for g in graphs}
    hardware = at_ends(replace(small_system.HARDWARE, graphs=graphs), accelerators, 8)
    design = System("pair", accelerators, hardware).design(tmp_path)
    assert lint(design, "-Wno-PINMISSING", "-Wno-CMPCONST") == ""
    assert "system_setup" not in design.files[-1].read_text(encoding="utf-8")


def test_hardware_json_keeps_what_the_driver_needs(tmp_path):
    small_system.HARDWARE.save(tmp_path)
    assert Hardware.load(tmp_path) == small_system.HARDWARE


def changed(place, **fields):
    graphs = list(GRAPHS)
    graphs[place] = replace(graphs[place], **fields)
    return {"graphs": tuple(graphs)}


@pytest.mark.parametrize(
    ("hardware", "message"),
    [
        (changed(0, inputs=(replace(GRAPHS[0].inputs[0], number=1),)), "read ends"),
        (changed(3, outputs=(replace(GRAPHS[3].outputs[0], number=5),)), "write ends"),
        (changed(2, settings={"length": 0}), "setting ends"),
        (changed(2, settings={"length": 1, "layer": 0}), "setting ends"),
        (changed(3, setup=replace(SETUP, number=6)), "read ends"),
        ({"word_bytes": 3}, "WORD_BYTES = 3"),
    ],
)
def test_ends_that_are_not_the_movers_are_refused(hardware, message):
    with pytest.raises(SpecError, match=message):
        _ = small_system.system(**hardware).mover


END = small_system.end


@pytest.mark.parametrize(
    ("hardware", "message"),
    [
        ({"graphs": GRAPHS[:3]}, "hardware of copy, add, attend"),
        (changed(0, index=5), "indices of graphs"),
        (changed(0, inputs=(END("s_axis_picture", 24),)), "names s_axis_picture"),
        (changed(0, inputs=(END("s_axis_image", 23),)), "23 beats of 24"),
        (changed(2, inputs=(*GRAPHS[2].inputs[:2],)), "has s_axis_keys"),
        (changed(3, setup=None), "has s_axis_vectors, s_axis_weights"),
        (changed(0, outputs=(END("m_axis_first", 24),)), "has m_axis_first, m_axis_second"),
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
    inputs, outputs = (END("s_axis_x", beats),), (END("m_axis_y", beats),)
    hardware = replace(
        small_system.HARDWARE, graphs=(replace(GRAPHS[0], inputs=inputs, outputs=outputs),)
    )
    with pytest.raises(SpecError, match="s_axis_x is 16 bits wide"):
        System("samfabric", {"copy": wide}, hardware)


def test_more_ends_than_a_mover_has_are_refused():
    many = {f"copy{n}": replace(small_system.COPY, title=f"copy_{n}") for n in range(17)}
    graphs = tuple(replace(GRAPHS[0], name=name, index=n) for n, name in enumerate(many))
    hardware = at_ends(replace(small_system.HARDWARE, graphs=graphs), many, 8)
    with pytest.raises(SpecError, match=r"WRITES = 34 \(1 to 32"):
        _ = System("many", many, hardware).mover
