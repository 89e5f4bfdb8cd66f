"""The Vivado project without Vivado: the script runs in a plain Tcl with the vendor's commands
replaced by stubs that record, and the block design that comes out is checked pin by pin.
"""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hw import board
from hw.build import overlay, vivado, wrapper
from hw.library import COMMON
from hw.spec.errors import BundleError
from hw.spec.hardware import Hardware
from sim.verilate import environment, tool
from tests.build import block_design
from tests.stitch import small_system

STUBS = Path(__file__).parent / "vivado_stubs.tcl"
FIFTH = """
name = "Fifth"
part = "xc7z045ffg900-2"
vivado_board = "example.com:fifth:part0:2.0"
family = "xc7"
[source]
resources = "made up"
[resources]
lut = 1000
ff = 1000
bram36 = 10
uram = 0
dsp = 10
[clock]
target_mhz = 142.5
[ports]
hp_bits = 32
ddr_gb_s = 1.0
"""
BOARDS = [*board.names(), "Fifth"]


@pytest.fixture(params=BOARDS)
def target(request, tmp_path):
    if request.param == "Fifth":
        (tmp_path / "fifth.toml").write_text(FIFTH, encoding="utf-8")
        return board.load(tmp_path / "fifth.toml")
    return board.find(request.param)


def bundle_of(folder, target):
    """A bundle's hardware: the small system's sources, ROMs and hardware.json."""
    rtl = folder / "rtl"
    rtl.mkdir(parents=True)
    given = replace(small_system.HARDWARE, word_bytes=target.hp_bits // 8)
    made = small_system.system(word_bytes=given.word_bytes)
    design = made.design(rtl)
    design.write_memories(rtl)
    for path in (*design.files, *COMMON.glob("*.svh")):
        if path.parent != rtl:
            shutil.copy(path, rtl)
    hardware = replace(
        given,
        board=target.name,
        part=target.part,
        clock_mhz=target.target_mhz,
        sources=tuple(f"rtl/{path.name}" for path in design.files),
    )
    hardware.save(folder)
    return hardware


FILES = " ".join(board.find(name).vivado_board for name in board.names())
FILES += " example.com:fifth:part0:2.0"


def run(folder, board_parts=FILES, slack="0.1", failing=""):
    """(exit code, what it printed, record) of the project's script."""
    words = [
        tcl(),
        str(STUBS),
        str(folder / "build.tcl"),
        str(folder / "record"),
        board_parts,
        slack,
    ]
    done = subprocess.run(
        [*words, failing], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr, block_design.read(folder / "record")


def tcl():
    """A plain Tcl. `python -m sim.toolchain --install` brings it."""
    found = shutil.which("tclsh")
    assert found, "tclsh is missing (Debian: tcl)"
    return found


def project(folder, target):
    hardware = bundle_of(folder, target)
    return hardware, vivado.write_project(folder, hardware, target)


def test_the_block_design_holds_together(target, tmp_path):
    hardware, folder = project(tmp_path / "bundle", target)
    code, said, record = run(folder, board_parts=target.vivado_board)
    assert code == 0, said
    assert block_design.faults(record, wrapper_text(folder)) == []
    steps = re.findall(r"^STEP (\w+)$", said, re.MULTILINE)
    assert steps[0] == "project" and steps[-1] == "done" and len(steps) == 11
    # Part, clock and preset are the board's.
    assert record.of("project") == [[hardware.top, target.part]]
    assert ["project", "board_part", target.vivado_board] in record.of("config")
    assert ["apply_board_preset", "1"] in record.of("automate")
    clocks = [v for k, v in record.config("ps").items() if k.endswith("FREQMHZ")]
    assert [float(clock) for clock in clocks] == [target.target_mhz]


def test_every_source_and_rom_is_there_and_added(target, tmp_path):
    hardware, folder = project(tmp_path / "bundle", target)
    _, _, record = run(folder)
    added = [Path(path) for (path,) in record.of("file")]
    made = added.pop()
    assert made.name == "overlay_wrapper.v"  # Vivado's own
    assert all(path.is_file() for path in added)
    rtl = sorted(path for path in (tmp_path / "bundle" / "rtl").iterdir())
    assert sorted([*rtl, folder / f"{hardware.top}_board.v"]) == sorted(added)
    roms = {path for path in rtl if path.suffix == ".hex"}
    typed = [Path(o) for o, key, v in record.of("config") if v.startswith("Memory Init")]
    assert len(roms) == 2 and set(typed) == roms


def test_the_registers_lie_where_hardware_json_says(target, tmp_path):
    _, folder = project(tmp_path / "bundle", target)
    _, _, record = run(folder)
    ((space, segment, offset, size),) = record.of("window")
    assert (space, segment) == ("ps/Data", "system/s_axi_control/reg0")
    assert int(size, 0) == overlay.RANGE
    assert int(offset, 0) == Hardware.load(tmp_path / "bundle").address


def test_the_system_reaches_memory_by_itself(target, tmp_path):
    hardware, folder = project(tmp_path / "bundle", target)
    _, _, record = run(folder)
    kinds = [kind for _, kind in record.of("cell")]
    assert sum("smartconnect" in kind for kind in kinds) == 2
    assert ["system/m_axi", "memory_net/S00_AXI"] in record.of("interface")
    assert {space for space, _ in record.of("memory")} == {"system/m_axi"}
    text = wrapper_text(folder)
    assert f"DATA_WIDTH {target.hp_bits}, ADDR_WIDTH 40" in text
    assert hardware.word_bytes * 8 == target.hp_bits


def test_without_board_files_the_processor_has_the_boards_preset(target, tmp_path):
    _, folder = project(tmp_path / "bundle", target)
    code, said, record = run(folder, board_parts="else.com:other:part0:1.0")
    if not target.preset:  # nothing is guessed
        assert code == 1 and "no board files" in said and "[preset]" in said
        assert record.of("cell") == []
        return
    assert code == 0 and "no board files" in said
    assert ["apply_board_preset", "0"] in record.of("automate")
    config = record.config("ps")
    assert {key: config[key] for key in target.preset} == {
        key: str(value) for key, value in target.preset.items()
    }
    assert block_design.faults(record, wrapper_text(folder)) == []


@pytest.mark.parametrize(("vendor", "version"), [("", ":9.9"), ("else.com", ":2.0")])
def test_board_files_of_another_version_or_vendor_serve(vendor, version, target, tmp_path):
    _, folder = project(tmp_path / "bundle", target)
    mine, _, rest = target.vivado_board.partition(":")
    files = f"{vendor or mine}:{rest.rpartition(':')[0]}{version}"
    code, said, record = run(folder, board_parts=files)
    assert code == 0, said
    assert ["apply_board_preset", "1"] in record.of("automate")
    assert ["project", "board_part", files] in record.of("config")


def wrapper_text(folder):
    return next(folder.glob("*_board.v")).read_text(encoding="utf-8")


KV260 = board.find("KV260")
PLANTED = [
    ("join_interfaces ps/$ps_master control_net/S00_AXI", "", "ps/M_AXI_HPM0_FPD is not wired"),
    (
        "control_net/M00_AXI system/s_axi_control",
        "system/s_axi_control memory_net/S00_AXI",
        "slave to",
    ),
    ("memory_net/M00_AXI ps/$hp_port", "memory_net/M00_AXI control_net/S00_AXI", "wired twice"),
    ("control_net/aresetn memory_net", "memory_net", "control_net/aresetn needs a reset"),
    ("ps/$hp_clock ", "", "saxihp0_fpd_aclk needs a clock"),
    ("ps/$ps_reset] [get_bd_pins reset", "ps/$ps_clock] [get_bd_pins reset", "needs a early reset"),
    ("-offset $address", "-offset 0xA0001000", "is not aligned"),
    ("hp_port   S_AXI_HP0_FPD", "hp_port   S_AXI_HP1_FPD", "no interface ps/S_AXI_HP1_FPD"),
    (
        "system/s_axi_control/reg0",
        "system/s_axi_control/Reg",
        "no segment system/s_axi_control/Reg",
    ),
    ("assign_bd_address -offset $address", "list", "system/s_axi_control/reg0 has no address"),
    ("get_bd_addr_spaces system/m_axi", "get_bd_addr_spaces system/Data", "no address space"),
    (" SAXIGP2/HP0_DDR_HIGH", "", "system/m_axi does not reach ps/SAXIGP2/HP0_DDR_HIGH"),
    ("system/m_axi memory_net", "system/m_axis memory_net", "no interface system/m_axis"),
    ("control_net/aclk memory_net", "memory_net", "control_net/aclk needs a clock"),
]
# In settings.tcl, where the parameters stand.
PARAMETERS = [
    ("{CONFIG.PSU__CRL_APB__PL0_REF_CTRL__SRCSEL} {IOPLL}", "", "ps: the clock has no source"),
    ("__SRCSEL} {IOPLL}", "__SRCSEL} {IO PLL}", "ps: PSU__CRL_APB__PL0_REF_CTRL__SRCSEL is not"),
    ("CONFIG.NUM_CLKS", "CONFIG.NUM_CLOCKS", "smartconnect has no parameter NUM_CLOCKS"),
    ("SAXIGP2__DATA_WIDTH} {128}", "SAXIGP2__DATA_WIDTH} {96}", "not to be '96'"),
    ("{CONFIG.NUM_MI} {1}", "{CONFIG.NUM_MI} {17}", "control_net: NUM_MI is not to be '17'"),
    ("PSU__USE__M_AXI_GP0} {1}", "PSU__USE__M_AXI_GP0} {0}", "configuration"),
    ("smartconnect", "axi_interconnect", "nothing is known of axi_interconnect"),
]


@pytest.mark.parametrize(("text", "other", "noticed"), PLANTED, ids=[p[2] for p in PLANTED])
def test_a_planted_fault_is_noticed(text, other, noticed, tmp_path):
    _, folder = project(tmp_path / "bundle", KV260)
    script = folder / "build.tcl"
    content = script.read_text(encoding="utf-8")
    assert text in content
    script.write_text(content.replace(text, other, 1), encoding="utf-8")
    code, said, record = run(folder)
    verilog = wrapper_text(folder)
    found = block_design.faults(record, verilog)
    assert any(noticed in line for line in found), (said, found)


@pytest.mark.parametrize(("text", "other", "noticed"), PARAMETERS, ids=[p[2] for p in PARAMETERS])
def test_a_planted_wrong_parameter_is_noticed(text, other, noticed, tmp_path):
    _, folder = project(tmp_path / "bundle", KV260)
    settings = folder / "settings.tcl"
    content = settings.read_text(encoding="utf-8")
    assert text in content
    settings.write_text(content.replace(text, other, 1), encoding="utf-8")
    _, said, record = run(folder, board_parts=KV260.vivado_board)
    found = block_design.faults(record, wrapper_text(folder))
    assert any(noticed in line for line in found), (said, found)


def test_an_unknown_command_or_option_ends_the_script(tmp_path):
    _, folder = project(tmp_path / "bundle", KV260)
    script = folder / "build.tcl"
    content = script.read_text(encoding="utf-8")
    for text, other in (("save_bd_design", "keep_bd_design"), ("-to_step route", "-until route")):
        script.write_text(content.replace(text, other), encoding="utf-8")
        assert run(folder)[0] == 1


@pytest.mark.parametrize(
    ("stub", "code", "step"),
    [
        ({"slack": "-0.05"}, 4, "timing"),
        ({"slack": ""}, 1, "timing"),
        ({"failing": "synth_1"}, 1, "synthesis"),
        ({"failing": "impl_1"}, 1, "bitstream"),
    ],
)
def test_the_script_stops_where_it_fails(stub, code, step, tmp_path):
    _, folder = project(tmp_path / "bundle", KV260)
    returned, said, _ = run(folder, **stub)
    assert returned == code
    assert re.findall(r"^STEP (\w+)$", said, re.MULTILINE)[-1] == step
    assert not list((folder / "out").glob("*.bit"))


def test_a_missing_source_ends_it_before_the_design(tmp_path):
    _, folder = project(tmp_path / "bundle", KV260)
    (tmp_path / "bundle" / "rtl" / "system_setup.sv").unlink()
    code, said, record = run(folder)
    assert code == 1 and "system_setup.sv" in said and record.of("cell") == []
    with pytest.raises(BundleError, match="lacks system_setup.sv"):
        vivado.write_project(tmp_path / "bundle", Hardware.load(tmp_path / "bundle"), KV260)


def test_a_missing_header_is_named(tmp_path):
    hardware = bundle_of(tmp_path / "bundle", KV260)
    (tmp_path / "bundle" / "rtl" / "checks.svh").unlink()
    with pytest.raises(BundleError, match="lacks checks.svh"):
        vivado.write_project(tmp_path / "bundle", hardware, KV260)


def test_the_wrapper_fits_the_system(tmp_path):
    """Verilator elaborates it around the system; every ROM's parameter is set."""
    hardware, folder = project(tmp_path / "bundle", KV260)
    sources = [str(tmp_path / "bundle" / name) for name in hardware.sources]
    top = folder / f"{wrapper.name(hardware)}.v"
    flags = ["-Wno-PINMISSING", "-Wno-CMPCONST", f"-I{COMMON}", "--top-module", top.stem]
    done = subprocess.run(
        [tool("verilator"), "--lint-only", "-Wall", *flags, *sources, str(top)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = top.read_text(encoding="utf-8")
    for name in small_system.system().memories():
        assert f'.{name}("{name.lower()}.hex")' in text
