"""Rates of a whole system, worked out by hand, and the file that keeps what was measured."""

import pytest

from hw.spec.errors import BundleError
from hw.spec.host_work import CORES, NAME, Core, HostWork, Measured, comparison, rate

WORK = HostWork(640, 480, {"prepare": 0.75, "bank": 0.25, "masks": 0.25})


def test_what_overlaps_and_what_does_not():
    assert (WORK.total_ms, WORK.beside_ms, WORK.serial_ms) == (1.25, 1.0, 0.25)
    one = rate(WORK, 4.0, 10.0)
    assert (one.fabric_ms, one.serial_ms, one.beside_ms) == (10.0, 1.0, 4.0)
    assert (one.processor_ms, one.in_turn_ms, one.overlapped_ms) == (5.0, 15.0, 11.0)
    assert rate(WORK, 40.0, 10.0).overlapped_ms == 40.0  # what runs beside binds


def test_a_table_says_frames_a_second():
    core = Core("slow", 100.0, "nowhere")
    rows = comparison(Measured("here", 400.0, [WORK]), core, 10.0)
    assert rows == [
        ["640x480", "100.0 (10.0 ms)", "200.0 (5.0 ms)", "66.7 (15.0 ms)", "90.9 (11.0 ms)"]
    ]
    assert comparison(Measured("here", None, [WORK]), core, 10.0) == []


def test_cores_have_a_source_and_a_family():
    assert set(CORES) == {"xcup", "xc7"}
    assert all(core.mips > 0 and "sbc-bench" in core.source for core in CORES.values())
    # Both directions' ratings; the Cortex-A9's by the clock, 650 of 1598 MHz.
    assert CORES["xcup"].mips == (758 + 1188) / 2
    assert CORES["xc7"].mips == pytest.approx((953 + 1447) / 2 * 650 / 1598, abs=0.5)


def test_what_was_measured_is_kept(tmp_path):
    measured = Measured("here", 4000.0, [WORK])
    measured.save(tmp_path)
    assert Measured.load(tmp_path) == measured
    assert measured.factor(Core("x", 1000.0, "")) == 4.0


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"works": [{"depth": 1}]}'])
def test_a_file_that_is_none_is_named(tmp_path, text):
    (tmp_path / NAME).write_text(text)
    with pytest.raises(BundleError, match=r"host\.json cannot be read"):
        Measured.load(tmp_path)
