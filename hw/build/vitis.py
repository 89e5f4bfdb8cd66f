"""Drives Vitis HLS: writes the HLS form of a bundle's accelerators into it, runs the one script,
and says what Vivado needs to take the IPs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from hw.board import Board
from hw.build.folded import refold
from hw.build.steps import ToolError, follow
from hw.build.vivado import Ips, need_version
from hw.hls import project
from hw.spec.hardware import Hardware
from hw.spec.manifest import load_manifest, rehash

LOG = "run_hls.log"
TIMEOUT_S = 12 * 3600.0
PROGRAMS = ("vitis_hls", "vitis-run")
"""Names that run the script, the first that is there: `vitis_hls` up to 2024.2."""
COMPILER = "v++"
"""Vitis' compiler, beside which vitis-run lies."""


class VitisError(ToolError):
    """Vitis HLS could not be run, or it failed on the way."""


def find() -> str | None:
    """The program that runs Tcl scripts for HLS, if Vitis is on the PATH. Raises VitisError for a
    Vitis that lacks it.
    """
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    compiler = shutil.which(COMPILER)
    if compiler is None:
        return None
    beside = Path(compiler).resolve().parent / PROGRAMS[-1]
    if not os.access(beside, os.X_OK):
        raise VitisError(
            f"{compiler} has no {PROGRAMS[-1]} beside it",
            f"install Vitis HLS with it, or put {' or '.join(PROGRAMS)} on the PATH",
        )
    return str(beside)


def command(program: str) -> list[str]:
    """What to run in the project's folder."""
    script = project.SCRIPT.name
    if Path(program).name == PROGRAMS[0]:
        return [program, "-f", script]
    return [program, "--mode", "hls", "--tcl", script]


def write(bundle: Path, hardware: Hardware, board: Board, cosim: bool = True) -> project.Project:
    """Writes the HLS project of a bundle with hardware, folded as its SystemVerilog is.

    Raises BundleError for a bundle that is not whole, SpecError for a layer without an HLS form.
    """
    folded = refold(bundle, load_manifest(bundle), board)
    netlists = {graph: made.netlist for graph, made in folded.accelerators.items()}
    made = project.write(bundle, hardware, netlists, cosim)
    kept = [*made.folder.glob("*/*_hls.cpp"), *made.folder.glob("include/*.hpp")]
    rehash(bundle, *(path.relative_to(bundle).as_posix() for path in sorted(kept)))
    return made


def ips(bundle: Path, made: project.Project) -> Ips:
    """What Vivado must know of the IPs."""
    inside = made.folder.relative_to(bundle).as_posix()
    sources = tuple(f"{inside}/{name}" for name in made.sources)
    return Ips(made.ips(), made.ip_folders(), sources)


def build(
    made: project.Project,
    program: str,
    timeout_s: float = TIMEOUT_S,
    tell: Callable[[str], None] = lambda step: None,
) -> None:
    """Runs the project's script; its log stays in the project's folder.

    tell: hears each step and its graph. Raises VivadoTooOldError before anything long, VitisError
    naming the step and the log, also where an IP is missing in the end.
    """
    flag = "-version" if Path(program).name == PROGRAMS[0] else "--version"
    need_version(program, "Vitis HLS", flag)
    for graph in made.tops:
        shutil.rmtree(made.folder / graph / "project", ignore_errors=True)  # nothing old may pass
    log = made.folder / LOG
    code, step, _ = follow(command(program), made.folder, log, timeout_s, tell)
    if code is None:
        raise VitisError(f"Vitis HLS: no end of step {step} within {timeout_s:g} s", f"see {log}")
    if code or step != "done all":
        raise VitisError(f"Vitis HLS failed in step {step} (exit code {code})", f"see {log}")
    for folder in made.ip_folders():
        if not (folder / "component.xml").is_file():
            raise VitisError(f"Vitis HLS ended well but left no IP in {folder}", f"see {log}")
