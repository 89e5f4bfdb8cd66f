"""The concept detector in RTL, beside the tracker's accelerators in one system: equal to golden for
any prompt on any frame, under stalls, and under the unchanged host.
"""

from typing import Any

import numpy as np
import pytest

from host.cli.verify import Call, Recorder, repeat
from host.concepts.association import Rules
from host.concepts.prompts import ConceptPrompt
from host.concepts.session import ConceptSession
from host.concepts.tracker import ConceptTracker
from host.devices.registry import open_device
from host.devices.rtl import RtlDevice
from host.media.demo_clip import render_demo_clip
from hw import board as boards
from hw.build.folded import dataflows
from hw.build.hardware import build
from hw.fold import keeps
from hw.fold.layers import Keep
from hw.search.target import Target
from hw.spec.hardware import Hardware
from hw.spec.manifest import DETECTOR, load_manifest
from hw.stitch.accelerator import apart
from tests.tiny import bundled

HEIGHT, WIDTH = 64, 96
PROMPTS: tuple[dict[str, Any], ...] = (
    {"text": "cat"},
    {"boxes": [(10, 10, 40, 40, 1)]},
    {"text": "dog", "boxes": [(30, 5, 90, 60, 1), (2, 40, 20, 63, 0), (50, 8, 60, 20, 1)]},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Frames kept where they are thinnest and shared, as larger models keep theirs."""
    source, board = bundled(detects=True).folder, boards.find("KV260")
    out, easy = tmp_path_factory.mktemp("detector"), Target(1e12, 1e12, 1e12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeps, "LARGE", 0)
        flow = dataflows(source, load_manifest(source))[DETECTOR]
        kept = [x.name for x in keeps.thinned(flow, apart(flow)).layers if isinstance(x, Keep)]
        assert len(kept) > 2
        lines = ["[style.detector]", "sparing = true", "[detector]"]
        lines += [f'"{name}" = {{ lanes = 1 }}' for name in kept]
        (out / "sparing.toml").write_text("\n".join(lines))
        return build(source, board, easy, out, override=out / "sparing.toml", strict=False)


@pytest.fixture(scope="module")
def golden(folder):
    return open_device("golden", folder)


@pytest.fixture(scope="module")
def calls(golden):
    """Three kinds of prompts on three frames."""
    recorder = Recorder(golden, 0)
    session = ConceptSession(recorder)
    for frame, prompt in zip(render_demo_clip(3, HEIGHT, WIDTH)[0], PROMPTS, strict=True):
        session.set_image(frame)
        session.detect(**prompt)
    found = [call for call in recorder.calls if call.graph == DETECTOR]
    assert len(found) == len(PROMPTS)
    return found


def random_call(golden, seed, ends):
    """Codes over the whole range of every input, or at its ends."""
    rng, codes = np.random.default_rng(seed), {}
    for name, port in golden.spec.ports[DETECTOR].inputs.items():
        low, high = port.dtype.min, port.dtype.max
        values = (
            rng.choice([low, high], port.shape) if ends else rng.integers(low, high + 1, port.shape)
        )
        codes[name] = values.astype(port.storage)
    found = {name: np.array(v) for name, v in golden.run(DETECTOR, codes).items()}
    return Call(DETECTOR, 0, codes, found)


def test_every_code_is_goldens_and_every_cycle_the_plans(folder, golden, calls):
    expected = {g.name: g.cycles for g in Hardware.load(folder).graphs}[DETECTOR]
    random = [random_call(golden, seed, ends) for seed in (1, 2) for ends in (False, True)]
    assert all(np.ptp(call.outputs["masks"]) > 0 for call in calls)
    device = RtlDevice(folder)
    for done in repeat(device, [*calls, *random], lambda _: None):
        assert done.differing == 0, done
        assert abs(expected / done.cycles - 1) <= 0.05, done
    device.close()


@pytest.mark.parametrize("seeds", [range(3), pytest.param(range(3, 60), marks=pytest.mark.slow)])
def test_a_memory_that_hesitates_changes_nothing(folder, calls, seeds):
    for seed in seeds:
        device = RtlDevice(folder, stalls=seed)
        assert sum(c.differing for c in repeat(device, calls[-1:], lambda _: None)) == 0
        device.close()


def test_a_concept_is_followed_as_in_golden(folder, golden):
    """Five accelerators under the host that finds and tracks."""
    device = RtlDevice(folder)
    rules = Rules(threshold=0, new_score=0, every=2)
    seen = []
    for one in (golden, device):
        tracker = ConceptTracker(one, ConceptPrompt("cat"), rules)
        frames = [f for image in render_demo_clip(3, HEIGHT, WIDTH)[0] for f in tracker.step(image)]
        seen.append([*frames, *tracker.finish()])
    assert set(device.cycles) == set(golden.spec.ports)
    device.close()
    for a, b in zip(*seen, strict=True):
        assert a.looked == b.looked and a.presence == b.presence
        assert a.instances.keys() == b.instances.keys()
        for key, found in a.instances.items():
            wanted, made = (x.logits(HEIGHT, WIDTH) for x in (found, b.instances[key]))
            np.testing.assert_array_equal(wanted, made)
    assert any(frame.instances for frame in seen[0])
