"""Goes from a bundle's hardware to a bitstream.

    python -m hw.build.bitstream --bundle bitstreams/<model>_<board>_<hash> [--backend hls]
                                 [--project-only]
    python -m hw.build.bitstream --look [--backend hls]

The back end hls makes IPs of the accelerators by Vitis HLS first; the system around them is the
same. Exit code 0 with <name>.bit and <name>.hwh in the bundle, 2 on an error, 3 where there is no
Vivado or no Vitis HLS: the projects then lie in the bundle, and the build goes on wherever there
are both. `--look` only says whether they are there, before the long work that leads up to them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hw import board
from hw.build import utilization, vitis, vivado
from hw.build.folded import around, streams_of
from hw.spec.command_line import any_case, given_path, model_name
from hw.spec.errors import SamFabricError
from hw.spec.hardware import Hardware, newest

NO_VIVADO = 3
"""The command's exit code where there is no Vivado."""
NEEDED = (
    "No vivado on the PATH: the bitstream needs Vivado "
    f"{'.'.join(map(str, vivado.OLDEST))} or newer."
)
BACKENDS = ("rtl", "hls")


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
        "--backend",
        type=any_case(BACKENDS),
        choices=BACKENDS,
        default=BACKENDS[0],
        help="(%(default)s)",
    )
    parser.add_argument("--no-cosim", action="store_true", help="leave out the IPs' simulation")
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
            return 0 if given.project_only else _look(given.backend)
        bundle = given.bundle or newest(given.config, given.board)
        hardware = Hardware.load(bundle)
        target = board.find(hardware.board)
        if given.backend == "hls":
            made = vitis.write(bundle, hardware, target, not given.no_cosim)
            folder = vivado.write_project(bundle, hardware, target, vitis.ips(bundle, made))
            if given.project_only:
                on_its_own = _on_its_own_with_hls(made.folder, folder)
                print(f"projects: {made.folder}, {folder}\n{on_its_own}")
                return 0
            compiler = vitis.find()
            if compiler is None:
                print(_how_to_go_on_with_hls(made.folder, folder), file=sys.stderr)
                return NO_VIVADO
            vitis.build(made, compiler, given.timeout, lambda step: print(f"  {step}"))
        else:
            folder = vivado.write_project(bundle, hardware, target)
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
        expected = around(streams_of(hardware), target).around
        print(f"  {utilization.shell(bundle / vivado.UTILIZATION, expected)}")
    except utilization.ReportError as error:
        print(f"  no figure of the shell: {error}", file=sys.stderr)
    print(f"  clock {done.clock_mhz:g} MHz")
    print(f"{bundle / str(done.overlay)}")
    return 0


def _look(backend: str) -> int:
    """Exit code: 0 with all that the back end needs, NO_VIVADO without. Raises VivadoError for a
    Vivado that will not do.
    """
    program = vivado.find()
    missing = [] if program else [NEEDED]
    if backend == "hls" and vitis.find() is None:
        missing.append("No vitis_hls, vitis-run or v++ on the PATH: the IPs need Vitis HLS.")
    if program is None or missing:
        print(
            *missing,
            "Source its settings64.sh first, or write the project only, for another machine: "
            "make bitstream PROJECT=1. Nothing was built yet.",
            sep="\n",
            file=sys.stderr,
        )
        return NO_VIVADO
    vivado.need_version(program)
    return 0


def _how_to_go_on_with_hls(sources: Path, folder: Path) -> str:
    oldest = ".".join(map(str, vivado.OLDEST))
    also = "" if vivado.find() else ", and no vivado"
    return (
        f"No vitis_hls, vitis-run or v++ on the PATH{also}: the IPs need Vitis HLS {oldest} to"
        f" 2025.1, the bitstream Vivado of the same version.\n"
        f"Sources, testbenches and frames are complete in {sources}, the project of the bitstream"
        f" in {folder}.\n"
        f"{_on_its_own_with_hls(sources, folder)}"
    )


def _on_its_own_with_hls(sources: Path, folder: Path) -> str:
    first, last = (" ".join(vitis.command(name)) for name in vitis.PROGRAMS)
    return (
        "Where there are both, copy the whole bundle there and run make bitstream BACKEND=hls, or"
        " without this project\n"
        f"  cd {sources} && {first}\n  (from 2025.1: {last})\n"
        f"  cd {folder} && {' '.join(vivado.command())}"
    )


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
