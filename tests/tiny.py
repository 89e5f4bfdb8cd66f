"""A calibrated `tiny` quantized tracker, its export and its bundle, shared by the tests of
export, lowering and simulation.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
import torch

from host.detector_spec import EMBEDDING
from hw.lower.bundle import Bundle, write_bundle
from hw.spec.manifest import DETECTOR
from quant.config import W4A4, get_config
from quant.export.graphs import export_graphs
from quant.model.concept_prompts import geometry
from quant.model.tracker import Tracker
from quant.training.convert import Calibration

ROOT = Path(__file__).resolve().parent.parent


@functools.cache
def calibrated(name: str = "tiny", seed: int = 0, detects: bool = False) -> Tracker:
    """A freshly initialised quantized tracker whose thresholds follow random data; biases are not
    zero. detects: with a concept detector.
    """
    torch.manual_seed(seed)
    model = Tracker(get_config(name), W4A4, detects=detects).eval()
    with torch.no_grad():
        for key, value in model.named_parameters():
            if key.endswith("conv.bias"):
                value.normal_(0, 0.1)
            if key.endswith("conv.weight"):
                value.mul_(
                    1.4
                )  # keeps depth alive: the default start shrinks a signal layer by layer
    c = model.config
    g, r, length = c.coarse, c.grid, 8 * c.coarse**2 + 8
    with torch.no_grad(), Calibration(model) as calibration:
        image = torch.nn.functional.interpolate(
            torch.rand(1, 3, 16, 16) * 2 - 1, (c.image_size, c.image_size), mode="bilinear"
        )
        f, skip8, skip4 = model.image_encoder(image)
        model.memory_encoder(torch.randn(1, 1, r, r) * 8, f)
        keys, values = torch.randn(2, 1, 1, length, c.lanes)
        x = model.memory_attention(f, keys, values)
        index = torch.randint(0, 5, (1, 8))
        tokens = model.prompt_encoder(index, index, index)
        model.mask_decoder(x, skip8, skip4, torch.randn(1, 6, r, r) * 8, tokens)
        assert x.shape == (1, c.width, g, g)
        if model.concept_prompts is not None and model.detector is not None:
            text = torch.nn.functional.normalize(torch.randn(1, EMBEDDING))
            boxes, labels = torch.tensor([[[0.1, 0.1, 0.6, 0.7]]]), torch.tensor([[1]])
            tokens = model.concept_prompts(text, torch.tensor([True]), boxes, labels, f)
            model.detector(f, skip8, skip4, geometry(boxes, labels, g), tokens)
    calibration.apply()
    return model


@functools.cache
def exported(detects: bool = False) -> Path:
    """Export folder of `calibrated()`, kept under build/ by the hash of the code that makes it."""
    key = hashlib.sha256(f"{torch.__version__} {detects}".encode())
    for part in ("quant", "host", "hw/spec", "tests/tiny.py"):
        for file in sorted([*(ROOT / part).glob("*.py")] or [ROOT / part]):
            key.update(file.read_bytes())
    folder = ROOT / "build" / "tests" / f"tiny_{key.hexdigest()[:16]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            model = calibrated(detects=True) if detects else calibrated()
            export_graphs(model, Path(scratch) / "export", examples=2)
            with contextlib.suppress(OSError):  # another test process was first
                os.rename(Path(scratch) / "export", folder)
    return folder


@functools.cache
def bundled(detects: bool = False) -> Bundle:
    """Bundle of `exported(detects)`, one a test process, removed at its end."""
    folder = tempfile.TemporaryDirectory(prefix="samfabric-bundle-")
    atexit.register(folder.cleanup)
    return write_bundle(exported(detects), Path(folder.name), "emulated")


def examples(graph: str) -> list[tuple[dict, dict]]:
    """(input codes, the Brevitas model's output codes) of a graph's test vectors."""
    with np.load(exported(graph == DETECTOR) / f"{graph}.vectors.npz") as stored:
        arrays = {k: stored[k] for k in stored.files}
    count = len(next(iter(arrays.values())))

    def codes(side: str, i: int) -> dict:
        return {k.removeprefix(side): v[i] for k, v in arrays.items() if k.startswith(side)}

    return [(codes("in.", i), codes("out.", i)) for i in range(count)]
