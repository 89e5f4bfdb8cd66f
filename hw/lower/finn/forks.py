"""Forks of streams at a graph's ends, which FINN's pass leaves out or renames."""

from __future__ import annotations

from typing import Any

from onnx import TensorProto, helper
from qonnx.transformation.base import Transformation

from hw.lower.finn.runtime import HARDWARE
from hw.lower.finn.traces import rename


class ForkInputs(Transformation):
    """This pass puts a DuplicateStreams behind every input with several readers."""

    def apply(self, model: Any) -> tuple[Any, bool]:
        for port in model.graph.input:
            readers = [
                (n, i) for n in model.graph.node for i, x in enumerate(n.input) if x == port.name
            ]
            if len(readers) > 1:
                self._fork(model, port.name, readers)
        return model, False

    @staticmethod
    def _fork(model: Any, name: str, readers: list[tuple[Any, int]]) -> None:
        shape, kind = model.get_tensor_shape(name), model.get_tensor_datatype(name)
        copies = [f"{name}.{i}" for i in range(len(readers))]
        for copy, (node, place) in zip(copies, readers, strict=True):
            node.input[place] = copy
            value = helper.make_tensor_value_info(copy, TensorProto.FLOAT, shape)
            model.graph.value_info.append(value)
            model.set_tensor_datatype(copy, kind)
        fork = helper.make_node(
            "DuplicateStreams",
            [name],
            copies,
            domain=HARDWARE,
            name=f"{name}.fork",
            backend="fpgadataflow",
            NumChannels=shape[-1],
            PE=1,
            inputDataType=kind.name,
            numInputVectors=shape[:-1],
            NumOutputStreams=len(copies),
            outFIFODepths=[2] * len(copies),
            cpp_interface="hls_vector",
            hls_style="freerunning",
        )
        model.graph.node.insert(0, fork)


def restore_outputs(model: Any, names: list[str]) -> None:
    """Give outputs back the names that forking took; the tensor before the fork gets another."""
    for port, name in zip(model.graph.output, names, strict=True):
        if port.name == name:
            continue
        kind = model.get_tensor_datatype(port.name)
        taken, free = port.name, f"{name}.0"
        shape = model.get_tensor_shape(taken)
        for old, new in ((name, free), (taken, name)):
            rename(model, old, new)
        port.name = name
        inner = [v for v in model.graph.value_info if v.name in (taken, name)]
        for value in inner:
            model.graph.value_info.remove(value)
        value = helper.make_tensor_value_info(free, TensorProto.FLOAT, shape)
        model.graph.value_info.append(value)
        for tensor in (name, free):
            model.set_tensor_datatype(tensor, kind)
