"""AdamW with a one-cycle rate: short warm-up, cosine to zero, over steps or over a stage's time."""

from __future__ import annotations

import math
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig

from quant.progress import share_of_time, stage_timer

WARM_UP = 0.08  # share of a stage
START, END = 1 / 25, 1 / 2500  # of the peak rate


class Progress:
    """How far a stage is, 0 to 1: by its steps, or by its time where that ends first.

    timer: ends the stage, None where only its steps do; it knows the time before a run was resumed.
    """

    def __init__(self, steps: int, timer: Timer | None = None) -> None:
        self.steps, self.timer = max(1, steps), timer

    def at(self, step: int) -> float:
        """Returns the share of the stage that is over at a step, 0..1."""
        share = step / self.steps
        if self.timer is not None:
            share = max(share, share_of_time(self.timer))
        return min(1.0, share)

    def rate(self, step: int) -> float:
        """Rate at a step, of the peak: linear warm-up, then a cosine (Smith & Topin 2019)."""
        share = self.at(step)
        if share < WARM_UP:
            return START + (1 - START) * share / WARM_UP
        fall = (share - WARM_UP) / (1 - WARM_UP)
        return END + (1 - END) * 0.5 * (1 + math.cos(math.pi * fall))


def one_cycle(
    groups: list[dict[str, Any]], trainer: lightning.Trainer
) -> OptimizerLRSchedulerConfig:
    """Lightning's description of optimizer and schedule; groups without parameters are dropped."""
    groups = [g for g in groups if g["params"]]
    fused = all(p.is_cuda for g in groups for p in g["params"])
    optimizer = torch.optim.AdamW(groups, fused=fused)
    progress = Progress(int(trainer.estimated_stepping_batches), stage_timer(trainer))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, progress.rate)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
