"""Training sees what the board runs: the unroll and the streaming session agree frame by frame."""

import numpy as np
import pytest
import torch

from host.images import mask_to_grid
from host.prompts import LOGIT_LIMIT, PAD, Prompt
from host.session import Session
from quant.config import FLOAT, W4A4, get_config
from quant.model.device import TorchDevice
from quant.model.ports import POLICY
from quant.model.tracker import Tracker
from quant.training.convert import Calibration, quantized_from_float
from quant.training.prompt_batch import PromptBatch
from quant.training.unroll import BOX, CLICK, MASK, Plan, Unroller

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
        Unroller(model, POLICY).run(frames, targets, torch.tensor([MASK]), Plan(FRAMES))
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
    return tensor, torch.from_numpy(share)[None, None], (frames, masks)


@pytest.mark.parametrize("kind", ["float", "quantized"])
def test_unroll_equals_session(kind, float_model, quantized_model):
    model = float_model if kind == "float" else quantized_model
    tensor, targets, (frames, masks) = clip()
    with torch.no_grad():
        unroller = Unroller(model, POLICY)
        _, unrolled = unroller.run(tensor, targets, torch.tensor([MASK]), Plan(FRAMES))
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
    for rounds in (0, 1):
        loss, _ = Unroller(model, POLICY).run(
            tensor[:, :4].repeat(2, 1, 1, 1, 1),
            targets[:, :, :4].repeat(2, 2, 1, 1, 1),
            torch.tensor([MASK, CLICK, BOX, CLICK]),
            Plan(4, rounds=rounds, corrected=2),
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
    unroller = Unroller(float_model, POLICY)
    target = torch.zeros(2, TINY.grid, TINY.grid)
    target[:, 2:8, 2:8] = 1
    logits = torch.full_like(target, -4.0)
    nothing = PromptBatch.none(2, target.device)
    given = torch.tensor([False, True])  # a mask that was given needs no correction
    found = unroller._corrected(nothing, logits, target, torch.ones_like(target), given)
    (x, y), label = found.points[0, 0], found.labels[0, 0]
    assert label == 1 and 2 <= x * TINY.grid <= 8 and 2 <= y * TINY.grid <= 8
    assert found.labels[1, 0] == PAD
    certain = torch.ones_like(target)
    certain[:, 2:8, 2:8] = 0  # what nobody knows is no error
    found = unroller._corrected(nothing, logits, target, certain, given)
    assert (found.labels == PAD).all()


def test_each_object_of_a_batch_goes_its_own_way(float_model):
    """Objects and clips do not see each other: a batch of four equals four batches of one."""
    tensor, targets, _ = clip()
    other = targets.roll((3, 2), (3, 4))
    both = torch.cat([targets, other], 1)
    frames = torch.cat([tensor, tensor.flip(4)])[:, :4]
    wanted = torch.cat([both, both.flip(4)])[:, :, :4]
    kinds = torch.full((4,), MASK)
    with torch.no_grad():
        _, together = Unroller(float_model, POLICY).run(frames, wanted, kinds, Plan(4))
        for b in range(2):
            for k in range(2):
                _, alone = Unroller(float_model, POLICY, encoder_batch=1).run(
                    frames[b : b + 1], wanted[b : b + 1, k : k + 1], kinds[:1], Plan(4)
                )
                worst = (alone[0] - together[2 * b + k]).abs().max()
                assert worst < 1e-3


def test_what_no_prompt_shows_is_nowhere_in_training_as_in_the_session(float_model):
    tensor, targets, (frames, _) = clip()
    later = torch.cat([torch.zeros_like(targets[:, :, :1]), targets[:, :, 1:]], 2)
    for kind in (MASK, BOX, CLICK):  # with nothing to show, boxes and clicks are not drawn
        with torch.no_grad():
            _, unrolled = Unroller(float_model, POLICY).run(
                tensor, later, torch.tensor([kind]), Plan(FRAMES)
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
        _, unrolled = Unroller(float_model, POLICY).run(
            tensor, later, torch.tensor([MASK]), Plan(FRAMES, corrected=3)
        )
    assert (unrolled[:, :3] == -LOGIT_LIMIT).all() and (unrolled[:, 3:] > -LOGIT_LIMIT).any()
