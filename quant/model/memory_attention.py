"""Memory attention: the frame's features, conditioned on what the bank remembers of one object.

As SAM 2's (Ravi et al. 2024, section 4): self-attention, cross-attention to spatial memories and
object pointers, feed-forward; one layer,
one head. Memories arrive as ready keys and values, pointers among them: nothing is projected twice.
"""

from __future__ import annotations

from torch import Tensor, nn

from quant.config import ModelConfig, Precision
from quant.model.attention import Attention, SoftmaxProduct, rows
from quant.model.layers import Conv, Quantizer, join


class MemoryAttention(nn.Module):
    """This is the graph `memory_attention`: features, memory_keys, memory_values -> conditioned
    (B,C,G,G).
    """

    inputs = ("features", "memory_keys", "memory_values")
    outputs = ("conditioned",)

    def __init__(
        self, config: ModelConfig, p: Precision, features: Quantizer, memory: Quantizer
    ) -> None:
        super().__init__()
        c, lanes = config.width, config.lanes
        self.trunk = features
        self.memory = memory
        self.self_attention = Attention(p, c, lanes)
        # A copy of the memory encoder's key (quant.model.tracker): an untrained query already
        # finds its own place;
        # with this gain that match scores 12 of 16, strangers +-1.5.
        self.query = Conv(p, c, lanes, gain=1.5 / lanes**0.5)
        self.query_quant = Quantizer(p, p.ends)
        self.product = SoftmaxProduct(p, memory)
        self.out = Conv(p, lanes, c)
        self.mix = Conv(p, c, c, 3, relu=True)
        self.mix_out = Conv(p, c, c, gain=0.0)

    def forward(self, features: Tensor, memory_keys: Tensor, memory_values: Tensor) -> Tensor:
        """Conditions features (B,C,G,G) on memory_keys (B,1,L,Ck) and memory_values (B,1,L,Cv);
        returns (B,C,G,G).
        """
        x = self.trunk(features)
        keys, values = self.memory(memory_keys), self.memory(memory_values)
        x = join(self.trunk, x, self.self_attention(x, x))
        b, _, h, w = x.shape
        context = self.product(rows(self.query_quant(self.query(x))), keys, values)
        x = join(self.trunk, x, self.out(context.transpose(2, 3).reshape(b, -1, h, w)))
        return join(self.trunk, x, self.mix_out(self.mix(x)))
