"""Drives Vivado: writes a project's settings into a bundle, runs the one script, takes the results.

A bundle gets vivado/build.tcl, vivado/settings.tcl and vivado/<top>_board.v, with which the build
can go on at any machine that has Vivado, and after it <name>.bit, <name>.hwh and reports/.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hw.board import Board
from hw.build import block_design, overlay, wrapper
from hw.build.steps import ToolError, follow
from hw.spec.errors import BundleError
from hw.spec.files import atomic_path
from hw.spec.handoff import Handoff
from hw.spec.hardware import FILE, Hardware
from hw.spec.manifest import rehash

SCRIPT = Path(__file__).resolve().parent / "vivado" / "build.tcl"
FOLDER = "vivado"
SETTINGS = "settings.tcl"
LOG = "build.log"
UTILIZATION = "reports/vivado_utilization.rpt"
OLDEST = (2022, 1)
"""The first whose block designs take every command of the script."""
TIMEOUT_S = 8 * 3600.0
VERSION_TIMEOUT_S = 120.0
NOT_MET = 4
"""Exit code of the script when timing is not met."""
JOBS = 4
REMAKE = "run make hardware"


class VivadoError(ToolError):
    """Vivado could not be run, or it failed on the way."""


class VivadoTooOldError(VivadoError):
    """A version that the script is not made for."""


class TimingError(VivadoError):
    """The placed and routed design is slower than the clock."""


def find() -> str | None:
    """Returns Vivado's program on the PATH, if there is one."""
    return shutil.which("vivado")


def version(program: str, flag: str = "-version") -> tuple[int, int]:
    """Returns (year, release). Raises VivadoError where the program does not tell it."""
    try:
        done = subprocess.run(
            [program, flag],
            capture_output=True,
            text=True,
            timeout=VERSION_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VivadoError(f"{program} {flag}: {error}", "check the installation") from error
    found = re.search(r"\bv(?:ivado)? ?v?(\d{4})\.(\d+)", done.stdout, re.IGNORECASE)
    if found is None:
        said = (done.stdout + done.stderr).strip()[:200]
        raise VivadoError(f"{program} {flag} says {said!r}", "check the installation")
    return int(found[1]), int(found[2])


def need_version(program: str, name: str = "Vivado", flag: str = "-version") -> None:
    """Raises VivadoTooOldError where the program is older than OLDEST. name: of the tool, for the
    message.
    """
    have = version(program, flag)
    if have < OLDEST:
        raise VivadoTooOldError(
            f"{program} is {name} {have[0]}.{have[1]}", f"use {OLDEST[0]}.{OLDEST[1]} or newer"
        )


@dataclass(frozen=True)
class Ips:
    """IPs that a system's sources instantiate. names: name in the sources -> as the IP catalogue
    calls it. folders: of the catalogue. sources: of the system around them, relative to the bundle.
    """

    names: Mapping[str, str]
    folders: Sequence[Path]
    sources: tuple[str, ...]


def write_project(bundle: Path, hardware: Hardware, board: Board, ips: Ips | None = None) -> Path:
    """Writes the project's files into `bundle`/vivado and the registers' address into
    hardware.json. Returns the folder.

    ips: where the accelerators are IPs; the system's sources are then those that it names.
    Raises BundleError for sources that are not there.
    """
    overlay.located(hardware, board).save(bundle)
    rehash(bundle, FILE)
    folder = bundle / FOLDER
    built = hardware if ips is None else replace(hardware, sources=ips.sources)
    files = _files(bundle, built)
    top = folder / f"{wrapper.name(hardware)}.v"
    roms = {path.stem.upper(): path.name for path in files[".hex"]}
    _write(top, wrapper.text(hardware, roms))
    _write(folder / SETTINGS, settings(bundle, hardware, board, files, top, ips))
    _write(folder / SCRIPT.name, SCRIPT.read_text(encoding="utf-8"))
    return folder


def _files(bundle: Path, hardware: Hardware) -> dict[str, list[Path]]:
    """Sources as the hardware lists them, by suffix; ROMs and headers are what lies beside them."""
    sources = [bundle / name for name in hardware.sources if name.endswith((".sv", ".v"))]
    missing = [path.name for path in sources if not path.is_file()]
    if missing or not sources:
        named = ", ".join(missing) or "any source"
        raise BundleError(f"{bundle} lacks {named}", REMAKE)
    folders = sorted({path.parent for path in sources})
    beside = {s: [p for f in folders for p in sorted(f.glob(f"*{s}"))] for s in (".hex", ".svh")}
    headers = {path.name for path in beside[".svh"]}
    for path in sources:
        for name in re.findall(r'^`include "(.+)"', path.read_text(encoding="utf-8"), re.MULTILINE):
            if name not in headers:
                raise BundleError(f"{bundle} lacks {name}, which {path.name} includes", REMAKE)
    return {".sv": sources, **beside}


def settings(
    bundle: Path,
    hardware: Hardware,
    board: Board,
    files: dict[str, list[Path]],
    top: Path,
    ips: Ips | None = None,
) -> str:
    """Returns the text of settings.tcl, which the project's scripts read."""
    made = [
        _list((cell.name, f"xilinx.com:ip:{cell.ip}", _config(cell.config)), quote=False)
        for cell in block_design.cells(hardware, board)
    ]
    values = {
        "name": _word(hardware.top),
        "top": _word(top.stem),
        "part": _word(hardware.part),
        "board_part": _word(board.vivado_board),
        "preset": _config(board.preset),
        "cells": "{\n  " + "\n  ".join(made) + "\n}",
        "family": _word(board.family),
        "jobs": _word(JOBS),
        "sources": _list(f"../{p.relative_to(bundle)}" for p in (*files[".sv"], top)),
        "headers": _list(f"../{p.relative_to(bundle)}" for p in files[".svh"]),
        "memories": _list(f"../{p.relative_to(bundle)}" for p in files[".hex"]),
        "ips": _list(word for pair in (ips.names.items() if ips else ()) for word in pair),
        "ip_folders": _list(f"../{p.relative_to(bundle)}" for p in (ips.folders if ips else ())),
        "address": _word(f"0x{overlay.address(board):08X}"),
        "address_range": _word(f"0x{overlay.RANGE:X}"),
    }
    lines = [f"set {key} {value}" for key, value in values.items()]
    return "\n".join(["# Made by hw.build for build.tcl; file names relative to it.", *lines, ""])


def _word(value: object) -> str:
    return "{" + str(value) + "}"


def _list(values: Iterable[object], quote: bool = True) -> str:
    return "{" + " ".join(_word(value) if quote else str(value) for value in values) + "}"


def _config(parameters: Mapping[str, object]) -> str:
    return _list(word for key, value in parameters.items() for word in (f"CONFIG.{key}", value))


def _write(path: Path, content: str) -> None:
    with atomic_path(path) as part:
        part.write_text(content, encoding="utf-8")


def command(program: str = "vivado") -> list[str]:
    """What to run in the project's folder."""
    return [program, "-mode", "batch", "-notrace", "-nojournal", "-nolog", "-source", SCRIPT.name]


def build(
    bundle: Path,
    program: str,
    timeout_s: float = TIMEOUT_S,
    tell: Callable[[str], None] = lambda step: None,
) -> Hardware:
    """Runs the project of a bundle and packages what comes out; its log stays in vivado/build.log.

    tell: hears the name of each step. Raises VivadoTooOldError before anything long, VivadoError
    naming the step and the log, TimingError with the slacks, BundleError without a project.
    """
    hardware = Hardware.load(bundle)
    folder = bundle / FOLDER
    if not (folder / SETTINGS).is_file():
        raise BundleError(f"{folder} has no {SETTINGS}", "run make hardware, then make bitstream")
    need_version(program)
    shutil.rmtree(folder / "out", ignore_errors=True)  # nothing old may pass for a result
    log = folder / LOG
    code, step, timing = follow(command(program), folder, log, timeout_s, tell)
    if code is None:
        raise VivadoError(f"Vivado: no end of step {step} within {timeout_s:g} s", f"see {log}")
    if code == NOT_MET:
        raise TimingError(
            f"worst slack (setup, hold) is {timing} ns at {hardware.clock_mhz:g} MHz",
            f"lower the clock or fold the slowest path; see {folder / 'out' / 'timing.rpt'}",
        )
    if code or step != "done":
        raise VivadoError(f"Vivado failed in step {step} (exit code {code})", f"see {log}")
    return _package(bundle, hardware)


def _package(bundle: Path, hardware: Hardware) -> Hardware:
    """Copies the results into the bundle; hardware.json then names the overlay and its real clock.

    Raises VivadoError for a result that is missing, BundleError for an overlay whose
    registers lie elsewhere than hardware.json says.
    """
    out = bundle / FOLDER / "out"
    handoff, overlay_file = f"{hardware.top}.hwh", f"{hardware.top}.bit"
    wanted = {
        out / overlay_file: bundle / overlay_file,
        out / handoff: bundle / handoff,
        out / f"{hardware.top}.xsa": bundle / f"{hardware.top}.xsa",
        out / "utilization.rpt": bundle / UTILIZATION,
        out / "timing.rpt": bundle / "reports" / "vivado_timing.rpt",
    }
    for source in wanted:
        if not source.is_file() or not source.stat().st_size:
            raise VivadoError(f"Vivado ended well but left no {source}", f"see {LOG} there")
    # What was built is what was asked: a host refuses anything else, so say it here.
    built = Handoff.read(out / handoff)
    built.check(hardware)
    for source, target in wanted.items():
        with atomic_path(target) as part:
            shutil.copyfile(source, part)
    # The clock that the divisors make and that timing was closed for, not the one asked for.
    done = replace(hardware, overlay=overlay_file, clock_mhz=built.clock_mhz)
    done.save(bundle)
    rehash(bundle, FILE, *(path.name for path in wanted.values() if path.parent == bundle))
    return done
