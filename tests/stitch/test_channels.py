"""The modules of a system's channels, each alone beside a model of it; faults planted in them."""

import contextlib
import io
import json
import re
import xml.etree.ElementTree as ET

import pytest
from cocotb_tools.runner import get_runner

from hw.design import Design
from hw.stitch.system import HERE
from sim.bench.check import SEED
from sim.verilate import build

GATE = HERE / "system_gate.sv"
OWNERS = [0x000, 0x002, 0x102]


def packed(values, bits):
    """A parameter whose first element is the lowest."""
    word = sum((v % (1 << bits)) << (i * bits) for i, v in enumerate(values))
    return f"{len(values) * bits}'h{word:x}"


def case(module, uses=1, beats=(5,), rows=(0,)):
    """(module, its parameters, arguments of its model)."""
    owners = OWNERS[:uses]
    if module == "system_setting":
        return module, {"OWNER": f"9'h{owners[0]:x}"}, {"owners": owners}
    parameters = {"USES": uses, "OWNERS": packed(owners, 9)}
    if module == "system_output":
        return module, parameters, {"owners": owners}
    parameters |= {"BEATS": packed([n - 2 for n in beats], 25), "ROWS": packed(rows, 16)}
    return module, parameters, {"owners": owners, "beats": list(beats), "rows": list(rows)}


CASES = [
    case("system_input"),
    case("system_input", beats=(1,)),
    case("system_input", 3, (7, 6, 1), (0, 3, 0)),
    case("system_input", 2, (4, 2), (1, 2)),
    case("system_output"),
    case("system_output", 3),
    case("system_setting"),
]
FAULTS = [
    (CASES[2], "system_input", "{USES{tvalid}} & chosen", "{USES{tvalid}}"),
    (CASES[2], "system_input", "|(m_axis_tready & chosen)", "|m_axis_tready"),
    (CASES[2], "system_input", "i_start && |chosen", "i_start"),
    (CASES[3], "system_gate", "rows_q <= i_rows;", "rows_q < i_rows;"),
    (CASES[5], "system_output", "if (chosen[i]) m_axis_tdata", "m_axis_tdata"),
    (CASES[5], "system_output", "else if (i_start && |chosen)", "else if (i_start)"),
    (CASES[4], "system_output", "m_axis_tready && m_axis_tlast)", "m_axis_tready)"),
    (CASES[6], "system_setting", "i_start && i_owner == OWNER", "i_start"),
]


def simulate(case, work, plant=None):
    """ "" or the words of the failure."""
    module, parameters, model = case
    sources = [GATE, HERE / f"{module}.sv"] if module == "system_input" else [HERE / f"{module}.sv"]
    files = []
    for path in sources:
        text = path.read_text(encoding="utf-8")
        if plant is not None and path.stem == plant[0]:
            assert text.count(plant[1]) == 1, f"{plant[1]} stands {text.count(plant[1])} times"
            text = text.replace(*plant[1:])
        for name, value in parameters.items() if path.stem == module else ():
            text, count = re.subn(rf"(parameter .*\b{name} = )[^,\n]+", rf"\g<1>{value}", text)
            assert count == 1, name
        files.append(work / path.name)
        files[-1].write_text(text, encoding="utf-8")
    given = {"module": module, "model": model, "seed": SEED}
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(Exception, SystemExit):
        get_runner("verilator").test(
            test_module="tests.stitch.channel_bench",
            hdl_toplevel=module,
            hdl_toplevel_lang="verilog",
            build_dir=build(Design(module, tuple(files), {}, {})),
            test_dir=work,
            results_xml=str(work / "results.xml"),
            log_file=str(work / "log"),
            plusargs=["+verilator+rand+reset+2", f"+verilator+seed+{SEED}"],
            extra_env={"CHANNEL": json.dumps(given), "COCOTB_LOG_LEVEL": "WARNING"},
        )
    assert (work / "results.xml").exists(), said.getvalue()[-3000:]
    (found,) = ET.parse(work / "results.xml").iter("testcase")
    bad = found.find("failure") is not None or found.find("error") is not None
    return (work / "log").read_text()[-3000:] if bad else ""


@pytest.mark.parametrize("case", CASES, ids=lambda c: "-".join([c[0], *map(str, c[1].values())]))
def test_a_channel_follows_its_model(case, tmp_path):
    assert simulate(case, tmp_path) == ""


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[1]}: {f[3]}")
def test_a_planted_fault_is_noticed(fault, tmp_path):
    assert "AssertionError" in simulate(fault[0], tmp_path, fault[1:])
