"""The rate of a stage: a short warm-up, then a cosine to zero, by its steps or by its time."""

from datetime import timedelta

import pytest
from lightning.pytorch.callbacks import Timer

from quant.training.optimizer import END, START, WARM_UP, Progress


def timer_of(seconds: float, of: float) -> Timer:
    """A timer that has measured so many seconds before its run was resumed."""
    timer = Timer(timedelta(seconds=of))
    timer.load_state_dict({"time_elapsed": {"train": seconds}})
    return timer


def test_a_rate_rises_from_a_small_share_and_falls_to_nearly_nothing():
    progress = Progress(1000)
    assert progress.rate(0) == pytest.approx(START)
    assert progress.rate(round(1000 * WARM_UP)) == pytest.approx(1.0)
    assert progress.rate(1000) == progress.rate(2000) == pytest.approx(END)
    rates = [progress.rate(step) for step in range(80, 1000)]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize(
    ("seconds", "step", "share"), [(0, 0, 0.0), (45, 0, 0.75), (45, 900, 0.9), (90, 0, 1.0)]
)
def test_time_or_steps_end_a_stage_whichever_is_over_first(seconds, step, share):
    progress = Progress(1000, timer_of(seconds, of=60))
    assert progress.at(step) == pytest.approx(share)
    assert progress.rate(step) == pytest.approx(Progress(1000).rate(round(1000 * share)))
