"""FINN's conversion and streamlining of an exported file, and what is left to do until it is a
graph of integers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hw.lower.finn.runtime import prepare, quiet
from hw.spec.port import Port


def streamline(path: Path) -> Any:
    """The streamlined graph of a QONNX file, as a qonnx ModelWrapper."""
    prepare()
    with quiet():
        from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
        from finn.transformation.streamline.streamline_plus import StreamlinePlus
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.transformation.fold_constants import FoldConstants
        from qonnx.transformation.general import (
            GiveReadableTensorNames,
            GiveUniqueNodeNames,
            GiveUniqueParameterTensors,
        )
        from qonnx.transformation.infer_datatypes import InferDataTypes
        from qonnx.transformation.infer_shapes import InferShapes

        model = ModelWrapper(str(path))
        for step in (
            InferShapes(),
            # The exporter shares equal constants, and FINN's passes rewrite constants in place.
            GiveUniqueParameterTensors(),
            FoldConstants(),
            GiveUniqueNodeNames(),
            GiveReadableTensorNames(),
            InferDataTypes(),
            ConvertQONNXtoFINN(),
        ):
            with _small_sums_kept():
                model = model.transform(step)
        _name_layouts(model)
        with _small_sums_kept():
            return model.transform(_without_transposes(StreamlinePlus()))


@contextlib.contextmanager
def _small_sums_kept() -> Iterator[None]:
    """qonnx takes an addition of less than 1e-5 for none and removes it; what lifts a softmax's
    quotients over halves, 2^-12 codes, is less.
    """
    from qonnx.transformation.remove import RemoveIdentityOps

    apply = RemoveIdentityOps.apply

    def exactly(self: Any, model: Any) -> Any:
        self.atol = 1e-8
        return apply(self, model)

    RemoveIdentityOps.apply = exactly
    try:
        yield
    finally:
        RemoveIdentityOps.apply = apply


def to_integers(model: Any, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> Any:
    """A streamlined graph without its last floats: codes at the ports, the softmax in integers,
    sums in types that hold them, layers named after modules. `lower_integers` takes it on.

    Raises LoweringError where a float part is not what its integers would say.
    """
    from finn.transformation.streamline.round_thresholds import RoundAndClipThresholds
    from qonnx.core.datatype import DataType

    from hw.lower.finn.ports import CodesAtPorts, NameAfterModules, SlicesToGather, sum_types
    from hw.lower.finn.softmax import IntegerSoftmax

    with quiet():
        for step in (
            CodesAtPorts(inputs, outputs),
            IntegerSoftmax(),
            SlicesToGather(),
            NameAfterModules(),
        ):
            model = model.transform(step)
        sums = {name: DataType[kind] for name, kind in sum_types(model).items()}
        for name, kind in sums.items():
            model.set_tensor_datatype(name, kind)
        model = model.transform(RoundAndClipThresholds())
        for name, kind in sums.items():  # the pass infers types anew
            model.set_tensor_datatype(name, kind)
        return model


def _name_layouts(model: Any) -> None:
    """Layout inference guesses NHWC from the attention's transposes; channels are axis 1 in every
    map of these graphs.
    """
    from qonnx.custom_op.registry import getCustomOp

    for node in model.get_nodes_by_op_type("MultiThreshold"):
        if len(model.get_tensor_shape(node.input[0])) == 4:
            getCustomOp(node).set_nodeattr("data_layout", "NCHW")


def _without_transposes(composed: Any) -> Any:
    """StreamlinePlus without MoveTransposePastEltwise.

    A graph that ends in Transpose -> Mul never settles with it: it moves the transpose past the
    scale and MoveScalarLinearPastInvariants moves the scale back past the transpose. It serves
    lowered convolutions, of which there are none yet.
    """
    kept = []
    for step in composed.transformations:
        if hasattr(step, "transformations"):
            step = _without_transposes(step)
        if type(step).__name__ != "MoveTransposePastEltwise":
            kept.append(step)
    composed.transformations = kept
    return composed
