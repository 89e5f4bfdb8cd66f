"""A softmax in floats around integer products becomes the golden integer softmax, or is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hw.lower.errors import LoweringError
from hw.ops.softmax import divide, exp_rows, exp_table, row_sum

pytestmark = pytest.mark.finn

S, E, V, TIE = 0.125, 1 / 255, 0.037, 12
ROWS, KEYS, DIM = 6, 40, 4


def float_softmax(nudge=2.0**-TIE, score=S, second=None, unit=1.0):
    """Score codes (1,1,M,L), value codes (1,1,L,C) -> context codes, as streamlining leaves it."""
    from onnx import TensorProto, helper
    from qonnx.core.datatype import DataType
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.infer_shapes import InferShapes
    from qonnx.util.basic import qonnx_make_model

    def threshold(source, steps, result, kind, bias):
        return helper.make_node(
            "MultiThreshold",
            [source, steps],
            [result],
            domain="qonnx.custom_op.general",
            out_dtype=kind,
            out_bias=float(bias),
            data_layout="NCHW",
        )

    def node(kind, inputs, output, **attrs):
        return helper.make_node(kind, inputs, [output], name=output, **attrs)

    nodes = [
        node("Mul", ["scores", "s"], "a"),
        node("Mul", ["scores", "s2"], "b"),
        node("ReduceMax", ["b"], "most", axes=[-1], keepdims=1),
        node("Sub", ["a", "most"], "distance"),
        node("Exp", ["distance"], "exp"),
        threshold("exp", "exp_steps", "e", "UINT8", 0),
        node("MatMul", ["e", "values"], "sums"),
        node("Mul", ["sums", "ev"], "above"),
        node("Mul", ["e", "es"], "scaled"),
        node("ReduceSum", ["scaled", "axes"], "below", keepdims=1),
        node("Div", ["above", "below"], "quotient"),
        threshold("quotient", "v_steps", "context", "INT8", -128),
    ]
    shapes = {"scores": (1, 1, ROWS, KEYS), "values": (1, 1, KEYS, DIM)}
    infos = [helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in shapes.items()]
    result = helper.make_tensor_value_info("context", TensorProto.FLOAT, (1, 1, ROWS, DIM))
    graph = helper.make_graph(nodes, "softmax", infos, [result])
    domains = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
    model = ModelWrapper(qonnx_make_model(graph, opset_imports=domains))
    constants = {
        "s": score,
        "s2": score if second is None else second,
        "es": E,
        "ev": E * V * unit,
        "exp_steps": [(np.arange(255) + 0.5) * E],
        "v_steps": [(np.arange(-128, 127) + 0.5 - nudge) * V],
    }
    for name, value in constants.items():
        model.set_initializer(name, np.array(value, np.float32))
    model.set_initializer("axes", np.array([-1]))
    model = model.transform(InferShapes())
    for name, kind in {"scores": "INT8", "values": "INT8", "e": "UINT8", "context": "INT8"}.items():
        model.set_tensor_datatype(name, DataType[kind])
    return model


def test_it_becomes_the_golden_functions():
    from qonnx.core.onnx_exec import execute_onnx

    from hw.lower.finn.softmax import IntegerSoftmax

    made = float_softmax().transform(IntegerSoftmax())
    assert [n.op_type for n in made.graph.node] == ["ExpRows", "MatMul", "RowSum", "DivideRows"]
    table = exp_table(S, E, 255, 255)
    rng = np.random.default_rng(5)
    for low in (-128, 100):  # of all distances, and of near ones
        scores = rng.integers(low, 128, (1, 1, ROWS, KEYS))
        scores[..., 0, 1:] = -128  # one key far above the others
        scores[..., 0, 0] = 127
        values = rng.integers(-128, 128, (1, 1, KEYS, DIM))
        feed = {"scores": scores.astype(np.float32), "values": values.astype(np.float32)}
        e = exp_rows(torch.from_numpy(scores), torch.from_numpy(table))
        total = (e.double() @ torch.from_numpy(values).double()).to(torch.int64)
        wanted = divide(total, row_sum(e), -128, 127, TIE).numpy()
        assert np.array_equal(execute_onnx(made, feed)["context"], wanted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nudge": 0.0}, "nudged"),
        ({"unit": 1.5}, "in units of 1.5 codes"),
        ({"second": 0.25}, "own row maximum"),
    ],
)
def test_what_no_integers_follow_is_refused(change, message):
    from hw.lower.finn.softmax import IntegerSoftmax

    with pytest.raises(LoweringError, match=message):
        float_softmax(**change).transform(IntegerSoftmax())
