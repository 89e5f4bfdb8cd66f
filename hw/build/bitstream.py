"""Goes from a bundle's hardware to a bitstream.

    python -m hw.build.bitstream --bundle bitstreams/<model>_<board>_<hash> [--project-only]
    python -m hw.build.bitstream --look

Exit code 0 with <name>.bit and <name>.hwh in the bundle, 2 on an error, 3 where there is no Vivado:
the project then lies in the bundle, and the build goes on wherever there is one. `--look` only says
whether there is a Vivado that will do, before the long work that leads up to it begins.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hw import board
from hw.build import utilization, vivado
from hw.spec.command_line import given_path, model_name
from hw.spec.errors import SamFabricError
from hw.spec.hardware import Hardware, newest

NO_VIVADO = 3
"""Exit code."""
NEEDED = (
    "No vivado on the PATH: the bitstream needs Vivado "
    f"{'.'.join(map(str, vivado.OLDEST))} or newer."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m hw.build.bitstream", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--bundle", type=given_path, help="folder that make hardware wrote")
    parser.add_argument(
        "--config", type=model_name, default="nano", help="else the newest bundle of a model (nano)"
    )
    parser.add_argument("--board", default="KV260", help="and of a board (KV260)")
    parser.add_argument(
        "--timeout", type=float, default=vivado.TIMEOUT_S, metavar="S", help="seconds at most"
    )
    parser.add_argument(
        "--project-only", action="store_true", help="write Vivado's project, and do not look for it"
    )
    parser.add_argument("--look", action="store_true", help="look for Vivado, and do nothing else")
    given = parser.parse_args(arguments)
    try:
        if given.look:
            return 0 if given.project_only else _look()
        bundle = given.bundle or newest(given.config, given.board)
        hardware = Hardware.load(bundle)
        folder = vivado.write_project(bundle, hardware, board.find(hardware.board))
        if given.project_only:
            print(f"project: {folder}\n{_on_its_own(folder)}")
            return 0
        program = vivado.find()
        if program is None:
            print(_how_to_go_on(folder), file=sys.stderr)
            return NO_VIVADO
        done = vivado.build(bundle, program, given.timeout, lambda step: print(f"  {step}"))
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    try:
        print(f"  {utilization.shell(bundle / vivado.UTILIZATION)}")
    except utilization.ReportError as error:
        print(f"  no figure of the shell: {error}", file=sys.stderr)
    print(f"  clock {done.clock_mhz:g} MHz")
    print(f"{bundle / str(done.overlay)}")
    return 0


def _look() -> int:
    """Exit code: 0 with a Vivado that will do, NO_VIVADO without one. Raises VivadoError for one
    that will not.
    """
    program = vivado.find()
    if program is None:
        print(
            f"{NEEDED}\nSource its settings64.sh first, or write the project only, for another "
            "machine: make bitstream PROJECT=1. Nothing was built yet.",
            file=sys.stderr,
        )
        return NO_VIVADO
    vivado.need_version(program)
    return 0


def _how_to_go_on(folder: Path) -> str:
    return (
        f"{NEEDED}\n"
        f"The project is complete in {folder} ({vivado.SCRIPT.name}, {vivado.SETTINGS}).\n"
        f"{_on_its_own(folder)}"
    )


def _on_its_own(folder: Path) -> str:
    return (
        "Where there is Vivado, copy the whole bundle there and run make bitstream, or without this"
        f" project\n  cd {folder} && {' '.join(vivado.command())}"
    )


if __name__ == "__main__":
    sys.exit(main())
