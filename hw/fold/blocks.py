"""Which block a layer becomes."""

from __future__ import annotations

from hw.fold.block import Block, Folding, Style
from hw.fold.conv_blocks import DenseBlock, DepthwiseBlock
from hw.fold.joint_blocks import (
    AttentionBlock,
    CutBlock,
    JoinBlock,
    KeepBlock,
    MaskBlock,
    UpsampleBlock,
)
from hw.fold.layers import Conv, Cut, Join, Keep, Layer, MaskProduct, SoftmaxAttention, Upsample

BLOCKS: dict[type[Layer], type[Block]] = {
    Join: JoinBlock,
    Upsample: UpsampleBlock,
    Cut: CutBlock,
    Keep: KeepBlock,
    SoftmaxAttention: AttentionBlock,
    MaskProduct: MaskBlock,
}


def block(layer: Layer, folding: Folding, style: Style) -> Block:
    """The block of a layer. Raises SpecError for a folding that does not divide."""
    if isinstance(layer, Conv):
        kind: type[Block] = DepthwiseBlock if layer.depthwise else DenseBlock
        return kind(layer, folding, style)
    return BLOCKS[type(layer)](layer, folding, style)
