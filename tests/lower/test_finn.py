"""FINN's streamlined graphs against the Brevitas model's own answers."""

from __future__ import annotations

import pytest

from hw.spec.manifest import GRAPHS
from tests.tiny import exported

pytestmark = pytest.mark.finn


def check(graph, tmp_path):
    from hw.lower.finn import cross_check

    result = cross_check(exported(), graph, tmp_path)
    assert result.thresholds > 5 and result.scales >= 1
    assert result.floats == {}, "only the softmax and one scale an output may stay in floats"
    assert cross_check(exported(), graph, tmp_path) == result  # from the cache
    return result


def test_memory_encoder_is_wholly_integer(tmp_path):
    assert check("memory_encoder", tmp_path).differing == 0


@pytest.mark.slow
@pytest.mark.parametrize("graph", [g for g in GRAPHS if g != "memory_encoder"])
def test_larger_graphs(graph, tmp_path):
    result = check(graph, tmp_path)
    if graph == "image_encoder":
        assert result.differing == 0
    assert result.differing <= 1e-3 * result.elements
