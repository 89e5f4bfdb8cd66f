"""The compiled system: registers, transfers under stalls, what is said when one goes wrong."""

from dataclasses import replace

import numpy as np
import pytest

from hw.kernels.fifo import Fifo
from hw.spec.errors import SpecError
from hw.spec.hardware import GraphHardware, StreamEnd
from hw.spec.registers import VERSION, Control, Register, Status
from hw.stitch.netlist import Netlist
from hw.stitch.system import System
from sim.errors import SimulatorError
from sim.rtl.bundle import open_bundle
from sim.rtl.system import RtlSystem, TransferError
from tests.host.small_hardware import write_hardware
from tests.stitch.small_system import BEATS, HARDWARE

SEEDS = range(24)


def say(done, count):
    pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    write_hardware(tmp_path_factory.mktemp("bundle") / "small")
    return tmp_path_factory.getbasetemp() / "bundle0" / "small"


@pytest.fixture
def system(tmp_path_factory, folder):
    with open_bundle(folder, HARDWARE.load(folder), say) as opened:
        yield opened


def start(system, graph, control=Control.START):
    system.write(Register.GRAPH, graph)
    system.write(Register.CONTROL, control)


def settled(system):
    """Status once the last beats have made their way through: some cycles."""
    return [system.read(Register.STATUS) for _ in range(3)][-1]


def image(rng):
    return rng.integers(0, 256, BEATS, np.uint8).tobytes()


def test_registers(system):
    assert system.read(Register.IDENTITY) == HARDWARE.identity
    assert system.read(Register.VERSION) == VERSION | len(HARDWARE.graphs) << 8
    system.write(Register.LENGTH, 1234)
    assert system.read(Register.LENGTH) == 1234
    before = system.cycles
    system.read(Register.STATUS)
    assert before < system.cycles < before + 10


@pytest.mark.parametrize("seed", [None, *SEEDS])
def test_a_frame_comes_back_whole_under_any_stalls(system, seed):
    sent = image(np.random.default_rng(seed))
    for _ in range(3):
        start(system, 0)
        got = system.transfer({0: sent}, {0: BEATS, 1: BEATS}, 20_000, seed)
        assert got == {0: sent, 1: sent}
        assert settled(system) == Status.DONE
    assert system.read(Register.FRAMES) == 3


def test_stalls_take_cycles_and_a_seed_repeats_them(folder):
    counts = {}
    for name, seed in (("none", None), ("a", 3), ("again", 3), ("b", 4)):
        with open_bundle(folder, HARDWARE.load(folder), say) as system:
            start(system, 0)
            system.transfer({0: bytes(BEATS)}, {0: BEATS, 1: BEATS}, 20_000, seed)
            counts[name] = system.cycles
    assert counts["none"] < counts["a"] == counts["again"] != counts["b"]


def test_registers_answer_while_a_transfer_goes_on(system):
    sent, first, second = (np.zeros(BEATS, np.uint8) for _ in range(3))
    sent[:] = np.arange(BEATS)
    start(system, 0)
    system.begin({0: sent}, {0: first, 1: second})
    reads = 0
    while not system.advance(2):
        assert system.read(Register.GRAPH) == 0
        reads += 1
    assert reads > 2
    assert (first == sent).all() and (second == sent).all()


def test_a_transfer_that_nobody_serves_ends_with_the_state_of_all(system):
    with pytest.raises(TransferError, match="no beat moved for 300 cycles") as caught:
        system.transfer({0: bytes(BEATS)}, {1: BEATS}, 5000, quiet_cycles=300)
    error = caught.value
    assert error.progress == {"s_axis_0": (0, BEATS), "m_axis_1": (0, BEATS)}
    assert error.registers["STATUS"] == 0
    assert error.registers["IDENTITY"] == HARDWARE.identity


def test_an_output_that_is_not_taken_holds_the_other_back(system):
    start(system, 0)
    with pytest.raises(TransferError, match="no end within 500 cycles") as caught:
        system.transfer({0: bytes(BEATS)}, {0: BEATS}, 500)
    moved = caught.value.progress
    assert moved["s_axis_0"][0] < BEATS and moved["m_axis_0"][0] < BEATS
    assert caught.value.registers["STATUS"] == Status.BUSY


@pytest.mark.parametrize(
    ("count", "what"), [(BEATS + 2, f"tlast is early on beat {BEATS}"), (BEATS - 2, "is missing")]
)
def test_an_output_of_another_length_is_noticed(system, count, what):
    start(system, 0)
    with pytest.raises(TransferError, match=f"m_axis_0: tlast.*{what.split('tlast ')[-1]}"):
        system.transfer({0: bytes(BEATS)}, {0: count, 1: BEATS}, 2000)


@pytest.mark.parametrize(("count", "faults"), [(BEATS - 3, 1), (BEATS + 3, 1 << 8)])
def test_an_input_of_another_length_is_a_fault_until_reset(system, count, faults):
    start(system, 0)
    with pytest.raises(TransferError) as caught:
        system.transfer({0: bytes(count)}, {0: BEATS, 1: BEATS}, 2000)
    assert caught.value.registers["FAULTS"] == faults
    assert caught.value.registers["STATUS"] & Status.ERROR
    system.write(Register.CONTROL, Control.RESET)
    start(system, 0)
    sent = image(np.random.default_rng(0))
    assert system.transfer({0: sent}, {0: BEATS, 1: BEATS}, 2000)[1] == sent


def test_two_systems_live_side_by_side(folder):
    hardware = HARDWARE.load(folder)
    with open_bundle(folder, hardware, say) as one, open_bundle(folder, hardware, say) as two:
        for system, value in ((one, 1), (two, 2)):
            system.write(Register.LENGTH, value)
        assert (one.read(Register.LENGTH), two.read(Register.LENGTH)) == (1, 2)


def queue(depth, beats=40):
    netlist = Netlist(
        "queue",
        {"fifo": Fifo.example(DEPTH=depth, beats=beats)},
        (("s_axis", "fifo.s_axis"), ("fifo.m_axis", "m_axis")),
    )
    graph = GraphHardware(
        "queue",
        0,
        (StreamEnd("s_axis", "x", 0, beats),),
        (StreamEnd("m_axis", "y", 0, beats),),
        beats,
    )
    return System("water", {"queue": netlist}, replace(HARDWARE, graphs=(graph,)))


def test_high_water_is_the_most_beats_that_a_fifo_held(tmp_path):
    with RtlSystem.of(queue(16).design(tmp_path), 1, 1, water=True) as system:
        start(system, 0)
        system.transfer({0: bytes(40)}, {0: 40}, 1000)
        assert system.high_water() == {"u_queue.u_fifo": 2}  # passes what comes as it comes
        start(system, 0)
        with pytest.raises(TransferError, match="no beat moved"):
            system.transfer({0: bytes(40)}, {}, 1000, quiet_cycles=100)
        assert system.high_water() == {"u_queue.u_fifo": 17}  # DEPTH and its output register


def test_a_library_without_levels_says_so(system):
    with pytest.raises(SpecError, match="water=True"):
        system.high_water()


def test_new_memory_contents_need_no_new_library(folder, tmp_path_factory):
    """The table of the attention head, all ones: every answer changes, nothing is compiled."""
    hardware = HARDWARE.load(folder)
    compiled = []
    path = folder / "rtl" / "attend_head_rowexp_init_file.hex"
    before = path.read_text()
    try:
        path.write_text("\n".join("0" * len(line) for line in before.split()) + "\n")
        with open_bundle(folder, hardware, lambda *files: compiled.append(files)):
            assert compiled == []
    finally:
        path.write_text(before)


def test_a_missing_memory_file_is_named_and_the_process_lives(folder):
    path = folder / "rtl" / "attend_head_rowexp_init_file.hex"
    before = path.read_text()
    path.unlink()
    try:
        with pytest.raises(SimulatorError, match="attend_head_rowexp_init_file.hex"):
            open_bundle(folder, HARDWARE.load(folder), say)
    finally:
        path.write_text(before)


def test_a_failed_assertion_ends_the_run_with_its_words(tmp_path):
    system = queue(16)
    design = system.design(tmp_path)
    fifo = next(path for path in design.files if path.name == "fifo.sv")
    planted = tmp_path / "planted" / "fifo.sv"
    planted.parent.mkdir()
    text = fifo.read_text().replace("m_axis_tvalid <= pull;", "m_axis_tvalid <= pull && !full_q;")
    text = text.replace("if (!m_axis_tvalid || m_axis_tready) m_axis", "m_axis")
    planted.write_text(text)
    files = tuple(planted if path == fifo else path for path in design.files)
    with RtlSystem.of(replace(design, files=files), 1, 1) as opened:
        start(opened, 0)
        with pytest.raises(SimulatorError, match="a waiting beat changed or went away"):
            for seed in SEEDS:
                opened.transfer({0: bytes(40)}, {0: 40}, 1000, seed)
