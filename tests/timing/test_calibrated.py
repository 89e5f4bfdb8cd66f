"""The analysis beside clocks that Vivado reached and others have published, on open processors.

Sources come from PyPI and are not in this repository: `pip install pythondata-cpu-picorv32
pythondata-cpu-vexriscv`, in an environment of their own or on PYTHONPATH; without them the tests
are skipped. docs/decisions.md, "A second design for the timing analysis", has the publications.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from hw.design import Design
from hw.timing import delays
from hw.timing.model import of_module
from hw.timing.netlists import load, netlists

WITHIN = 0.25
FROM_3 = 3.2 / 4.2
"""A clock of grade -1 from one of -3: the periods published of PicoRV32 on Artix-7, -3 and -1."""
BUS = {"CYC": 1, "STB": 1, "WE": 1, "ADR": 30, "DAT_MOSI": 32, "SEL": 4, "CTI": 3, "BTE": 2}
BUS_BACK = {"ACK": 1, "DAT_MISO": 32, "ERR": 1}


@dataclass(frozen=True)
class Published:
    """A module of a package with the widths of its ports, and clocks in MHz that were published."""

    package: str
    file: str
    module: str
    inputs: dict[str, int]
    outputs: dict[str, int]
    mhz: tuple[float, ...]
    parameters: str = ""


VEXRISCV = Published(
    "pythondata_cpu_vexriscv",
    "VexRiscv.v",
    "VexRiscv",
    {
        "reset": 1,
        "externalResetVector": 32,
        "timerInterrupt": 1,
        "softwareInterrupt": 1,
        "externalInterruptArray": 32,
        **{f"{bus}BusWishbone_{port}": n for bus in "id" for port, n in BUS_BACK.items()},
    },
    {f"{bus}BusWishbone_{port}": n for bus in "id" for port, n in BUS.items()},
    (115.996, 117.869, 118.064, 123.442, 128.139, 199 * FROM_3),
)
AXI = {"awaddr": 32, "awprot": 3, "wdata": 32, "wstrb": 4, "araddr": 32, "arprot": 3}
PICORV32 = Published(
    "pythondata_cpu_picorv32",
    "picorv32.v",
    "picorv32_axi",
    {"resetn": 1, "irq": 32, "mem_axi_rdata": 32}
    | {f"mem_axi_{port}": 1 for port in ("awready", "wready", "bvalid", "arready", "rvalid")},
    {"trap": 1, "eoi": 32}
    | {f"mem_axi_{port}": n for port, n in AXI.items()}
    | {f"mem_axi_{port}": 1 for port in ("awvalid", "wvalid", "bready", "arvalid", "rready")},
    (238.1,),
    "#(.TWO_CYCLE_ALU(1))",
)


def harness(design: Published) -> str:
    """Shift registers around a module, so that all its paths lie between registers and few pins
    are needed, as the published designs have them.
    """
    into, out = sum(design.inputs.values()), sum(design.outputs.values())
    pins = [".clk(clk)"]
    for bits, ports in (("given", design.inputs), ("found", design.outputs)):
        at = 0
        for name, width in ports.items():
            pins.append(f".{name}({bits}[{at + width - 1}:{at}])")
            at += width
    return f"""module harness (input clk, input stb, input di, output last);
  reg [{into - 1}:0] given, given_shr;
  reg [{out - 1}:0] found_shr;
  wire [{out - 1}:0] found;
  always @(posedge clk) begin
    given_shr <= {{given_shr, di}};
    found_shr <= {{found_shr, given_shr[{into - 1}]}};
    if (stb) begin
      given <= given_shr;
      found_shr <= found;
    end
  end
  assign last = found_shr[{out - 1}];
  {design.module} {design.parameters} u_it ({", ".join(pins)});
endmodule
"""


def mhz(design: Published, folder: Path) -> float:
    """The clock that the analysis gives on xc7 -1, alone in its device."""
    wanted = f"pip install {design.package.replace('_', '-')}"
    package = pytest.importorskip(design.package, reason=wanted)
    source = Path(package.data_location) / design.file
    top = folder / "harness.v"
    top.write_text(harness(design), encoding="utf-8")
    (path,) = netlists({"it": Design("harness", (source, top), {}, {})}, "xc7", 1).values()
    table = delays.load("xc7").alone()
    return table.mhz(of_module(load(path), table).inner[0].delay)


@pytest.mark.slow
@pytest.mark.parametrize("design", [VEXRISCV, PICORV32], ids=lambda d: d.module)
def test_a_published_clock_is_met(design, tmp_path):
    """VexRiscv's are of five boards and of one other grade; none was used to fit a delay."""
    found = mhz(design, tmp_path)
    for published in design.mhz:
        assert abs(found / published - 1) < WITHIN, f"{found:.1f} MHz, {published} published"
