"""Training sees what the board runs: the unroll and the streaming session agree frame by frame."""

import numpy as np
import pytest
import torch

from host.images import mask_to_grid
from host.prompts import LOGIT_LIMIT, Prompt
from host.session import Session
from quant.config import FLOAT, W4A4, get_config
from quant.convert import Calibration, quantized_from_float
from quant.device import TorchDevice
from quant.model import Tracker
from quant.ports import POLICY
from quant.unroll import Clicks, Unroller

FRAMES = 9  # more than the recent FIFO holds
TINY = get_config("tiny")


@pytest.fixture(scope="module")
def float_model():
    torch.manual_seed(0)
    model = Tracker(TINY, FLOAT)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
        for head in (model.mask_decoder.score,):
            head.out.conv.bias.fill_(3.0)  # a sure object, so that every frame is remembered
    return model.eval()


@pytest.fixture(scope="module")
def quantized_model(float_model):
    model = quantized_from_float(float_model, W4A4).eval()
    frames, targets, _ = clip()
    with Calibration(model) as watch, torch.no_grad():
        Unroller(model, POLICY, np.random.default_rng(0)).run(frames, targets, "mask")
    watch.apply()
    return model


def clip():
    """One clip as torch tensors and as the session's frames; a block moves over noise."""
    rng = np.random.default_rng(3)
    size = TINY.image_size
    frames = rng.integers(0, 256, (FRAMES, size, size, 3), dtype=np.uint8)
    masks = np.zeros((FRAMES, size, size), bool)
    for t in range(FRAMES):
        masks[t, 10 : 30 + t, 8 + 3 * t : 28 + 3 * t] = True
        frames[t][masks[t]] = (200, 40, 60)
    share = np.stack([mask_to_grid(m, TINY.grid) for m in masks]) / (2 * LOGIT_LIMIT) + 0.5
    tensor = torch.from_numpy(frames.transpose(0, 3, 1, 2).copy())[None]
    return tensor, torch.from_numpy(share)[None], (frames, masks)


@pytest.mark.parametrize("kind", ["float", "quantized"])
def test_unroll_equals_session(kind, float_model, quantized_model):
    model = float_model if kind == "float" else quantized_model
    tensor, targets, (frames, masks) = clip()
    with torch.no_grad():
        _, unrolled = Unroller(model, POLICY, np.random.default_rng(0)).run(tensor, targets, "mask")
    session = Session(TorchDevice(model))
    for t, frame in enumerate(frames):
        prompts = {1: Prompt(mask=masks[0])} if t == 0 else None
        result = session.step(frame, prompts).objects[1]
        assert result.present
        step = 0.0 if kind == "float" else 1 / 8
        worst = np.abs(result.logits - unrolled[0, t].numpy()).max()
        # Float: summation order only. Quantized: batched products may round one code apart.
        assert worst <= step + 1e-3, (t, worst)


def test_gradients_reach_every_part(float_model):
    torch.manual_seed(1)
    model = Tracker(TINY, FLOAT).train()
    tensor, targets, _ = clip()
    for kind in ("mask", "click"):
        unroller = Unroller(model, POLICY, np.random.default_rng(0))
        loss, _ = unroller.run(
            tensor[:, :4].repeat(2, 1, 1, 1, 1),
            targets[:, :4].repeat(2, 1, 1, 1),
            kind,
            correct=lambda t: t == 2,
        )
        loss.backward()
    silent = [
        name
        for name, p in model.named_parameters()
        if p.grad is None or (p.grad.abs().sum() == 0 and "norm.weight" not in name)
    ]
    # Residual branches start at zero gain: what lies behind learns from the second step on.
    zero = [
        ".self_attention.",
        ".to_image.",
        ".to_tokens.",
        "mlp1",
        "mlp2.conv",
        "mix.",
        "mix_out.conv",
    ]
    assert [n for n in silent if not any(part in n for part in zero)] == []


def test_corrections_add_clicks_where_the_error_is(float_model):
    unroller = Unroller(float_model, POLICY, np.random.default_rng(0))
    target = torch.zeros(1, TINY.grid, TINY.grid)
    target[0, 2:8, 2:8] = 1
    logits = torch.full_like(target, -4.0)
    (prompt,) = unroller._corrected([Clicks()], logits, target)
    (x, y), label = prompt.points[0], prompt.labels[0]
    assert label == 1 and 2 <= x * TINY.grid <= 8 and 2 <= y * TINY.grid <= 8


def test_what_no_prompt_shows_is_nowhere_in_training_as_in_the_session(float_model):
    tensor, targets, (frames, _) = clip()
    nothing = torch.zeros_like(targets[:, :1])
    later = torch.cat([nothing, targets[:, 1:]], 1)
    with torch.no_grad():
        _, unrolled = Unroller(float_model, POLICY, np.random.default_rng(0)).run(
            tensor, later, "mask"
        )
    assert (unrolled == -LOGIT_LIMIT).all()
    session = Session(TorchDevice(float_model))
    empty = Prompt(mask=np.zeros(frames.shape[1:3], bool))
    for t, frame in enumerate(frames):
        result = session.step(frame, {1: empty} if t == 0 else None).objects[1]
        assert (result.logits == -LOGIT_LIMIT).all()
        assert t == 0 or result.score > 0  # the model by itself would say that it sees it
    # A positive click shows it.
    with torch.no_grad():
        _, unrolled = Unroller(float_model, POLICY, np.random.default_rng(0)).run(
            tensor, later, "mask", correct=lambda frame: frame == 3
        )
    assert (unrolled[:, :3] == -LOGIT_LIMIT).all() and (unrolled[:, 3:] > -LOGIT_LIMIT).any()
