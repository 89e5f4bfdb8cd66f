"""Lints every kernel and common module alone: Verilator -Wall, verible's format and style rules,
and Yosys through slang for both families. Or all that a bundle's hardware is made of: Verilator
-Wall from the top down with the parameters in use, verible's rules file by file.

    python -m sim.lint [kernel ...] [--no-synthesis]
    python -m sim.lint --style [file.sv ...]
    python -m sim.lint --bundle bitstreams/<model>_<board>_<hash>

`--style` asks verible alone, and of every SystemVerilog file of the project: seconds, not minutes.

Prints one line a module or file; exit code 1 when a tool had something to say. Waivers stand in the
sources, each with its reason.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from hw.design import Design
from hw.library import common_modules, kernel_class, module_file, names, sources
from hw.spec.command_line import given_path, model_name
from hw.spec.errors import SamFabricError, SpecError
from hw.spec.hardware import Hardware, newest
from hw.synth import FAMILIES, measure
from sim.verilate import lint

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / ".rules.verible_lint"
FOLDERS = ("hw", "sim", "tests", "examples")
"""The top-level folders that hold SystemVerilog by hand."""
COLUMNS = 100
TIMEOUT_S = 60
MADE = ("PINMISSING", "PINCONNECTEMPTY", "UNUSEDSIGNAL", "CMPCONST", "DECLFILENAME")
"""What Verilator may say of a whole system: not all that kernels offer is used in every place, and
modules lie beside each other in one folder.
"""


def modules() -> list[str]:
    """Lists the kernels, then the modules that they share."""
    return names() + common_modules()


def style_files() -> list[Path]:
    """Every SystemVerilog file of the project. Headers are read with the modules that include
    them.
    """
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.sv"))


def _existing(path: Path) -> Path:
    if path.is_file():
        return path
    raise SpecError(f"No file {path}: name SystemVerilog files of the project")


def default_design(name: str) -> Design:
    """A module with its default parameters, a kernel with those of its example.

    Raises SpecError for an unknown name.
    """
    if name in names():
        return Design.of(kernel_class(name).example())
    return Design(name, tuple(sources(name)), {}, {})


def verible(path: Path, layout: bool = True) -> str:
    """What verible's linter and formatter say of a file: "" when nothing. Without `layout` the
    formatter is not asked and lines may have any length.
    """
    scripts = Path(sysconfig.get_path("scripts"))
    said = ""
    if layout:
        limit = ["--column_limit", str(COLUMNS)]
        formatted = _call([str(scripts / "verible-verilog-format"), *limit, str(path)]).stdout
        if formatted != path.read_text(encoding="utf-8"):
            said = f"{path.name}: not formatted\n"
    rules = ["--rules_config", str(RULES)]
    if not layout:
        rules += ["--rules", "-line-length"]
    done = _call([str(scripts / "verible-verilog-lint"), *rules, str(path)])
    if done.returncode:  # findings stand in the error stream
        said += done.stdout + done.stderr or f"{path.name}: status {done.returncode}\n"
    return said


def _call(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def yosys(design: Design, family: str) -> str:
    """What Yosys says of a design that it cannot synthesise: "" when it can."""
    try:
        measure(design, family)
    except SpecError:
        raise
    except SamFabricError as error:
        return str(error)
    return ""


def findings(name: str, synthesis: bool = True) -> list[str]:
    """Returns all that the tools say of a module."""
    design = default_design(name)
    said = [lint(design), verible(module_file(name))]
    if synthesis and name in names():  # common modules are synthesised with their users
        said += [yosys(design, family) for family in FAMILIES]
    return [text for text in said if text]


def bundle_findings(folder: Path) -> dict[str, str]:
    """What the tools say of a bundle's hardware, by file; the top's entry holds Verilator's words.

    Raises BundleError for a folder without hardware.
    """
    hardware = Hardware.load(folder)
    files = [folder / name for name in hardware.sources if name.endswith(".sv")]
    made = {hardware.top, *(graph.name for graph in hardware.graphs)}  # their columns are ragged
    said = {path.name: verible(path, path.stem not in made) for path in files}
    design = Design(hardware.top, tuple(files), {}, {})
    said[f"{hardware.top}.sv"] += lint(design, *(f"-Wno-{name}" for name in MADE))
    return said


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sim.lint", description=__doc__.splitlines()[0])
    parser.add_argument("module", nargs="*", help="only these; all when none is named")
    parser.add_argument("--style", action="store_true", help="verible alone; files are named")
    parser.add_argument("--no-synthesis", action="store_true", help="leave Yosys out")
    parser.add_argument("--bundle", type=given_path, help="the hardware of a bundle instead")
    parser.add_argument("--config", type=model_name, help="that of a model's newest bundle")
    parser.add_argument("--board", default="KV260", help="and of a board (KV260)")
    given = parser.parse_args(arguments)
    dirty = 0
    try:
        if given.bundle or given.config:
            folder = given.bundle or newest(given.config, given.board)
            each = ((name, [text]) for name, text in bundle_findings(folder).items())
        elif given.style:
            files = [_existing(Path(name)) for name in given.module] or style_files()
            each = ((path.stem, [verible(path)]) for path in files)
        else:
            each = ((n, findings(n, not given.no_synthesis)) for n in given.module or modules())
        for name, texts in each:
            said = [text.strip() for text in texts if text.strip()]
            print(f"{name:28}{'clean' if not said else ''}")
            for text in said:
                print(text, file=sys.stderr)
            dirty += bool(said)
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())
