"""The TFLite start of the encoder, on a MobileNetV2 file that the test writes."""

import flatbuffers
import numpy as np
import pytest
import tflite
import torch

from quant.config import FLOAT, W4A4, get_config
from quant.model.image_encoder import Backbone
from quant.model.layers import Conv
from quant.training.pretrained import PretrainedError, load_backbone, read_tflite

TINY = get_config("tiny")


def vector(builder, start, items, put):
    start(builder, len(items))
    for item in reversed(items):
        put(item)
    return builder.EndVector()


def write_tflite(path, layers):
    """A TFLite file of convolutions: (codes OHWI or 1HWO, zero point, scale, bias codes)."""
    b = flatbuffers.Builder(1 << 16)
    buffers, tensors, operators = [], [], []

    def tensor(data, kind, scale, zero):
        payload = b.CreateByteVector(data.tobytes())
        tflite.BufferStart(b)
        tflite.BufferAddData(b, payload)
        buffers.append(tflite.BufferEnd(b))
        scales = b.CreateNumpyVector(np.array([scale], np.float32))
        zeros = b.CreateNumpyVector(np.array([zero], np.int64))
        tflite.QuantizationParametersStart(b)
        tflite.QuantizationParametersAddScale(b, scales)
        tflite.QuantizationParametersAddZeroPoint(b, zeros)
        quantization = tflite.QuantizationParametersEnd(b)
        shape = b.CreateNumpyVector(np.array(data.shape, np.int32))
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, shape)
        tflite.TensorAddType(b, kind)
        tflite.TensorAddBuffer(b, len(buffers) - 1)
        tflite.TensorAddQuantization(b, quantization)
        tensors.append(tflite.TensorEnd(b))
        return len(tensors) - 1

    frame = tensor(np.zeros((1,), np.uint8), tflite.TensorType.UINT8, 1.0, 0)
    for codes, zero, scale, bias in layers:
        weight = tensor(codes, tflite.TensorType.UINT8, scale, zero)
        offset = tensor(bias, tflite.TensorType.INT32, scale / 128, 0)
        inputs = b.CreateNumpyVector(np.array([frame, weight, offset], np.int32))
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, int(codes.shape[0] == 1))
        tflite.OperatorAddInputs(b, inputs)
        operators.append(tflite.OperatorEnd(b))
    kinds = []
    for code in (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.DEPTHWISE_CONV_2D):
        tflite.OperatorCodeStart(b)
        tflite.OperatorCodeAddBuiltinCode(b, code)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(b, code)
        kinds.append(tflite.OperatorCodeEnd(b))
    put = b.PrependUOffsetTRelative
    tensor_list = vector(b, tflite.SubGraphStartTensorsVector, tensors, put)
    operator_list = vector(b, tflite.SubGraphStartOperatorsVector, operators, put)
    tflite.SubGraphStart(b)
    tflite.SubGraphAddTensors(b, tensor_list)
    tflite.SubGraphAddOperators(b, operator_list)
    graph = tflite.SubGraphEnd(b)
    graph_list = vector(b, tflite.ModelStartSubgraphsVector, [graph], put)
    buffer_list = vector(b, tflite.ModelStartBuffersVector, buffers, put)
    code_list = vector(b, tflite.ModelStartOperatorCodesVector, kinds, put)
    tflite.ModelStart(b)
    tflite.ModelAddVersion(b, 3)
    tflite.ModelAddOperatorCodes(b, code_list)
    tflite.ModelAddSubgraphs(b, graph_list)
    tflite.ModelAddBuffers(b, buffer_list)
    b.Finish(tflite.ModelEnd(b), b"TFL3")
    path.write_bytes(bytes(b.Output()))


@pytest.fixture
def written(tmp_path):
    """A file shaped as the tiny backbone, and the float weights and biases it stands for."""
    rng = np.random.default_rng(0)
    layers, truth = [], []
    for conv in [m for m in Backbone(TINY, FLOAT).modules() if isinstance(m, Conv)]:
        o, i, h, w = conv.conv.weight.shape
        depthwise = conv.conv.groups > 1
        codes = rng.integers(0, 256, (1, h, w, o) if depthwise else (o, h, w, i), dtype=np.uint8)
        bias = rng.integers(-500, 500, o, dtype=np.int32)
        zero, scale = int(rng.integers(100, 150)), 0.01
        layers.append((codes, zero, scale, bias))
        real = (codes.astype(np.float64) - zero) * scale
        real = real.transpose(3, 0, 1, 2) if depthwise else real.transpose(0, 3, 1, 2)
        truth.append((real, bias * (scale / 128)))
    path = tmp_path / "mobilenet.tflite"
    write_tflite(path, layers)
    return path, truth


def test_weights_are_dequantized_and_the_norm_reproduces_the_bias(written):
    path, truth = written
    backbone = Backbone(TINY, FLOAT).eval()
    assert load_backbone(backbone, path) == len(truth)
    layers = [m for m in backbone.modules() if isinstance(m, Conv)]
    for layer, (weight, bias) in zip(layers, truth, strict=True):
        x = torch.randn(1, layer.conv.in_channels, 6, 6)
        expected = torch.nn.functional.conv2d(
            x,
            torch.from_numpy(weight).float(),
            torch.from_numpy(bias).float(),
            layer.conv.stride,
            layer.conv.padding,
            groups=layer.conv.groups,
        )
        with torch.no_grad():
            torch.testing.assert_close(layer.norm(layer.conv(x)), expected, rtol=1e-4, atol=1e-4)


def test_what_does_not_fit_is_named(written, tmp_path):
    path, truth = written
    with pytest.raises(PretrainedError, match=r"convolution 0 is \(8, 3, 3, 3\)"):
        load_backbone(Backbone(get_config("nano"), FLOAT), _longer(path, tmp_path))
    with pytest.raises(PretrainedError, match=f"has {len(truth)} convolutions, the encoder needs"):
        load_backbone(Backbone(get_config("nano"), FLOAT), path)
    with pytest.raises(PretrainedError, match="folded"):
        load_backbone(Backbone(TINY, W4A4), path)
    with pytest.raises(PretrainedError, match="no weight file"):
        read_tflite(tmp_path / "none.tflite")
    (tmp_path / "junk.tflite").write_bytes(b"not a model at all, but long enough to look at")
    with pytest.raises(PretrainedError, match="no TFLite model"):
        read_tflite(tmp_path / "junk.tflite")


def _longer(path, folder):
    """A file with enough convolutions for nano, all of them of the wrong width."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 256, (8, 3, 3, 3), dtype=np.uint8)
    longer = folder / "longer.tflite"
    write_tflite(longer, [(codes, 128, 0.01, np.zeros(8, np.int32))] * 40)
    return longer
