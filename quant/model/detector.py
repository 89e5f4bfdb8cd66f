"""Concept detector: features, skips and prompt tokens -> one mask, box and score for each instance.

The parts of SAM 3's detector (Carion et al. 2025, section 3): a fusion encoder in which the image
attends to the prompt, a decoder of object queries whose boxes are refined layer by layer
(Zhu et al. 2021, section 4.2), a presence token that says whether the concept is there at all,
scores as products with the prompt, and masks as products of query and pixel embeddings over a
feature pyramid (Cheng et al. 2021, MaskFormer). What is different, and why: queries, presence and
prompt are one token sequence, so that one self-attention is query-to-query and query-to-prompt at
once; the image attends to all of it, the learned queries being what it finds when nothing of the
prompt matches; boxes are sums of logits on one integer grid; the presence token's mask vector is
the semantic head.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from host.detector_spec import GEOMETRY_CHANNELS
from quant.config import BOX_SCALE, LOGIT_SCALE, ModelConfig, Precision
from quant.model.attention import Attention, rows
from quant.model.layers import Conv, Quantizer, join
from quant.model.mask_decoder import Head
from quant.model.pixel_decoder import PixelDecoder

BOX_LANES = 4


@dataclass(frozen=True)
class Prediction:
    """What the heads say after one decoder layer: masks (B,N+1,R,R), matches (B,N+1,T,1), boxes
    (B,4,N+1,1), presence (B,1,N+1,1), all logits; masks is None where it was not asked for.
    """

    masks: Tensor | None
    matches: Tensor
    boxes: Tensor
    presence: Tensor

    def float(self) -> Prediction:
        """In float32, as losses need them."""
        masks = None if self.masks is None else self.masks.float()
        return Prediction(masks, self.matches.float(), self.boxes.float(), self.presence.float())


class FusionLayer(nn.Module):
    """The image (B,C,G,G) attends to the tokens (B,C,T,1), then looks around itself."""

    def __init__(self, config: ModelConfig, p: Precision, image: Quantizer) -> None:
        super().__init__()
        c = config.width
        self.image = image
        self.to_tokens = Attention(p, c, config.lanes)
        self.mix = Conv(p, c, c, 3, relu=True)
        self.mix_out = Conv(p, c, c, gain=0.0)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        x = join(self.image, x, self.to_tokens(x, t))
        return join(self.image, x, self.mix_out(self.mix(x)))


class DecoderLayer(nn.Module):
    """Tokens hear where their boxes are, attend to each other and to the image; boxes move."""

    def __init__(self, config: ModelConfig, p: Precision, token: Quantizer, box: Quantizer) -> None:
        super().__init__()
        c = config.width
        self.token, self.box = token, box
        self.position1 = Conv(p, BOX_LANES, c, relu=True)
        self.position2 = Conv(p, c, c)
        self.self_attention = Attention(p, c, config.lanes)
        self.to_image = Attention(p, c, config.lanes)
        self.mlp1 = Conv(p, c, config.hidden, relu=True)
        self.mlp2 = Conv(p, config.hidden, c, gain=0.0)
        self.delta1 = Conv(p, c, c, relu=True)
        self.delta2 = Conv(p, c, BOX_LANES, gain=0.1)

    def forward(
        self, t: Tensor, x: Tensor, boxes: Tensor, alone: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Tokens (B,C,T,1), image (B,C,G,G), boxes (B,4,T,1) -> tokens, boxes. alone: see
        `Detector.decode`."""
        t = join(self.token, t, self.position2(self.position1(boxes)))
        t = join(self.token, t, self.self_attention(t, t if alone is None else alone))
        t = join(self.token, t, self.to_image(t, x))
        t = join(self.token, t, self.mlp2(self.mlp1(t)))
        return t, join(self.box, boxes, self.delta2(self.delta1(t)))


class Detector(PixelDecoder):
    """Graph `detector`, see the file's opening; shapes in `forward`."""

    inputs = ("features", "skip8", "skip4", "geometry", "tokens")
    outputs = ("masks", "matches", "boxes", "presence")

    def __init__(
        self,
        config: ModelConfig,
        p: Precision,
        features: Quantizer,
        skips: tuple[Quantizer, Quantizer],
    ) -> None:
        super().__init__(config, p, skips)
        c, c4 = config.width, config.skip_widths[0]
        self.kept = config.queries + 1  # tokens that have a mask: the queries and presence
        self.features, self.token_quant = features, Quantizer(p, p.ends)
        self.geometry_quant = Quantizer(p, p.ends, scale=LOGIT_SCALE)
        self.image = Quantizer(p, p.ends)
        self.enter = Conv(p, c, c)
        self.geometry1 = Conv(p, GEOMETRY_CHANNELS, 32, 3, relu=True)
        self.geometry2 = Conv(p, 32, c)
        self.self_attention = Attention(p, c, config.lanes)
        self.fusion = nn.ModuleList(
            FusionLayer(config, p, self.image) for _ in range(config.fusion_layers)
        )
        self.box_quant = Quantizer(p, p.ends, scale=BOX_SCALE)
        self.reference = Conv(p, c, BOX_LANES, norm=False)
        self.decoder = nn.ModuleList(
            DecoderLayer(config, p, self.token_quant, self.box_quant)
            for _ in range(config.decoder_layers)
        )
        self.match_query = Conv(p, c, config.lanes)
        self.match_prompt = Conv(p, c, config.lanes)
        self.match_quants = nn.ModuleList(Quantizer(p, p.ends) for _ in range(2))
        self.match_logit = Quantizer(p, p.ends, scale=LOGIT_SCALE)
        self.presence = Head(p, c, 1, Quantizer(p, p.ends, scale=LOGIT_SCALE))
        self.hyper = Head(p, c, c4, Quantizer(p, p.ends))

    def forward(
        self, features: Tensor, skip8: Tensor, skip4: Tensor, geometry: Tensor, tokens: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Detects what the prompt means in features (B,C,G,G), skip8 (B,C8,2G,2G) and skip4
        (B,C4,R,R), asked by geometry (B,4,G,G) and tokens (B,C,T,1), of which the queries and the
        presence token come first.

        Returns masks (B,N+1,R,R), matches (B,N+1,T,1), boxes (B,4,N+1,1) and presence (B,1,N+1,1),
        all logits.
        """
        t = self.token_quant(tokens)
        x = self.fuse(features, geometry, t)
        t, boxes = self.decode(t, x)[-1]
        found = self.heads(t, boxes, self.pixels(x, skip8, skip4))
        assert found.masks is not None
        return found.masks, found.matches, found.boxes, found.presence

    def fuse(self, features: Tensor, geometry: Tensor, t: Tensor) -> Tensor:
        """Returns the image's features, told of the prompt: (B,C,G,G)."""
        x = self.image(self.enter(self.features(features)))
        x = join(self.image, x, self.geometry2(self.geometry1(self.geometry_quant(geometry))))
        x = join(self.image, x, self.self_attention(x, x))
        for layer in self.fusion:
            x = layer(x, t)
        return x

    def decode(self, t: Tensor, x: Tensor, alone: bool = False) -> list[tuple[Tensor, Tensor]]:
        """Tokens and boxes after every layer. alone: queries hear the prompt but not each other,
        the branch that one-to-many matching trains (Hu et al. 2025, DAC-DETR).
        """
        boxes = self.box_quant(self.reference(t))
        found = []
        for layer in self.decoder:
            t, boxes = layer(t, x, boxes, t[:, :, self.kept - 1 :] if alone else None)
            found.append((t, boxes))
        return found

    def heads(self, t: Tensor, boxes: Tensor, pixels: Tensor | None) -> Prediction:
        """Returns what tokens (B,C,T,1) and boxes (B,4,T,1) say; pixels (B,C4,R,R)."""
        kept = t[:, :, : self.kept]
        query, prompt = self.match_quants
        asked = rows(query(self.match_query(kept)))  # (B,1,N+1,K)
        given = prompt(self.match_prompt(t))
        b, lanes, count, _ = given.shape
        matches = torch.matmul(asked, given.reshape(b, 1, lanes, count))  # (B,1,N+1,T)
        matches = self.match_logit(matches.reshape(b, self.kept, count, 1))
        masks = None
        if pixels is not None:
            vectors = rows(self.hyper(kept))
            _, c4, h, w = pixels.shape
            masks = torch.matmul(vectors, pixels.reshape(b, 1, c4, h * w))
            masks = self.logit_quant(masks.reshape(b, self.kept, h, w))
        return Prediction(masks, matches, boxes[:, :, : self.kept], self.presence(kept))
