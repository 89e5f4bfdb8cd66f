"""The driver on the small system in simulation: every graph against its golden, stalls, and what is
said and mended when a run goes wrong.
"""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from host.devices import hardware as device_hardware
from host.devices.driver import Driver, RunError
from host.devices.hardware import cycle_summary, cycle_table
from host.devices.rtl import RtlDevice, RtlTransport
from host.errors import BundleError, DeviceError, SpecError
from host.jobs import Jobs
from host.spec import GraphPorts
from hw.spec.dtypes import IntType
from hw.spec.hardware import Hardware
from hw.spec.port import Port
from sim.rtl.bundle import open_bundle
from tests.board.prepare import listed
from tests.host.fake_device import write_bundle
from tests.host.small_hardware import PORTS, example, run_all, same, write_hardware


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
        transport = RtlTransport(open_bundle(folder, hardware, lambda done, count: None), stalls)
        opened.append(transport)
        return Driver(transport, replace(hardware, **changed), ports, where)

    yield open_driver
    for transport in opened:
        transport.close()


def test_every_graph_equals_its_golden(connect):
    driver, rng = connect(), np.random.default_rng(1)
    for _ in range(2):
        run_all(driver, rng)


@pytest.mark.parametrize("seed", range(6))
def test_stalls_change_no_code(connect, seed):
    run_all(connect(seed), np.random.default_rng(seed))


def test_outputs_last_until_the_same_graph_runs_again(connect):
    driver, rng = connect(), np.random.default_rng(2)
    inputs, wanted = example("copy", rng)
    kept = driver.run("copy", inputs)[0]
    driver.run("add", example("add", rng)[0])
    same(kept, wanted)


def test_an_output_can_be_the_next_input(connect):
    """Codes that come as views in stream order go in again without being made contiguous."""
    driver, rng = connect(), np.random.default_rng(3)
    inputs, _ = example("copy", rng)
    first = driver.run("copy", inputs)[0]["first"]
    same({"first": driver.run("copy", {"image": first})[0]["first"]}, {"first": inputs["image"]})


def test_stale_hardware_names_both(connect):
    with pytest.raises(DeviceError, match="0x5afab51c.*0x00000001.*overlay"):
        connect(identity=1)
    with pytest.raises(DeviceError, match="has 4 graphs, the bundle describes 5"):
        entry = graphs_of(connect)[0]
        connect(graphs=(*graphs_of(connect), replace(entry, name="more", index=4)))


def graphs_of(connect):
    return connect().hardware.graphs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": np.zeros((1, 4, 2, 2), np.uint8)}, "shape"),
        ({"image": np.zeros((1, 4, 2, 3), np.int8)}, "int8"),
        ({}, "lacks the input image"),
    ],
)
def test_inputs_that_do_not_fit_never_start(connect, change, message):
    driver = connect()
    with pytest.raises((SpecError, DeviceError), match=message):
        driver.run("copy", change)
    same(driver.run("copy", CASE[0])[0], CASE[1])


CASE = example("copy", np.random.default_rng(4))


def test_ragged_inputs_need_one_length_above_zero(connect):
    driver = connect()
    inputs, _ = example("attend", np.random.default_rng(5), 4)
    with pytest.raises(SpecError, match="values has 3 rows"):
        driver.run("attend", {**inputs, "values": inputs["values"][:, :, :3]})
    empty = {name: inputs[name][:, :, :0] for name in ("keys", "values")}
    with pytest.raises(SpecError, match="keys has 0 rows"):
        driver.run("attend", {**inputs, **empty})
    with pytest.raises(DeviceError, match="no graph 'paint'"):
        driver.run("paint", {})


def test_a_graph_that_asks_the_impossible_is_told_and_the_next_run_works(connect):
    driver, rng = connect(), np.random.default_rng(6)
    inputs, _ = example("attend", rng, 16)
    long = {name: np.repeat(inputs[name], 2, axis=2) for name in ("keys", "values")}
    with pytest.raises(RunError, match="attend: the hardware reports an error.*s_axis_1 0 of 128"):
        driver.run("attend", {**inputs, **long})
    run_all(driver, rng)


def wrong_beats(connect, graph, port, by):
    """A driver whose description of one stream is some beats off."""
    entries = graphs_of(connect)
    entry = next(g for g in entries if g.name == graph)
    ends = tuple(replace(e, beats=e.beats + by) if e.port == port else e for e in entry.inputs)
    changed = replace(entry, inputs=ends)
    ports = {port: Port(port, (1, 1, 1, ends[0].beats), PORTS[graph].inputs[port].dtype)}
    driver = connect(
        ports={**PORTS, graph: GraphPorts(ports, PORTS[graph].outputs)},
        graphs=tuple(changed if g is entry else g for g in entries),
    )
    return driver, ports[port]


@pytest.mark.parametrize(("by", "word"), [(-5, "early"), (5, "late")])
def test_a_frame_of_another_length_names_the_channel(connect, by, word):
    driver, port = wrong_beats(connect, "copy", "image", by)
    with pytest.raises(RunError, match=rf"copy: .*image \(channel 0\) ended {word}"):
        driver.run("copy", {"image": np.zeros(port.shape, np.uint8)})
    same(driver.run("add", ADDED[0])[0], ADDED[1])
    inputs, wanted = example("multiply", np.random.default_rng(7))
    same(driver.run("multiply", inputs)[0], wanted)  # its weights were loaded anew


ADDED = example("add", np.random.default_rng(8))


def test_a_run_that_never_ends_is_given_up(connect, monkeypatch):
    driver = connect()
    monkeypatch.setattr(driver.transport, "start", lambda sent, taken: None)
    monkeypatch.setattr(driver.transport, "elapsed", lambda: 10**9)
    monkeypatch.setattr(driver.transport, "poll", lambda: False)
    with pytest.raises(RunError, match="copy: no end within .* cycles"):
        driver.run("copy", CASE[0])
    monkeypatch.undo()
    same(driver.run("copy", CASE[0])[0], CASE[1])


def test_ctrl_c_leaves_the_system_ready(connect, monkeypatch):
    driver = connect()

    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(driver.transport, "poll", interrupt)
    with pytest.raises(KeyboardInterrupt):
        driver.run("copy", CASE[0])
    monkeypatch.undo()
    same(driver.run("copy", CASE[0])[0], CASE[1])


def test_setup_files_are_checked(connect, tmp_path):
    with pytest.raises(BundleError, match="multiply.bin"):
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
    with pytest.raises(BundleError, match="channels carry bytes"):
        connect(ports=changed(Port("image", (1, 4, 3, 2), IntType(16))))


@pytest.fixture
def small_device(folder, monkeypatch):
    spec = SimpleNamespace(name="small", ports=PORTS)
    monkeypatch.setattr(device_hardware, "load_spec", lambda path: (listed(path), spec))
    device = RtlDevice(folder)
    yield device
    device.close()


def test_the_rtl_device_counts_the_boards_cycles(small_device):
    for seed in range(3):
        inputs, wanted = example("copy", np.random.default_rng(seed))
        same(small_device.run("copy", inputs), wanted)
    counts = small_device.cycles["copy"]
    assert len(counts) == 3 and len(set(counts)) == 1 and 24 <= counts[0] < 50
    row = cycle_summary(small_device)["copy"]
    assert row["runs"] == 3 and row["mean"] == row["max"] == counts[0]
    assert row["per_second"] == round(200e6 / counts[0], 3)
    assert cycle_table(small_device).row_count == 1
    buffer = small_device.allocate((2, 3), np.int8)
    assert buffer.shape == (2, 3) and buffer.dtype == np.int8 and not buffer.any()


def test_jobs_on_the_rtl_device_in_any_order(small_device):
    jobs, rng = Jobs(small_device, sets=2), np.random.default_rng(7)
    held = []
    for graph in ("copy", "add", "multiply", "copy", "multiply", "add"):
        inputs, wanted = example(graph, rng)
        held.append((jobs.submit(graph, inputs), wanted))
        for codes in inputs.values():
            codes[...] = 0  # the job has its own copy
    for job, wanted in reversed(held):
        same(jobs.wait(job, timeout_s=120), wanted)
        jobs.release(job)
    jobs.close()


def test_devices_without_a_clock_have_no_cycles(device):
    assert cycle_summary(device) == {} and cycle_table(device) is None


def test_a_bundle_without_hardware_names_the_remedy(tmp_path):
    write_bundle(tmp_path / "fake")
    with pytest.raises(BundleError, match="holds no hardware.*make hardware"):
        RtlDevice(tmp_path / "fake")


def test_missing_and_broken_sources_are_named(folder, tmp_path, monkeypatch, capfd):
    spec = SimpleNamespace(name="small", ports=PORTS)
    monkeypatch.setattr(device_hardware, "load_spec", lambda path: (listed(path), spec))
    write_hardware(tmp_path / "small")
    top = tmp_path / "small" / "rtl" / "samfabric.sv"
    text = top.read_text()
    top.write_text(text.replace("endmodule", "assign nothing = ;\nendmodule"))
    with pytest.raises(DeviceError, match="Verilator refused"):
        RtlDevice(tmp_path / "small")
    assert "compiling the simulator of samfabric" in capfd.readouterr().err
    top.unlink()
    with pytest.raises(BundleError, match=r"samfabric\.sv is missing"):
        RtlDevice(tmp_path / "small")
