"""Every kernel and common module alone is clean for Verilator, verible and Yosys; each kernel has
its three files.
"""

import re
from dataclasses import replace

import pytest

from hw.design import Design
from hw.library import FOLDER, kernel_class, module_file, names
from hw.synth import FAMILIES
from sim.lint import default_design, modules, verible, yosys
from sim.verilate import lint
from tests.stitch import small_system

TESTS = FOLDER.parent.parent / "tests" / "kernels"


@pytest.mark.parametrize("name", modules())
def test_verilator_and_verible_have_nothing_to_say(name):
    assert lint(default_design(name)) == ""
    assert verible(module_file(name)) == ""


@pytest.mark.parametrize(
    ("style", "depth", "width"),
    [
        ("block", 600, 8),
        ("ultra", 4096, 72),
        ("ultra", 4100, 72),  # a few words in LUTRAM
        ("ultra", 4097, 64),
        ("ultra", 8200, 70),
        ("ultra", 9000, 16),  # words side by side
    ],
)
def test_every_shape_of_memory_is_clean(style, depth, width):
    shape: dict[str, int | str] = {"RAM_STYLE": style, "DEPTH": depth, "WIDTH": width}
    assert lint(replace(default_design("ram"), parameters=shape)) == ""


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", names())
def test_yosys_reads_and_maps_it(name, family):
    assert yosys(Design.of(kernel_class(name).example()), family) == ""


@pytest.mark.parametrize("name", names())
def test_a_kernel_is_three_files_of_one_stem(name):
    assert (FOLDER / f"{name}.py").exists()
    assert (TESTS / f"test_{name}.py").exists()
    text = (FOLDER / f"{name}.sv").read_text(encoding="utf-8")
    opening = text.partition("`default_nettype")[0]
    assert opening.startswith("// SPDX-License-Identifier: Apache-2.0\n")
    for word in ("Rate", "Latency", "Golden"):
        assert word in opening, f"{name}.sv does not open with its {word.lower()}"


def test_lint_tells_of_what_is_wrong(tmp_path):
    path = tmp_path / "odd.sv"
    path.write_text("module odd(input wire logic a, output logic y);\n  assign y = 0;\nendmodule\n")
    assert "UNUSED" in lint(Design("odd", (path,), {}, {}))
    path.write_text("module  odd ;\nendmodule\n")
    assert "not formatted" in verible(path)
    path.write_text("module odd;\n  logic y;\n  always @* y = 0;\nendmodule\n")
    assert "always-comb" in verible(path) and "always-comb" in verible(path, layout=False)
    path.write_text("module odd;\n  localparam int A = 1" + 40 * " + 1" + ";\nendmodule\n")
    assert "line-length" in verible(path) and verible(path, layout=False) == ""
    path.write_text("module odd; reg x = undefined_name; endmodule\n")
    assert "Yosys refused" in yosys(Design("odd", (path,), {}, {}), "xcup")


SOURCES = sorted(FOLDER.parent.rglob("*.sv")) + sorted(FOLDER.parent.rglob("*.svh"))


def code_of(path):
    """A source without its comments, but for the text in quotes."""
    return re.sub(r"//.*", "", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_vivado_can_read_it(path):
    """Vivado synthesises no `string` ([Synth 8-27]) and takes no size of a cast from a function."""
    assert not re.search(r"\bstring\b", code_of(path)), "leave the type of the parameter out"
    assert not re.search(r"\$\w+\([^()]*\)'\(", code_of(path)), "name the size in a localparam"


def test_no_emitted_text_declares_a_string(tmp_path):
    design = small_system.system().design(tmp_path)
    for path in design.files:
        assert not re.search(r"\bstring\b", code_of(path)), path.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_messages_of_rules_print_every_parameter_that_they_name(path):
    text = code_of(path)
    named = set(re.findall(r"^\s*parameter [^=]*?(\w+) +=", text, re.M))
    for said in re.findall(r'`SPEC_CHECK\([^"]*\(?"([^"]*)"', text):
        rule = said.partition(" = %0")[2]
        for word in set(re.findall(r"\b[A-Z]\w*\b", rule)) & named:
            assert f"{word} = %0" in rule, f"{said!r} does not print {word}"
