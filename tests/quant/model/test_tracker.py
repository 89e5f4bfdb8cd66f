"""The tracker's shapes, its checkpoints, and that folding batch norms changes nothing."""

import pytest
import torch

from quant.config import FLOAT, W4A4, get_config
from quant.model.device import TorchDevice
from quant.model.layers import Conv, Quantizer
from quant.model.ports import graph_ports
from quant.model.state import unique_state
from quant.model.tracker import (
    CheckpointError,
    Tracker,
    load_checkpoint,
    save_checkpoint,
)
from quant.training.convert import (
    Calibration,
    float_from_quantized,
    fold_batch_norm,
    quantized_from_float,
)
from tests.tiny import calibrated

TINY = get_config("tiny")


def run_graphs(model, seed=0):
    """Outputs of the four graphs on one random frame, each fed by the one before."""
    torch.manual_seed(seed)
    g, r = TINY.coarse, TINY.grid
    image = torch.randint(-128, 128, (1, 3, TINY.image_size, TINY.image_size)) / 128
    features, skip8, skip4 = model.image_encoder(image)
    mask = torch.randint(-128, 128, (1, 1, r, r)) / 8
    keys, values = model.memory_encoder(mask, features)
    conditioned = model.memory_attention(features, keys, values)
    index = torch.randint(0, 5, (1, 8))
    tokens = model.prompt_encoder(index, index, index)
    dense = torch.randint(-128, 128, (1, 6, r, r)) / 8
    masks, scores, obj_ptr = model.mask_decoder(conditioned, skip8, skip4, dense, tokens)
    assert keys.shape == values.shape == (1, 1, g * g, TINY.lanes)
    return {
        "features": features,
        "conditioned": conditioned,
        "masks": masks,
        "scores": scores,
        "obj_ptr": obj_ptr,
    }


@pytest.fixture(scope="module")
def float_model():
    torch.manual_seed(1)
    model = Tracker(TINY, FLOAT)
    with torch.no_grad():  # statistics as training leaves them, not 0 and 1
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 2)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.3)
    return model.eval()


def test_shapes_match_ports(float_model):
    found = run_graphs(float_model)
    for graph in graph_ports(float_model).values():
        for name, port in graph.outputs.items():
            if name in found:
                assert tuple(found[name].shape) == port.shape


def test_folded_weights_give_the_same_function(float_model):
    folded = fold_batch_norm(dict(unique_state(float_model)))
    layers = {n: m for n, m in float_model.named_modules() if isinstance(m, Conv)}
    normed = 0
    for name, layer in layers.items():
        if not isinstance(layer.norm, torch.nn.BatchNorm2d):
            continue
        normed += 1
        conv = layer.conv
        x = torch.randn(2, conv.in_channels, 5, 5)
        expected = layer.norm(conv(x))
        got = torch.nn.functional.conv2d(
            x,
            folded[f"{name}.conv.weight"],
            folded[f"{name}.conv.bias"],
            conv.stride,
            conv.padding,
            groups=conv.groups,
        )
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
    assert normed > 40
    assert not any(".norm." in key for key in folded)


def test_a_float_model_computes_with_the_weights_that_the_quantized_one_uses():
    """Convolution by convolution, before what the quantized one rounds."""
    model = calibrated("tiny", detects=True)
    floats = float_from_quantized(model).eval()
    named = dict(floats.named_modules())
    checked = 0
    for name, layer in model.named_modules():
        if isinstance(layer, Conv):
            x = torch.randn(1, layer.conv.in_channels, 8, 8)
            twin = named[name]
            with torch.no_grad():
                torch.testing.assert_close(twin.norm(twin.conv(x)), layer.conv(x))
            checked += 1
    assert checked > 30 and floats.precision == FLOAT


def test_calibrated_quantizers_cover_what_they_saw(float_model):
    model = quantized_from_float(float_model, W4A4)
    with Calibration(model) as watch, torch.no_grad():
        for seed in range(3):
            run_graphs(model, seed)
    watch.apply()
    learned = [q for q in model.modules() if isinstance(q, Quantizer) and q.fixed_scale is None]
    for q in learned:
        values = torch.cat(watch.seen[id(q)])
        error = (q(values) - values).square().mean()
        assert error < 0.1 * values.square().mean() + 1e-6


def test_shared_quantizers_give_shared_scales(float_model):
    ports = graph_ports(quantized_from_float(float_model, W4A4))
    encoder, attention = ports["image_encoder"], ports["memory_attention"]
    assert attention.inputs["features"] == encoder.outputs["features"]
    assert attention.outputs["conditioned"].scale == encoder.outputs["features"].scale
    keys = ports["memory_encoder"].outputs["keys"]
    assert keys.scale == attention.inputs["memory_keys"].scale
    assert ports["mask_decoder"].outputs["obj_ptr"].scale == keys.scale


@pytest.mark.parametrize("precision", [FLOAT, W4A4], ids=lambda p: p.name)
def test_checkpoint_round_trip(tmp_path, precision):
    torch.manual_seed(2)
    model = Tracker(TINY, precision).eval()
    save_checkpoint(model, tmp_path / "a.safetensors")
    again = load_checkpoint(tmp_path / "a.safetensors", "tiny")
    with torch.no_grad():
        for name, tensor in run_graphs(model).items():
            torch.testing.assert_close(run_graphs(again)[name], tensor, rtol=0, atol=0)
    (tmp_path / "plain").touch()
    assert {p.name for p in tmp_path.iterdir()} == {"a.safetensors", "plain"}
    modes = {p.stat().st_mode for p in tmp_path.iterdir()}
    assert len(modes) == 1  # others may read it as far as they may read any file made here


def test_checkpoint_errors_name_the_value(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        load_checkpoint(tmp_path / "none.safetensors")
    (tmp_path / "junk.safetensors").write_bytes(b"junk" * 10)
    with pytest.raises(CheckpointError, match="no readable checkpoint"):
        load_checkpoint(tmp_path / "junk.safetensors")
    save_checkpoint(Tracker(TINY, FLOAT), tmp_path / "tiny.safetensors")
    with pytest.raises(CheckpointError, match="configuration 'tiny', not 'nano'"):
        load_checkpoint(tmp_path / "tiny.safetensors", "nano")


def test_torch_device_follows_the_model(float_model):
    model = quantized_from_float(float_model, W4A4).eval()
    device = TorchDevice(model)
    port = device.spec.ports["image_encoder"].inputs["image"]
    codes = torch.randint(-128, 128, port.shape, dtype=torch.int8).numpy()
    got = device.run("image_encoder", {"image": codes})
    with torch.no_grad():
        expected = model.image_encoder(torch.from_numpy(port.decode(codes)))
    for name, tensor in zip(("features", "skip8", "skip4"), expected, strict=True):
        out = device.spec.ports["image_encoder"].outputs[name]
        torch.testing.assert_close(torch.from_numpy(out.decode(got[name])), tensor)
