"""Lints every kernel and common module alone: Verilator -Wall, verible's format and style rules,
and Yosys through slang for both families.

    python -m sim.lint [kernel ...] [--no-synthesis]

Prints one line a module; exit code 1 when a tool had something to say. Waivers stand in the
sources, each with its reason.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from hw.kernels.design import Design
from hw.kernels.library import COMMON, kernel_class, module_file, names, sources
from hw.spec.errors import SamFabricError, SpecError
from hw.synth import FAMILIES, measure
from sim.verilate import lint

RULES = Path(__file__).resolve().parent.parent / ".rules.verible_lint"
COLUMNS = 100
TIMEOUT_S = 60


def modules() -> list[str]:
    """Kernels, then the modules they share."""
    return names() + sorted(path.stem for path in COMMON.glob("*.sv"))


def default_design(name: str) -> Design:
    """A module with its default parameters. Raises SpecError for an unknown name."""
    if name in names():
        return Design.of(kernel_class(name)())
    return Design(name, tuple(sources(name)), {}, {})


def verible(path: Path) -> str:
    """What verible's formatter and linter say of a file: "" when nothing."""
    scripts = Path(sysconfig.get_path("scripts"))
    limit = ["--column_limit", str(COLUMNS)]
    formatted = _call([str(scripts / "verible-verilog-format"), *limit, str(path)])
    said = "" if formatted == path.read_text(encoding="utf-8") else f"{path.name}: not formatted\n"
    rules = ["--rules_config", str(RULES)]
    return said + _call([str(scripts / "verible-verilog-lint"), *rules, str(path)])


def _call(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    return done.stdout


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
    """All that the tools say of a module."""
    design = default_design(name)
    said = [lint(design), verible(module_file(name))]
    if synthesis and name in names():  # common modules are synthesised with their users
        said += [yosys(design, family) for family in FAMILIES]
    return [text.strip() for text in said if text.strip()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m sim.lint", description=__doc__.splitlines()[0])
    parser.add_argument("module", nargs="*", help="only these; all when none is named")
    parser.add_argument("--no-synthesis", action="store_true", help="leave Yosys out")
    given = parser.parse_args(arguments)
    dirty = 0
    try:
        for name in given.module or modules():
            said = findings(name, not given.no_synthesis)
            print(f"{name:20}{'clean' if not said else ''}")
            for text in said:
                print(text, file=sys.stderr)
            dirty += bool(said)
    except SpecError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())
