"""Memory encoder: one frame's mask and features -> one spatial memory, as the keys and values that
attention reads.

Keys come from the image alone (STCN, Cheng et al. 2021, section 3.2: the affinity is between
images, whatever the mask);
values from image and mask together.
"""

from __future__ import annotations

from torch import Tensor, nn

from quant.config import LOGIT_SCALE, ModelConfig, Precision
from quant.model.attention import rows
from quant.model.layers import Conv, Quantizer, join


class MemoryEncoder(nn.Module):
    """Graph `memory_encoder`: mask logits (B,1,R,R), features (B,C,G,G) -> keys, values
    (B,1,G*G,lanes).
    """

    inputs = ("mask", "features")
    outputs = ("keys", "values")

    def __init__(
        self, config: ModelConfig, p: Precision, features: Quantizer, memory: Quantizer
    ) -> None:
        super().__init__()
        c = config.width
        self.trunk = features
        self.mask_quant = Quantizer(p, p.ends, scale=LOGIT_SCALE)
        self.mask1 = Conv(p, 1, 16, 3, stride=2, relu=True)
        self.mask2 = Conv(p, 16, 32, 3, stride=2, relu=True)
        self.mask3 = Conv(p, 32, c)
        self.fuse1 = Conv(p, c, c, 3, relu=True)
        self.fuse2 = Conv(p, c, c, 3)
        self.value = Conv(p, c, config.lanes)
        self.key = Conv(p, c, config.lanes)
        self.memory = memory

    def forward(self, mask: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        f = self.trunk(features)
        m = self.mask3(self.mask2(self.mask1(self.mask_quant(mask))))
        x = join(self.trunk, f, m)
        x = join(self.trunk, x, self.fuse2(self.fuse1(x)))
        return rows(self.memory(self.key(f))), rows(self.memory(self.value(x)))
