"""Names in SystemVerilog: widths of streams apart from widths of codes, one style of parameters and
of instances, in files by hand and in made ones.
"""

import re

import pytest

from hw.library import FOLDER, names
from sim.lint import verible
from tests.kernels.test_lint import code_of
from tests.stitch import small_system

SOURCES = [*sorted(FOLDER.parent.rglob("*.sv"))]
MODULES = {path.stem for path in SOURCES}
TDATA = re.compile(r"put\s+(?:wire )?logic\s*(\[[^]]*\])\s*([sm]_axis\w*_tdata|[sm]_tdata)\b")
INSTANCE = re.compile(r"^ *(\w+) +(?:#\([^;]*?\)\s*)?(\w+) \(", re.M)
WHOLE_BYTES = r"\[\s*(?:7|15|31|(?:\w+_)?STREAM_WIDTH-1):0\]"


def instances(text):
    """Module and name of each instance of a module of the project."""
    return [found for found in INSTANCE.findall(text) if found[0] in MODULES]


def odd_widths(text):
    """Ports of tdata whose width is not called that of a stream."""
    return [port for width, port in TDATA.findall(text) if not re.fullmatch(WHOLE_BYTES, width)]


@pytest.mark.parametrize("name", names())
def test_tdata_has_the_width_of_a_stream_and_nothing_else_has(name):
    text = code_of(FOLDER / f"{name}.sv")
    assert TDATA.findall(text) and odd_widths(text) == []
    for parameter, value in re.findall(r"parameter int unsigned (\w+) += (\w+)", text):
        if parameter.endswith("STREAM_WIDTH"):
            assert int(value) % 8 == 0, parameter
    for made, value in re.findall(r"localparam int unsigned (\w*STREAM_WIDTH) = ([^;,]*)", text):
        assert re.search(r"/ 8\)? \* 8", value), f"{made} = {value} is not in whole bytes"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_instances_begin_with_u(path):
    assert [name for _, name in instances(code_of(path)) if not name.startswith("u_")] == []


def test_made_modules_keep_to_it(tmp_path):
    design = small_system.system().design(tmp_path)
    made = [path for path in design.files if FOLDER.parent not in path.parents]
    found = [name for path in made for _, name in instances(code_of(path))]
    assert len(found) > 5 and all(name.startswith("u_") for name in found)


def test_a_wrong_name_is_noticed(tmp_path):
    assert instances("  fifo #(\n      .DEPTH(2)\n  ) i_fifo (\n") == [("fifo", "i_fifo")]
    assert odd_widths("    input  wire logic [SW-1:0] s_axis_tdata,\n") == ["s_axis_tdata"]
    path = tmp_path / "odd.sv"
    for name in ("parameter int unsigned NumThings", "localparam int unsigned CodeWidth"):
        path.write_text(f"module odd #(\n    {name} = 1\n) ();\nendmodule\n")
        assert "parameter-name-style" in verible(path)
    path.write_text("module odd #(\n    parameter int unsigned NumChannels = 1\n) ();\nendmodule\n")
    assert verible(path) == ""
