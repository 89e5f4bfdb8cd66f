"""Runs in an environment that has the real `pynq`: every graph of `tiny` on a simulated KV260 and
PYNQ-Z2 through the unchanged `pynq` device, then the same with faults that must be noticed.

    python -m tests.board.real <folder that tests.board has filled>

One line a check; exit code 1 where one fails.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pynq
from pynq.buffer import PynqBuffer

import host.devices.pynq as device_module
from host.cli.verify import Call, repeat
from host.devices.pynq import PynqDevice
from host.errors import SamFabricError
from hw.spec.hardware import FILE
from hw.spec.manifest import rehash
from hw.spec.registers import Control, Register
from sim.board.device import SimulatedDevice
from sim.board.machine import KINDS, Kind, Machine
from tests.board.prepare import BOARDS, CALLS, NAME, load_calls

PATIENCE_S = 600.0
"""For runs that are simulated cycle by cycle."""
LOST_S = 20.0
"""After so many seconds a frame is given up that somebody else has reset."""
STRIDE = 2000
Check = tuple[bool, str]


def opened(kind: Kind, bundle: Path) -> tuple[Machine, PynqDevice]:
    """A board that has just booted, and the device on it."""
    machine = Machine(kind, STRIDE)
    SimulatedDevice(machine).activate()
    return machine, PynqDevice(bundle)


def graphs(kind: Kind, bundle: Path, calls: list[Call]) -> Iterator[Check]:
    """Every graph against golden, code for code."""
    machine, device = opened(kind, bundle)
    plain = all(type(a) is np.ndarray for a in device.run(calls[0].graph, calls[0].inputs).values())
    for done in repeat(device, calls, lambda checked: None):
        equal = "equal golden" if not done.differing else f"{done.differing} DIFFER"
        yield not done.differing, f"{done.graph}: {done.codes:,} codes, {equal}"
    yield plain, "results are plain arrays"
    stray = len(machine.memory.strayed)
    yield not stray, f"{stray} transfers outside the device's own buffers"
    device.close()


def wrong(device: PynqDevice, call: Call) -> bool:
    """Does a run end in an error or in codes unlike golden's?"""
    try:
        found = device.run(call.graph, call.inputs)
    except SamFabricError:
        return True
    return any((found[k] != v).any() for k, v in call.outputs.items())


def dropped_flush(kind: Kind, bundle: Path, call: Call) -> Check:
    """What was not flushed is not what the accelerators get."""
    _, device = opened(kind, bundle)
    with mock.patch.object(PynqBuffer, "flush", lambda buffer: None):
        noticed = wrong(device, call)
    return noticed and not wrong(device, call), "a dropped flush is noticed"


def foreign_reset(kind: Kind, bundle: Path, call: Call) -> Check:
    """Another user of the registers resets the data mover between a frame's jobs."""
    machine, device = opened(kind, bundle)
    port = machine.port
    assert port is not None and not wrong(device, call)
    store = port.store

    def reset_before(offset: int, value: int) -> None:
        if offset == Register.PUSH_READ:
            store(Register.CONTROL, Control.ABANDON)
            port.store = store  # type: ignore[method-assign]  # once
        store(offset, value)

    port.store = reset_before  # type: ignore[method-assign]
    transport = device.transport
    usual, transport.grace = transport.grace, int(LOST_S * device.hardware.clock_mhz * 1e6)
    noticed = wrong(device, call)
    transport.grace = usual
    return noticed and not wrong(device, call), "a reset by somebody else is noticed"


def wrong_clock(kind: Kind, bundle: Path, call: Call) -> Check:
    """PLLs that run 25 % faster than Vivado took them to, as pynq can tell."""
    machine = Machine(kind, STRIDE)
    machine.clocks.crystal_mhz *= 1.25
    SimulatedDevice(machine).activate()
    instance = pynq.Clocks._instance
    instance._ref_clk_mhz *= 1.25
    device = PynqDevice(bundle)
    timed, real = machine.timed_mhz, machine.clocks.mhz()
    right = real <= timed * 1.001 and not wrong(device, call)
    machine.clocks.crystal_mhz *= 1.5
    right = right and wrong(device, call)
    return right, f"a wrong clock is noticed: timed for {timed:g}, lowered to {real:.4g} MHz"


def foreign_overlay(kind: Kind, bundle: Path, other: Path) -> Check:
    """The bitstream of another bundle under this one's name, its hash in the manifest or not."""
    with tempfile.TemporaryDirectory() as name:
        copied = Path(name) / "bundle"
        shutil.copytree(bundle, copied)
        shutil.copy(other / f"{NAME}.bit", copied)
        said = [_refused(kind, copied)]
        rehash(copied, FILE, f"{NAME}.bit")
        said.append(_refused(kind, copied))
    right = "SHA-256" in said[0] and "the bundle describes" in said[1]
    return right, "a foreign overlay is noticed, by its hash and by its identity register"


def _refused(kind: Kind, bundle: Path) -> str:
    try:
        opened(kind, bundle)
    except SamFabricError as error:
        return str(error)
    return ""


def checks(folder: Path, board: str) -> Iterator[Check]:
    """All of one board."""
    kind, bundle = KINDS[board], folder / f"tiny-{board}"
    calls = load_calls(bundle / CALLS)
    yield from graphs(kind, bundle, calls)
    shortest = min(calls, key=lambda call: sum(a.size for a in call.inputs.values()))
    faults: tuple[Callable[[Kind, Path, Call], Check], ...]
    faults = (dropped_flush, foreign_reset, wrong_clock)
    for fault in faults:
        yield fault(kind, bundle, shortest)
    yield foreign_overlay(kind, bundle, folder / f"small-{board}")


def main() -> int:
    """Runs the command line and returns the exit code."""
    folder, failed = Path(sys.argv[1]), 0
    device_module.GRACE_S = PATIENCE_S
    for board in BOARDS:
        for right, line in checks(folder, board):
            failed += not right
            mark = "" if right else "  <-- FAILED"
            print(f"pynq {pynq.__version__}, {board}: {line}{mark}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
