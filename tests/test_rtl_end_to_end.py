"""The whole tracker in RTL: every accelerator of a system under the unchanged host."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from host.cli.main import main
from host.cli.verify import repeat
from host.devices.rtl import RtlDevice
from host.media.demo_clip import write_demo_clip
from hw import board as boards
from hw.build.hardware import build
from hw.search.target import Target
from hw.spec.hardware import Hardware
from tests.board.prepare import golden_calls
from tests.host.scenes import stored

BUNDLES = Path(__file__).resolve().parent.parent / "bitstreams"
EASY = Target(1e12, 1e12, 1e12)


def built(model: str, board: str, folder: Path) -> Path:
    source = next(BUNDLES.glob(f"{model}_emulated_*"))
    return build(source, boards.find(board), EASY, folder, strict=False)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return built("tiny", "KV260", tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def calls(tiny):
    return golden_calls(tiny, 4, 1)


def test_the_demo_tracks_in_rtl_as_in_golden(tiny, tmp_path, capsys):
    """Five frames, three objects, through the command line; one clip for both devices."""
    boxes = write_demo_clip(tmp_path / "clip.mp4")
    words = ["--video", str(tmp_path / "clip.mp4"), "--bundle", str(tiny), "--frames", "5"]
    words += [f"--box={','.join(map(str, box))}" for box in boxes]
    masks = {}
    for device in ("golden", "rtl"):
        out = tmp_path / device
        assert main(["demo", *words, "--device", device, "--out", str(out)]) == 0
        masks[device] = [stored(p, cv2.IMREAD_COLOR) for p in sorted((out / "masks").glob("*.png"))]
    assert len(masks["rtl"]) == 5
    assert any(m.any() for m in masks["golden"])
    for a, b in zip(masks["golden"], masks["rtl"], strict=True):
        np.testing.assert_array_equal(a, b)
    said = capsys.readouterr().out
    assert "cycles a run" in said and "memory_attention" in said


def test_cycles_are_those_of_the_fold_table(tiny, calls):
    device = RtlDevice(tiny)
    expected = {g.name: g.cycles for g in Hardware.load(tiny).graphs}
    for done in repeat(device, calls, lambda _: None):
        assert done.differing == 0
        if done.graph != "memory_attention":  # its table is for a full bank
            assert abs(expected[done.graph] / done.cycles - 1) <= 0.05, done
    device.close()


@pytest.mark.parametrize("seeds", [range(4), pytest.param(range(4, 200), marks=pytest.mark.slow)])
def test_a_memory_that_hesitates_changes_nothing(tiny, calls, seeds):
    for seed in seeds:
        device = RtlDevice(tiny, stalls=seed)
        assert sum(c.differing for c in repeat(device, calls, lambda _: None)) == 0
        device.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "board", "frames"), [("pico", "PYNQ-Z2", 3), ("nano", "KV260", 1)]
)
def test_whole_models_frame_by_frame(model, board, frames, tmp_path):
    """Real frames with a full bank: equal to the bit, cycles as folded."""
    folder = built(model, board, tmp_path)
    found = golden_calls(folder, 12, frames)
    device = RtlDevice(folder)
    expected = {g.name: g.cycles for g in device.hardware.graphs}
    for done in repeat(device, found, lambda _: None):
        assert done.differing == 0
        assert abs(expected[done.graph] / done.cycles - 1) <= 0.05, done
    device.close()
