"""AdamW with a one-cycle rate: short warm-up, cosine to zero."""

from __future__ import annotations

from typing import Any

import lightning
import torch


def one_cycle(groups: list[dict[str, Any]], trainer: lightning.Trainer) -> dict[str, Any]:
    """Lightning's description of optimizer and schedule; groups without parameters are dropped."""
    groups = [g for g in groups if g["params"]]
    optimizer = torch.optim.AdamW(groups)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[g["lr"] for g in groups],
        total_steps=max(2, int(trainer.estimated_stepping_batches)),
        pct_start=0.08,
        cycle_momentum=False,
        final_div_factor=100,
    )
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
