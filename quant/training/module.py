"""The Lightning module: one stage of the recipe on a tracker."""

from __future__ import annotations

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.nn import functional as F

from quant.model.fast_quant import fast_quantizers
from quant.model.ports import POLICY
from quant.model.tracker import Tracker
from quant.training.clip_batch import assemble
from quant.training.clip_loss import ClipLosses
from quant.training.layout import fastest_layout
from quant.training.optimizer import one_cycle
from quant.training.recipe import Stage
from quant.training.unroll import PROMPTS, Plan, age_rows, readings

PROMPT_SHARES = (0.4, 0.25, 0.35)  # mask, box, click on the first frame
ROUNDS = 2  # corrections of the first frame
CORRECTION_SHARE = 0.4  # steps in which a later frame is corrected instead
# gaps behind the prompted frame, so that every age bucket is met
AGES = (0, 0, 0, 3, 8, 20, 60, 200)


class TrackerStage(lightning.LightningModule):
    """Trains `tracker` as `stage` says; distillation follows `teacher`, the float backbone.

    graphs: replay steps as CUDA graphs.
    """

    def __init__(
        self,
        tracker: Tracker,
        stage: Stage,
        teacher: nn.Module | None = None,
        graphs: bool = False,
    ) -> None:
        super().__init__()
        self.tracker, self.stage, self.graphs = tracker, stage, graphs
        # a list: not a submodule, not saved
        self._teacher = [teacher.eval()] if teacher is not None else []
        self._losses: list[ClipLosses] = []
        self.backbone = tracker.image_encoder.backbone
        # Kept, since the average of equal numbers is another one by a rounding.
        self._frozen: dict[str, Tensor] = {}
        if stage.encoder == "frozen":
            state = tracker.image_encoder.state_dict()
            self._frozen = {name: value.detach().cpu().clone() for name, value in state.items()}
        self._freeze()

    def _freeze(self) -> None:
        for parameter in self.tracker.parameters():
            parameter.requires_grad_(self.stage.encoder != "distill")
        for parameter in self.backbone.parameters():
            parameter.requires_grad_(True)
        if self._frozen:  # the neck too: a detector reads its maps
            self.tracker.image_encoder.requires_grad_(False)

    def restore_frozen(self) -> None:
        """Puts a frozen image encoder back to the bit, after weights have been averaged."""
        if self._frozen:
            self.tracker.image_encoder.load_state_dict(self._frozen)

    def on_train_start(self) -> None:
        on_cpu = self.device.type == "cpu"
        layout = fastest_layout(self.device)
        self.tracker.to(memory_format=layout)
        # On a CPU one frame at a time keeps the encoder's maps in the cache.
        self._losses = [
            ClipLosses(self.tracker, POLICY, int(on_cpu), layout, self.graphs and not on_cpu)
        ]
        for teacher in self._teacher:
            teacher.to(self.device, memory_format=layout)

    def on_train_epoch_start(self) -> None:
        self.tracker.train()
        still = self.tracker.image_encoder if self._frozen else self.backbone
        inside = set(still.modules())
        for module in self.tracker.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train(module not in inside and not self.stage.settled)

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        # Draws follow the step, not the process, so that a resumed run goes on as the unbroken one
        # would.
        rng = np.random.default_rng((self.global_step, self.global_rank, 7))
        if self.device.type == "cpu":
            torch.manual_seed(int(rng.integers(1 << 31)))
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
        image = (image / 128 - 1).contiguous(memory_format=self._losses[0].layout)
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

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
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
        return one_cycle(groups, self.trainer)


def draw_plan(length: int, rng: np.random.Generator) -> Plan:
    """A random plan of a clip of `length` frames: the first frame is corrected ROUNDS times, or a
    later one once. Two shapes only, since each is a graph of its own on a GPU.
    """
    age = int(rng.choice(AGES))
    if length > 2 and rng.random() < CORRECTION_SHARE:
        return Plan(length, corrected=length // 2, age=age)
    return Plan(length, rounds=ROUNDS, age=age)
