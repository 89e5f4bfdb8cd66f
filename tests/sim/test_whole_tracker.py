"""The whole tracker in RTL: every accelerator at work at the same time, fed
by the data mover from a memory that answers late, under the unchanged host.
`make interleavings` runs as many seeds as one likes.
"""

import pytest

from host.devices.rtl import RtlDevice
from host.session import Session
from tests.host.test_jobs import differences, tracked
from tests.sim import interleavings


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return interleavings.hardware(tmp_path_factory.mktemp("tracker"))


def test_all_accelerators_at_once_change_no_number(tiny):
    """Frames pass with the memory late and all its channels hesitating; nothing stands still."""
    frames = 6
    device = RtlDevice(tiny, stalls=0)
    found = tracked(Session(device, mode="throughput"), *interleavings.clip(frames))
    device.close()
    assert differences(found, interleavings.golden(tiny, frames)) == 0
    assert any(one.mask().any() for result in found for one in result.objects.values())


@pytest.mark.parametrize(
    ("seeds", "frames"),
    [(range(2), 3), pytest.param(range(1, 20), 20, marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_no_order_of_jobs_changes_a_number(tiny, seeds, frames):
    """Memory and host hesitate by the seed, and go through different orders."""
    wanted, orders = interleavings.golden(tiny, frames), set()
    for seed in seeds:
        found, order = interleavings.simulated(tiny, frames, seed)
        assert differences(found, wanted) == 0
        orders.add(order)
    assert len(orders) == len(seeds)


def test_a_range_of_seeds_tells_of_each_and_of_all(tiny, monkeypatch, capsys):
    """A run of one seed says what it compared, and a code that differs is counted and fails it."""
    monkeypatch.setattr(interleavings, "hardware", lambda folder: tiny)
    assert interleavings.main(["--seeds", "3", "--frames", "1"]) == 0
    each = interleavings.codes(interleavings.golden(tiny, 1))
    assert f"1 seeds of 1 frames, 3 objects: 0 of {each:,} codes differ" in capsys.readouterr().out
    real = interleavings.simulated

    def planted(*given):
        found, order = real(*given)
        found[0].objects[1].logits.flat[0] += 1
        return found, order

    monkeypatch.setattr(interleavings, "simulated", planted)
    assert interleavings.main(["--seeds", "3:3", "--frames", "1"]) == 1
    assert f"1 of {each:,} codes differ" in capsys.readouterr().out


def test_a_range_that_is_broken_off_says_where_to_go_on(tiny, monkeypatch, capsys):
    def stopped(bundle, frames, seed):
        if seed == 5:
            raise KeyboardInterrupt
        return interleavings.golden(bundle, frames), (("image_encoder", seed),)

    monkeypatch.setattr(interleavings, "hardware", lambda folder: tiny)
    monkeypatch.setattr(interleavings, "simulated", stopped)
    assert interleavings.main(["--seeds", "3:9", "--frames", "1"]) == 1
    said = capsys.readouterr().out
    assert "go on with --seeds 5:9" in said
    assert "2 seeds of 1 frames, 3 objects: 0 of" in said and "2 different orders" in said


@pytest.mark.parametrize("given", ["", "a", "3:1", "-1", "1:b"])
def test_what_is_no_range_of_seeds_is_refused(given, capsys):
    assert list(interleavings.seeds_of("20:22")) == [20, 21, 22]
    with pytest.raises(SystemExit):
        interleavings.main([f"--seeds={given}"])
    assert f"{given!r} is no range of seeds" in capsys.readouterr().err
