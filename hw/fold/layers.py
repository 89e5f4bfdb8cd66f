"""Layers of a graph: nodes of its integer program gathered into what one block of hardware does.

A convolution takes its requantizer along, a softmax attention its six nodes. Reshapes and
transposes vanish: with channels fastest, a map (1,C,H,W), its columns (1,1,C,N) and its rows
(1,1,N,C) are one and the same stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hw.lower.errors import LoweringError
from hw.ops.program import Node, Program
from hw.spec.dtypes import IntType


@dataclass(frozen=True)
class Tensor:
    """A stream between layers: height * width vectors of `channels` codes. Tokens and memories
    have width 1. ragged: `height` is the greatest, the true one comes at run time.
    """

    name: str
    height: int
    width: int
    channels: int
    dtype: IntType
    ragged: bool = False

    @property
    def vectors(self) -> int:
        """The tensor has this many pixels, or tokens."""
        return self.height * self.width

    @property
    def codes(self) -> int:
        """A frame of the tensor has this many codes."""
        return self.vectors * self.channels


@dataclass(frozen=True)
class Layer:
    """A layer is what one block of hardware does. name: the model's module. inputs: in the order of
    its kernel's ports. nodes: by role.
    """

    name: str
    inputs: tuple[Tensor, ...]
    output: Tensor
    nodes: Mapping[str, Node]

    @property
    def macs(self) -> int:
        """Multiplications of a frame that the model needs."""
        return 0


@dataclass(frozen=True)
class Conv(Layer):
    """A convolution with its requantizer. depthwise: a filter a channel."""

    kernel: int
    stride: int
    padding: int
    depthwise: bool

    @property
    def macs(self) -> int:
        return self.output.vectors * self.nodes["conv"].params["weight"].size


@dataclass(frozen=True)
class Join(Layer):
    """A join is the sum of two tensors of one scale."""


@dataclass(frozen=True)
class Upsample(Layer):
    """An upsampling repeats every pixel twice in each direction."""


@dataclass(frozen=True)
class Cut(Layer):
    """A cut keeps the first vectors of a tensor."""


@dataclass(frozen=True)
class Keep(Layer):
    """A whole frame of a tensor, held for readers that begin late; see `hw.fold.keeps`."""


@dataclass(frozen=True)
class SoftmaxAttention(Layer):
    """Inputs queries, keys, values; nodes scores, requant, exp, sum, context, divide."""

    @property
    def macs(self) -> int:
        return 2 * self.inputs[0].vectors * self.inputs[1].codes


@dataclass(frozen=True)
class MaskProduct(Layer):
    """Inputs vectors (few), pixels; output channel t of a pixel is its product with vector t."""

    @property
    def macs(self) -> int:
        return self.inputs[0].codes * self.inputs[1].vectors


@dataclass(frozen=True)
class Dataflow:
    """A graph's layers in an order in which data flow; tensors of the ports by port."""

    graph: str
    layers: tuple[Layer, ...]
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]

    def readers(self, tensor: Tensor) -> list[tuple[Layer, int]]:
        """Layers that read a tensor, and as which input."""
        return [(x, i) for x in self.layers for i, t in enumerate(x.inputs) if t is tensor]

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The tensors of the graph's inputs and of all layers, by name."""
        found = [*self.inputs.values(), *(x.output for x in self.layers)]
        return {t.name: t for t in found}


def gather(program: Program, longest: int = 0) -> Dataflow:
    """Layers of a program. longest: greatest length of its ragged inputs.

    Raises LoweringError naming the node that no layer is made of.
    """
    return _Gatherer(program, longest).gather()


class _Gatherer:
    def __init__(self, program: Program, longest: int) -> None:
        self.program, self.longest = program, longest
        self.tensors: dict[str, Tensor] = {}
        self.nodes = list(program.nodes)
        self.done: set[str] = set()
        self.layers: list[Layer] = []

    def gather(self) -> Dataflow:
        inputs = {}
        for port in self.program.inputs:
            if port.dtype is None:
                raise LoweringError(port.name, "port", "it is of floats", "lower the W4A4 model")
            shape = tuple(self.longest if n is None else n for n in port.shape)
            tensor = _tensor(port.name, shape, port.dtype, None in port.shape)
            inputs[port.name] = self.tensors[port.name] = tensor
        for node in self.nodes:
            if node.name not in self.done:
                self._take(node)
        outputs = {
            port.name: self.tensors[result]
            for port, result in zip(self.program.outputs, self.program.results, strict=True)
        }
        return Dataflow(self.program.graph, tuple(self.layers), inputs, outputs)

    def _take(self, node: Node) -> None:
        if node.op in ("reshape", "transpose"):
            self._rename(node)
        elif node.op == "conv":
            self._conv(node)
        elif node.op == "join_add":
            inputs = tuple(self.tensors[n] for n in node.inputs)
            self._add(Join(_name(node), inputs, self._like(node, inputs[0]), {"join": node}))
        elif node.op == "upsample" and node.attrs["factor"] == 2:
            (x,) = (self.tensors[n] for n in node.inputs)
            out = Tensor(node.output, 2 * x.height, 2 * x.width, x.channels, x.dtype)
            self._add(Upsample(_name(node), (x,), out, {"upsample": node}))
        elif node.op == "cut" and node.attrs["axis"] == 2 and node.attrs["start"] == 0:
            (x,) = (self.tensors[n] for n in node.inputs)
            out = Tensor(node.output, node.attrs["end"], 1, x.channels, x.dtype)
            if x.width != 1:
                raise LoweringError(node.name, node.op, "only tokens can be cut")
            self._add(Cut(_name(node), (x,), out, {"cut": node}))
        elif node.op == "matmul":
            self._product(node)
        else:
            raise LoweringError(
                node.name, node.op, f"no kernel for it with {node.attrs}", "add one, or change it"
            )

    def _add(self, layer: Layer) -> None:
        self.layers.append(layer)
        self.tensors[layer.output.name] = layer.output
        self.done |= {n.name for n in layer.nodes.values()}

    def _rename(self, node: Node) -> None:
        """Rows, columns and maps of the same channels are the same stream."""
        x, info = self.tensors[node.inputs[0]], self.program.tensors[node.output]
        shape = tuple(node.attrs.get("shape", info.shape))
        moved = node.op == "transpose" and node.attrs["order"] != [0, 1, 3, 2]
        if moved or len(shape) != 4 or not x.ragged and x.channels not in shape[1:]:
            raise LoweringError(node.name, node.op, f"to {shape} moves channels", "use a kernel")
        if node.op == "reshape" and shape[1] == x.channels and shape[1] > 1:
            x = Tensor(node.output, shape[2], shape[3], x.channels, x.dtype, x.ragged)
            source = self.tensors[node.inputs[0]]
            self._same(source, x)
        else:
            self.tensors[node.output] = x

    def _same(self, source: Tensor, shaped: Tensor) -> None:
        """A tensor whose height and width a reshape restores: its maker gets the new shape."""
        if (source.height, source.width) == (shaped.height, shaped.width):
            self.tensors[shaped.name] = source
            return
        index = next((i for i, x in enumerate(self.layers) if x.output is source), None)
        if index is None or any(t is source for x in self.layers for t in x.inputs):
            raise LoweringError(shaped.name, "reshape", "its maker's result is read in two shapes")
        layer = self.layers[index]
        renamed = Tensor(source.name, shaped.height, shaped.width, source.channels, source.dtype)
        values = {f: getattr(layer, f) for f in layer.__dataclass_fields__} | {"output": renamed}
        self.layers[index] = type(layer)(**values)
        for name, tensor in self.tensors.items():
            if tensor is source:
                self.tensors[name] = renamed
        self.tensors[shaped.name] = renamed

    def _like(self, node: Node, x: Tensor, channels: int | None = None) -> Tensor:
        dtype = IntType.parse(self.program.tensors[node.output].dtype)
        return Tensor(node.output, x.height, x.width, channels or x.channels, dtype)

    def _conv(self, node: Node) -> None:
        (x,) = (self.tensors[n] for n in node.inputs)
        requant = self._only_reader(node, "requant")
        weight, attrs = node.params["weight"], node.attrs
        kernel, stride, padding = weight.shape[2], attrs["stride"], attrs["padding"]
        depthwise = attrs["groups"] > 1
        if depthwise and (attrs["groups"] != x.channels or weight.shape[1] != 1):
            raise LoweringError(node.name, node.op, f"of {attrs['groups']} groups", "use depthwise")
        high, wide = ((n + 2 * padding - kernel) // stride + 1 for n in (x.height, x.width))
        dtype = IntType.parse(self.program.tensors[requant.output].dtype)
        out = Tensor(requant.output, high, wide, len(weight), dtype)
        nodes = {"conv": node, "requant": requant}
        self._add(Conv(_name(node), (x,), out, nodes, kernel, stride, padding, depthwise))

    def _product(self, node: Node) -> None:
        a, b = (self.tensors[n] for n in node.inputs)
        after = self._readers(node)
        if [n.op for n in after] == ["reshape"]:  # the masks: rows of T vectors times columns
            self.done.add(after[0].name)
            requant = self._only_reader(after[0], "requant")
            shape = after[0].attrs["shape"]
            dtype = IntType.parse(self.program.tensors[requant.output].dtype)
            out = Tensor(requant.output, shape[2], shape[3], shape[1], dtype)
            nodes = {"product": node, "requant": requant}
            self._add(MaskProduct(_name(node), (a, b), out, nodes))
            return
        requant = self._only_reader(node, "requant")
        exp = self._only_reader(requant, "exp_rows")
        found = {n.op: n for n in self._readers(exp)}
        if set(found) != {"row_sum", "matmul"}:
            raise LoweringError(exp.name, exp.op, "is not read by a sum and a product alone")
        divide = self._only_reader(found["matmul"], "divide")
        values = self.tensors[found["matmul"].inputs[1]]
        dtype = IntType.parse(self.program.tensors[divide.output].dtype)
        out = Tensor(divide.output, a.height, a.width, values.channels, dtype)
        nodes = {
            "scores": node,
            "requant": requant,
            "exp": exp,
            "sum": found["row_sum"],
            "context": found["matmul"],
            "divide": divide,
        }
        self._add(SoftmaxAttention(_name(node), (a, b, values), out, nodes))

    def _readers(self, node: Node) -> list[Node]:
        return [n for n in self.nodes if node.output in n.inputs]

    def _only_reader(self, node: Node, op: str) -> Node:
        readers = self._readers(node)
        if [n.op for n in readers] != [op]:
            have = ", ".join(n.op for n in readers) or "nothing"
            raise LoweringError(node.name, node.op, f"it is read by {have}, not by one {op}")
        return readers[0]


def _tensor(name: str, shape: tuple[int, ...], dtype: IntType, ragged: bool) -> Tensor:
    """Port shapes: maps and tokens (1,C,H,W), memories (1,1,L,lanes)."""
    if ragged:
        return Tensor(name, shape[2], 1, shape[3], dtype, True)
    return Tensor(name, shape[2], shape[3], shape[1], dtype)


def _name(node: Node) -> str:
    """The model's module: the node's name without its operator."""
    head, _, tail = node.name.rpartition(f".{node.op}")
    return (head + tail).replace("node_", "")
