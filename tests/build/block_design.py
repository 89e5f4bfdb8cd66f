"""A block design as a build script made it, and the rules that Vivado would hold it to.

The pins of the vendor's cells are those that the project uses: PG247 (smartconnect), PG164
(proc_sys_reset), PG082 and PG201 (processors).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.build import ip_parameters

LITE, MM = "lite", "mm"
FITS = {(MM, MM), (LITE, LITE), (MM, LITE), (LITE, MM)}


@dataclass
class Cell:
    """interfaces: name -> (master or slave, kind, bits; 0 any). clocks, resets: pins that must be
    driven. drives: name -> clock or reset that it gives. spaces, segments: of addresses.
    """

    interfaces: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    clocks: set[str] = field(default_factory=set)
    resets: set[str] = field(default_factory=set)
    drives: dict[str, str] = field(default_factory=dict)
    spaces: set[str] = field(default_factory=set)
    segments: set[str] = field(default_factory=set)


@dataclass
class Record:
    """Lines of the stubs' record by kind."""

    lines: list[list[str]]

    def of(self, kind):
        return [line[1:] for line in self.lines if line[0] == kind]

    def config(self, cell):
        return {key.removeprefix("CONFIG."): value for name, key, value in self.of("config")
                if name == cell}  # fmt: skip


def read(path: Path) -> Record:
    text = path.read_text(encoding="utf-8").splitlines()
    return Record([line.split("\t") for line in text])


def smartconnect(config):
    cell = Cell({}, {"aclk"}, {"aresetn"})
    assert config["NUM_CLKS"] == "1"
    for way, key, role in (("S", "NUM_SI", "slave"), ("M", "NUM_MI", "master")):
        assert 1 <= int(config[key]) <= 16
        for n in range(int(config[key])):
            cell.interfaces[f"{way}{n:02d}_AXI"] = (role, MM, 0)
    return cell


def sys_reset(config):
    return Cell(
        clocks={"slowest_sync_clk"}, resets={"ext_reset_in"}, drives={"peripheral_aresetn": "reset"}
    )


def zynq_7000(config):
    assert config["PCW_USE_M_AXI_GP0"] == config["PCW_EN_CLK0_PORT"] == "1"
    assert config["PCW_EN_RST0_PORT"] == "1"
    cell = Cell({"M_AXI_GP0": ("master", MM, 32)}, {"M_AXI_GP0_ACLK"})
    cell.drives = {"FCLK_CLK0": "clock", "FCLK_RESET0_N": "early reset"}
    cell.spaces = {"Data"}
    for n in range(4):
        if config.get(f"PCW_USE_S_AXI_HP{n}") == "1":
            bits = int(config[f"PCW_S_AXI_HP{n}_DATA_WIDTH"])
            assert bits in (32, 64)
            cell.interfaces[f"S_AXI_HP{n}"] = ("slave", MM, bits)
            cell.clocks.add(f"S_AXI_HP{n}_ACLK")
            cell.segments.add(f"S_AXI_HP{n}/HP{n}_DDR_LOWOCM")
    return cell


def zynq_ultrascale(config):
    assert config["PSU__FPGA_PL0_ENABLE"] == config["PSU__USE__FABRIC__RST"] == "1"
    assert config["PSU__USE__M_AXI_GP1"] == config["PSU__USE__M_AXI_GP2"] == "0"
    bits = int(config["PSU__MAXIGP0__DATA_WIDTH"])
    cell = Cell({"M_AXI_HPM0_FPD": ("master", MM, bits)}, {"maxihpm0_fpd_aclk"})
    assert config["PSU__USE__M_AXI_GP0"] == "1"
    cell.drives = {"pl_clk0": "clock", "pl_resetn0": "early reset"}
    cell.spaces = {"Data"}
    for n in range(4):
        gp = n + 2
        if config.get(f"PSU__USE__S_AXI_GP{gp}") == "1":
            bits = int(config[f"PSU__SAXIGP{gp}__DATA_WIDTH"])
            assert bits in (32, 64, 128)
            cell.interfaces[f"S_AXI_HP{n}_FPD"] = ("slave", MM, bits)
            cell.clocks.add(f"saxihp{n}_fpd_aclk")
            for kind in ("DDR_LOW", "DDR_HIGH", "LPS_OCM", "QSPI"):
                cell.segments.add(f"SAXIGP{gp}/HP{n}_{kind}")
    return cell


VENDOR = {
    "smartconnect": smartconnect,
    "proc_sys_reset": sys_reset,
    "processing_system7": zynq_7000,
    "zynq_ultra_ps_e": zynq_ultrascale,
}


def module(verilog: str, name: str) -> Cell:
    """A referenced module, its interfaces read from its attributes and ports."""
    assert f"module {name} (" in verilog
    cell = Cell()
    attribute = r'X_INTERFACE_INFO = "(\S+) (\S+) (\S+)" \*\)\s*'
    port = r"(?:\(\*.*?\*\)\s*)?(input|output)\s+wire (?:\[(\d+):0\] )?(\w+)"
    for kind, interface, signal, way, top, pin in re.findall(attribute + port, verilog):
        bits = int(top) + 1 if top else 1
        if "clock" in kind:
            cell.clocks.add(pin)
        elif "reset" in kind:
            cell.resets.add(pin)
        elif "aximm" in kind and signal == "WDATA" and way == "input":
            cell.interfaces[interface] = ("slave", LITE, bits)
            cell.segments.add(f"{interface}/reg0")
        elif "aximm" in kind and signal == "WDATA":
            cell.interfaces[interface] = ("master", MM, bits)
            cell.spaces.add(interface)
    busses = re.search(r"ASSOCIATED_BUSIF ([\w:]+)", verilog)
    assert busses
    belong = set(busses[1].split(":"))
    assert belong == set(cell.interfaces), "every interface belongs to the clock"
    return cell


def cells(record: Record, wrapper: str) -> dict[str, Cell]:
    found = {}
    for name, kind in record.of("cell"):
        assert name not in found, f"{name} is made twice"
        if kind.startswith("module:"):
            found[name] = module(wrapper, kind.removeprefix("module:"))
        else:
            ip = kind.split(":")[2]
            assert ip in VENDOR, f"{name}: unknown {kind}"
            found[name] = VENDOR[ip](record.config(name))
    return found


def faults(record: Record, wrapper: str) -> list[str]:
    """What is wrong with the design, one line each."""
    said = []
    for name, kind in record.of("cell"):
        if not kind.startswith("module:"):
            said += ip_parameters.faults(name, kind.split(":")[2], record.config(name))
    try:
        parts = cells(record, wrapper)
    except (AssertionError, KeyError) as error:
        return [*said, f"configuration: {type(error).__name__} {error}"]
    return [*said, *_interfaces(record, parts), *_nets(record, parts), *_addresses(record, parts)]


def _interfaces(record, parts):
    said, used = [], []
    for ends in record.of("interface"):
        seen = []
        for end in ends:
            name, _, pin = end.partition("/")
            if name not in parts or pin not in parts[name].interfaces:
                said.append(f"no interface {end}")
                continue
            seen.append(parts[name].interfaces[pin])
            used.append(end)
        if len(seen) == 2:
            (role_a, kind_a, bits_a), (role_b, kind_b, bits_b) = seen
            if {role_a, role_b} != {"master", "slave"}:
                said.append(f"{ends}: {role_a} to {role_b}")
            if (kind_a, kind_b) not in FITS:
                said.append(f"{ends}: {kind_a} to {kind_b}")
            if bits_a and bits_b and bits_a != bits_b:
                said.append(f"{ends}: {bits_a} to {bits_b} bits")
    every = {f"{name}/{pin}" for name, cell in parts.items() for pin in cell.interfaces}
    said += [f"{end} is wired twice" for end in set(used) if used.count(end) > 1]
    return said + [f"{end} is not wired" for end in sorted(every - set(used))]


def _nets(record, parts):
    said, driven = [], {}
    wanted = {f"{n}/{p}": "clock" for n, c in parts.items() for p in c.clocks}
    wanted |= {f"{n}/{p}": "reset" for n, c in parts.items() for p in c.resets}
    gives = {f"{n}/{p}": kind for n, c in parts.items() for p, kind in c.drives.items()}
    for source, *sinks in record.of("net"):
        if source not in gives:
            said.append(f"{source} drives nothing")
        for sink in sinks:
            if sink not in wanted:
                said.append(f"no pin {sink}")
            if sink in driven:
                said.append(f"{sink} is driven twice")
            driven[sink] = gives.get(source)
    for pin, kind in wanted.items():
        needed = "early reset" if pin.endswith("ext_reset_in") else kind
        if driven.get(pin) != needed:
            said.append(f"{pin} needs a {needed}, it has {driven.get(pin)}")
    return said


def _addresses(record, parts):
    said = []
    spaces = {f"{n}/{s}" for n, c in parts.items() for s in c.spaces}
    segments = {f"{n}/{s}" for n, c in parts.items() for s in c.segments}
    placed = [(space, segment) for space, segment, *_ in record.of("window")]
    placed += [tuple(line) for line in record.of("memory")]
    for space, segment in placed:
        said += [] if space in spaces else [f"no address space {space}"]
        said += [] if segment in segments else [f"no segment {segment}"]
    said += [f"{s} reaches nothing" for s in spaces - {space for space, _ in placed}]
    for space, segment in placed:
        # Memory above 4 GB, wherever there is some: XRT places buffers there too.
        high = segment.replace("DDR_LOW", "DDR_HIGH")
        if segment.endswith("DDR_LOW") and (space, high) not in placed:
            said.append(f"{space} does not reach {high}")
    slaves = {s for s in segments if s.endswith("/reg0")}
    said += [f"{s} has no address" for s in slaves - {segment for _, segment in placed}]
    windows = sorted((int(o, 0), int(r, 0)) for _, _, o, r in record.of("window"))
    for (at, size), (following, _) in zip(windows, windows[1:], strict=False):
        said += [f"windows overlap at {following:#x}"] if at + size > following else []
    said += [f"{at:#x} is not aligned" for at, size in windows if at % size]
    # The data mover reaches memory through the port that it is wired to.
    routes = dict(record.of("interface"))
    for space, segment in record.of("memory"):
        net = routes.get(space, "").partition("/")[0]
        port = routes.get(f"{net}/M00_AXI", "")
        number = re.search(r"HP(\d)", port)
        if number is None or f"/HP{number[1]}_" not in segment:
            said.append(f"{space} is wired to {port or 'nothing'} and given {segment}")
    return said
