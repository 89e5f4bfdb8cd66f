"""The rtl device on the small system: cycles, jobs in any order, and what is said of a bundle that
it cannot run.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from host.devices import hardware as device_hardware
from host.devices.hardware import cycle_summary, cycle_table
from host.devices.rtl import RtlDevice
from host.errors import BundleError, DeviceError
from host.jobs import Jobs
from tests.board.prepare import listed
from tests.host.fake_device import write_bundle
from tests.host.small_hardware import PORTS, example, same, write_hardware


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("device") / "small"
    write_hardware(path)
    return path


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
    assert len(counts) == 3 and 24 <= counts[0] < 400
    row = cycle_summary(small_device)["copy"]
    assert row["runs"] == 3 and row["max"] == max(counts)
    assert row["per_second"] == round(600e6 / sum(counts), 3)
    table = cycle_table(small_device)
    assert table is not None and table.row_count == 1
    buffer = small_device.allocate((2, 3), np.int8)
    assert buffer.shape == (2, 3) and buffer.dtype == np.int8 and not buffer.any()


def test_jobs_on_the_rtl_device_in_any_order(small_device):
    jobs, rng = Jobs(small_device), np.random.default_rng(7)
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
