"""The pynq device on a stand-in for its package: DMA registers, memory that is not coherent."""

import gc
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from host.devices import hardware as device_hardware
from host.devices.driver import RunError
from host.devices.pynq import WINDOW, PynqDevice, PynqTransport
from host.errors import BundleError, DeviceError
from tests.host.devices.test_driver import same
from tests.host.fake_device import write_bundle
from tests.host.fake_pynq import Board, Buffer
from tests.host.small_hardware import PORTS, example, listed, write_hardware

CELLS = ("dma_0", "dma_1", "dma_2")
ADDRESSES = {"control": 0x8000_0000, **{c: 0x8001_0000 + 0x1_0000 * i for i, c in enumerate(CELLS)}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pynq") / "small"
    hardware = write_hardware(path)
    for name in ("samfabric.bit", "samfabric.hwh"):
        (path / name).write_text("")
    replace(hardware, overlay="samfabric.bit", addresses=ADDRESSES, dmas=CELLS).save(path)
    return path


@pytest.fixture(autouse=True)
def spec(monkeypatch):
    found = SimpleNamespace(name="small", ports=PORTS)
    monkeypatch.setattr(device_hardware, "load_spec", lambda path: (listed(path), found))


@pytest.fixture
def board(folder, monkeypatch):
    made = Board(folder)
    monkeypatch.setitem(sys.modules, "pynq", made)
    return made


@pytest.fixture
def pynq_device(folder, board):
    return PynqDevice(folder)


def test_every_graph_equals_its_golden(pynq_device, folder, board):
    rng = np.random.default_rng(1)
    assert board.loaded == [str(folder / "samfabric.bit")]
    for _ in range(2):
        for graph in ("copy", "add", "multiply"):
            inputs, wanted = example(graph, rng)
            same(pynq_device.run(graph, inputs), wanted)
        for length in (3, 16, 1):
            inputs, wanted = example("attend", rng, length)
            same(pynq_device.run("attend", inputs), wanted)
    assert len(pynq_device.cycles["attend"]) == 6


def test_every_buffer_is_the_boards_and_goes_back_to_it(folder, board):
    device = PynqDevice(folder)
    given = device.allocate((1, 1, 7, 4), np.int8)
    assert isinstance(given, Buffer) and not given.any()
    outputs = device.run("copy", example("copy", np.random.default_rng(2))[0])
    device.close()
    assert outputs["first"].any()  # a view keeps its memory
    assert len(board.memory) > 2
    del device, given, outputs
    gc.collect()
    assert board.memory == {}


def test_ragged_buffers_grow_and_the_old_ones_go(pynq_device, board):
    counts = []
    for length in (1, 2, 5, 16):
        pynq_device.run("attend", example("attend", np.random.default_rng(length), length)[0])
        counts.append(len(board.memory))
    assert len(set(counts)) == 1 and board.allocated > counts[0]


def test_a_dma_that_only_receives_is_reset_by_its_own_register():
    arrays = {address: np.zeros(WINDOW // 4, np.uint32) for address in (1, 2, 3)}
    stand_in = SimpleNamespace(MMIO=lambda address, _: SimpleNamespace(array=arrays[address]))
    hardware = SimpleNamespace(
        in_channels=1,
        out_channels=2,
        dmas=("a", "b"),
        addresses={"control": 1, "a": 2, "b": 3},
        clock_mhz=100.0,
    )
    transport = PynqTransport(stand_in, hardware)
    with pytest.raises(DeviceError, match="DMA 0 does not reset"):
        transport.abandon()
    assert np.flatnonzero(arrays[2]).tolist() == [0]
    arrays[2] = np.zeros(WINDOW // 4, np.uint32)
    transport._dmas = transport._dmas[1:]
    transport._in_channels = 0
    with pytest.raises(DeviceError, match="does not reset"):
        transport.abandon()
    assert np.flatnonzero(arrays[3]).tolist() == [0x30 // 4]


def expect(device, match, graph="copy"):
    inputs, wanted = example(graph, np.random.default_rng(3))
    with pytest.raises(RunError, match=match):
        device.run(graph, inputs)
    return inputs, wanted


def test_a_dma_error_is_named_and_mended(pynq_device, board):
    board.unmapped = True
    inputs, wanted = expect(pynq_device, "DMA of s_axis_0: address error")
    board.unmapped = False
    same(pynq_device.run("copy", inputs), wanted)


def test_a_frame_that_comes_short_is_noticed(pynq_device, board):
    board.short = {1: 4}
    inputs, wanted = expect(pynq_device, "m_axis_1: 20 of 24 bytes came")
    board.short = {}
    same(pynq_device.run("copy", inputs), wanted)


def test_a_dma_that_never_ends_is_given_up_and_reset(pynq_device, board):
    board.stuck = True
    transport = pynq_device._driver.transport
    usual, transport.grace = transport.grace, 1000
    inputs, wanted = expect(pynq_device, "no end within .*s_axis_0 waits")
    assert board.idle
    board.stuck, transport.grace = False, usual
    same(pynq_device.run("copy", inputs), wanted)


def test_a_dma_that_does_not_start_is_named(pynq_device, board, monkeypatch):
    engine = board.engines["dma_1"][1]
    whole = engine.read
    monkeypatch.setattr(engine, "read", lambda offset: whole(offset) | (offset == 4))
    expect(pynq_device, "the DMA of m_axis_1 does not start")


def change(folder, tmp_path, **changes):
    hardware = write_hardware(tmp_path / "other")
    for name in ("samfabric.bit", "samfabric.hwh"):
        (tmp_path / "other" / name).write_text("")
    whole = {"overlay": "samfabric.bit", "addresses": ADDRESSES, "dmas": CELLS}
    replace(hardware, **{**whole, **changes}).save(tmp_path / "other")
    return tmp_path / "other"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"overlay": None}, "no bitstream"),
        ({"overlay": "lost.bit"}, r"lost\.bit is missing"),
        ({"dmas": CELLS[:2]}, "2 DMAs for 3 channels"),
        ({"addresses": {"control": 0}}, "no address of dma_0, dma_1, dma_2"),
    ],
)
def test_bundles_without_what_a_board_needs(folder, tmp_path, board, changes, message):
    with pytest.raises(BundleError, match=message):
        PynqDevice(change(folder, tmp_path, **changes))


def test_away_from_a_board(folder, board, monkeypatch):
    def refuse(path):
        raise OSError("Root permission needed by the library.")

    monkeypatch.setattr(board, "Overlay", refuse)
    with pytest.raises(DeviceError, match="Root permission.*as root"):
        PynqDevice(folder)
    monkeypatch.setitem(sys.modules, "pynq", None)
    with pytest.raises(DeviceError, match="needs a board and its Python package"):
        PynqDevice(folder)


def test_an_overlay_of_another_bundle_is_refused_and_its_buffers_freed(folder, tmp_path, board):
    with pytest.raises(DeviceError, match="0x5afab51c.*0x00000007"):
        PynqDevice(change(folder, tmp_path, identity=7))
    gc.collect()
    assert board.allocated and board.memory == {}


def test_a_bundle_without_hardware(tmp_path):
    write_bundle(tmp_path / "fake")
    with pytest.raises(BundleError, match="make hardware"):
        PynqDevice(tmp_path / "fake")
