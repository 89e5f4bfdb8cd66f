"""The torch model behind the host's device protocol, so that float and quantized models are scored
by the very session that drives a board.

A quantized model is evaluated in float64, so that its sums are exact: which side of a step a
float32 sum falls on depends on the order of additions, which is no property of the model.

Ports of a float model have no integer type (codes are values); a quantized model exchanges integer
codes, scaled to its grid at each edge.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

from host.device import Arrays
from host.spec import ModelSpec
from quant.model.ports import graph_ports, model_spec
from quant.model.tracker import Tracker, load_checkpoint


class TorchDevice:
    """Runs the four graphs of a Tracker; see `host.device.Device`."""

    def __init__(self, model: Tracker) -> None:
        quantized = not model.precision.is_float
        self.model = copy.deepcopy(model).double().eval() if quantized else model.eval()
        self._kind = np.float64 if quantized else np.float32
        self.name = "float" if model.precision.is_float else "quantized"
        self.ports = graph_ports(model)
        self.spec: ModelSpec = model_spec(model)

    @classmethod
    def from_checkpoint(cls, path: Path, config: str | None = None) -> TorchDevice:
        """Open a checkpoint; raises quant.model.tracker.CheckpointError."""
        return cls(load_checkpoint(path, config))

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns a zeroed array in plain memory."""
        return np.zeros(shape, dtype)

    def run(self, graph: str, inputs: Arrays) -> Arrays:
        """Run one graph on codes of its input ports; returns codes of its output ports."""
        ports = self.ports[graph]
        module = getattr(self.model, graph)
        with torch.inference_mode():
            values = [
                torch.from_numpy(inputs[n].astype(self._kind) * self._kind(ports.inputs[n].scale))
                for n in module.inputs
            ]
            result = module(*values)
        tensors = result if isinstance(result, tuple) else (result,)
        return {
            n: ports.outputs[n].encode(t.numpy())
            for n, t in zip(module.outputs, tensors, strict=True)
        }

    def close(self) -> None:
        """Does nothing: a model in this process holds nothing that must be given back."""
