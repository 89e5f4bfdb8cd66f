"""The Lightning module: one stage of the concept detector's recipe."""

from __future__ import annotations

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from quant.concepts.cache import MAPS
from quant.concepts.data import truth_of
from quant.concepts.losses import WEIGHTS, detection_loss
from quant.model.concept_prompts import valid_tokens
from quant.model.tracker import Tracker
from quant.training.optimizer import one_cycle


class ConceptModule(lightning.LightningModule):
    """Trains the detector and its prompt tables; the tracker and its quantizers are frozen."""

    def __init__(self, tracker: Tracker, rate: float) -> None:
        super().__init__()
        self.tracker, self.rate = tracker, rate
        assert tracker.detector is not None and tracker.concept_prompts is not None
        self.detector = tracker.detector.to(memory_format=torch.channels_last)
        self.prompts = tracker.concept_prompts
        self._freeze()

    def _freeze(self) -> None:
        for parameter in self.tracker.parameters():
            parameter.requires_grad_(False)
        for parameter in self.parts():
            parameter.requires_grad_(True)

    def parts(self) -> list[torch.nn.Parameter]:
        """What learns: all of the detector but the quantizers that it shares with the tracker."""
        graphs = (self.tracker.image_encoder, self.tracker.mask_decoder)
        shared = {id(p) for graph in graphs for p in graph.parameters()}
        own = [*self.detector.parameters(), *self.prompts.parameters()]
        return [p for p in own if id(p) not in shared]

    def on_train_epoch_start(self) -> None:
        self.tracker.eval()
        self.detector.train()

    def training_step(self, batch: dict, index: int) -> Tensor:
        # Channels last is what the convolutions want: a quarter of a step on a processor.
        batch |= {n: batch[n].contiguous(memory_format=torch.channels_last) for n in MAPS}
        truth = truth_of(batch)
        valid = valid_tokens(batch["has_text"], batch["labels"])
        shape, tokens = self.prompts.ask(batch)
        x = self.detector.fuse(batch["features"], shape, tokens)
        *early, last = self.detector.decode(tokens, x)
        pixels = self.detector.pixels(x, batch["skip8"], batch["skip4"])
        final = detection_loss(self.detector.heads(*last, pixels), valid, truth)
        loss = torch.stack(list(final.values())).sum()
        for layer in early:
            found = self.detector.heads(*layer, pixels)
            loss = loss + torch.stack(list(detection_loss(found, valid, truth).values())).sum()
        for layer in self.detector.decode(tokens, x, alone=True):
            found = self.detector.heads(*layer, None)
            many = detection_loss(found, valid, truth, many=True)
            loss = loss + WEIGHTS.one_to_many * torch.stack(list(many.values())).sum()
        self.log("loss", loss, prog_bar=True)
        self.log_dict({f"loss_{name}": value for name, value in final.items()})
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        self._freeze()  # once more: restoring a checkpoint makes Brevitas renew its scales
        own = {id(p) for p in self.parts()}
        named = [(n, p) for n, p in self.tracker.named_parameters() if id(p) in own]
        scales = [p for n, p in named if "scaling_impl" in n]
        rest = [p for n, p in named if "scaling_impl" not in n]
        groups = [
            {"params": rest, "lr": self.rate, "weight_decay": 0.02},
            {"params": scales, "lr": self.rate / 10, "weight_decay": 0.0},
        ]
        return one_cycle(groups, self.trainer)
