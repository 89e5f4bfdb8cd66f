"""One step's loss as a module of tensors alone, so that a GPU can replay it as one graph.

A step is thousands of small operations; launched one by one they take a GPU longer to start than to
run. Captured once for each shape of plan (torch.cuda.make_graphed_callables) they start at once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from host.policy import Policy
from quant.clip_pool import DEVICE_LOCK
from quant.fast_quant import fast_quantizers
from quant.losses import hard_iou
from quant.model import Tracker
from quant.unroll import Plan, Unroller


class ClipLoss(nn.Module):
    """Loss and mean IoU of a batch under the plans of one shape."""

    def __init__(
        self,
        tracker: Tracker,
        policy: Policy,
        plan: Plan,
        encoder_batch: int = 0,
        layout: torch.memory_format = torch.channels_last,
        graphed: bool = False,
    ) -> None:
        super().__init__()
        self.tracker, self.policy, self.plan = tracker, policy, plan
        self.encoder_batch, self.layout, self.graphed = encoder_batch, layout, graphed

    def forward(
        self, frames: Tensor, targets: Tensor, valid: Tensor, kinds: Tensor, rows: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Arguments as of `Unroller.run` -> loss, IoU over the frames after the first; scalars.

        Float models run in bfloat16 where that is safe; codes of 8 bits and more are not.
        """
        unroller = Unroller(self.tracker, self.policy, self.encoder_batch, self.layout)
        half = torch.autocast(
            frames.device.type,
            torch.bfloat16,
            enabled=self.tracker.precision.is_float,
            cache_enabled=not self.graphed,
        )
        with half, fast_quantizers(self.tracker):
            loss, logits = unroller.run(frames, targets, kinds, self.plan, valid=valid, rows=rows)
        with torch.no_grad():
            known = valid.repeat_interleave(targets.shape[1], 0)
            iou = hard_iou(logits, targets.flatten(0, 1), known)[:, 1:].mean()
        return loss, iou


class ClipLosses:
    """`ClipLoss` for every shape of plan; on a GPU each a graph of its own, captured when first
    needed.
    """

    def __init__(
        self,
        tracker: Tracker,
        policy: Policy,
        encoder_batch: int = 0,
        layout: torch.memory_format = torch.channels_last,
        graphs: bool = False,
    ) -> None:
        self.tracker, self.policy, self.encoder_batch = tracker, policy, encoder_batch
        self.layout, self.graphs = layout, graphs
        self._known: dict[Any, Any] = {}
        self._pool = torch.cuda.graph_pool_handle() if graphs else None

    def __call__(self, plan: Plan, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and IoU of a batch; inputs as of `ClipLoss.forward`."""
        settled = tuple(m.training for m in self.tracker.modules())
        key = (plan.shape, hash(settled), *(t.shape for t in inputs))
        if key not in self._known:
            self._known[key] = self._made(plan, settled, inputs)
        return self._known[key](*inputs)

    def _made(self, plan: Plan, settled: tuple[bool, ...], inputs: tuple[Tensor, ...]) -> nn.Module:
        """The loss of plans of this shape, as a graph if graphs can be had."""
        loss = ClipLoss(
            self.tracker, self.policy, plan, self.encoder_batch, self.layout, self.graphs
        )
        loss.train(self.tracker.training)
        for module, training in zip(self.tracker.modules(), settled, strict=True):
            module.training = training
        if not self.graphs:
            return loss
        samples = tuple(t.clone() for t in inputs)
        try:
            with DEVICE_LOCK:
                torch.cuda.synchronize()
                return torch.cuda.make_graphed_callables(
                    loss, samples, allow_unused_input=True, pool=self._pool
                )
        except RuntimeError as error:
            print(f"no graph of {plan}, going on without: {error}")
            self.graphs = False
            return ClipLoss(self.tracker, self.policy, plan, self.encoder_batch, self.layout)
