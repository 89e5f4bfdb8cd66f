"""Pixel decoder: the coarse map upsampled twice by two, a skip joining at each scale (SAM 2's
high-resolution features, Ravi et al. 2024, appendix C; a small FPN). Base of the graphs that make
masks as products with pixel embeddings.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from quant.config import LOGIT_SCALE, ModelConfig, Precision
from quant.model.layers import Conv, Quantizer, join


class PixelDecoder(nn.Module):
    """Layers from (B,C,G,G) to pixel embeddings (B,C4,R,R), and the masks' quantizer.

    dense: channels of a map at the mask grid that joins last.
    """

    def __init__(
        self, config: ModelConfig, p: Precision, skips: tuple[Quantizer, Quantizer], dense: int = 0
    ) -> None:
        super().__init__()
        c, (c4, c8) = config.width, config.skip_widths
        self.skip8_quant, self.skip4_quant = skips
        if dense:
            self.dense_skip = Conv(p, dense, c4, 3)
        self.up8 = Conv(p, c, c8)
        self.side8 = Conv(p, c8, c8)
        self.grid8 = Quantizer(p, p.ends)
        self.mix8 = Conv(p, c8, c8, 3, relu=True)
        self.up4 = Conv(p, c8, c4)
        self.side4 = Conv(p, c4, c4)
        self.grid4 = Quantizer(p, p.ends)
        self.mix4 = Conv(p, c4, c4, 3, relu=True)
        self.pixel = Conv(p, c4, c4, 3)
        self.pixel_quant = Quantizer(p, p.ends)
        self.logit_quant = Quantizer(p, p.ends, scale=LOGIT_SCALE)

    def pixels(
        self, x: Tensor, skip8: Tensor, skip4: Tensor, dense: Tensor | None = None
    ) -> Tensor:
        """Makes pixel embeddings (B,C4,R,R) of x (B,C,G,G), skip8 (B,C8,2G,2G), skip4 (B,C4,R,R)
        and dense (B,·,R,R).
        """
        y = double(self.grid8(self.up8(x)))
        y = join(self.grid8, y, self.side8(self.skip8_quant(skip8)))
        y = double(self.grid4(self.up4(self.mix8(y))))
        y = join(self.grid4, y, self.side4(self.skip4_quant(skip4)))
        if dense is not None:
            y = join(self.grid4, y, self.dense_skip(dense))
        return self.pixel_quant(self.pixel(self.mix4(y)))


def double(x: Tensor) -> Tensor:
    """Returns a map of twice the height and width, each pixel repeated."""
    return F.interpolate(x, scale_factor=2, mode="nearest")
