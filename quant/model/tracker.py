"""The tracker composed from its parts, and its checkpoints.

Quantizers that two graphs share (features, tokens, memory, skips) are one module each: what one
graph writes, the next reads on the same grid.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from hw.spec.errors import SamFabricError
from hw.spec.files import atomic_path
from quant.config import PRECISIONS, ModelConfig, Precision, get_config
from quant.model.concept_prompts import ConceptPrompts
from quant.model.detector import Detector
from quant.model.image_encoder import ImageEncoder
from quant.model.layers import Conv, Quantizer
from quant.model.mask_decoder import MaskDecoder
from quant.model.memory_attention import MemoryAttention
from quant.model.memory_encoder import MemoryEncoder
from quant.model.prompt_encoder import PromptEncoder
from quant.model.provenance import Trained, check_detector
from quant.model.state import unique_state

CHECKPOINTS = Path(__file__).parent.parent / "checkpoints"
TRACKER, DETECTOR = "tracker", "detector"
"""The two parts of a model that have checkpoints of their own."""
DETECTOR_MODULES = ("detector", "concept_prompts")


class CheckpointError(SamFabricError):
    """A checkpoint that cannot be read or belongs to another configuration."""


class Tracker(nn.Module):
    """Four stateless graphs and the host's tables; it holds no state between frames.

    detects: with the concept detector, a fifth graph on the same image encoder.
    trained, detector_trained: what the weights of either part were trained on, as far as it is
        recorded.
    """

    detector: Detector | None
    concept_prompts: ConceptPrompts | None

    def __init__(self, config: ModelConfig, precision: Precision, *, detects: bool = False) -> None:
        super().__init__()
        self.config, self.precision = config, precision
        self.trained = self.detector_trained = Trained()
        p = precision
        features, tokens, memory = (Quantizer(p, p.ends) for _ in range(3))
        self.image_encoder = ImageEncoder(config, p, features)
        neck = self.image_encoder.neck
        self.memory_attention = MemoryAttention(config, p, features, memory)
        skips = (neck.skip8.act, neck.skip4.act)
        self.mask_decoder = MaskDecoder(config, p, features, tokens, memory, skips)
        self.memory_encoder = MemoryEncoder(config, p, features, memory)
        self.prompt_encoder = PromptEncoder(config, p, tokens, memory)
        self.detector = Detector(config, p, features, skips) if detects else None
        self.concept_prompts = (
            ConceptPrompts(config, self.detector.token_quant) if self.detector else None
        )
        if not p.is_float:
            # Brevitas sets a weight's scale, and admits it to the state, at its first use.
            for layer in self.modules():
                if isinstance(layer, Conv):
                    layer.conv.quant_weight()
        with torch.no_grad():  # the query starts as the key, see MemoryAttention
            self.memory_attention.query.conv.weight.copy_(self.memory_encoder.key.conv.weight)


def save_checkpoint(
    model: Tracker, path: Path, notes: dict[str, str] | None = None, part: str = TRACKER
) -> None:
    """Write the weights of one part as safetensors with configuration, precision, part and what it
    was trained on in the header; temporary file, then rename.
    """
    state = {k: v.detach().cpu().contiguous().clone() for k, v in _state_of(model, part).items()}
    header = {"config": model.config.name, "precision": model.precision.name, "part": part}
    trained = model.detector_trained if part == DETECTOR else model.trained
    header |= {"trained": trained.to_header()}
    with atomic_path(path) as scratch:  # its own for each process of a training run
        save_file(state, scratch, metadata=header | {"notes": json.dumps(notes or {})})


def _state_of(model: Tracker, part: str) -> dict[str, torch.Tensor]:
    """The unique state of the tracker, or of what the detector adds to it."""
    state = unique_state(model).items()
    return {n: t for n, t in state if (n.split(".")[0] in DETECTOR_MODULES) == (part == DETECTOR)}


def load_checkpoint(path: Path, config: str | None = None, detector: Path | None = None) -> Tracker:
    """Read a checkpoint into a model of its own configuration and precision.

    detector: a checkpoint of the concept detector, trained on this very tracker.

    Raises:
        CheckpointError: no file, not a checkpoint, another configuration than `config`, or weights
            that do not fit.
        ProvenanceError: a detector that was trained on another image encoder.
    """
    header, state = _read(path, config, TRACKER)
    precision = PRECISIONS[header["precision"]]
    model = Tracker(get_config(header["config"]), precision, detects=detector is not None)
    model.trained = Trained.from_header(header.get("trained", ""))
    _fill(model, TRACKER, path, state)
    if detector is not None:
        load_detector(model, detector)
        check_detector(model.image_encoder, precision.is_float, model.detector_trained, detector)
    return model.eval()


def load_detector(model: Tracker, path: Path) -> Tracker:
    """Read a checkpoint of the concept detector into a model that has one. Raises
    CheckpointError.
    """
    header, state = _read(path, model.config.name, DETECTOR)
    if header["precision"] != model.precision.name:
        raise CheckpointError(
            f"{path} is {header['precision']}, the tracker {model.precision.name}",
            "take two of one precision",
        )
    model.detector_trained = Trained.from_header(header.get("trained", ""))
    _fill(model, DETECTOR, path, state)
    return model.eval()


def read_header(path: Path) -> dict[str, str]:
    """The header of a checkpoint, its length being as the header says. Raises CheckpointError."""
    if not path.is_file():
        raise CheckpointError(
            f"no checkpoint at {path}", "train one with `make quantize`, or give another path"
        )
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is no readable checkpoint: {error}", "fetch or train it again"
        ) from error


def _read(
    path: Path, config: str | None, part: str
) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Header and state of a checkpoint of that part. Raises CheckpointError."""
    header = read_header(path)
    name, precision = header.get("config", ""), header.get("precision", "")
    if precision not in PRECISIONS:
        raise CheckpointError(f"{path} names no known precision ({precision!r})", "train it again")
    if header.get("part", TRACKER) != part:
        raise CheckpointError(
            f"{path} is a checkpoint of the {header.get('part', TRACKER)}, not of the {part}",
            "give the other file",
        )
    if config is not None and name != config:
        raise CheckpointError(
            f"{path} is a checkpoint of configuration {name!r}, not {config!r}",
            f"give CONFIG={name} or the checkpoint of {config}",
        )
    try:
        return header, load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is no readable checkpoint: {error}", "fetch or train it again"
        ) from error


def _fill(model: Tracker, part: str, path: Path, state: dict[str, torch.Tensor]) -> None:
    own = _state_of(model, part)
    if own.keys() != state.keys() or any(own[k].shape != state[k].shape for k in own):
        raise CheckpointError(
            f"weights of {path} do not fit configuration {model.config.name!r} of this version",
            "train it again",
        )
    with torch.no_grad():
        for key, tensor in own.items():
            tensor.copy_(state[key])


def adopt_tracker(model: Tracker, tracker: Tracker) -> None:
    """Copy a tracker's weights and scales into a model that has a detector besides."""
    source = _state_of(tracker, TRACKER)
    with torch.no_grad():
        for key, tensor in _state_of(model, TRACKER).items():
            tensor.copy_(source[key])
