"""Compiles a system with Verilator into a shared library, cached by the hash of its sources.

Memory contents are no part of it: they are files that the library reads when it is opened, so new
weights need no new compilation.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hw.design import Design
from hw.library import COMMON
from sim.verilate import (
    FLAGS,
    cached,
    call,
    make,
    parameter_flags,
    tool,
    use_runtime,
    verilator_version,
)

HERE = Path(__file__).resolve().parent
RUNTIME = ("verilated.o", "verilated_threads.o")
# Symbols stay inside, so that several systems can be open in one process.
COMPILER = "-fPIC -fvisibility=hidden -fno-gnu-unique -pthread"
SHARED = "-shared -Wl,-Bsymbolic -pthread"
# Large files compile slowly, small ones repeat the headers.
SPLIT = ("--output-split", "15000", "--output-split-cfuncs", "1500")
OPTIMISE = ("VM_PARALLEL_BUILDS=1", "OPT_FAST=-O2", "OPT_SLOW=-O0")
JOBS = 2
TIMEOUT_S = 3600
LIBRARY = "system.so"
SOURCE, HEADERS = "system.cpp", ("base.h", "gate.h", "memory.h")
PORT = "port.h"
"""The header that is made for each system: bytes of a word of its memory port."""

Say = Callable[[int, int], None]
"""Hears of a compilation: files done, files in all (0 and 0 before they are known)."""


def hex_name(parameter: str) -> str:
    """File that a memory is looked for in, by the parameter that names it."""
    return f"{parameter.lower()}.hex"


def build(
    design: Design,
    word_bytes: int,
    water: bool = False,
    say: Say = lambda done, count: None,
) -> Path:
    """The library of a system with a memory at its AXI4 port of so many bytes a word.

    water: record how full every FIFO gets. Raises SimulatorError with the tool's words.
    """
    names = {parameter: hex_name(parameter) for parameter in design.memories}
    plain = replace(design, parameters={**design.parameters, **names}, memories={})
    own = [(HERE / name).read_text(encoding="utf-8") for name in (SOURCE, *HEADERS)]
    port = f"#pragma once\n#define WORD_BYTES {word_bytes}\n"
    flags = (*FLAGS, *SPLIT, *(["+define+SAMFABRIC_WATER"] if water else []))
    tools = (verilator_version(), *RUNTIME, *OPTIMISE, COMPILER, SHARED)
    key = plain.digest(*tools, *flags, *own, port)
    folder = cached(
        f"rtl-{design.top}-{key}",
        lambda folder: _compile(plain, port, flags, folder, say),
    )
    return folder / LIBRARY


def _compile(design: Design, port: str, flags: tuple[str, ...], folder: Path, say: Say) -> None:
    say(0, 0)
    (folder / PORT).write_text(port, encoding="utf-8")
    modules = [path for path in design.files if path.suffix in (".sv", ".v")]
    places = dict.fromkeys([*(path.parent for path in design.files), COMMON])
    command = [tool("verilator"), "-cc", "--exe", "--threads", "1", *flags]
    command += ["--top-module", design.top, "--prefix", "Vtop", "-Mdir", str(folder)]
    command += ["-o", LIBRARY, *(f"-I{place}" for place in places)]
    command += ["-CFLAGS", f"{COMPILER} -I{HERE} -I{folder}", "-LDFLAGS", SHARED]
    command += parameter_flags(design.parameters)
    command += [str(HERE / SOURCE), *map(str, modules)]
    call(command, f"{design.top}: Verilator refused the design", TIMEOUT_S)
    # What the design prints, and what would end the process, goes through base.h.
    ours = f"-DVL_PRINTF=samfabric_print -DVL_USER_FATAL -include {HERE / 'print.h'}"
    use_runtime(folder, RUNTIME, f"OPT_GLOBAL=-O2 {ours}", "OPT_FAST=-O1", "OPT_SLOW=-O0")
    with _watched(folder, say):
        what = f"{design.top}: the simulator did not compile"
        make(folder, what, *OPTIMISE, f"-j{JOBS}", timeout_s=TIMEOUT_S)
    for path in folder.iterdir():  # hundreds of megabytes for a whole model
        if path.name != LIBRARY:
            path.unlink()


@contextmanager
def _watched(folder: Path, say: Say) -> Iterator[None]:
    """Tells `say` how many of the files in a folder are compiled, while the block runs."""
    files = len(list(folder.glob("*.cpp"))) + 1 + len(RUNTIME)
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(1):
            say(len(list(folder.glob("*.o"))), files)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
