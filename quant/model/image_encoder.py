"""Image encoder: MobileNetV2 (Sandler et al. 2018, table 2) up to its 96-channel stage at stride
16.

39 convolutions at full depth, then a 1x1 neck a scale: features at stride 16, skips at strides 8
    and 4.
"""

from __future__ import annotations

from torch import Tensor, nn

from quant.config import IMAGE_SCALE, ModelConfig, Precision
from quant.model.layers import Conv, Quantizer, join

STAGES = ((1, 16, 1), (6, 24, 2), (6, 32, 2), (6, 64, 2), (6, 96, 1))  # expansion, channels, stride


def scaled(channels: int, multiplier: float) -> int:
    """Channels at a width multiplier, as in the published DeepLab weights (48, 12, ... at 0.5)."""
    return max(4, int(channels * multiplier))


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise 3x3, project 1x1; a residual sum on the stage's own grid where shapes
    allow.
    """

    def __init__(
        self, p: Precision, cin: int, cout: int, expansion: int, stride: int, grid: Quantizer
    ) -> None:
        super().__init__()
        hidden = cin * expansion
        self.expand = Conv(p, cin, hidden, relu=True) if expansion > 1 else nn.Identity()
        self.depthwise = Conv(p, hidden, hidden, 3, stride=stride, groups=hidden, relu=True)
        self.project = Conv(p, hidden, cout)
        self.residual = stride == 1 and cin == cout
        self.grid = grid  # shared by the stage: every sum adds codes of one scale

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return join(self.grid, x, y) if self.residual else self.grid(y)


class Backbone(nn.Module):
    """MobileNetV2's body makes maps: image (B,3,S,S) -> maps at strides 4, 8 and 16."""

    def __init__(self, config: ModelConfig, p: Precision) -> None:
        super().__init__()
        stem = scaled(32, config.encoder_width)
        self.image_quant = Quantizer(p, p.ends, scale=IMAGE_SCALE)
        # 8-bit weights: 864 numbers whose error every later layer would see.
        self.stem = Conv(p, 3, stem, 3, stride=2, relu=True, weight_bits=p.ends)
        stages, channels = [], stem
        self.channels: list[int] = []
        for (expansion, base, stride), repeats in zip(STAGES, config.encoder_stages, strict=True):
            out = scaled(base, config.encoder_width)
            grid = Quantizer(p, p.ends)
            blocks = []
            for i in range(repeats):
                blocks.append(
                    InvertedResidual(p, channels, out, expansion, stride if i == 0 else 1, grid)
                )
                channels = out
            stages.append(nn.Sequential(*blocks))
            self.channels.append(out)
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encodes images: (B,3,S,S) in [-1,1) -> (B,·,R,R), (B,·,2G,2G), (B,·,G,G)."""
        x = self.stem(self.image_quant(image))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[1], maps[2], maps[4]


class Neck(nn.Module):
    """1x1 projections of the backbone's maps to the graph's three outputs."""

    def __init__(
        self, config: ModelConfig, p: Precision, channels: list[int], features: Quantizer
    ) -> None:
        super().__init__()
        skip4, skip8 = config.skip_widths
        self.features = Conv(p, channels[4], config.width)
        self.feature_quant = features
        self.skip8 = Conv(p, channels[2], skip8, relu=True, bits=p.ends)
        self.skip4 = Conv(p, channels[1], skip4, relu=True, bits=p.ends)

    def forward(self, s4: Tensor, s8: Tensor, s16: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.feature_quant(self.features(s16)), self.skip8(s8), self.skip4(s4)


class ImageEncoder(nn.Module):
    """Graph `image_encoder`: image (B,3,S,S) -> features (B,C,G,G), skip8 (B,C8,2G,2G), skip4
    (B,C4,R,R).
    """

    inputs = ("image",)
    outputs = ("features", "skip8", "skip4")

    def __init__(self, config: ModelConfig, p: Precision, features: Quantizer) -> None:
        super().__init__()
        self.backbone = Backbone(config, p)
        self.neck = Neck(config, p, self.backbone.channels, features)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.neck(*self.backbone(image))
