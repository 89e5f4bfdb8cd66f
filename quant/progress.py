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
from lightning.pytorch.callbacks import TQDMProgressBar

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


class StageBar(TQDMProgressBar):
    """The bar shows an epoch, as Lightning's does, and the time that is left of the stage.

    minutes: that the stage may take, None for all of its epochs.
    """

    def __init__(self, minutes: float | None) -> None:
        super().__init__(refresh_rate=10)
        self.limit = None if minutes is None else 60 * minutes
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
        left = self.left(trainer.global_step, int(trainer.estimated_stepping_batches))
        return found if left is None else {**found, "stage_left": duration(left)}

    def left(self, done: int, steps: int) -> float | None:
        """Returns the seconds that the stage still takes, by its steps; None before the first."""
        took = time.monotonic() - self._began
        if done <= self._first:
            return None if self.limit is None else self.limit
        by_steps = took * max(0, steps - done) / (done - self._first)
        return by_steps if self.limit is None else min(by_steps, max(0.0, self.limit - took))


class Stages:
    """Announces the stages of a run, one after another.

    names: of all stages. shares: of the run's time that each is expected to take.
    """

    def __init__(self, run: Path, names: Sequence[str], shares: Sequence[float]) -> None:
        self.run, self.names, self.shares = run, list(names), list(shares)
        self._took, self._of = 0.0, 0.0
        self._began = time.monotonic()
        print(f"run {run}: {len(self.names)} stages, {', '.join(self.names)}")

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
