"""`make bitstream BACKEND=hls` without Vitis: the scripts run in a plain Tcl that records, the
sources by g++, and the system around the IPs is checked pin by pin against what Vitis HLS makes of
the functions' pragmas.
"""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hw import board as boards
from hw.build import bitstream, vitis, vivado
from hw.build.hardware import build
from hw.build.overlay import located
from hw.hls import project
from hw.hls.headers import type_headers
from hw.library import COMMON
from hw.search.target import Target
from hw.spec.dtypes import IntType
from hw.spec.errors import SpecError
from hw.spec.hardware import Hardware
from hw.spec.kernel import Kernel
from hw.spec.stream import Stream
from hw.stitch.accelerator import SETUP
from sim.board import hwh
from sim.verilate import environment, tool
from tests.build.block_design import read
from tests.build.test_vivado_tcl import KV260, STUBS, bundle_of, tcl
from tests.fold.tiny_model import SOURCE
from tests.stitch import small_system

HLS_STUBS = STUBS.parent / "hls_stubs.tcl"
EASY = Target(1e12, 1e12, 1e12)
WEIGHTS = small_system.PRODUCT.inputs()[SETUP].pack(small_system.PRODUCT.setup()[SETUP])
GRAPHS = small_system.ACCELERATORS | {
    "multiply": replace(  # as an accelerator says what it loads
        small_system.MULTIPLY,
        loads={SETUP: WEIGHTS.ravel().astype(int)},
        ends={SETUP: Stream((WEIGHTS.size,), IntType(8, False))},
    )
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The HLS project of the small system."""
    folder = tmp_path_factory.mktemp("small")
    hardware = bundle_of(folder, KV260)
    return project.write(folder, hardware, GRAPHS)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A bundle of the shipped tiny model with hardware."""
    return build(SOURCE, boards.find("KV260"), EASY, tmp_path_factory.mktemp("tiny"), strict=False)


def run_tcl(folder, failing=""):
    """(exit code, what it printed, record) of run_hls.tcl."""
    words = [tcl(), str(HLS_STUBS), str(folder / "run_hls.tcl"), str(folder / "record"), failing]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr, read(folder / "record")


def pragma_ports(source):
    """Ports that Vitis HLS gives a top function: {name: input or output}, by UG1399's rules for
    ap_ctrl over AXI4-Lite and for streams with and without side channels.
    """
    top = re.search(r"\nvoid (\w+_hls)\(\n(.*?)\) \{\n(.*)", source, re.S)
    assert top
    name, arguments, body = top.groups()
    axis = re.findall(r"#pragma HLS INTERFACE mode = axis port = (\w+)\n", body)
    assert "#pragma HLS INTERFACE mode = s_axilite port = return bundle = control\n" in body
    streams = {}
    for line in arguments.split(",\n"):
        argument = re.fullmatch(r"\s*hls::stream<(.+)>& (\w+)", line)
        assert argument
        kind, port = argument.groups()
        streams[port] = kind
    assert list(streams) == axis
    ports = {"ap_clk": "input", "ap_rst_n": "input", "interrupt": "output"}
    for signal in ("AWADDR", "AWVALID", "WDATA", "WSTRB", "WVALID", "BREADY", "ARADDR", "ARVALID"):
        ports[f"s_axi_control_{signal}"] = "input"
    ports["s_axi_control_RREADY"] = "input"
    for signal in ("AWREADY", "WREADY", "BVALID", "BRESP", "ARREADY", "RDATA", "RRESP", "RVALID"):
        ports[f"s_axi_control_{signal}"] = "output"
    for port, kind in streams.items():
        there, back = ("input", "output") if port.startswith("s_") else ("output", "input")
        ports[f"{port}_TDATA"] = ports[f"{port}_TVALID"] = there
        ports[f"{port}_TREADY"] = back
        if "AxisBeat" in kind:
            ports |= {f"{port}_{s}": there for s in ("TLAST", "TKEEP", "TSTRB")}
    return name, ports, streams


def stand_in(source):
    """An empty module with the ports of the IP."""
    name, ports, streams = pragma_ports(source)
    wide = {"AWADDR": 4, "ARADDR": 4, "WDATA": 32, "RDATA": 32, "WSTRB": 4, "BRESP": 2, "RRESP": 2}
    lines = []
    for port, way in ports.items():
        bits = wide.get(port.rpartition("_")[2], 1) if "s_axi_control" in port else 1
        if port.endswith("_TDATA"):
            width = re.search(r"<(\d+)>", streams[port.removesuffix("_TDATA")])
            assert width
            bits = int(width[1])
        lines.append(f"{way} wire [{bits - 1}:0] {port}")
    drive = "".join(f"  assign {p} = '0;\n" for p, way in ports.items() if way == "output")
    return f"module {name} ({', '.join(lines)});\n{drive}endmodule\n"


def compiled(folder, out, include=None):
    """The testbench of a graph's folder as a program. include: of other headers."""
    (source,) = folder.glob("*_hls.cpp")
    flags = ["-std=c++14", "-O1", "-w", "-DAP_INT_MAX_W=4096", f"-isystem{type_headers()}"]
    flags += [f"-I{include or folder.parent / 'include'}", f"-I{folder.parent}"]
    words = ["g++", *flags, str(source), str(folder / "testbench.cpp"), "-o", str(out)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    return out


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_testbench_passes_and_notices_a_changed_byte(graph, made, tmp_path):
    program = compiled(made.folder / graph, tmp_path / "bench")

    def run(folder):
        words = [str(program), str(folder)]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    done = run(made.folder / graph)
    assert done.returncode == 0 and done.stdout.endswith("PASSED\n"), done.stdout
    outputs = {name: s.beats for name, s in GRAPHS[graph].outputs().items()}
    for name, beats in outputs.items():
        assert f"{name}: {2 * beats} beats, 0 of them differ" in done.stdout
    for path in (made.folder / graph).glob("*.bin"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = tmp_path / f"{next(iter(outputs))}.bin"
    content = bytearray(changed.read_bytes())
    content[-1] ^= 1
    changed.write_bytes(content)
    done = run(tmp_path)
    assert done.returncode == 1 and "1 of them differ" in done.stdout
    changed.unlink()
    assert run(tmp_path).returncode == 1


def test_a_tlast_in_the_wrong_place_is_noticed(made, tmp_path):
    include = tmp_path / "include"
    shutil.copytree(made.folder / "include", include)
    text = (include / "axis.hpp").read_text(encoding="utf-8")
    assert "beat == BEATS - 1" in text
    planted = text.replace("beat == BEATS - 1", "beat == BEATS - 2")
    (include / "axis.hpp").write_text(planted, encoding="utf-8")
    program = compiled(made.folder / "copy", tmp_path / "bench", include)
    words = [str(program), str(made.folder / "copy")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "m_axis_first: 48 beats, 4 of them differ" in done.stdout


def test_the_script_makes_an_ip_of_every_graph(made):
    code, said, record = run_tcl(made.folder)
    assert code == 0, said
    assert said.splitlines()[-1] == "STEP done all"
    assert [name for (name,) in record.of("top")] == [f"{n.title}_hls" for n in GRAPHS.values()]
    assert {part for (part,) in record.of("part")} == {KV260.part}
    assert {clock for (clock,) in record.of("clock")} == {"5.000"}
    for kind, each in (("source", 1), ("testbench", 1)):
        files = [Path(path) for (path,) in record.of(kind)]
        assert len(files) >= each * len(GRAPHS) and all(path.is_file() for path in files)
    for (flags,) in record.of("flags"):
        for folder in re.findall(r"-I(\S+)", flags):
            assert Path(folder).is_dir()
    ran = [command for command, _ in record.of("ran")]
    assert ran == ["csim_design", "csynth_design", "cosim_design"] * len(GRAPHS)
    assert {name: vlnv for name, vlnv in record.of("ip")} == made.ips()
    assert all((folder / "component.xml").is_file() for folder in made.ip_folders())


@pytest.mark.parametrize("step", ["csim_design", "csynth_design", "cosim_design"])
def test_the_script_stops_where_it_fails(step, made):
    code, said, _ = run_tcl(made.folder, step)
    assert code == 1 and f"ERROR: {step} failed" in said
    last = [line for line in said.splitlines() if line.startswith("STEP")][-1]
    assert last == f"STEP {step.removesuffix('_design')} copy"


def test_a_missing_file_ends_the_script_before_the_tool_starts(made, tmp_path):
    hardware = bundle_of(tmp_path, KV260)
    mine = project.write(tmp_path, hardware, GRAPHS)
    (mine.folder / "copy" / "s_axis_image.bin").unlink()
    code, said, record = run_tcl(mine.folder)
    assert code == 1 and "s_axis_image.bin" in said and record.of("project") == []


def test_the_ips_ports_are_those_that_the_system_wires(made):
    for graph, top in made.tops.items():
        source = (made.folder / graph / f"{top.name}.cpp").read_text(encoding="utf-8")
        name, ports, _ = pragma_ports(source)
        assert name == top.name
        (verilog,) = (made.folder / "rtl").glob(f"{top.name.removesuffix('_hls')}.sv")
        instance = verilog.read_text(encoding="utf-8").split(f"{name} u_ip (")[1].split(");\n")[0]
        assert set(re.findall(r"\.(\w+)\(", instance)) == set(ports)


def test_verilator_accepts_the_system_around_the_ips(made, tmp_path):
    """Widths and directions too, with empty modules of the IPs' ports."""
    for graph, top in made.tops.items():
        source = (made.folder / graph / f"{top.name}.cpp").read_text(encoding="utf-8")
        (tmp_path / f"{top.name}.sv").write_text(stand_in(source), encoding="utf-8")
    files = [str(made.folder / name) for name in made.sources]
    files += [str(path) for path in tmp_path.glob("*_hls.sv")]
    flags = ["-Wno-UNUSEDSIGNAL", "-Wno-PINCONNECTEMPTY", "-Wno-DECLFILENAME", "-Wno-CMPCONST"]
    words = [tool("verilator"), "--lint-only", "-Wall", *flags, f"-I{COMMON}"]
    words += ["--top-module", small_system.HARDWARE.top, *files]
    done = subprocess.run(
        words, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_vivado_takes_the_ips(tmp_path):
    bundle = tmp_path / "bundle"
    hardware = bundle_of(bundle, KV260)
    mine = project.write(bundle, hardware, GRAPHS)
    folder = vivado.write_project(bundle, hardware, KV260, vitis.ips(bundle, mine))
    words = [tcl(), str(STUBS), str(folder / "build.tcl"), str(folder / "record")]
    words += [KV260.vivado_board, "0.1", ""]

    def run():
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    done = run()
    assert done.returncode == 1 and "no IP in" in done.stdout + done.stderr
    assert run_tcl(mine.folder)[0] == 0
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    record = read(folder / "record")
    assert {name: vlnv for name, vlnv in record.of("ip")} == mine.ips()
    files = [Path(path) for (path,) in record.of("file")][:-1]
    assert all(path.is_file() for path in files)
    names = {path.name for path in files}
    assert {"hls_start.sv", "copy_frame.sv", "samfabric.sv", "samfabric_board.v"} <= names
    assert not {"mvu.sv", "attention.sv"} & names  # the IPs hold them
    repositories = [v for o, key, v in record.of("config") if key == "ip_repo_paths"]
    assert repositories and all(str(f) in repositories[0] for f in mine.ip_folders())
    # hardware.json still names the sources that are simulated.
    assert Hardware.load(bundle).sources == hardware.sources


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Puts stand-ins for the vendor's programs on the PATH."""

    def make(bundle, hls="vitis_hls", version="2023.2", failing="", line=None):
        hardware = Hardware.load(bundle)
        (bundle / "vivado").mkdir(exist_ok=True)
        hwh.write(bundle / "vivado" / "given.hwh", located(hardware, KV260), KV260)
        script = line or f'exec {tcl()} {HLS_STUBS} run_hls.tcl record "{failing}"'
        scripts = {hls: script, "vivado": f'exec {tcl()} {STUBS} build.tcl record "" 0.2 none'}
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        for name, text in scripts.items():
            path = folder / name
            says = f'case "$1" in -version|--version) echo "{name} v{version}"; exit 0;; esac'
            path.write_text(f"#!/bin/sh\n{says}\n{text}\n", encoding="utf-8")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return folder

    return make


def command(bundle, *more):
    return bitstream.main(["--bundle", str(bundle), "--backend", "hls", *more])


def test_without_vitis_everything_is_written_and_the_way_on_is_told(tiny, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert command(tiny) == bitstream.NO_VIVADO == 3
    said = capsys.readouterr().err
    assert "No vitis_hls, vitis-run or v++ on the PATH, and no vivado" in said
    assert str(tiny / "hls") in said and str(tiny / "vivado") in said
    for name in ("run_hls.tcl", "settings.tcl", "image_encoder/image_encoder_hls.cpp"):
        assert (tiny / "hls" / name).is_file()
    assert "{detector_hls} {samfabric:hls:detector_hls:1.0}" in (
        tiny / "vivado" / "settings.tcl"
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize("program", ["vitis_hls", "vitis-run"])
def test_a_whole_run_ends_in_the_bundle(program, tiny, tools, capsys):
    tools(tiny, program)
    assert command(tiny) == 0
    said = capsys.readouterr().out
    assert "  csynth image_encoder" in said and "  bitstream" in said
    assert Hardware.load(tiny).overlay == "samfabric.bit"
    assert (tiny / "hls" / vitis.LOG).is_file()


def test_the_compiler_alone_leads_to_the_program_beside_it(tiny, tools, monkeypatch):
    folder = tools(tiny, "vitis-run")
    (folder / "v++").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "v++").chmod(0o755)
    assert vitis.find() == str(folder / "vitis-run")
    (folder / "vitis-run").rename(folder / "elsewhere")
    with pytest.raises(vitis.VitisError, match=r"v\+\+ has no vitis-run beside it"):
        vitis.find()


def test_an_old_vitis_is_refused_before_it_starts(tiny, tools, capsys):
    tools(tiny, version="2021.2", line="touch started")
    assert command(tiny) == 2
    assert "Vitis HLS 2021.2 (use 2022.1 or newer)" in capsys.readouterr().err
    assert not (tiny / "hls" / "started").exists()


def test_a_failing_step_is_named_with_its_log(tiny, tools, capsys):
    tools(tiny, failing="csynth_design")
    assert command(tiny) == 2
    said = capsys.readouterr().err
    assert "failed in step csynth image_encoder" in said
    log = re.search(r"see (\S+run_hls\.log)", said)
    assert log and "csynth_design failed" in Path(log[1]).read_text(encoding="utf-8")


def test_an_ip_that_is_not_there_is_no_success(tiny, tools, capsys):
    tools(tiny, failing="export_design")
    assert command(tiny) == 2
    assert "left no IP in" in capsys.readouterr().err


def test_a_layer_without_an_hls_form_is_named_before_anything_is_written(tmp_path, monkeypatch):
    hardware = bundle_of(tmp_path, KV260)
    kind = type(small_system.PRODUCT)
    monkeypatch.setattr(kind, "hls", Kernel.hls)
    with pytest.raises(SpecError, match="multiply: mvu: mvu has no HLS form"):
        project.write(tmp_path, hardware, GRAPHS)
    assert not (tmp_path / "hls").exists()


def test_every_file_that_settings_name_is_there(tiny):
    made = vitis.write(tiny, Hardware.load(tiny), KV260, cosim=False)
    code, said, record = run_tcl(made.folder)
    assert code == 0, said
    assert "cosim_design" not in [command for command, _ in record.of("ran")]
