"""Writes what a simulated board loads: bundles with a bitstream and a `.hwh`, and calls with
golden's answers. It needs PyTorch and Verilator, which the boards' own Python has not: what it
writes can be used without them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from host.cli.verify import Call, drawn, record
from host.devices.registry import open_device
from host.prompts import Prompt
from host.spec import GraphPorts
from hw.spec.hardware import FILE, Hardware
from hw.spec.manifest import rehash
from hw.spec.port import Port

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "samfabric"
CALLS, PORTS = "calls.npz", "ports.json"
BOARDS = ("KV260", "PYNQ-Z2")
LENGTHS = (3, 16, 1)
"""Rows of the small system's ragged graph, for which a call is drawn each."""


def overlay(folder: Path, hardware: Hardware, pll_mhz: float | None = None) -> Hardware:
    """Writes bitstream and `.hwh` into a bundle, and into its hardware.json what `make bitstream`
    does. pll_mhz: as `sim.board.hwh.write`.
    """
    from hw import board as boards
    from hw.build.overlay import located
    from hw.spec.handoff import Handoff
    from sim.board import hwh
    from sim.board.machine import Bitstream
    from sim.rtl.bundle import compiled

    board = boards.find(hardware.board)
    library, roms = compiled(folder, hardware, lambda done, count: None)
    Bitstream.write(folder / f"{NAME}.bit", library, roms or folder)
    path = folder / f"{NAME}.hwh"
    whole = replace(located(hardware, board), overlay=f"{NAME}.bit")
    hwh.write(path, whole, board, pll_mhz)
    whole = replace(whole, clock_mhz=Handoff.read(path).clock_mhz)
    whole.save(folder)
    return whole


def small(folder: Path, board: str) -> None:
    """The system of small accelerators on a board, with calls of all its graphs."""
    from hw import board as boards
    from tests.host.small_hardware import PORTS as ports
    from tests.host.small_hardware import example, write_hardware

    wanted = boards.find(board)
    hardware = write_hardware(folder)
    overlay(
        folder,
        replace(hardware, board=wanted.name, part=wanted.part, clock_mhz=wanted.target_mhz),
    )
    rng = np.random.default_rng(1)
    calls = [Call(graph, 0, *example(graph, rng)) for graph in ("copy", "add", "multiply")]
    calls += [Call("attend", 0, *example("attend", rng, length)) for length in LENGTHS]
    save_calls(folder / CALLS, calls)
    ways = ("inputs", "outputs")
    plain = {
        name: {way: [port.to_json() for port in getattr(graph, way).values()] for way in ways}
        for name, graph in ports.items()
    }
    (folder / PORTS).write_text(json.dumps(plain), encoding="utf-8")


def tiny(folder: Path) -> None:
    """The model `tiny` on every board, with the calls of one tracked frame: `folder`/tiny-<board>.

    All have the accelerators folded for a KV260. With the detector they are more than a PYNQ-Z2 has
    room for, which no register shows.
    """
    from hw import board as boards
    from hw.build.hardware import build
    from hw.search.target import Target

    source = next((ROOT / "bitstreams").glob("tiny_emulated_*"))
    easy = Target(1e12, 1e12, 1e12)  # as small as it gets
    made = build(source, boards.find(BOARDS[0]), easy, folder, strict=False)
    save_calls(made / CALLS, golden_calls(made, 4, 1))
    hardware = Hardware.load(made)
    for name in BOARDS:
        board, bundle = boards.find(name), folder / f"tiny-{name}"
        shutil.copytree(made, bundle)
        mhz = board.target_mhz
        overlay(bundle, replace(hardware, board=name, part=board.part, clock_mhz=mhz))
        rehash(bundle, FILE, f"{NAME}.bit", f"{NAME}.hwh")
    shutil.rmtree(made)


def load_ports(folder: Path) -> dict[str, GraphPorts]:
    """Of the small system, as `small` wrote them."""
    plain = json.loads((folder / PORTS).read_text(encoding="utf-8"))

    def named(entries: Iterable[dict[str, Any]]) -> dict[str, Port]:
        return {port.name: port for port in map(Port.from_json, entries)}

    return {k: GraphPorts(named(v["inputs"]), named(v["outputs"])) for k, v in plain.items()}


def save_calls(path: Path, calls: Iterable[Call]) -> None:
    """Calls as arrays named <number>/<graph>/<inputs or outputs>/<port>."""
    arrays = {}
    for number, call in enumerate(calls):
        for way in ("inputs", "outputs"):
            for port, codes in getattr(call, way).items():
                arrays[f"{number}/{call.graph}/{way}/{port}"] = codes
    np.savez_compressed(path, **arrays)


def load_calls(path: Path) -> list[Call]:
    """Inverse of `save_calls`."""
    found: dict[int, Call] = {}
    with np.load(path) as stored:
        for name in stored.files:
            number, graph, way, port = name.split("/")
            call = found.setdefault(int(number), Call(graph, 0, {}, {}))
            getattr(call, way)[port] = stored[name]
    return [found[number] for number in sorted(found)]


def listed(folder: Path) -> SimpleNamespace:
    """What of a manifest tells which files are a bundle's: all that there are."""
    return SimpleNamespace(hashes={p.relative_to(folder).as_posix(): "" for p in folder.rglob("*")})


def golden_calls(bundle: Path, length: int, frames: int) -> list[Call]:
    """What golden is asked on the last frames of the drawn clip of that length, whose first object
    is tracked from its box, and what it gives.
    """
    clip, box = drawn(length)
    height, width = clip[0].shape[:2]
    prompts = {1: Prompt.from_pixels(height, width, box=box)}
    return record(open_device("golden", bundle), clip, prompts, frames)
