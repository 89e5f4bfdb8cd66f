"""Keeps the averaged weights of a run now and then, small enough to score: a curve of scores
against steps says whether training on would pay.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.callbacks.weight_averaging import WeightAveraging


class Snapshots(Callback):
    """Calls `save(module, path)` with the averaged module every so many epochs.

    save: writes the module's weights to a path. folder: receives `step-<number>.safetensors`.
    """

    def __init__(
        self,
        average: WeightAveraging,
        folder: Path,
        every: int,
        save: Callable[[lightning.LightningModule, Path], None],
    ) -> None:
        self.average, self.folder, self.every, self.save = average, folder, every, save

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        averaged = self.average._average_model
        if not self.every or (trainer.current_epoch + 1) % self.every or averaged is None:
            return
        if trainer.is_global_zero:
            self.save(averaged.module, self.folder / f"step-{trainer.global_step:06}.safetensors")
