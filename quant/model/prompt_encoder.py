"""Prompt encoder: the host's table sums. Points and boxes become tokens; masks, clicks and boxes
also become dense channels.

A token is label[l] + column[x] + row[y] (SAM's positional encoding plus learned label embedding,
Kirillov et al. 2023, appendix A, with the
Fourier features replaced by learned tables so that the ARM needs additions only). The dense
channels are drawn by `host.prompts`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from host.policy import AGE_BUCKETS, AGE_LANES
from quant.config import ModelConfig, Precision
from quant.model.layers import Quantizer

OUTPUT_TOKENS = 5  # four mask tokens and the object token
LABELS = 5  # negative, positive, box corners, padding: host.prompts
KINDS = 3  # recent, prompted, pointer: host.policy


class PromptEncoder(nn.Module):
    """Learned tables of the host: token embeddings and the age lanes of memory keys."""

    def __init__(
        self, config: ModelConfig, p: Precision, tokens: Quantizer, memory: Quantizer
    ) -> None:
        super().__init__()
        c, bins = config.width, config.grid
        self.output_tokens = nn.Parameter(torch.randn(OUTPUT_TOKENS, c))
        self.label = nn.Parameter(torch.randn(LABELS, c))
        self.column, self.row = map(nn.Parameter, smooth_tables(c, bins))
        self.age_codes = nn.Parameter(torch.randn(KINDS, AGE_BUCKETS, AGE_LANES) * 0.5)
        self.token_quant = tokens
        self.memory = memory

    def forward(self, label: Tensor, column: Tensor, row: Tensor) -> Tensor:
        """Turns indices, (B,P) each, into tokens (B,C,T,1), output tokens first."""
        q = self.token_quant  # tables first, then the sum: the host adds codes and saturates
        prompts = q(self.label)[label] + q(self.column)[column] + q(self.row)[row]  # (B,P,C)
        outputs = self.output_tokens.expand(label.shape[0], -1, -1)
        return q(torch.cat([outputs, prompts], 1).transpose(1, 2).unsqueeze(3))

    def ages(self) -> Tensor:
        """Returns the age codes (kinds, buckets, lanes) on the memory grid."""
        return self.memory(self.age_codes)


def smooth_tables(width: int, bins: int) -> tuple[Tensor, Tensor]:
    """Starting tables (bins,width) of columns and of rows: sines of growing frequency, so that
    neighbours are alike and the few prompts of a small data set teach all bins.
    """
    position = torch.arange(bins) / (bins - 1)
    octaves = 2.0 ** torch.arange(width // 4)
    wave = position[:, None] * octaves.clamp(max=bins / 4)[None] * torch.pi
    zero = torch.zeros(bins, width // 2)
    column = torch.cat([wave.sin(), wave.cos(), zero], 1)[:, :width] * 0.5
    row = torch.cat([zero, wave.sin(), wave.cos()], 1)[:, :width] * 0.5
    return column, row
