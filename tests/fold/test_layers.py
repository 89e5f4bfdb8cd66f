"""Layers gathered from integer programs."""

from dataclasses import replace

import pytest

from hw.fold.layers import Conv, SoftmaxAttention, gather
from hw.lower.errors import LoweringError
from hw.ops.program import Program
from tests.fold.tiny_model import GRAPHS, LONGEST, SOURCE, dataflow


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_node_is_in_one_layer_or_moves_nothing(graph):
    program, flow = Program.load(SOURCE, graph), dataflow(graph)
    taken = [node.name for layer in flow.layers for node in layer.nodes.values()]
    assert len(taken) == len(set(taken))
    left = [n for n in program.nodes if n.name not in taken]
    assert {n.op for n in left} <= {"reshape", "transpose"}
    assert flow.outputs.keys() == {port.name for port in program.outputs}


def test_layers_carry_the_modules_names():
    names = [layer.name for layer in dataflow("image_encoder").layers]
    assert names[:2] == ["backbone.stem", "backbone.stages.0.0.depthwise"]
    assert "neck.skip4" in names


def test_macs_are_those_of_the_layers():
    layers = {x.name: x for x in dataflow("memory_attention").layers}
    conv, head = layers["query"], layers["product"]
    assert isinstance(conv, Conv) and conv.macs == 16 * 16 * 16
    assert isinstance(head, SoftmaxAttention) and head.macs == 2 * 16 * LONGEST * 16
    assert head.inputs[1].ragged and not head.inputs[0].ragged


def test_an_unknown_operator_is_named():
    program = Program.load(SOURCE, "memory_encoder")
    nodes = list(program.nodes)
    nodes[0] = replace(nodes[0], op="fourier")
    with pytest.raises(LoweringError, match=r"mask1.*fourier"):
        gather(replace(program, nodes=tuple(nodes)))


def test_a_requantizer_read_twice_is_refused():
    program = Program.load(SOURCE, "memory_encoder")
    nodes = [replace(n, inputs=(program.nodes[0].output,)) if i == 2 else n
             for i, n in enumerate(program.nodes)]  # fmt: skip
    with pytest.raises(LoweringError, match="it is read by"):
        gather(replace(program, nodes=tuple(nodes)))
