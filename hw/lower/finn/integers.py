"""Program -> ONNX graph of integers: Conv, MultiThreshold, Add, Resize, MatMul and this project's
ops. It is the form that FINN's streamlining aims at, with the program's integers and no scale left.

Tensors keep the program's names and shapes (maps (1,C,H,W)); constants are `<layer>.weight`,
`<layer>.thresholds`, `<layer>.table`, where the layer is the model's module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.lower.errors import LoweringError
from hw.lower.finn.runtime import OPS, prepare, quiet
from hw.ops.integers import step_positions
from hw.ops.program import Node, Program
from hw.spec.dtypes import IntType
from hw.spec.sizes import signed_bits

GENERAL = "qonnx.custom_op.general"
OPSET = 13


def integer_graph(program: Program, length: int = 0) -> Any:
    """ModelWrapper of a program. length: of its ragged inputs; 0: the one exported, the greatest.

    Raises LoweringError for a node that has no form in ONNX.
    """
    prepare()
    with quiet():
        return _Writer(program, length).write()


def staircase(node: Node, sums: IntType) -> NDArray[np.int64]:
    """Thresholds (O or 1, levels) of a requant node, clipped to what its sums reach.

    FINN counts thresholds at or below a sum: the golden requantizer's step positions.
    """
    p, low, high = node.params, node.attrs["low"], node.attrs["high"]
    steps = np.zeros((len(p["m"]), high - low), np.int64)
    plain = np.setdiff1d(np.arange(len(p["m"])), p["channels"])
    m, b, n = (p[k][plain] for k in "mbn")
    steps[plain] = step_positions(m, b, n, low, high)
    steps[p["channels"]] = p["steps"]
    return np.clip(steps, sums.min, sums.max + 1)


class _Writer:
    def __init__(self, program: Program, length: int) -> None:
        self.program, self.length = program, length
        self.nodes: list[Any] = []
        self.constants: dict[str, tuple[NDArray[Any], str]] = {}
        self.types = {name: info.dtype for name, info in program.tensors.items()}
        self.layers = layer_names(program)

    def write(self) -> Any:
        from onnx import TensorProto, helper
        from qonnx.core.datatype import DataType
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.transformation.infer_shapes import InferShapes
        from qonnx.util.basic import qonnx_make_model

        for node in self.program.nodes:
            if node.op not in FORMS:
                known = ", ".join(sorted(FORMS))
                raise LoweringError(node.name, node.op, "no form in ONNX", f"there are {known}")
            FORMS[node.op](self, node)

        def value(name: str, shape: tuple[int, ...] | None) -> Any:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        tensors = self.program.tensors
        inputs = [value(p.name, self._shape(p.name, p.shape)) for p in self.program.inputs]
        outputs = [value(name, tensors[name].shape) for name in self.program.results]
        graph = helper.make_graph(self.nodes, self.program.graph, inputs, outputs)
        domains = [("", OPSET), (GENERAL, 1), (OPS, 1)]
        model = ModelWrapper(
            qonnx_make_model(graph, opset_imports=[helper.make_opsetid(*d) for d in domains])
        )
        for name, (array, dtype) in self.constants.items():
            model.set_initializer(name, array)
            if dtype:
                model.set_tensor_datatype(name, DataType[dtype])
        model = model.transform(InferShapes())
        for name, dtype in self.types.items():
            model.set_tensor_datatype(name, DataType[dtype])
        return model

    def _shape(self, name: str, declared: tuple[int | None, ...]) -> tuple[int, ...]:
        exported = self.program.tensors[name].shape
        return tuple(
            (self.length or e) if d is None else d for d, e in zip(declared, exported, strict=True)
        )

    def add(self, kind: str, node: Node, inputs: list[str], **attrs: Any) -> None:
        """One node with the program node's output; its name is that of the layer."""
        from onnx import helper

        output = attrs.pop("output", node.output)
        made = helper.make_node(kind, inputs, [output], name=self.layers[node.name], **attrs)
        self.nodes.append(made)

    def constant(self, name: str, array: NDArray[Any], dtype: str = "") -> str:
        """An initializer; integers with a QONNX type travel as float32, as all tensors do."""
        self.constants[name] = (array.astype(np.float32) if dtype else array, dtype)
        return name

    def thresholds(
        self, node: Node, source: str, steps: NDArray[np.int64], output: str | None = None
    ) -> None:
        """A MultiThreshold whose codes begin at the node's `low`."""
        layer, low = self.layers[node.name], node.attrs["low"]
        kind = _narrowest(steps)
        limits = self.constant(f"{layer}.thresholds", steps, kind)
        self.add(
            "MultiThreshold",
            node,
            [source, limits],
            domain=GENERAL,
            out_dtype=self.types[output or node.output],
            out_scale=1.0,
            out_bias=float(low),
            data_layout="NCHW",
        )


def layer_names(program: Program) -> dict[str, str]:
    """Program node -> layer: the model's module. A requantizer belongs to the layer whose sums it
    takes.
    """
    makers = {n.output: n for n in program.nodes}
    names: dict[str, str] = {}
    for node in program.nodes:
        head, _, tail = node.name.rpartition(f".{node.op}")
        names[node.name] = (head + tail).replace("node_", "")
        maker = makers.get(node.inputs[0])
        while node.op == "requant" and maker is not None and maker.op == "reshape":
            maker = makers.get(maker.inputs[0])
        if node.op == "requant" and maker is not None and maker.op in ("conv", "matmul"):
            names[node.name] = names[maker.name]
    return names


def _narrowest(values: NDArray[np.int64]) -> str:
    return IntType(signed_bits(values.min(), values.max())).name


def _conv(w: _Writer, node: Node) -> None:
    weight, a = node.params["weight"], node.attrs
    kernel, padding = list(weight.shape[2:]), a["padding"]
    kind = "INT4" if weight.min() >= -8 and weight.max() <= 7 else "INT8"
    name = w.constant(f"{w.layers[node.name]}.weight", weight, kind)
    w.add(
        "Conv",
        node,
        [node.inputs[0], name],
        kernel_shape=kernel,
        strides=[a["stride"]] * 2,
        pads=[padding] * 4,
        dilations=[1, 1],
        group=a["groups"],
    )


def _requant(w: _Writer, node: Node) -> None:
    sums = IntType.parse(w.types[node.inputs[0]])
    w.thresholds(node, node.inputs[0], staircase(node, sums))


def _join(w: _Writer, node: Node) -> None:
    """FINN's form of a saturating sum: Add, then the identity's staircase."""
    kinds = [IntType.parse(w.types[n]) for n in node.inputs]
    sums = f"{node.output}.sum"
    reach = np.array([sum(k.min for k in kinds), sum(k.max for k in kinds)])
    w.types[sums] = _narrowest(reach)
    w.add("Add", node, list(node.inputs), output=sums)
    _clip(w, node, sums)


def _clip(w: _Writer, node: Node, source: str | None = None) -> None:
    steps = np.arange(node.attrs["low"] + 1, node.attrs["high"] + 1)[None]
    w.thresholds(node, source or node.inputs[0], steps)


def _upsample(w: _Writer, node: Node) -> None:
    factor = node.attrs["factor"]
    scales = w.constant(
        f"{w.layers[node.name]}.scales", np.array([1, 1, factor, factor], np.float32)
    )
    plain = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    w.add("Resize", node, [node.inputs[0], "", scales], mode="nearest", **plain)


def _reshape(w: _Writer, node: Node) -> None:
    shape = w.constant(f"{node.name}.shape", np.array(node.attrs["shape"], np.int64))
    w.add("Reshape", node, [node.inputs[0], shape])


def _transpose(w: _Writer, node: Node) -> None:
    w.add("Transpose", node, list(node.inputs), perm=node.attrs["order"])


def _cut(w: _Writer, node: Node) -> None:
    """As Gather, from which FINN infers its Crop."""
    a = node.attrs
    kept = w.constant(f"{w.layers[node.name]}.indices", np.arange(a["start"], a["end"]))
    w.add("Gather", node, [node.inputs[0], kept], axis=a["axis"])


def _matmul(w: _Writer, node: Node) -> None:
    w.add("MatMul", node, list(node.inputs))


def _exp(w: _Writer, node: Node) -> None:
    table = w.constant(f"{w.layers[node.name]}.table", node.params["table"], w.types[node.output])
    w.add("ExpRows", node, [node.inputs[0], table], domain=OPS, outDataType=w.types[node.output])


def _sum(w: _Writer, node: Node) -> None:
    w.add("RowSum", node, list(node.inputs), domain=OPS, outDataType=w.types[node.output])


def _divide(w: _Writer, node: Node) -> None:
    a = node.attrs
    plain = {"outDataType": w.types[node.output], "tie": a["tie"]}
    w.add("DivideRows", node, list(node.inputs), domain=OPS, **plain)


FORMS: dict[str, Callable[[_Writer, Node], None]] = {
    "conv": _conv,
    "requant": _requant,
    "join_add": _join,
    "saturate": _clip,
    "upsample": _upsample,
    "reshape": _reshape,
    "transpose": _transpose,
    "cut": _cut,
    "matmul": _matmul,
    "exp_rows": _exp,
    "row_sum": _sum,
    "divide": _divide,
}
