"""Goes from a bundle's hardware to a bitstream.

    python -m hw.build.bitstream --bundle bitstreams/<model>_<board>_<hash>

Exit code 0 with <name>.bit and <name>.hwh in the bundle, 2 on an error, 3 where there is no Vivado:
the project then lies in the bundle, and the build goes on wherever there is one.
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
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
    given = parser.parse_args(arguments)
    try:
        bundle = given.bundle or newest(given.config, given.board)
        hardware = Hardware.load(bundle)
        folder = vivado.write_project(bundle, hardware, board.find(hardware.board))
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


def _how_to_go_on(folder: Path) -> str:
    oldest = ".".join(map(str, vivado.OLDEST))
    return (
        f"No vivado on the PATH: the bitstream needs Vivado {oldest} or newer.\n"
        f"The project is complete in {folder} ({vivado.SCRIPT.name}, {vivado.SETTINGS}).\n"
        "Where there is Vivado, copy the whole bundle there and run make bitstream, or without this"
        f" project\n  cd {folder} && {' '.join(vivado.command())}"
    )


if __name__ == "__main__":
    sys.exit(main())
