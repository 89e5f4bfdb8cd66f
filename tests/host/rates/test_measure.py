"""The host's own work: measured apart from the device, whose graphs answer as before."""

import time

import cv2
import numpy as np
import pytest

from host.prompts import Prompt
from host.rates.measure import Tape, measure
from host.session import Session
from hw.spec.hardware import Hardware
from hw.spec.host_work import BESIDE
from tests.host.fake_device import FakeDevice
from tests.host.rates.fake_hardware import write_hardware
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner

FRAMES = [both_frame(index) for index in range(12)]
PROMPTS = {1: Prompt.from_pixels(HEIGHT, WIDTH, points=[(corner(0)[0] + 16, 32)], labels=[1])}


class Slow(FakeDevice):
    """Takes its time, which is not the host's."""

    def run(self, graph, inputs):
        until = time.thread_time() + 0.01
        while time.thread_time() < until:
            pass
        return super().run(graph, inputs)


def test_the_device_does_not_count():
    threads = cv2.getNumThreads()
    (work,) = measure(Slow(), FRAMES, PROMPTS, repeats=20)
    assert (work.width, work.height) == (WIDTH, HEIGHT)
    assert 0 < work.total_ms < 10  # four graphs alone would take 40
    parts = set(work.parts_ms)
    assert parts >= {"prepare", "bank", "prompts", "device calls", "answers", "masks", "rest"}
    assert not parts & set(Slow().spec.ports)
    assert work.serial_ms + work.beside_ms == pytest.approx(work.total_ms)
    assert work.beside_ms == pytest.approx(sum(work.parts_ms[name] for name in BESIDE))
    assert cv2.getNumThreads() == threads


def test_larger_frames_take_longer_to_prepare_and_no_longer_for_the_rest():
    small, large = measure(
        FakeDevice(), FRAMES, PROMPTS, repeats=40, sizes=[(96, 160), (960, 1600)]
    )
    assert large.parts_ms["prepare"] > 2 * small.parts_ms["prepare"]
    assert large.parts_ms["masks"] > 2 * small.parts_ms["masks"]
    assert (large.width, large.height) == (1600, 960)


def test_copies_of_the_driver_count_where_there_is_hardware(tmp_path):
    bundle = write_hardware(tmp_path / "fake_KV260_0")
    (plain,) = measure(FakeDevice(), FRAMES, PROMPTS, repeats=40)
    (copied,) = measure(FakeDevice(), FRAMES, PROMPTS, bundle, repeats=40)
    assert copied.parts_ms["device calls"] > 2 * plain.parts_ms["device calls"]


def test_what_is_played_back_is_what_was_recorded(tmp_path):
    """Also through the driver's buffers: the session goes on as on the device itself."""
    bundle = write_hardware(tmp_path / "fake_KV260_0")
    for hardware in (None, Hardware.load(bundle)):
        tape = Tape(FakeDevice())
        session = Session(tape)
        for index, frame in enumerate(FRAMES):
            result = session.step(frame, PROMPTS if not index else None)
        tape.play(hardware, bundle)
        again = session.step(FRAMES[-1])
        assert (again.objects[1].logits == result.objects[1].logits).all()
        assert np.abs(again.objects[1].score - result.objects[1].score) == 0
