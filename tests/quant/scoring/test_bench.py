"""What `make bench` says of the host's own work and of boards."""

from host.rates import rating
from quant.scoring import bench
from tests.host.fake_device import FakeDevice
from tests.host.rates.fake_hardware import write_hardware
from tests.host.scenes import both_frame

FRAMES = [both_frame(index) for index in range(12)]


def test_both_modes_give_the_same_masks_and_their_rates(capsys):
    figures = bench.modes(FakeDevice(), FRAMES, 14, 2)
    said = capsys.readouterr().out
    assert "2 object(s), 14 frames" in said and "0 pixels of 28 masks differ" in said
    assert figures["differ_2_objects"] == 0
    assert figures["latency_ms_2_objects"] > 0 < figures["throughput_ms_2_objects"]


def test_boards_are_compared_by_their_cycles(tmp_path, monkeypatch, capsys):
    write_hardware(tmp_path / "nano_KV260_0")
    write_hardware(tmp_path / "nano_PYNQ-Z2_0", "PYNQ-Z2", 5_000_000)
    monkeypatch.setattr(bench, "rating_here", lambda: 4000.0)
    monkeypatch.setenv("COLUMNS", "200")
    figures = bench.host_figures(FakeDevice(), FRAMES, "nano", tmp_path)
    said = " ".join(capsys.readouterr().out.split())
    assert "Cortex-A53 at 1.3 GHz 4.1 times" in said and "Cortex-A9 at 650 MHz 8.2 times" in said
    assert "100.0 (10.0 ms)" in said  # four graphs of half a million cycles at 200 MHz
    assert 0 < figures["host_ms_480p"] < figures["host_ms_720p"]
    assert figures["PYNQ-Z2_fps_480p"] < 10 < figures["KV260_fps_480p"] < 100


def test_without_hardware_or_7zip_the_host_is_measured_all_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(rating.shutil, "which", lambda name: None)
    figures = bench.host_figures(FakeDevice(), FRAMES, "nano", tmp_path)
    assert set(figures) == {"host_ms_480p", "host_ms_720p"}
    write_hardware(tmp_path / "nano_KV260_0")
    bench.host_figures(FakeDevice(), FRAMES, "nano", tmp_path)
    assert "KV260: its processor is not compared" in capsys.readouterr().out
