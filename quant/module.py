"""The Lightning module: one stage of the recipe on a tracker."""

from __future__ import annotations

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quant.clip_batch import assemble
from quant.clip_loss import ClipLosses
from quant.fast_quant import fast_quantizers
from quant.model import Tracker
from quant.optimizer import Progress, one_cycle
from quant.ports import POLICY
from quant.recipe import Stage
from quant.unroll import PROMPTS, Plan, age_rows, readings

PROMPT_SHARES = (0.4, 0.25, 0.35)  # mask, box, click on the first frame
ROUND_SHARES = (0.4, 0.3, 0.3)  # steps whose first frame is corrected never, once, twice
CORRECTION_SHARE = 0.25  # steps in which a later frame is corrected
# gaps behind the prompted frame, so that every age bucket is met
AGES = (0, 0, 0, 3, 8, 20, 60, 200)
SETTLED = 0.6
"""Share of a float stage after which the heads' norms keep their statistics: they are what the
session and the quantized model see, where training frames come in batches of one kind."""


class TrackerStage(lightning.LightningModule):
    """Trains `tracker` as `stage` says; distillation follows `teacher`, the float backbone.

    minutes: length of the stage where that is shorter than its epochs. graphs: replay steps as
    CUDA graphs.
    """

    def __init__(
        self,
        tracker: Tracker,
        stage: Stage,
        teacher: nn.Module | None = None,
        minutes: float | None = None,
        graphs: bool = False,
    ) -> None:
        super().__init__()
        self.tracker, self.stage, self.minutes, self.graphs = tracker, stage, minutes, graphs
        # a list: not a submodule, not saved
        self._teacher = [teacher.eval()] if teacher is not None else []
        self._losses: list[ClipLosses] = []
        self.backbone = tracker.image_encoder.backbone
        self._progress: Progress | None = None
        self._freeze()

    def _freeze(self) -> None:
        for parameter in self.tracker.parameters():
            parameter.requires_grad_(self.stage.encoder != "distill")
        for parameter in self.backbone.parameters():
            parameter.requires_grad_(self.stage.encoder != "frozen")

    def on_train_start(self) -> None:
        self._progress = Progress(int(self.trainer.estimated_stepping_batches), self.minutes)
        on_cpu = self.device.type == "cpu"
        # On a CPU one frame at a time keeps the encoder's maps in the cache.
        self._losses = [ClipLosses(self.tracker, POLICY, int(on_cpu), self.graphs and not on_cpu)]
        for teacher in self._teacher:
            teacher.to(self.device)

    def _settle_norms(self) -> None:
        """Pretrained norms have seen far more images than a batch holds, so the backbone keeps its
        statistics; the heads keep theirs towards the end.
        """
        assert self._progress is not None
        late = self._progress.at(self.global_step) >= SETTLED
        inside = set(self.backbone.modules())
        for module in self.tracker.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train(module not in inside and not late)

    def on_train_epoch_start(self) -> None:
        self.tracker.train()
        self._settle_norms()

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        # Draws follow the step, not the process, so that a resumed run goes on as the unbroken one
        # would.
        rng = np.random.default_rng((self.global_step, self.global_rank, 7))
        if self.device.type == "cpu":
            torch.manual_seed(int(rng.integers(1 << 31)))
        if self.global_step % 50 == 0:
            self._settle_norms()
        if self.stage.encoder == "distill":
            there = batch["frames"].shape[1]
            loss = self._distill(batch["frames"][:, rng.permutation(there)[: self.stage.frames]])
        else:
            loss = self._track(batch, rng)
        self.log("loss", loss.detach(), prog_bar=True)
        return loss

    def _track(self, batch: dict[str, Tensor], rng: np.random.Generator) -> Tensor:
        config, stage = self.tracker.config, self.stage
        made = assemble(
            batch["frames"],
            batch["ids"],
            config.image_size,
            config.grid,
            stage.frames,
            stage.objects,
        )
        plan = draw_plan(stage.frames, rng)
        count = len(made.frames) * stage.objects
        kinds = torch.from_numpy(rng.choice(len(PROMPTS), count, p=PROMPT_SHARES)).to(self.device)
        rows = age_rows(readings(plan, POLICY)).to(self.device)
        loss, iou = self._losses[0](plan, made.frames, made.targets, made.valid, kinds, rows)
        self.log("iou", iou.detach(), prog_bar=True)
        return loss

    def _distill(self, frames: Tensor) -> Tensor:
        size = self.tracker.config.image_size
        image = frames.flatten(0, 1).float()
        if image.shape[-1] != size:
            image = F.interpolate(image, size=(size, size), mode="area")
        image = (image / 128 - 1).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            wanted = self._teacher[0](image)
        loss = torch.zeros((), device=image.device)
        with fast_quantizers(self.backbone):
            maps = self.backbone(image)
        for own, want in zip(maps, wanted, strict=True):
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
            {"params": backbone, "lr": rate * self.stage.backbone_rate, "weight_decay": 0.0},
            {"params": scales, "lr": rate / 10, "weight_decay": 0.0},
        ]
        return one_cycle(groups, self.trainer, self.minutes)


def draw_plan(length: int, rng: np.random.Generator) -> Plan:
    """A random plan of a clip of `length` frames. Corrections of a later frame come with none of
    the first, so that few shapes of plan occur.
    """
    if length > 2 and rng.random() < CORRECTION_SHARE:
        return Plan(length, corrected=length // 2, age=int(rng.choice(AGES)))
    rounds = int(rng.choice(len(ROUND_SHARES), p=ROUND_SHARES))
    return Plan(length, rounds=rounds, age=int(rng.choice(AGES)))
