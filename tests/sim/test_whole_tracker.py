"""The whole tracker in RTL: every accelerator at work at the same time, fed
by the data mover from a memory that answers late, under the unchanged host.
"""

from pathlib import Path

import pytest

from host.devices.golden import GoldenDevice
from host.devices.rtl import RtlDevice
from host.media.demo_clip import render_demo_clip
from host.session import Session
from hw import board as boards
from hw.build.hardware import build
from hw.search.target import Target
from tests.host.test_jobs import differences, prompts, tracked

BUNDLES = Path(__file__).resolve().parents[2] / "bitstreams"
OBJECTS = 3


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    source = next(BUNDLES.glob("tiny_emulated_*"))
    folder = tmp_path_factory.mktemp("tracker")
    easy = Target(1e12, 1e12, 1e12)
    return build(
        source,
        boards.find("KV260"),
        easy,
        folder,
        strict=False,
        detector=False,
    )


def sessions(folder, frames, **given):
    """(results of golden, results of the hardware) over so many frames with three objects."""
    clip, asked = render_demo_clip(frames=frames)[0], {0: prompts(OBJECTS)}
    wanted = tracked(Session(GoldenDevice(folder)), clip, asked)
    device = RtlDevice(folder, **given)
    found = tracked(Session(device, mode="throughput"), clip, asked)
    device.close()
    return wanted, found


@pytest.mark.parametrize(
    ("seeds", "frames"),
    [(range(1), 6), pytest.param(range(1, 20), 20, marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_all_accelerators_at_once_change_no_number(tiny, seeds, frames):
    """Frames pass with the memory late and all its channels hesitating; nothing stands still."""
    for seed in seeds:
        wanted, found = sessions(tiny, frames, stalls=seed)
        assert differences(found, wanted) == 0
        assert any(one.mask().any() for result in found for one in result.objects.values())
