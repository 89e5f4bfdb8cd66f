"""The Lightning module: one stage of the recipe on a tracker."""

from __future__ import annotations

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quant.model.ports import POLICY
from quant.model.tracker import Tracker
from quant.training.losses import hard_iou
from quant.training.optimizer import one_cycle
from quant.training.recipe import Stage
from quant.training.unroll import PROMPTS, Unroller

PROMPT_SHARES = (0.5, 0.2, 0.3)  # mask, box, click on the first frame
CORRECTION_SHARE = 0.1  # frames corrected by clicks after their prediction
# gaps behind the prompted frame, so that every age bucket is met
AGES = (0, 0, 0, 3, 8, 20, 60, 200)


class TrackerStage(lightning.LightningModule):
    """Trains `tracker` as `stage` says; distillation follows `teacher`, the float backbone."""

    def __init__(self, tracker: Tracker, stage: Stage, teacher: nn.Module | None = None) -> None:
        super().__init__()
        self.tracker, self.stage = tracker, stage
        # a list: not a submodule, not saved
        self._teacher = [teacher.eval()] if teacher is not None else []
        self.backbone = tracker.image_encoder.backbone
        self._freeze()

    def _freeze(self) -> None:
        for parameter in self.tracker.parameters():
            parameter.requires_grad_(self.stage.encoder != "distill")
        for parameter in self.backbone.parameters():
            parameter.requires_grad_(self.stage.encoder != "frozen")

    def on_train_epoch_start(self) -> None:
        self.tracker.train()
        # Pretrained norms have seen far more images than a batch holds; a frozen or fine-tuned
        # backbone keeps its statistics.
        for module in self.backbone.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        # Draws follow the step, not the process, so that a resumed run goes on as the unbroken one
        # would.
        rng = np.random.default_rng((self.global_step, self.global_rank, 7))
        if self.stage.encoder == "distill":
            loss = self._distill(batch["frames"])
        else:
            loss = self._track(batch, rng)
        self.log("loss", loss, prog_bar=True)
        return loss

    def _track(self, batch: dict[str, Tensor], rng: np.random.Generator) -> Tensor:
        kind = str(rng.choice(PROMPTS, p=PROMPT_SHARES))
        unroller = Unroller(self.tracker, POLICY, rng)
        loss, logits = unroller.run(
            batch["frames"],
            batch["targets"],
            kind,
            age=int(rng.choice(AGES)),
            correct=lambda frame: rng.random() < (0.5 if frame == 0 else CORRECTION_SHARE),
        )
        iou = hard_iou(logits[:, 1:], batch["targets"][:, 1:]).mean()
        self.log("iou", iou, prog_bar=True)
        return loss

    def _distill(self, frames: Tensor) -> Tensor:
        image = frames.flatten(0, 1).float() / 128 - 1
        with torch.no_grad():
            wanted = self._teacher[0](image)
        loss = torch.zeros((), device=image.device)
        for own, want in zip(self.backbone(image), wanted, strict=True):
            # Error relative to the map's power, channel by channel: quiet channels matter to the
            # heads too.
            power = want.square().mean((0, 2, 3)) + 1e-3 * want.square().mean()
            loss = loss + (F.mse_loss(own, want, reduction="none").mean((0, 2, 3)) / power).mean()
        return loss

    def configure_optimizers(self):
        self._freeze()  # once more: restoring a checkpoint makes Brevitas renew its scales
        scales, backbone, rest = [], [], []
        inside = {id(p) for p in self.backbone.parameters()}
        for name, p in self.tracker.named_parameters():
            if not p.requires_grad:
                continue
            if "scaling_impl" in name:
                scales.append(p)
            elif id(p) in inside and self.stage.encoder == "whole":
                backbone.append(p)
            else:
                rest.append(p)
        rate = self.stage.rate
        groups = [
            {"params": rest, "lr": rate, "weight_decay": 0.01},
            {"params": backbone, "lr": rate / 10, "weight_decay": 0.0},
            {"params": scales, "lr": rate / 10, "weight_decay": 0.0},
        ]
        return one_cycle(groups, self.trainer)
