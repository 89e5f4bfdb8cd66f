"""Averages two trainings of one tracker, weight by weight.

Weights that went on learning from others lie in one valley with them, and half way between them the
newer habits are learned with less of the older ones forgotten (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models", section 3).
"""

from __future__ import annotations

from pathlib import Path

import torch

from quant.model.provenance import SHOWN, ProvenanceError, encoder_hash
from quant.model.state import unique_state
from quant.model.tracker import CheckpointError, Tracker


def average_with(model: Tracker, other: Tracker, path: Path, began: bool = False) -> None:
    """Moves all weights and statistics of a model half way to another's, in place. Numbers that are
    equal in both stay to the bit. path: the other's checkpoint, for messages. began: the model's
    training began with that very checkpoint, so that its image encoder may have gone on learning
    too.

    Raises CheckpointError for another precision, ProvenanceError for another image encoder, whose
    maps the model's heads have not learned on.
    """
    if other.precision.name != model.precision.name:
        raise CheckpointError(
            f"{path} is {other.precision.name}, the run's weights {model.precision.name}",
            "average two of one precision",
        )
    own, its = encoder_hash(model.image_encoder), encoder_hash(other.image_encoder)
    if own != its and not began:
        raise ProvenanceError(
            f"{path} has the image encoder {its[:SHOWN]}, the run {own[:SHOWN]}",
            "average with the weights that the run began from",
        )
    theirs = unique_state(other)
    with torch.no_grad():
        for name, value in unique_state(model).items():  # shared quantizers once
            if value.is_floating_point():
                value.copy_(0.5 * value + 0.5 * theirs[name])
