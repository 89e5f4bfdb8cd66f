"""Start the image encoder's backbone from a MobileNetV2 in TFLite form (ImageNet classifiers,
DeepLabv3 on VOC).

Those files hold 8-bit weights with the batch norm already folded in. Each is dequantized (w = (code
- zero point) * scale) into the
convolution; the norm behind it is set to reproduce the folded bias and, once `recentre` has seen
images, to carry the layer's real
statistics, so that training continues from a well-conditioned norm.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hw.spec.errors import SamFabricError
from quant.model.image_encoder import Backbone
from quant.model.layers import Conv

# What reading arbitrary bytes as a flatbuffer can end in.
NOT_A_MODEL = (
    IndexError,
    ValueError,
    KeyError,
    AttributeError,
    TypeError,
    OverflowError,
    struct.error,
)
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


class PretrainedError(SamFabricError):
    """A weight file cannot start this encoder."""


def read_tflite(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (weight OIHW, bias O) float32 of every convolution of a TFLite file, in execution
    order.
    """
    import tflite

    if not path.is_file():
        raise PretrainedError(
            f"no weight file at {path}", "give the path of a MobileNetV2 .tflite file"
        )
    names = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
    try:
        model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
        graph = model.Subgraphs(0)
        layers = []
        for i in range(graph.OperatorsLength()):
            operator = graph.Operators(i)
            code = model.OperatorCodes(operator.OpcodeIndex())
            name = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            if name not in CONVOLUTIONS:
                continue
            weight = _dequantize(model, graph.Tensors(operator.Inputs(1)))
            bias = _dequantize(model, graph.Tensors(operator.Inputs(2)))
            # TFLite: dense OHWI, depthwise 1HWO.
            order = (0, 3, 1, 2) if name == "CONV_2D" else (3, 0, 1, 2)
            layers.append((np.ascontiguousarray(weight.transpose(order)), bias))
    except NOT_A_MODEL as error:
        raise PretrainedError(
            f"{path} is no TFLite model: {error}", "give a MobileNetV2 .tflite file"
        ) from error
    return layers


def _dequantize(model: Any, tensor: Any) -> NDArray[np.float32]:
    kinds = {0: np.float32, 2: np.int32, 3: np.uint8, 9: np.int8}
    raw = model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
    codes = np.frombuffer(raw, kinds[tensor.Type()]).reshape(tensor.ShapeAsNumpy())
    if codes.dtype == np.float32:
        return codes.copy()
    quantization = tensor.Quantization()
    scale, zero = quantization.ScaleAsNumpy(), quantization.ZeroPointAsNumpy()
    shape = [1] * codes.ndim
    if scale.size > 1:  # per channel, along the quantized dimension
        shape[quantization.QuantizedDimension()] = scale.size
    return (
        (
            codes.astype(np.float64)
            - np.reshape(zero, shape if np.size(zero) > 1 else [1] * codes.ndim)
        )
        * scale.reshape(shape if scale.size > 1 else [1] * codes.ndim)
    ).astype(np.float32)


def load_backbone(backbone: Backbone, path: Path) -> int:
    """Copy a TFLite MobileNetV2 into a float backbone; returns the number of convolutions taken.

    Raises:
        PretrainedError: a layer whose shape differs, naming both shapes; or a file with too few
            layers.
    """
    convolutions = [m for m in backbone.modules() if isinstance(m, Conv)]
    layers = read_tflite(path)
    if len(layers) < len(convolutions):
        raise PretrainedError(
            f"{path} has {len(layers)} convolutions, the encoder needs {len(convolutions)}",
            "give a MobileNetV2 file",
        )
    layers = layers[: len(convolutions)]
    for i, (conv, (weight, bias)) in enumerate(zip(convolutions, layers, strict=True)):
        if tuple(conv.conv.weight.shape) != weight.shape:
            raise PretrainedError(
                f"{path}: convolution {i} is {weight.shape}, "
                f"the encoder's {tuple(conv.conv.weight.shape)}",
                "give a file of the same width multiplier (1.0 for nano, 0.5 for pico)",
            )
        with torch.no_grad():
            conv.conv.weight.copy_(torch.from_numpy(weight))
            if not isinstance(conv.norm, nn.BatchNorm2d):
                raise PretrainedError(
                    "a folded model takes no pretrained start", "load it before folding"
                )
            # y = w*x + bias, expressed by the norm: mean 0, variance 1 - eps, so weight 1.
            conv.norm.running_mean.zero_()
            conv.norm.running_var.fill_(1 - conv.norm.eps)
            conv.norm.weight.fill_(1)
            conv.norm.bias.copy_(torch.from_numpy(bias))
    return len(convolutions)
