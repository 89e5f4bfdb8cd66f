"""The driver on the small system in simulation: every graph against its golden,
frames of all graphs at once in drawn orders, and what is said and mended when something goes wrong.
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from host.devices.driver import Driver
from host.devices.frames import SETS, passed
from host.devices.rtl import RtlTransport
from host.devices.transport import RunError, TransportError
from host.errors import BundleError, DeviceError, SpecError
from host.jobs import Job, Jobs, JobTimeout
from host.spec import GraphPorts
from hw.spec.dtypes import IntType
from hw.spec.hardware import Hardware
from hw.spec.port import Port
from hw.spec.registers import Bank, Control, EndWord, Register
from sim.rtl.bundle import open_bundle
from tests.host.small_hardware import PORTS, example, run_all, same, write_hardware

OUTSIDE = 0x20_0000_0000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("driver") / "small"
    write_hardware(path)
    return path


@pytest.fixture
def connect(folder):
    """Opens a driver, with fields of its Hardware changed if need be."""
    opened = []

    def open_driver(stalls=None, ports=PORTS, where=folder, **changed):
        hardware = Hardware.load(folder)
        system = open_bundle(folder, hardware, lambda done, count: None)
        opened.append(RtlTransport(system, stalls))
        return Driver(opened[-1], replace(hardware, **changed), ports, where)

    yield open_driver
    for transport in opened:
        transport.close()


def test_every_graph_equals_its_golden(connect):
    driver, rng = connect(), np.random.default_rng(1)
    for _ in range(2):
        run_all(driver, rng)


@pytest.mark.parametrize("seed", range(3))
def test_a_memory_that_hesitates_changes_no_code(connect, seed):
    run_all(connect(seed), np.random.default_rng(seed))


def mixed(driver, rng, count):
    """Gives frames of drawn graphs whenever there is room, and takes them in a drawn order."""
    jobs = Jobs(SimpleNamespace(queues=driver, name="rtl"))
    running: dict[Job, Any] = {}
    begun = 0
    while begun < count or running:
        graph = str(rng.choice(list(PORTS)))
        if begun < count and jobs.room(graph):
            inputs, wanted = example(graph, rng, int(rng.integers(1, 17)))
            running[jobs.submit(graph, inputs)] = wanted
            begun += 1
        if begun == count or rng.random() < 0.3:
            job = jobs.first(list(running))
            same(jobs.wait(job), running.pop(job))
            assert job.ms > 0
            jobs.release(job)
    jobs.close()


@pytest.mark.parametrize(
    "seeds", [range(3), pytest.param(range(3, 60), marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_frames_of_all_graphs_at_once(connect, seeds):
    for seed in seeds:
        mixed(connect(seed), np.random.default_rng(seed), 60)


def test_as_many_frames_wait_as_there_are_sets(connect):
    driver, rng = connect(), np.random.default_rng(2)
    given = [example("copy", rng) for _ in range(SETS)]
    frames = [driver.begin("copy", inputs) for inputs, _ in given]
    assert not driver.room("copy") and driver.room("add")
    with pytest.raises(DeviceError, match="copy: every buffer set is taken"):
        driver.begin("copy", given[0][0])
    with pytest.raises(DeviceError, match="no graph 'paste'"):
        driver.room("paste")
    driver.watch(frames[-1:], 100)
    assert all(frame.ended() for frame in frames)  # in order
    for frame, (_, wanted) in zip(frames, given, strict=True):
        same(frame.outputs(), wanted)
        driver.release(frame)
    assert driver.room("copy")


def test_cycles_are_from_the_frame_before_where_that_ended_later(connect):
    driver, rng = connect(), np.random.default_rng(3)
    alone = driver.run("multiply", example("multiply", rng)[0])[1]
    frames = [driver.begin("multiply", example("multiply", rng)[0]) for _ in range(SETS)]
    driver.watch(frames[-1:], 100)
    assert 0 < frames[2].cycles < alone


def test_a_wait_may_end_before_the_frame(connect):
    driver, rng = connect(), np.random.default_rng(4)
    driver.transport.timeout = 1e6
    driver.transport._system.behave(latency=(1 << 30, 1 << 30))  # asked before it has answered
    driver.transport.sleep = lambda cycles: None
    frame = driver.begin("copy", example("copy", rng)[0])
    driver.watch([frame], 0.05)
    assert not frame.ended()
    jobs = Jobs(SimpleNamespace(queues=driver, name="rtl"))
    job = jobs.submit("add", example("add", rng)[0])
    with pytest.raises(JobTimeout, match="rtl: add: no end within"):
        jobs.wait(job, timeout_s=0.05)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"identity": 1}, "0x5afab51c, the bundle describes 0x00000001"),
        ({"graphs": 3}, "4 graphs at .8, 5, 2. ends, the bundle describes 5"),
    ],
)
def test_stale_hardware_names_both(connect, changed, message):
    if "graphs" in changed:
        graphs = connect().hardware.graphs
        changed = {"graphs": (*graphs, replace(graphs[0], name="more", index=4))}
    with pytest.raises(DeviceError, match=message):
        connect(**changed)


def test_setup_files_are_checked(connect, tmp_path):
    with pytest.raises(BundleError, match=r"multiply\.bin"):
        connect(where=tmp_path)
    (tmp_path / "multiply.bin").write_bytes(bytes(7))
    with pytest.raises(BundleError, match="7 bytes, 24 are needed"):
        connect(where=tmp_path)


def test_hardware_of_another_model_is_refused(connect):
    def changed(port):
        return {**PORTS, "copy": GraphPorts({port.name: port}, PORTS["copy"].outputs)}

    with pytest.raises(BundleError, match="copy: image has 20 codes, its stream 24 beats"):
        connect(ports=changed(Port("image", (1, 4, 5, 1), IntType(8))))
    with pytest.raises(BundleError, match="differ in image, picture"):
        connect(ports=changed(Port("picture", (1, 4, 3, 2), IntType(8))))
    with pytest.raises(BundleError, match="streams carry bytes"):
        connect(ports=changed(Port("image", (1, 4, 3, 2), IntType(16))))


def test_an_output_can_be_the_next_input(connect):
    """Codes that come as views in stream order go in again without being made contiguous."""
    driver, rng = connect(), np.random.default_rng(3)
    inputs, _ = example("copy", rng)
    first = driver.run("copy", inputs)[0]["first"]
    same({"first": driver.run("copy", {"image": first})[0]["first"]}, {"first": inputs["image"]})


def test_inputs_that_do_not_fit_never_start(connect):
    driver = connect()
    with pytest.raises(SpecError, match="shape"):
        driver.begin("copy", {"image": np.zeros((1, 4, 2, 2), np.uint8)})
    with pytest.raises(DeviceError, match="lacks the input image"):
        driver.begin("copy", {})
    inputs, _ = example("attend", np.random.default_rng(5), 16)
    longer = {k: np.repeat(v, 2, axis=2) if k != "queries" else v for k, v in inputs.items()}
    with pytest.raises(SpecError, match=r"32 rows.*1\.\.16 rows"):
        driver.begin("attend", longer)
    with pytest.raises(SpecError, match="values has 3 rows"):
        driver.begin("attend", {**inputs, "values": inputs["values"][:, :, :3]})
    empty = {name: inputs[name][:, :, :0] for name in ("keys", "values")}
    with pytest.raises(SpecError, match="keys has 0 rows"):
        driver.begin("attend", {**inputs, **empty})
    assert all(len(lane.free) == SETS for lane in driver._lanes.values())
    run_all(driver, np.random.default_rng(5))


def failing(driver, graph="copy", others=("multiply",)):
    """The error of a frame, while frames of other graphs are under way, which end with it. Then
    everything works again.
    """
    rng = np.random.default_rng(6)
    beside = [driver.begin(other, example(other, rng)[0]) for other in others]
    try:
        frame = driver.begin(graph, example(graph, rng)[0])
        while not frame.ended():
            driver.watch([frame], 100)
        with pytest.raises(RunError) as caught:
            frame.outputs()
        error = caught.value
        driver.release(frame)
    except RunError as at_once:
        error = at_once
    for other in beside:
        assert other.ended()
        with pytest.raises(RunError, match=error.message[:10]):
            other.outputs()
        driver.release(other)
    return str(error)


def restored(driver, **was):
    for name, value in was.items():
        setattr(driver.transport, name, value)
    assert all(len(lane.free) == SETS for lane in driver._lanes.values())
    run_all(driver, np.random.default_rng(7))


def test_an_address_outside_the_memory_is_told_by_port(connect):
    driver = connect()
    address = driver.transport.address
    images = [buffers.sources["image"] for buffers in driver._lanes["copy"].free]

    def astray(array):
        return address(array) + OUTSIDE * any(array is image for image in images)

    driver.transport.address = astray
    assert "copy.image: DECODE" in failing(driver)
    restored(driver, address=address)


def test_an_address_inside_a_word_is_refused(connect):
    driver = connect()
    address = driver.transport.address
    driver.transport.address = lambda array: address(array) + 1
    assert "copy.first: REFUSED" in failing(driver, others=())
    restored(driver, address=address)


def test_a_frame_that_does_not_end_is_given_up(connect):
    driver = connect()
    transport = driver.transport
    was = {"timeout": transport.timeout, "grace": transport.grace}
    transport.timeout, transport.grace = 0, 1
    assert "no end in time" in failing(driver, others=())
    restored(driver, **was)


def test_an_output_that_is_not_what_left_the_accelerator_is_noticed(connect):
    driver = connect()
    take = driver.transport.take

    def flip(array):
        array.reshape(-1)[0] ^= 1

    driver.transport.take = flip
    assert "WRITES end 0 has CRC" in failing(driver, others=())
    restored(driver, take=take)


def test_somebody_else_at_the_mover_is_noticed(connect):
    driver, rng = connect(), np.random.default_rng(8)
    driver.run("copy", example("copy", rng)[0])
    place = driver.transport.address(driver.transport.allocate((24,), np.uint8))
    for bank, end in ((Bank.WRITES, 0), (Bank.WRITES, 1), (Bank.READS, 0)):
        driver._registers.push(bank, end, place, 24)
    while driver._registers.word(Bank.WRITES, 0, EndWord.DONE) != 2:
        assert driver.transport.clock() < 100_000
    with pytest.raises(RunError, match="2 frames since reset of 1: somebody else has used"):
        driver.begin("copy", example("copy", rng)[0])
    run_all(driver, rng)


def test_a_reset_by_somebody_else_ends_the_frame_in_time(connect):
    driver, rng = connect(), np.random.default_rng(9)
    frame = driver.begin("copy", example("copy", rng)[0])
    driver.transport.write(Register.CONTROL, Control.ABANDON)
    driver.watch([frame], 600)
    with pytest.raises(RunError, match="copy: no end in time"):
        frame.outputs()
    driver.release(frame)
    run_all(driver, rng)


def test_ctrl_c_leaves_the_system_ready(connect):
    driver, rng = connect(), np.random.default_rng(11)
    give = driver.transport.give

    def interrupt(array):
        raise KeyboardInterrupt

    beside = driver.begin("add", example("add", rng)[0])
    driver.transport.give = interrupt
    with pytest.raises(KeyboardInterrupt):
        driver.begin("copy", example("copy", rng)[0])
    with pytest.raises(RunError, match="interrupted"):
        beside.outputs()
    driver.release(beside)
    restored(driver, give=give)


def test_registers_that_do_not_answer_are_looked_for_again(connect):
    driver, rng = connect(), np.random.default_rng(10)
    read = driver.transport.read

    def silent(offset):
        raise TransportError("the system does not answer")

    frame = driver.begin("add", example("add", rng)[0])
    driver.transport.read = silent
    driver.watch([frame], 100)
    with pytest.raises(RunError, match="does not answer; and it cannot be reset"):
        frame.outputs()
    driver.release(frame)
    with pytest.raises(RunError, match="copy: the system does not answer"):
        driver.begin("copy", example("copy", rng)[0])
    restored(driver, read=read)


@pytest.mark.parametrize(
    ("count", "number", "reached"),
    [(0, 1, False), (1, 1, True), (2, 1, True), (65535, 65536, False), (0, 65536, True)],
)
def test_counts_wrap(count, number, reached):
    assert passed(count, number) is reached
