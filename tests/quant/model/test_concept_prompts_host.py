"""The host sums the detector's tables as training does: the same tokens, geometry and scores."""

import numpy as np
import pytest
import torch

from host.concepts.detections import read_detections
from host.concepts.prompts import ConceptPrompt, ConceptTokens
from quant.config import FLOAT, W4A4, get_config
from quant.model import concept_prompts
from quant.model.ports import model_spec
from quant.model.tracker import Tracker
from tests.host.fake_device import sizes

BOXES = np.array([(0.1, 0.2, 0.55, 1), (0, 0, 0.03, 0.5), (0.7, 0.7, 0.71, 0.71)], np.float32)
ASKED = [
    ("cat", (), ()),
    (None, BOXES[:1], [1]),
    ("cat", BOXES, [0, 1, 1]),
    (None, BOXES[[2, 1, 0, 0]], [1, 1, 0, 0]),
]


@pytest.fixture(scope="module", params=[FLOAT, W4A4], ids=lambda p: p.name)
def model(request):
    torch.manual_seed(0)
    return Tracker(get_config("tiny"), request.param, detects=True).eval()


@pytest.mark.parametrize(("text", "boxes", "labels"), ASKED)
def test_tokens_and_geometry(model, text, boxes, labels):
    spec = model_spec(model)
    ports = spec.ports["detector"]
    rng = np.random.default_rng(1)
    embedding = rng.normal(size=384).astype(np.float32)
    embedding /= np.linalg.norm(embedding)
    features = ports.inputs["features"].encode(rng.normal(size=sizes(ports.inputs["features"])))
    prompt = ConceptPrompt(text, boxes, labels)
    build = ConceptTokens(spec)
    codes = build(prompt, None if text is None else embedding, features)

    slots = torch.zeros(1, 4, 4)
    used = torch.full((1, 4), concept_prompts.ABSENT)
    slots[0, : len(prompt.boxes)] = torch.from_numpy(prompt.boxes)
    used[0, : len(prompt.boxes)] = torch.from_numpy(prompt.labels)
    has_text = torch.tensor([text is not None])
    seen = torch.from_numpy(ports.inputs["features"].decode(features))
    with torch.no_grad():
        tokens = model.concept_prompts(
            torch.from_numpy(embedding)[None], has_text, slots, used, seen
        )
        drawn = concept_prompts.geometry(slots, used, spec.coarse)
    # A sum that lies on the edge of a step may fall on either side of it.
    step = ports.inputs["tokens"].scale if model.precision is W4A4 else 1e-5
    difference = np.abs(ports.inputs["tokens"].decode(codes["tokens"]) - tokens.numpy())
    assert difference.max() <= 1.01 * step and (difference > 0.5 * step).mean() < 0.01
    assert np.allclose(ports.inputs["geometry"].decode(codes["geometry"]), drawn, atol=0.126)

    valid = concept_prompts.valid_tokens(has_text, used)[0].numpy()
    assert spec.detector is not None
    first = spec.detector.sizes.queries + 1
    assert build.valid(prompt).tolist() == (np.flatnonzero(valid) + first).tolist()


def test_scores(model):
    spec = model_spec(model)
    ports = spec.ports["detector"]
    rng = np.random.default_rng(2)
    found = {
        name: port.encode(rng.normal(0, 2, sizes(port))) for name, port in ports.outputs.items()
    }
    found["presence"][0, 0, -1, 0] = ports.outputs["presence"].encode(1.0)
    prompt = ConceptPrompt("cat", BOXES[:2], np.array([0, 1]))
    valid = ConceptTokens(spec).valid(prompt)
    result = read_detections(ports, found, valid, (50, 80), threshold=0, duplicate_iou=1)
    matches = torch.from_numpy(ports.outputs["matches"].decode(found["matches"]))
    used = torch.tensor([[0, 1, concept_prompts.ABSENT, concept_prompts.ABSENT]])
    mask = concept_prompts.valid_tokens(torch.tensor([True]), used)
    logits = concept_prompts.scores(matches, mask)[0]
    expected = torch.sigmoid(logits) * torch.sigmoid(torch.tensor(1.0))
    assert result.scores == pytest.approx(expected.sort(descending=True).values.numpy(), abs=1e-5)
