"""Timing of one kernel, or of a module in files of any design, alone in its device or crowded.

    python -m hw.timing mvu MW=24 MH=144 PE=8 SIMD=4 ACCU_WIDTH=14 --family xcup
    python -m hw.timing --files picorv32.v top.v --top top --family xc7 --alone

Prints the worst paths and the clock that they allow.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hw.design import Design
from hw.spec.command_line import any_case, given_path
from hw.spec.errors import SamFabricError, SpecError
from hw.synth import FAMILIES, parse
from hw.timing import delays
from hw.timing.model import of_module
from hw.timing.netlists import load, netlists


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m hw.timing", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("kernel", nargs="?", help="its name, as hw/kernels/<name>.sv")
    parser.add_argument("parameter", nargs="*", help="NAME=VALUE, the rest stays at the defaults")
    parser.add_argument("--files", nargs="+", type=given_path, help="sources of another design")
    parser.add_argument("--top", help="its top module")
    parser.add_argument("--family", type=any_case(FAMILIES), choices=FAMILIES, default="xcup")
    parser.add_argument("--alone", action="store_true", help="nets as in an empty device")
    given = parser.parse_args(arguments)
    try:
        if given.kernel:
            design = Design.of(parse(given.kernel, given.parameter))
        elif given.files and given.top:
            design = Design(given.top, tuple(given.files), {}, {})
        else:
            raise SpecError("nothing to analyse", "name a kernel, or --files and --top")
        (path,) = netlists({"it": design}, given.family, 1).values()
        table = delays.load(given.family)
        table = table.alone() if given.alone else table
        model = of_module(load(path), table)
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    for found in model.inner:
        print(
            f"{found.delay:6.2f} ns {found.levels:3} LUTs  {found.start.name} {found.start.source} "
            f"-> {found.end.name} ({found.end.kind}) {found.end.source}"
        )
    longest = model.inner[0].delay if model.inner else 0.0
    print(f"{design.top}: {table.mhz(longest):.0f} MHz on {table.family} {table.grade}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
