"""Program -> graph of FINN's hardware layers and this project's ops: integers from end to end.

The order of passes: products of two streams become one layer each, convolutions become matrix
products, everything turns to channels last, FINN infers its layers, types are set to what the
program says sums reach, streams read twice are forked, layers get their names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hw.lower.errors import LoweringError
from hw.lower.finn.integers import integer_graph
from hw.lower.finn.runtime import HARDWARE, OPS, declare_domains, prepare, quiet
from hw.ops.program import Program

MATRIX = ("MVAU", "VVAU")


def hardware_graph(program: Program, length: int = 0) -> Any:
    """ModelWrapper of a program's hardware layers. length: of ragged inputs, 0: the greatest.

    Inputs and outputs carry the ports' names; maps are (1,H,W,C), memories (1,1,L,C). Raises
    LoweringError naming the layer that stayed without hardware or in floats.
    """
    prepare()
    return lower_integers(integer_graph(program, length))


def lower_integers(model: Any) -> Any:
    """Hardware layers of a graph of integers whose nodes are named and whose tensors are typed.

    Raises LoweringError, see `hardware_graph`.
    """
    names = {n.output[0]: n.name for n in model.graph.node}
    types = {n: model.get_tensor_datatype(n).name for n in names}
    ends = [p.name for p in model.graph.output]
    with quiet():
        model = _infer(_shape(model))
        for node in model.graph.node:
            if node.domain not in (HARDWARE, OPS):
                layer = names.get(node.output[0], node.name)
                raise LoweringError(layer, node.op_type, "stayed without a hardware layer")
        _set_types(model, types)
        name_layers(model, names)
        model = _fork(model, ends)
        name_tensors(model, set(types))
        declare_domains(model)
        check(model)
    return model


def _shape(model: Any) -> Any:
    """Products and layouts: the part that FINN's inference passes build on."""
    from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul

    from hw.lower.finn.attention import InferIntegerAttention, InferStreamProduct
    from hw.lower.finn.layout import ChannelsLast, EndInMaps

    for step in (
        InferIntegerAttention(),
        InferStreamProduct(),
        EndInMaps(),
        LowerConvsToMatMul(),
        ChannelsLast(),
    ):
        model = model.transform(step)
    return model


def _infer(model: Any) -> Any:
    """FINN's own passes. Thresholds before products, so that they stay layers of their own: FINN's
    RTL products take none.
    """
    from finn.transformation.fpgadataflow.convert_to_hw.conv_inp_gen import InferConvInpGen
    from finn.transformation.fpgadataflow.convert_to_hw.crop import InferCrop
    from finn.transformation.fpgadataflow.convert_to_hw.elementwise_binary_operation import (
        InferElementwiseBinaryOperation,
    )
    from finn.transformation.fpgadataflow.convert_to_hw.quantized_matrix_vector_activation import (
        InferQuantizedMatrixVectorActivation,
    )
    from finn.transformation.fpgadataflow.convert_to_hw.thresholding import InferThresholdingLayer
    from finn.transformation.fpgadataflow.convert_to_hw.upsample import InferUpsample
    from finn.transformation.fpgadataflow.convert_to_hw.vector_vector_activation import (
        InferVectorVectorActivation,
    )

    for step in (
        InferThresholdingLayer(),
        InferVectorVectorActivation(),
        InferQuantizedMatrixVectorActivation(),
        InferConvInpGen(),
        InferUpsample(),
        InferCrop(),
        InferElementwiseBinaryOperation(),
    ):
        model = model.transform(step)
    return model


def _set_types(model: Any, types: dict[str, str]) -> None:
    """Sums get the type that the program knows from the weights; FINN's passes leave INT32."""
    from qonnx.core.datatype import DataType
    from qonnx.custom_op.registry import getCustomOp

    for node in model.graph.node:
        op, name = getCustomOp(node), node.output[0]
        if node.op_type in MATRIX:
            op.set_nodeattr("outputDataType", types[name])
            op.set_nodeattr("accDataType", types[name])
        elif node.op_type == "ElementwiseAdd":
            op.set_nodeattr("out_dtype", types[name])
        elif node.op_type == "Thresholding":
            op.set_nodeattr("inputDataType", model.get_tensor_datatype(node.input[0]).name)
        if name in types:
            model.set_tensor_datatype(name, DataType[types[name]])


def name_layers(model: Any, names: dict[str, str]) -> None:
    """The model's module for what computes; `.thresholds`, `.window` and `.padding` behind it for
    what serves it.
    """
    for node in model.graph.node:
        if node.op_type in MATRIX:
            node.name = node.input[1].removesuffix(".weight")
        elif node.op_type == "Thresholding":
            node.name = node.input[1]
        elif node.domain == HARDWARE:
            node.name = names.get(node.output[0], "")
    for kind, suffix in (("ConvolutionInputGenerator", "window"), ("FMPadding", "padding")):
        for node in model.get_nodes_by_op_type(kind):
            (reader,) = model.find_consumers(node.output[0])
            node.name = f"{reader.name.removesuffix('.window')}.{suffix}"


def name_tensors(model: Any, known: set[str]) -> None:
    """What FINN's passes named by chance is named after its layer; a fork's copies are numbered."""
    kept = known | {p.name for p in (*model.graph.input, *model.graph.output)}
    for node in model.graph.node:
        for i, name in enumerate(node.output):
            if len(node.output) > 1 and name not in kept:
                model.rename_tensor(name, f"{node.name}.{i}")
            elif name not in kept:
                model.rename_tensor(name, f"{node.name}.out")


def _fork(model: Any, outputs: list[str]) -> Any:
    """DuplicateStreams wherever a tensor has several readers. FINN's pass sees the first input
    only, and gives a result that is also read a new name.
    """
    from finn.transformation.fpgadataflow.convert_to_hw.duplicate_streams import (
        InferDuplicateStreamsLayer,
    )

    from hw.lower.finn.forks import ForkInputs, restore_outputs

    model = model.transform(ForkInputs())
    model = model.transform(InferDuplicateStreamsLayer())
    restore_outputs(model, outputs)
    made = {n.output[0]: n.name for n in model.graph.node}
    for node in model.get_nodes_by_op_type("DuplicateStreams"):
        node.name = f"{made.get(node.input[0], node.input[0])}.fork"
    return model


def check(model: Any) -> None:
    """Raises LoweringError for a tensor without an integer type, a constant that is not whole, or
    two layers of one name.
    """
    seen: set[str] = set()
    for node in model.graph.node:
        if not node.name or node.name in seen:
            raise LoweringError(node.name, node.op_type, "its name is missing or taken")
        seen.add(node.name)
        for name in (*node.input, *node.output):
            kind, constant = model.get_tensor_datatype(name), model.get_initializer(name)
            if not kind.is_integer():
                raise LoweringError(node.name, node.op_type, f"{name} is {kind.name}")
            if constant is not None and np.any(constant != np.rint(constant)):
                raise LoweringError(node.name, node.op_type, f"{name} is not whole")


def layer_counts(model: Any) -> dict[str, int]:
    """Returns the number of layers of each type, most frequent first."""
    kinds = [n.op_type for n in model.graph.node]
    return {k: kinds.count(k) for k in sorted(set(kinds), key=lambda k: (-kinds.count(k), k))}
