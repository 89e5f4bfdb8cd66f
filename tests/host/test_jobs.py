"""Jobs of a device, and a session that is one frame behind: the same numbers in every order."""

import threading
from concurrent.futures import Future
from random import Random
from typing import Any

import numpy as np
import pytest

from host.devices.golden import GoldenDevice
from host.devices.registry import default_bundle
from host.errors import (
    DeviceError,
    FrameError,
    PromptError,
    SavedSessionError,
    SpecError,
    UsageError,
)
from host.jobs import Call, Jobs, JobTimeout, drive, drive_all
from host.media.demo_clip import render_demo_clip
from host.prompts import Prompt
from host.session import Session
from tests.host.fake_device import SIZE, FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner

FRAMES, OBJECTS, SEEDS = 20, 3, 200


def image(seed=0):
    codes = np.random.default_rng(seed).integers(-128, 128, (1, 3, SIZE, SIZE))
    return {"image": codes.astype(np.int8)}


class Gated(FakeDevice):
    """Runs a graph only once `gate` is open."""

    concurrent = True

    def __init__(self):
        super().__init__()
        self.gate, self.entered = threading.Event(), threading.Event()

    def run(self, graph, inputs):
        self.entered.set()
        assert self.gate.wait(30)
        return super().run(graph, inputs)


def test_outputs_stay_until_released_whatever_runs():
    device = FakeDevice()
    runs = (device.run("image_encoder", image(seed)) for seed in (0, 1))
    wanted = [{name: codes.copy() for name, codes in run.items()} for run in runs]
    jobs = Jobs(device)
    codes = image(0)
    first = jobs.submit("image_encoder", codes)
    codes["image"][:] = 0  # the job has its own copy
    second = jobs.submit("image_encoder", image(1))
    for job, outputs in ((second, wanted[1]), (first, wanted[0])):
        found = jobs.wait(job)
        assert all((found[name] == outputs[name]).all() for name in outputs)
        assert job.done and job.ms > 0
    jobs.close()


def test_a_graph_has_so_many_sets_and_gets_them_back():
    jobs = Jobs(FakeDevice(), sets=2)
    held = [jobs.submit("image_encoder", image()) for _ in range(2)]
    assert not jobs.room("image_encoder") and jobs.room("mask_decoder")
    with pytest.raises(DeviceError, match="every buffer set is taken"):
        jobs.submit("image_encoder", image())
    jobs.release(held[0])
    jobs.release(held[0])  # twice does no harm
    assert jobs.room("image_encoder")
    again = jobs.submit("image_encoder", image())
    assert not jobs.room("image_encoder")
    with pytest.raises(DeviceError, match="has been released"):
        jobs.wait(held[0])
    jobs.wait(again)
    jobs.close()


def test_what_is_wrong_is_told():
    jobs = Jobs(FakeDevice())
    with pytest.raises(DeviceError, match="no graph 'encoder'"):
        jobs.submit("encoder", image())
    with pytest.raises(DeviceError, match="0 buffer sets"):
        Jobs(FakeDevice(), sets=0)
    job = jobs.submit("image_encoder", {"image": np.zeros((1, 3, 8, 8), np.int8)})
    with pytest.raises((SpecError, AssertionError)):
        jobs.wait(job)
    jobs.release(job)
    jobs.wait(jobs.submit("image_encoder", image()))  # it goes on
    jobs.close()


def test_a_job_that_does_not_end_is_given_up():
    device = Gated()
    jobs = Jobs(device, sets=1)
    job = jobs.submit("image_encoder", image())
    with pytest.raises(JobTimeout, match=r"image_encoder: no end within 0\.05 s"):
        jobs.wait(job, timeout_s=0.05)
    assert not jobs.room("image_encoder")  # the device may still write there
    device.gate.set()
    assert jobs.wait(job)["features"].shape[0] == 1
    jobs.close()


def test_graphs_run_side_by_side_where_the_device_can():
    device = Gated()
    jobs = Jobs(device)
    slow = jobs.submit("image_encoder", image())
    assert device.entered.wait(30)
    device.entered.clear()
    jobs.submit("memory_encoder", {})
    assert device.entered.wait(30)  # while the encoder has not ended
    assert not slow.done
    device.gate.set()
    jobs.wait(slow)
    jobs.close()


def test_an_error_of_one_ends_all_and_leaves_no_set_taken():
    jobs = Jobs(FakeDevice())

    def good():
        found = yield Call("image_encoder", image())
        return int(found["features"].sum())

    def bad():
        yield Call("image_encoder", image())
        raise PromptError("a step that fails", "none")

    told = []
    assert (
        drive_all([good(), good()], jobs, lambda graph, ms: told.append(graph))
        == [drive(good(), lambda call: FakeDevice().run(*call))] * 2
    )
    assert told == ["image_encoder"] * 2
    with pytest.raises(PromptError, match="a step that fails"):
        drive_all([good(), bad(), good()], jobs, lambda graph, ms: None)
    held = [jobs.submit("image_encoder", image()) for _ in range(3)]  # all three are free
    with pytest.raises(DeviceError, match="every buffer set is taken"):
        drive_all([good()], jobs, lambda graph, ms: None)
    for job in held:
        jobs.release(job)
    jobs.close()


# ---- Sessions


class _Lane:
    """Stands for the thread of one graph: what was handed to it waits until `step`."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future, Any, tuple]] = []

    def submit(self, function, *arguments):
        """Returns the future of a call that has not begun."""
        future: Future = Future()
        self.waiting.append((future, function, arguments))
        return future

    def step(self):
        """Runs the oldest call that has been submitted, as a thread would."""
        future, function, arguments = self.waiting.pop(0)
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)

    def shutdown(self, wait, cancel_futures):
        """Drops the calls that have not run; there is no thread to end."""
        self.waiting.clear()


class Interleaved(Jobs):
    """Jobs whose order `seed` decides: the device runs only inside calls of this class, on a job
    drawn among the first ones of the graphs' queues. `order` lists the graphs as they were run.
    """

    def __init__(self, device, seed, sets=3):
        super().__init__(device, sets)
        threads: Any = self._queues
        threads.close()
        self._lanes = {graph: _Lane() for graph in threads._free}
        threads._lanes, threads._lane_of = self._lanes, {graph: graph for graph in threads._free}
        self._rng, self.order = Random(seed), []

    def _some(self, until):
        """Runs jobs until the condition holds, then a few more, or none."""
        while True:
            met = until()
            busy = [graph for graph, lane in self._lanes.items() if lane.waiting]
            if met and (not busy or self._rng.random() < 0.6):
                return
            assert busy, "waits for a job that nobody has submitted"
            graph = self._rng.choice(busy)
            self.order.append(graph)
            self._lanes[graph].step()

    def submit(self, graph, inputs):
        """Submits a job, then lets a random number of those that wait run."""
        job = super().submit(graph, inputs)
        self._some(lambda: True)
        return job

    def first(self, jobs, timeout_s=None):
        """Lets jobs run until one of these has ended; which of those that have is drawn, too."""
        self._some(lambda: any(job.done for job in jobs))
        done = [job for job in jobs if job.done]
        return self._rng.choice(done)


def prompts(count=OBJECTS):
    frame = render_demo_clip(frames=1)[0][0]
    high, wide = frame.shape[:2]
    step = wide // count
    boxes = [(n * step + 4, high // 4, (n + 1) * step - 4, 3 * high // 4) for n in range(count)]
    return {n + 1: Prompt.from_pixels(high, wide, box=box) for n, box in enumerate(boxes)}


@pytest.fixture(scope="module")
def golden():
    return GoldenDevice(default_bundle("tiny"))


@pytest.fixture(scope="module")
def clip():
    return render_demo_clip(frames=FRAMES)[0]


def tracked(session, clip, asked):
    """Every result, the last one too."""
    results = [session.step(frame, asked.get(n)) for n, frame in enumerate(clip)]
    return [r for r in (*results, session.finish()) if r is not None and r.frame_index >= 0]


def differences(found, wanted):
    """How many logits, masks, pointers and scores differ."""
    assert [r.frame_index for r in found] == [r.frame_index for r in wanted]
    count = 0
    for one, other in zip(found, wanted, strict=True):
        assert list(one.objects) == list(other.objects)
        for key, left in one.objects.items():
            right = other.objects[key]
            count += int((left.logits != right.logits).sum())
            count += int((left.answer.obj_ptr != right.answer.obj_ptr).sum())
            count += int((left.answer.candidates != right.answer.candidates).sum())
            count += int((left.mask() != right.mask()).sum())
            count += left.score != right.score
    return count


@pytest.fixture(scope="module")
def script():
    """All objects at once, then one is corrected and another one begins later."""
    first = prompts()
    height, width = clip_size()
    late = Prompt.from_pixels(height, width, points=[[40, 40]], labels=[1])
    return {0: {1: first[1], 2: first[2]}, 4: {3: first[3]}, 9: {2: late}}


def clip_size():
    return render_demo_clip(frames=1)[0][0].shape[:2]


@pytest.fixture(scope="module", params=[0, 0.9])
def window(request):
    """Every object on the whole frame, or each in a window of its own."""
    return request.param


@pytest.fixture(scope="module")
def wanted(golden, clip, script, window):
    return tracked(Session(golden, window=window), clip, script)


def interleave(golden, clip, script, wanted, seeds, window):
    count, orders = 0, set()
    for seed in seeds:
        jobs = Interleaved(golden, seed, sets=2 + seed % 2)
        session = Session(golden, mode="throughput", jobs=jobs, window=window)
        count += differences(tracked(session, clip, script), wanted)
        orders.add(tuple(jobs.order))
        assert all(jobs.room(graph) for graph in golden.spec.ports)
    return count, len(orders)


def test_threads_change_no_number(golden, clip, script, wanted, window):
    session = Session(golden, mode="throughput", window=window)
    assert differences(tracked(session, clip, script), wanted) == 0


def test_some_interleavings_change_no_number(golden, clip, script, wanted, window):
    assert interleave(golden, clip, script, wanted, range(4), window) == (0, 4)


@pytest.mark.slow
def test_no_interleaving_changes_a_number(golden, clip, script, wanted, window):
    assert interleave(golden, clip, script, wanted, range(SEEDS), window) == (0, SEEDS)


def test_the_next_frame_is_encoded_ahead_in_the_window_that_it_will_be_read_in(
    golden, clip, monkeypatch
):
    device, jobs = golden, Jobs(golden)
    runs, submit = [], jobs.submit

    def listed(graph, inputs):
        runs.append(graph)
        return submit(graph, inputs)

    monkeypatch.setattr(jobs, "submit", listed)
    session = Session(device, mode="throughput", jobs=jobs, window=0.9)
    for n, frame in enumerate(clip):
        session.step(frame, {1: prompts()[1]} if n == 0 else None)
    session.finish()
    # No window turned out to be another one: nothing was encoded twice.
    assert runs.count("image_encoder") == len(clip)
    # What the detector reads is the whole frame, and takes no buffer set for good.
    image = session.encoded()
    alone = Session(device, window=0)
    alone.step(clip[-1])
    assert all((image[name] == codes).all() for name, codes in alone.encoded().items())
    session.refine({1: prompts()[2]})
    session.reset()
    assert all(jobs.room(graph) for graph in device.spec.ports)


def test_a_step_answers_for_the_frame_before():
    session = Session(FakeDevice(), mode="throughput")
    red = Prompt.from_pixels(HEIGHT, WIDTH, points=[[corner(0)[0] + 16, 32]], labels=[1])
    blue = Prompt.from_pixels(HEIGHT, WIDTH, points=[[corner(0)[0] + 16, 72]], labels=[1])
    nothing = session.step(both_frame(0), {1: red})
    assert (nothing.frame_index, nothing.objects) == (-1, {})
    # Object 1 is known although its frame has not been answered for.
    background = Prompt.from_pixels(HEIGHT, WIDTH, points=[[0, 0]], labels=[0])
    result = session.step(both_frame(1), {1: background})
    assert result.frame_index == 0 and list(result.objects) == [1]
    assert "image_encoder" in result.timings_ms and "mask_decoder" in result.timings_ms
    refined = session.refine({2: blue})  # on the frame that was answered for
    assert refined.frame_index == 0 and list(refined.objects) == [1, 2]
    last = session.finish()
    assert last is not None and last.frame_index == 1 and list(last.objects) == [1, 2]
    assert session.finish() is None
    assert session.step(both_frame(2)).frame_index == -1
    session.reset()
    assert session.finish() is None and session.object_ids == []


def test_nothing_is_lost_and_nothing_half_done(tmp_path):
    session = Session(FakeDevice(), mode="throughput")
    red = Prompt.from_pixels(HEIGHT, WIDTH, points=[[corner(0)[0] + 16, 32]], labels=[1])
    session.step(both_frame(0), {1: red})
    with pytest.raises(SavedSessionError, match="has not been answered for"):
        session.save(tmp_path / "s.npz")
    with pytest.raises(FrameError, match="frame 1 is"):
        session.step(both_frame(1)[:-1])
    with pytest.raises(PromptError, match="only background"):
        blue = Prompt.from_pixels(HEIGHT, WIDTH, points=[[3, 3]], labels=[0])
        session.step(both_frame(1), {2: blue})
    assert session.step(both_frame(1)).frame_index == 0
    session.finish()
    session.save(tmp_path / "s.npz")
    plain = Session(FakeDevice())
    plain.step(both_frame(0), {1: red})
    plain.step(both_frame(1))
    resumed = Session.load(tmp_path / "s.npz", FakeDevice())
    found, same = resumed.step(both_frame(2)), plain.step(both_frame(2))
    assert (found.objects[1].logits == same.objects[1].logits).all()
    with pytest.raises(UsageError, match="mode 'fast'"):
        Session(FakeDevice(), mode="fast")
