"""The state of a model whose modules share tensors."""

from __future__ import annotations

import torch
from torch import nn


def unique_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """State dict with a tensor that several modules share kept once, under its first name."""
    first = {n for n, _ in [*model.named_parameters(), *model.named_buffers()]}
    return {n: t for n, t in model.state_dict(keep_vars=True).items() if n in first}
