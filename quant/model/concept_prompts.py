"""Prompts of the concept detector: the host's tables, learned. A sentence embedding becomes four
tokens, an example box one token of its corners, its label and the features under it (SAM 3's
geometry encoder, Carion et al. 2025, section 3); missing ones have tokens of their own.

`host.concepts.prompts` does the same on the tables alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from host.detector_spec import EMBEDDING
from host.prompts import LOGIT_LIMIT
from quant.config import ModelConfig
from quant.model.layers import Quantizer
from quant.model.prompt_encoder import smooth_tables

TEXT_TOKENS = 4
EXEMPLARS = 4
ABSENT = -1
"""Label of an exemplar slot that is not used; 0 negative, 1 positive."""


class ConceptPrompts(nn.Module):
    """Tables from prompts to tokens (B,C,T,1), T = N + 1 + 4 + 4: queries, presence, text,
    exemplars.
    """

    def __init__(self, config: ModelConfig, tokens: Quantizer) -> None:
        super().__init__()
        c = config.width
        self.count = config.queries
        self.grid = config.grid
        self.queries = nn.Parameter(torch.randn(config.queries + 1, c))
        self.none = nn.Parameter(torch.randn(TEXT_TOKENS + 1, c))
        # A unit embedding has entries of about 1/sqrt(384): tokens start at unit variance, and
        # better by `spread`.
        self.text_weight = nn.Parameter(torch.randn(EMBEDDING, TEXT_TOKENS * c))
        self.text_bias = nn.Parameter(torch.zeros(TEXT_TOKENS * c))
        self.label = nn.Parameter(torch.randn(2, c))
        self.column, self.row = map(nn.Parameter, smooth_tables(c, config.grid))
        self.column_end, self.row_end = map(nn.Parameter, smooth_tables(c, config.grid))
        self.pool_weight = nn.Parameter(torch.randn(c, c) / c**0.5)
        # Gain and offset of scores, found when training is done: `quant.concepts.calibration`.
        self.register_buffer("score_scale", torch.tensor([1.0, 0.0]))
        self.token_quant = tokens

    def forward(
        self, text: Tensor, has_text: Tensor, boxes: Tensor, labels: Tensor, features: Tensor
    ) -> Tensor:
        """Returns the detector's tokens (B,C,T,1) for a prompt.

        text (B,384) unit embeddings, has_text (B,) bool, boxes (B,E,4) x0 y0 x1 y1 in [0,1], labels
        (B,E) in {-1 unused, 0, 1}, features (B,C,G,G).
        """
        batch, c = len(text), self.queries.shape[1]
        queries = self.queries.expand(batch, -1, -1)
        words = (text @ self.text_weight + self.text_bias).reshape(batch, TEXT_TOKENS, c)
        words = torch.where(has_text[:, None, None], words, self.none[:TEXT_TOKENS])
        bins = (boxes * self.grid).floor().long().clamp(0, self.grid - 1)
        pooled = pool(features, boxes) @ self.pool_weight
        examples = (
            self.label[labels.clamp(min=0)]
            + self.column[bins[..., 0]]
            + self.row[bins[..., 1]]
            + self.column_end[bins[..., 2]]
            + self.row_end[bins[..., 3]]
            + pooled
        )
        used = (labels != ABSENT)[..., None]
        examples = torch.where(used, examples, self.none[TEXT_TOKENS])
        tokens = torch.cat([queries, words, examples], 1)
        return self.token_quant(tokens.transpose(1, 2).unsqueeze(3))

    def ask(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The detector's `geometry` (B,4,G,G) and `tokens` (B,C,T,1) for a batch of questions: by
        name what `forward` takes.
        """
        tokens = self(*(batch[n] for n in ("text", "has_text", "boxes", "labels", "features")))
        return geometry(batch["boxes"], batch["labels"], batch["features"].shape[-1]), tokens

    @torch.no_grad()
    def spread(self, embeddings: Tensor) -> None:
        """Set the text projection so that the phrases (V,384) of a vocabulary come out centred and
        uncorrelated. Sentence embeddings of nouns are all alike for the most part (cosines of 0.2
        to 0.6), and what tells two phrases apart would be learned last.
        """
        c = self.queries.shape[1]
        mean = embeddings.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov((embeddings - mean).T))
        top = values[-c:].clamp(min=0)
        # A little of the mean variance keeps rare directions from being blown up.
        white = vectors[:, -c:] / (top + 0.1 * top.mean()).sqrt()
        turns = [torch.linalg.qr(torch.randn(c, c)).Q for _ in range(TEXT_TOKENS)]
        weight = torch.cat([white @ turn for turn in turns], 1)
        self.text_weight.copy_(weight)
        self.text_bias.copy_(-mean @ weight)


def valid_tokens(has_text: Tensor, labels: Tensor) -> Tensor:
    """Returns (B,8), given (B,) and (B,E): prompt tokens that a query is scored against, see
    `scores`.
    """
    return torch.cat([has_text[:, None].expand(-1, TEXT_TOKENS), labels == 1], 1)


def scores(matches: Tensor, valid: Tensor) -> Tensor:
    """Logits (B,N) of the queries: the mean of their matches (B,N+1,T,1) over a prompt's valid
    (B,8) tokens.
    """
    given = matches[:, :-1, matches.shape[1] :, 0]  # tokens behind queries and presence
    weight = valid.float() / valid.sum(1, keepdim=True).clamp(min=1)
    return (given * weight[:, None]).sum(2)


def coverage(boxes: Tensor, cells: int) -> Tensor:
    """Shares (...,cells,cells) of the cells of a square grid that boxes (...,4) in [0,1] cover."""
    low = torch.arange(cells, device=boxes.device) / cells
    high = low + 1 / cells

    def along(start: Tensor, end: Tensor) -> Tensor:
        overlap = torch.minimum(end[..., None], high) - torch.maximum(start[..., None], low)
        return overlap.clamp(min=0) * cells

    x, y = along(boxes[..., 0], boxes[..., 2]), along(boxes[..., 1], boxes[..., 3])
    return y[..., :, None] * x[..., None, :]


def pool(features: Tensor, boxes: Tensor) -> Tensor:
    """Mean of features (B,C,G,G) under each box (B,E,4), by area: (B,E,C)."""
    weight = coverage(boxes, features.shape[-1])
    total = weight.sum((-2, -1)).clamp(min=1e-6)[..., None]
    return torch.einsum("behw,bchw->bec", weight.to(features), features) / total


def geometry(boxes: Tensor, labels: Tensor, cells: int) -> Tensor:
    """The detector's geometry input (B,4,G,G): positive boxes, negative boxes, x ramp, y ramp."""
    cover = coverage(boxes, cells)
    marks = [(cover * (labels == label)[..., None, None]).amax(1).clamp(max=1) for label in (1, 0)]
    ramp = torch.linspace(-1, 1, cells, device=boxes.device).expand(len(boxes), cells, cells)
    return torch.stack([*marks, ramp, ramp.transpose(1, 2)], 1) * LOGIT_LIMIT
