"""FINN's streamlined graphs against the Brevitas model's own answers, and their hardware layers
against golden.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from hw.lower.bundle import ports_of, read_description
from hw.lower.errors import LoweringError
from hw.ops.program import Program
from hw.spec.manifest import DETECTOR, GRAPHS
from tests.tiny import bundled, exported

pytestmark = pytest.mark.finn


def check(graph, tmp_path):
    from hw.lower.finn.witness import cross_check

    detects = graph == DETECTOR
    result = cross_check(exported(detects), graph, tmp_path)
    assert result.thresholds > 5 and result.scales >= 1
    assert result.floats == {}, "only the softmax and one scale an output may stay in floats"
    nodes = Program.load(bundled(detects).folder, graph).nodes
    attentions = any(node.op == "divide" for node in nodes)
    assert result.layers["MVAU"] > 5 and ("IntegerAttention" in result.layers) == attentions
    assert result.apart <= 1e-3 * result.elements
    assert cross_check(exported(detects), graph, tmp_path) == result  # from the cache
    return result


def test_memory_encoder_is_wholly_integer(tmp_path):
    from qonnx.core.modelwrapper import ModelWrapper

    from hw.lower.finn.streamline import to_integers

    result = check("memory_encoder", tmp_path)
    assert result.differing == 0 and result.apart == 0
    (stored,) = tmp_path.glob("*.onnx")
    (mask, features), outputs = ports_of(read_description(exported()), "memory_encoder")
    other = replace(features, scale=2 * features.scale)
    with pytest.raises(LoweringError, match="its scale is not") as caught:
        to_integers(ModelWrapper(str(stored)), (mask, other), outputs)
    assert caught.value.layer == "features"


@pytest.mark.slow
@pytest.mark.parametrize("graph", [g for g in (*GRAPHS, DETECTOR) if g != "memory_encoder"])
def test_larger_graphs(graph, tmp_path):
    result = check(graph, tmp_path)
    if graph == "image_encoder":
        assert result.differing == 0
    assert result.differing <= 1e-3 * result.elements
