"""Two-way mask decoder: conditioned features, prompt tokens and skips -> four masks, scores and
object pointers.

SAM's two-way transformer (Kirillov et al. 2023, appendix A): tokens attend to themselves and to the
image, the image attends to the
tokens; then SAM 2's high-resolution skips, and masks as products of token vectors with pixel
embeddings. The dense prompt (previous mask, clicks, box,
coordinate ramps as in CoordConv, Liu et al. 2018) joins at the coarse grid and again at the mask
grid, where it says most about the boundary.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from quant.config import LOGIT_SCALE, ModelConfig, Precision
from quant.model.attention import Attention, rows
from quant.model.layers import Conv, Quantizer, join
from quant.model.pixel_decoder import PixelDecoder

DENSE_CHANNELS = 6
MASKS = 4


class TwoWayLayer(nn.Module):
    """One layer of the two-way transformer on tokens (B,C,T,1) and image (B,C,G,G)."""

    def __init__(self, config: ModelConfig, p: Precision, image: Quantizer, token: Quantizer):
        super().__init__()
        c = config.width
        self.image, self.token = image, token
        self.self_attention = Attention(p, c, config.lanes)
        self.to_image = Attention(p, c, config.lanes)
        self.mlp1 = Conv(p, c, config.hidden, relu=True)
        self.mlp2 = Conv(p, config.hidden, c, gain=0.0)
        self.to_tokens = Attention(p, c, config.lanes)

    def forward(self, tokens: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        tokens = join(self.token, tokens, self.self_attention(tokens, tokens))
        tokens = join(self.token, tokens, self.to_image(tokens, x))
        tokens = join(self.token, tokens, self.mlp2(self.mlp1(tokens)))
        return tokens, join(self.image, x, self.to_tokens(x, tokens))


class Head(nn.Module):
    """A head is a perceptron of two layers on tokens (B,C,T,1)."""

    def __init__(self, p: Precision, width: int, out: int, quantizer: Quantizer) -> None:
        super().__init__()
        self.hidden = Conv(p, width, width, relu=True)
        self.out = Conv(p, width, out, norm=False)
        self.quantizer = quantizer

    def forward(self, tokens: Tensor) -> Tensor:
        return self.quantizer(self.out(self.hidden(tokens)))


class MaskDecoder(PixelDecoder):
    """Graph `mask_decoder`, see the file's opening; shapes in `forward`."""

    inputs = ("conditioned", "skip8", "skip4", "dense_prompt", "tokens")
    outputs = ("masks", "scores", "obj_ptr")

    def __init__(
        self,
        config: ModelConfig,
        p: Precision,
        features: Quantizer,
        tokens: Quantizer,
        memory: Quantizer,
        skips: tuple[Quantizer, Quantizer],
    ) -> None:
        super().__init__(config, p, skips, DENSE_CHANNELS)
        c, c4 = config.width, config.skip_widths[0]
        self.trunk, self.token_quant = features, tokens
        self.dense_quant = Quantizer(p, p.ends, scale=LOGIT_SCALE)
        self.dense1 = Conv(p, DENSE_CHANNELS, 16, 3, stride=2, relu=True)
        self.dense2 = Conv(p, 16, 32, 3, stride=2, relu=True)
        self.dense3 = Conv(p, 32, c)
        self.layers = nn.ModuleList(
            TwoWayLayer(config, p, features, tokens) for _ in range(config.two_way_layers)
        )
        self.mix16 = Conv(p, c, c, 3, relu=True)
        self.hyper = Head(p, c, c4, Quantizer(p, p.ends))
        self.score = Head(p, c, 1, Quantizer(p, p.ends, scale=LOGIT_SCALE))
        self.pointer = Head(p, c, 2 * config.lanes, memory)

    def forward(
        self,
        conditioned: Tensor,
        skip8: Tensor,
        skip4: Tensor,
        dense_prompt: Tensor,
        tokens: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decodes conditioned features (B,C,G,G), skip8 (B,C8,2G,2G), skip4 (B,C4,R,R),
        dense_prompt (B,6,R,R) and tokens (B,C,T,1).

        Returns masks (B,4,R,R) and scores (B,1,T,1), both logits, and obj_ptr (B,2*lanes,T,1).
        """
        x, t = self.trunk(conditioned), self.token_quant(tokens)
        dense = self.dense_quant(dense_prompt)
        x = join(self.trunk, x, self.dense3(self.dense2(self.dense1(dense))))
        for layer in self.layers:
            t, x = layer(t, x)
        pixels = self.pixels(self.mix16(x), skip8, skip4, dense)
        vectors = rows(self.hyper(t[:, :, :MASKS]))  # (B,1,4,C4)
        b, c4, h, w = pixels.shape
        masks = torch.matmul(vectors, pixels.reshape(b, 1, c4, h * w))  # (B,1,4,R*R)
        masks = self.logit_quant(masks.reshape(b, MASKS, h, w))
        return masks, self.score(t), self.pointer(t)
