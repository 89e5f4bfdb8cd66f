"""What a training run says: which stage of how many, where its results lie, how much time is left;
and nothing of what Lightning says of itself.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Timer, TQDMProgressBar

QUIET = ("lightning.pytorch", "lightning.fabric", "lightning", "pytorch_lightning")
"""These loggers tell of GPUs and TPUs, give tips and repeat what a checkpoint's path is."""
MUTED = (
    r".*Checkpoint directory .* exists and is not empty.*",
    r".*does not have many workers.*",
    r".*number of training batches .* is smaller than the logging interval.*",
)
"""Warnings of Lightning about what is so on purpose, wherever they claim to come from."""


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning says warnings and errors alone, in a block."""
    loggers = [logging.getLogger(name) for name in QUIET]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"torch|lightning|brevitas")
        for message in MUTED:
            warnings.filterwarnings("ignore", message=message)
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def duration(seconds: float) -> str:
    """Returns a time in words: `40 s`, `12 min`, `3 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def stage_timer(trainer: lightning.Trainer) -> Timer | None:
    """Returns what ends a stage of fixed time, None where its epochs do. Checkpoints hold the time
    that it has measured, so a stage that was interrupted goes on with what is left.
    """
    callbacks = trainer.callbacks  # type: ignore[attr-defined]  # Lightning sets it from outside
    return next((c for c in callbacks if isinstance(c, Timer)), None)


def share_of_time(timer: Timer) -> float:
    """Returns how much of a stage's time is over, 0 and up."""
    took, left = timer.time_elapsed(), timer.time_remaining()
    assert left is not None  # Lightning makes a timer where a duration is given
    return took / max(took + left, 1e-9)


class StageBar(TQDMProgressBar):
    """The bar shows an epoch, as Lightning's does, and the time that is left of the stage."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=10)
        self._began, self._first = time.monotonic(), 0

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Begins to measure, where the run goes on."""
        super().on_train_start(trainer, pl_module)
        self._began, self._first = time.monotonic(), trainer.global_step

    def get_metrics(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> dict[str, Any]:
        """Returns what Lightning shows beside the bar, and `stage_left`, a time in words."""
        found = super().get_metrics(trainer, pl_module)
        found.pop("v_num", None)
        timer = stage_timer(trainer)
        limit = None if timer is None else timer.time_remaining()
        left = self.left(trainer.global_step, int(trainer.estimated_stepping_batches), limit)
        return found if left is None else {**found, "stage_left": duration(left)}

    def left(self, done: int, steps: int, limit: float | None = None) -> float | None:
        """Returns the seconds that the stage still takes, by its steps, `limit` at most; None where
        nothing tells it yet.
        """
        if done <= self._first:
            return limit
        took = time.monotonic() - self._began
        by_steps = took * max(0, steps - done) / (done - self._first)
        return by_steps if limit is None else min(by_steps, max(0.0, limit))


class Stages:
    """Announces the stages of a run, one after another.

    names: of all stages. shares: of the run's time that each is expected to take.
    """

    def __init__(self, run: Path, names: Sequence[str], shares: Sequence[float]) -> None:
        self.run, self.names, self.shares = run, list(names), list(shares)
        self._took, self._of = 0.0, 0.0
        self._began = time.monotonic()
        several = "s" * (len(self.names) != 1)
        print(f"run {run}: {len(self.names)} stage{several}, {', '.join(self.names)}")

    def begin(self, name: str, what: str) -> None:
        """Says which stage begins, what it is, where its result and its curves will lie."""
        number = self.names.index(name)
        left = self.left(number)
        more = "" if left is None else f"; about {duration(left)} left of the run"
        print(
            f"stage {number + 1} of {len(self.names)}: {name} ({what}){more}\n"
            f"  result {self.run / name}.safetensors, curves {self.run / 'curves' / name}",
            flush=True,
        )
        self._began = time.monotonic()

    def end(self, name: str) -> None:
        """Hears that a stage was trained to its end."""
        took = time.monotonic() - self._began
        self._took += took
        self._of += self.shares[self.names.index(name)]
        print(f"  {name} took {duration(took)}", flush=True)

    def left(self, number: int) -> float | None:
        """Returns the seconds that this and the later stages take, by those that were trained; None
        where none was.
        """
        return self._took / self._of * sum(self.shares[number:]) if self._of else None

    def done(self) -> None:
        """Says in which folder results and curves lie, at the end of the run."""
        print(f"done: results and curves in {self.run}", flush=True)
