"""What weights were trained on, kept in the header of their checkpoint and in a bundle's manifest,
and compared whenever parts meet.

A concept detector learns on the codes of one image encoder; on another encoder's it finds nothing,
without an error. So its checkpoint holds the hash of that encoder.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from hw.spec.errors import SamFabricError
from quant.model.layers import Conv
from quant.model.state import unique_state
from quant.runs import warn

SHOWN = 12  # hex digits of a hash in a message


class ProvenanceError(SamFabricError):
    """Two parts of a model were not trained together."""


@dataclass(frozen=True)
class Trained:
    """What weights were trained on; "" where nothing was recorded.

    data: hash of the listing of the training data. recipe: hash of stages and settings.
    encoder: hash of a shipped tracker's image encoder, also of those that a run started from it;
        of a detector, the quantized one whose codes it learned on.
    float_encoder: hash of the float image encoder that the quantized one was made from.
    """

    data: str = ""
    recipe: str = ""
    encoder: str = ""
    float_encoder: str = ""

    @classmethod
    def from_header(cls, text: str) -> Trained:
        """From a checkpoint's header; unknown where the header says nothing that can be read."""
        try:
            plain = json.loads(text)
            return cls(**{k: str(plain.get(k, "")) for k in cls.__dataclass_fields__})
        except (ValueError, AttributeError):
            return cls()

    def to_header(self) -> str:
        """Returns the text for a checkpoint's header, which `from_header` reads back."""
        return json.dumps(self.known(), sort_keys=True)

    def known(self) -> dict[str, str]:
        """Returns what was recorded of the training, by name."""
        return {name: value for name, value in asdict(self).items() if value}


def encoder_hash(encoder: nn.Module) -> str:
    """SHA-256, in hex, of what decides the image encoder's output: of a quantized one the weights
    as integer codes, the scales and the biases, of a float one all its numbers. The same however
    often a checkpoint is written, whatever surrounds the encoder.
    """
    state = {name: value.detach().cpu() for name, value in unique_state(encoder).items()}
    for name, layer in encoder.named_modules():
        if isinstance(layer, Conv) and layer.weight_levels:
            weight = layer.conv.quant_weight()
            codes = (weight.value / weight.scale).detach().cpu().round()
            state[f"{name}.conv.weight"] = codes.to(torch.int8)
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name].contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def check_detector(encoder: nn.Module, is_float: bool, trained: Trained, path: Path | str) -> None:
    """That a detector belongs to a model's image encoder. A detector of which nothing was
    recorded is let through with a warning. Raises ProvenanceError, naming both hashes.
    """
    expected = trained.float_encoder if is_float else trained.encoder
    if not expected:
        warn(
            f"{path} does not say which image encoder it was trained on; if it was this one, "
            "`python -m quant.model.record` writes that down"
        )
        return
    found = encoder_hash(encoder)
    if found != expected:
        raise ProvenanceError(
            f"the detector {path} was trained on image encoder {expected[:SHOWN]}, "
            f"this tracker's is {found[:SHOWN]}",
            "train a detector on this tracker with `make concepts`, give the tracker that it was "
            "trained on, or leave the detector out (DETECTOR=0)",
        )
