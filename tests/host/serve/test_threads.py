"""The slot that keeps the newest, threads that outlive their faults, the lines for everybody."""

import threading
import time

from host.errors import DeviceError
from host.serve import worker
from host.serve.newest import Newest
from host.serve.notices import Notices
from host.serve.rates import Meter, StageMeans, limit_of
from host.serve.worker import Worker
from tests.host.serve.shows import until


def test_only_the_newest_is_kept_and_every_change_is_told():
    slot: Newest[str] = Newest()
    heard: list[int] = []
    assert slot.get() == (0, None)
    end = slot.listen(lambda: heard.append(slot.get()[0]))
    for value in "abc":
        slot.put(value)
    assert slot.get() == (3, "c") and heard == [1, 2, 3]
    end()
    end()
    slot.put("d")
    assert heard == [1, 2, 3]


def test_waiting_ends_with_a_value_or_in_time():
    slot: Newest[str] = Newest()
    assert slot.after(0, 0.01) == (0, None)
    threading.Timer(0.05, slot.put, ["x"]).start()
    assert slot.after(0, 5) == (1, "x")


class Busy(Worker):
    """Raises what it is given, once each."""

    def __init__(self, faults, notices):
        super().__init__("work", notices)
        self.faults, self.rounds, self.closed = faults, 0, False

    def round(self):
        self.rounds += 1
        if self.faults:
            raise self.faults.pop(0)
        time.sleep(0.002)

    def close(self):
        self.closed = True


def test_a_fault_is_said_and_taken_back(monkeypatch):
    monkeypatch.setattr(worker, "PAUSE_S", 0.05)
    notices = Notices()
    said = []
    notices.changed = lambda: said.append(notices.lines())
    one = Busy([DeviceError("a run took 5 s", "wait"), ZeroDivisionError("bug")], notices)
    one.start()
    until(lambda: one.rounds > 5)
    one.stop()
    assert said == [["a run took 5 s (wait)"], ["work failed; the terminal says more"], []]
    assert one.closed and one.stopping


def test_rates_and_stages_settle():
    meter = Meter()
    assert meter.rate == 0
    for _ in range(11):
        meter.tick()
        time.sleep(0.01)
    assert 40 < meter.rate < 101
    means = StageMeans()
    for _ in range(60):
        means.add({"b": 2.0, "a": 4.0})
    assert means.rounded(("b",)) == {"b": 2.0, "a": 4.0}
    for _ in range(60):
        means.add({"b": 2.0})
    assert means.rounded() == {"b": 2.0}


def test_what_limits_the_rate_is_said():
    stages = {"image_encoder": 32.0, "mask_decoder": 11.0, "prepare": 2.0}
    assert limit_of(30, 29.5, stages) == "" and limit_of(30, 0, {}) == ""
    assert limit_of(30, 22, stages) == (
        "the image encoder takes 32 of 45 ms a frame, 30 frames/s leave 33 ms"
    )
    assert "waits for a busy processor: its stages take 9 ms" in limit_of(
        30, 12, {"image_encoder": 9.0}
    )
