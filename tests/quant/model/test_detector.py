"""The detector: shapes, what hears what, scores."""

import pytest
import torch

from quant.config import FLOAT, W4A4, get_config
from quant.model.concept_prompts import ABSENT, EXEMPLARS, geometry, scores, valid_tokens
from quant.model.ports import graph_ports
from quant.model.tracker import Tracker

TINY = get_config("tiny")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    made = Tracker(TINY, FLOAT, detects=True).eval()
    with torch.no_grad():  # residual branches start at nothing; here they must speak
        for name, parameter in made.detector.named_parameters():
            if name.endswith("norm.weight"):
                parameter.fill_(1.0)
    return made


def inputs(batch=2):
    c, g = TINY.width, TINY.coarse
    c4, c8 = TINY.skip_widths
    features = torch.randn(batch, c, g, g)
    skips = torch.rand(batch, c8, 2 * g, 2 * g), torch.rand(batch, c4, 4 * g, 4 * g)
    return features, *skips


def prompts(batch=2):
    boxes = torch.tensor([0.1, 0.2, 0.6, 0.9]).expand(batch, EXEMPLARS, 4)
    labels = torch.tensor([1, 0, ABSENT, ABSENT]).expand(batch, EXEMPLARS)
    return torch.nn.functional.normalize(torch.randn(batch, 384)), boxes, labels


@pytest.mark.parametrize("precision", [FLOAT, W4A4])
def test_outputs_have_the_shapes_of_their_ports(precision):
    made = Tracker(TINY, precision, detects=True).eval()
    features, skip8, skip4 = inputs(1)
    text, boxes, labels = prompts(1)
    has_text = torch.ones(1, dtype=torch.bool)
    tokens = made.concept_prompts(text, has_text, boxes, labels, features)
    found = made.detector(features, skip8, skip4, geometry(boxes, labels, TINY.coarse), tokens)
    ports = graph_ports(made)["detector"]
    assert tuple(tokens.shape) == ports.inputs["tokens"].shape
    for name, value in zip(made.detector.outputs, found, strict=True):
        assert tuple(value.shape) == ports.outputs[name].shape, name


def test_alone_queries_do_not_hear_each_other(model):
    detector = model.detector
    x = torch.randn(1, TINY.width, TINY.coarse, TINY.coarse)
    tokens = torch.randn(1, TINY.width, TINY.queries + 1 + 8, 1)
    changed = tokens.clone()
    changed[:, :, 0] += 1  # query 0
    with torch.no_grad():
        for alone, heard in ((True, False), (False, True)):
            first = detector.decode(tokens, x, alone=alone)[-1][0]
            second = detector.decode(changed, x, alone=alone)[-1][0]
            differs = not torch.equal(first[:, :, 1], second[:, :, 1])
            assert differs == heard


def test_the_prompt_reaches_queries_and_pixels(model):
    features, skip8, skip4 = inputs(1)
    text, boxes, labels = prompts(2)
    labels = torch.full_like(labels, ABSENT)
    maps = [m.expand(2, *m.shape[1:]) for m in (features, skip8, skip4)]
    with torch.no_grad():
        has_text = torch.ones(2, dtype=torch.bool)
        tokens = model.concept_prompts(text, has_text, boxes, labels, maps[0])
        shape = geometry(boxes, labels, TINY.coarse)
        masks, matches, *_ = model.detector(*maps, shape, tokens)
    assert not torch.allclose(masks[0], masks[1])
    assert not torch.allclose(matches[0, :, :8], matches[1, :, :8])


def test_scores_are_means_over_valid_tokens():
    n, t = 3, 3 + 1 + 8
    matches = torch.randn(2, n + 1, t, 1)
    labels = torch.tensor([[1, 0, ABSENT, 1], [ABSENT] * 4])
    valid = valid_tokens(torch.tensor([False, True]), labels)
    found = scores(matches, valid)
    torch.testing.assert_close(found[0], matches[0, :n, [n + 5, n + 8], 0].mean(1))
    torch.testing.assert_close(found[1], matches[1, :n, n + 1 : n + 5, 0].mean(1))
