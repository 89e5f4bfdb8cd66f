"""Model sizes and precisions: every number of the model that is not a weight, each odd one with its
reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from hw.spec.command_line import meant
from hw.spec.errors import SpecError


@dataclass(frozen=True)
class Precision:
    """Bit widths of one flavour of the model; `None` is float (no quantizer is built)."""

    name: str
    weights: int | None
    activations: int | None
    ends: int | None  # graph edges, residual sums, attention operands and the mask product

    @property
    def is_float(self) -> bool:
        return self.weights is None


FLOAT = Precision("float", None, None, None)
W4A4 = Precision("w4a4", weights=4, activations=4, ends=8)
PRECISIONS = {p.name: p for p in (FLOAT, W4A4)}


@dataclass(frozen=True)
class ModelConfig:
    """A configuration holds the sizes and precisions of one model.

    Attributes:
        name: the configuration's name, as in `CONFIG=`.
        image_size: S, pixels a side of the square network input.
        encoder_width: multiplier on MobileNetV2's channels.
        encoder_stages: repeats of MobileNetV2's stages (16, 24, 32, 64, 96 channels).
        width: C, channels of the coarse trunk and of tokens.
        skip_widths: channels of the skips at strides 4 and 8.
        lanes: Ck = Cv, lanes of a memory's key and of its value.
        hidden: channels of the token MLP.
        two_way_layers: layers of the two-way mask decoder.
        queries: N, object queries of the concept detector.
        fusion_layers: layers of the detector's fusion encoder.
        decoder_layers: layers of the detector's decoder.
        least_iou: the model's own IoU estimate from which a frame without a prompt is remembered
            (host.policy.Policy); 0 for all.
        return_iou: the same estimate from which an absent object is back; 0 at any positive score.
        window: side of the window in which an object is looked for over the root of the object's
            side (host.policy.Policy); 0 for the whole frame.
        reach: how far from where an object was a piece of its mask may lie, over the object's side
            (host.policy.Policy); 0 for anywhere.
        likeness: how much what is masked must look like the object (host.policy.Policy); 0 for no
            matter how.
    """

    name: str
    image_size: int
    encoder_width: float
    encoder_stages: tuple[int, ...] = (1, 2, 3, 4, 3)
    # SAM 2's memory width: one attention head of 64 lanes fills a 64-byte DDR burst
    width: int = 64
    skip_widths: tuple[int, int] = (24, 32)
    lanes: int = 64
    hidden: int = 128
    two_way_layers: int = 2
    # N + the presence token + 8 prompt tokens make 32 tokens; an image of the sets at hand shows at
    # most 16 instances of one concept (SAM 3 has 200 queries)
    queries: int = 23
    fusion_layers: int = 2
    decoder_layers: int = 2
    least_iou: float = 0.0
    return_iou: float = 0.0
    window: float = 0.0
    reach: float = 0.0
    likeness: float = 0.0

    @property
    def coarse(self) -> int:
        """The coarse grid has G cells a side."""
        return self.image_size // 16

    @property
    def grid(self) -> int:
        """The mask grid has R cells a side."""
        return self.image_size // 4


CONFIGS = {
    c.name: c
    for c in (
        # Tests only: one block a stage and quarter width, so that simulating whole graphs takes
        # seconds.
        ModelConfig(
            "tiny",
            64,
            0.25,
            encoder_stages=(1, 1, 1, 1, 1),
            width=16,
            skip_widths=(8, 8),
            lanes=16,
            hidden=32,
            two_way_layers=1,
            queries=7,
            fusion_layers=1,
            decoder_layers=1,
        ),
        # PYNQ-Z2 (220 DSP, 630 KB): half-width MobileNetV2, because VOC-trained weights of that
        # width exist and its
        # inverted residuals repeat, which is what a looped block of hardware needs; one two-way
        # layer.
        ModelConfig(
            "pico",
            128,
            0.5,
            width=48,
            skip_widths=(16, 24),
            lanes=48,
            hidden=96,
            two_way_layers=1,
            fusion_layers=1,
            decoder_layers=1,
            window=1.1,
            reach=0.25,
        ),
        # KV260, the default: full-width MobileNetV2 up to its 96-channel stage.
        # Remembering what it is sure of pays on dev2 at 0.5 and 0.7 alike, and windows of these
        # sides, pieces near by and likeness on clips that it was trained on (docs/decisions.md).
        ModelConfig("nano", 256, 1.0, least_iou=0.6, window=1.1, reach=0.25, likeness=0.8),
    )
}

# Fixed scales. Powers of two, so that the host and the fabric convert by shifts.
IMAGE_SCALE = 1 / 128  # int8 pixel - 128 -> [-1, 1): MobileNet's own normalisation
# +-16 logits; a step is 3 % of probability at the boundary, below one pixel after upsampling
LOGIT_SCALE = 1 / 8
BOX_SCALE = 1 / 32  # +-4 logits; a step moves an edge by at most 1/128 of the image
SCORE_SCALE = 1 / 8  # attention scores before the exp; +-16, a step is 12 % of weight
# Added to an attention's quotient, in codes. Keys of one weight average to exact halves all the
# time, and float32 noise would decide each; so they all round up, in floats and integers alike.
TIE_BREAK = 2.0**-12
# exp(score - row maximum) in (0, 1] as uint8, so the best match always has full resolution
EXP_SCALE = 1 / 255


def get_config(name: str) -> ModelConfig:
    """Return the configuration called `name`, in upper or lower case; raises SpecError naming those
    that exist.
    """
    name = meant(name, CONFIGS)
    if name not in CONFIGS:
        raise SpecError(f"unknown configuration {name!r}", f"choose one of {', '.join(CONFIGS)}")
    return CONFIGS[name]
