"""The compiled system: registers, frames through its memory, what is said when one goes wrong."""

from dataclasses import replace

import numpy as np
import pytest

from hw.kernels.fifo import Fifo
from hw.spec import registers
from hw.spec.errors import SpecError
from hw.spec.hardware import GraphHardware, StreamEnd
from hw.spec.registers import END_BYTES, VERSION, Bank, EndWord, Fault, Register, Status
from hw.stitch.netlist import Netlist
from hw.stitch.system import System, at_ends
from sim.errors import SimulatorError
from sim.rtl.bundle import open_bundle
from sim.rtl.system import RtlSystem
from tests.host.small_hardware import write_hardware
from tests.stitch.small_system import BEATS, HARDWARE

SEEDS = range(24)
BASE, PAGE = 0x12_4000_0000, 4096
READ, WRITE = Register.PUSH_READ, Register.PUSH_WRITE


def say(done, count):
    pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "small"
    write_hardware(path)
    return path


@pytest.fixture
def system(folder):
    with open_bundle(folder, HARDWARE.load(folder), say) as opened:
        yield opened


def push(system, register, end, address, count):
    system.write(Register.ADDRESS_HIGH, address >> 32)
    system.write(Register.ADDRESS_LOW, address & 0xFFFF_FFFF)
    system.write(Register.LENGTH, count)
    system.write(register, end)


def word(system, bank, end, name):
    return system.read(bank + END_BYTES * end + name)


def frame(system, sent, counts, limit=20_000):
    """Bytes from write ends 0, 1 ... while `sent` goes into read end 0. Each has its own page."""
    memory = np.zeros((1 + len(counts)) * PAGE, np.uint8)
    memory[: len(sent)] = np.frombuffer(sent, np.uint8)
    system.place(BASE, memory)
    begun = [word(system, Bank.WRITES, end, EndWord.DONE) for end in range(len(counts))]
    for end, count in enumerate(counts):
        push(system, WRITE, end, BASE + (1 + end) * PAGE, count)
    push(system, READ, 0, BASE, len(sent))
    end_of_patience = system.cycles + limit
    while system.read(Register.STATUS) & Status.BUSY and system.cycles < end_of_patience:
        system.sleep(100)
    done = [word(system, Bank.WRITES, end, EndWord.DONE) for end in range(len(counts))]
    assert [b - a for a, b in zip(begun, done, strict=True)] == [1] * len(counts)
    starts = [(1 + end) * PAGE for end in range(len(counts))]
    return [memory[s : s + n].tobytes() for s, n in zip(starts, counts, strict=True)]


def image(rng):
    return rng.integers(0, 256, BEATS, np.uint8).tobytes()


def test_registers(system):
    assert system.read(Register.IDENTITY) == registers.IDENTITY
    assert system.read(Register.VERSION) == VERSION | 8 << 8 | 5 << 16 | 2 << 24
    assert system.read(Register.DESIGN) == HARDWARE.identity
    assert system.read(Register.GRAPHS) == len(HARDWARE.graphs)
    system.write(Register.LENGTH, 1234)
    assert system.read(Register.LENGTH) == 1234
    before = system.cycles
    system.read(Register.STATUS)
    assert before < system.cycles < before + 10


@pytest.mark.parametrize("seed", [None, *SEEDS])
def test_a_frame_comes_back_whole_however_the_memory_behaves(system, seed):
    sent = image(np.random.default_rng(seed))
    if seed is not None:
        system.behave((1, 300), None, seed)
    for _ in range(3):
        assert frame(system, sent, [BEATS, BEATS]) == [sent, sent]
    assert word(system, Bank.WRITES, 1, EndWord.FRAMES) == 3
    assert not system.read(Register.STATUS)


def test_a_memory_that_hesitates_takes_cycles_and_a_seed_repeats_them(folder):
    counts = {}
    for name, seed in (("none", None), ("a", 3), ("again", 3), ("b", 4)):
        with open_bundle(folder, HARDWARE.load(folder), say) as system:
            if seed is not None:
                system.behave((1, 300), None, seed)
            frame(system, bytes(BEATS), [BEATS, BEATS])
            counts[name] = word(system, Bank.WRITES, 0, EndWord.DONE_AT)
    assert counts["none"] != counts["a"] == counts["again"] != counts["b"]


def test_the_interrupt_ends_a_sleep(system):
    system.write(Register.ENABLE_WRITES, 0b11)
    memory = np.zeros(3 * PAGE, np.uint8)
    system.place(BASE, memory)
    assert not system.sleep(1000)
    for end in (0, 1):
        push(system, WRITE, end, BASE + (1 + end) * PAGE, BEATS)
    push(system, READ, 0, BASE, BEATS)
    before = system.cycles
    assert system.sleep(10**6) and system.cycles - before < 2000
    assert system.sleep(10**6)  # until it is taken back
    while system.read(Register.STATUS) & Status.BUSY:
        pass
    system.write(Register.PENDING_WRITES, 0b11)
    assert not system.read(Register.PENDING_WRITES)
    assert not system.sleep(100) and system.quiet >= 100


@pytest.mark.parametrize(("count", "fault"), [(BEATS + 2, Fault.EARLY), (BEATS - 10, Fault.LATE)])
def test_an_output_of_another_length_is_a_fault_until_reset(system, count, fault):
    with pytest.raises(AssertionError):
        frame(system, bytes(BEATS), [count, BEATS], limit=2000)
        assert not word(system, Bank.WRITES, 0, EndWord.FAULTS)
    assert word(system, Bank.WRITES, 0, EndWord.FAULTS) == fault
    assert system.read(Register.STATUS) & Status.FAULT
    system.write(Register.CONTROL, registers.Control.ABANDON)
    while system.read(Register.STATUS):
        pass
    sent = image(np.random.default_rng(0))
    assert frame(system, sent, [BEATS, BEATS]) == [sent, sent]


def test_memory_that_is_not_there_is_a_fault(system):
    push(system, READ, 0, BASE, BEATS)
    system.sleep(2000)
    assert word(system, Bank.READS, 0, EndWord.FAULTS) == Fault.DECODE
    system.place(BASE, np.zeros(PAGE, np.uint8))
    assert not system.written(BASE)
    with pytest.raises(SpecError, match="memory of int16"):
        system.place(BASE, np.zeros(8, np.int16))


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
    hardware = at_ends(replace(HARDWARE, graphs=(graph,)), {"queue": netlist}, 8)
    return System("water", {"queue": netlist}, hardware)


def test_high_water_is_the_most_beats_that_a_fifo_held(tmp_path):
    beats = 1200  # more than an end's own FIFO of 512 bytes, and what is written meanwhile
    with RtlSystem.of(queue(16, beats).design(tmp_path), water=True) as system:
        sent = image(np.random.default_rng(1)) * (beats // BEATS)
        assert frame(system, sent, [beats]) == [sent]
        held = {k.split(".", 1)[-1]: v for k, v in system.high_water().items()}
        assert held["u_fifo"] == 2  # passes what comes as it comes
        system.place(BASE, np.zeros(PAGE, np.uint8))
        push(system, READ, 0, BASE, beats)  # and nobody takes what comes out
        system.sleep(5000)
        held = {k.split(".", 1)[-1]: v for k, v in system.high_water().items()}
        assert held["u_fifo"] == 17  # DEPTH and its output register


def test_a_library_without_levels_says_so(system):
    with pytest.raises(SpecError, match="water=True"):
        system.high_water()


def test_new_memory_contents_need_no_new_library(folder):
    """The table of the attention head, all zeros: nothing is compiled."""
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
    system = queue(16, 1200)
    design = system.design(tmp_path)
    fifo = next(path for path in design.files if path.name == "fifo.sv")
    planted = tmp_path / "planted" / "fifo.sv"
    planted.parent.mkdir()
    text = fifo.read_text().replace("m_axis_tvalid <= pull;", "m_axis_tvalid <= pull && room_q;")
    text = text.replace("if (!m_axis_tvalid || m_axis_tready) m_axis", "m_axis")
    planted.write_text(text)
    files = tuple(planted if path == fifo else path for path in design.files)
    with RtlSystem.of(replace(design, files=files)) as opened:
        opened.place(BASE, np.zeros(PAGE, np.uint8))
        push(opened, READ, 0, BASE, 1200)
        with pytest.raises(SimulatorError, match="a waiting beat changed or went away"):
            opened.sleep(5000)
