"""An accelerator: one graph's blocks stitched into a netlist, with forks where a tensor has several
readers, width converters where lanes differ, FIFOs where streams of one origin meet again, and
skids where tready would run through too many kernels.

Ends carry one code a beat. A port with several readers is taken in by each on its own, from memory,
rather than forked and kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import numpy as np

from hw.fold.block import WORD, Block, buffer, narrowed
from hw.fold.depths import depths
from hw.fold.folding import INSIDE, End, Plan, schedule
from hw.fold.layers import Dataflow, Layer, Tensor
from hw.kernels.duplicate import Duplicate
from hw.kernels.dwc import Dwc
from hw.kernels.split import Split
from hw.spec.dtypes import IntType
from hw.spec.errors import SpecError
from hw.spec.hardware import StreamEnd
from hw.spec.kernel import Kernel
from hw.spec.sizes import whole_bytes
from hw.spec.stream import Stream
from hw.stitch.cuts import MOST, cut, is_cut
from hw.stitch.netlist import Netlist

SETUP = "s_axis_weights"
MOST_INPUTS = 8
"""An accelerator reads at most this many streams: each takes an end of the data mover."""


@dataclass(frozen=True)
class Accelerator:
    """The netlist, and what its ends carry. fifos: vectors held, by (layer, input). skids: how many
    registers of tready stand on the way to each input of a layer, and inside it
    (`hw.fold.folding.INSIDE`). setup: bytes of s_axis_weights, empty where nothing is loaded.
    """

    netlist: Netlist
    inputs: tuple[StreamEnd, ...]
    outputs: tuple[StreamEnd, ...]
    fifos: Mapping[End, int]
    skids: Mapping[End, int]
    setup: bytes = b""


def accelerator(
    dataflow: Dataflow,
    blocks: Mapping[str, Block],
    overrides: Mapping[End, int] | None = None,
    most: float | None = MOST,
) -> Accelerator:
    """Stitches the blocks. overrides: depths of FIFOs in vectors, by (layer, input). most: how
    long tready may be under way in one cycle, see `hw.stitch.cuts`; None: as long as it takes.

    Raises SpecError for blocks that do not fit each other.
    """
    return _Stitcher(dataflow, blocks, overrides or {}).stitch(most)


def apart(dataflow: Dataflow) -> set[str]:
    """Inputs of the graph that come once a reader, so that none waits for another and nothing need
    be kept: the largest first, as long as there are streams.
    """
    shared = {t.name: t for t in dataflow.inputs.values() if len(dataflow.readers(t)) > 1}
    left = MOST_INPUTS - len(dataflow.inputs) - 1  # the last one may be for what is loaded
    names: set[str] = set()
    for name, tensor in sorted(shared.items(), key=lambda n: -n[1].codes):
        more = len(dataflow.readers(tensor)) - 1
        if more <= left:
            names.add(name)
            left -= more
    return names


def kept(dataflow: Dataflow, blocks: Mapping[str, Block]) -> set[End]:
    """Inputs of layers before which a FIFO keeps most of a frame: the same whatever the folding."""
    held = depths(dataflow, blocks, apart(dataflow))
    layers = {x.name: x for x in dataflow.layers}
    return {key for key, n in held.items() if 2 * n >= layers[key[0]].inputs[key[1]].vectors}


def planned(
    dataflow: Dataflow, blocks: Mapping[str, Block], skids: Mapping[End, int] | None = None
) -> Plan:
    """Returns when everything happens in an accelerator of these blocks. skids: see
    `Accelerator.skids`.
    """
    return schedule(dataflow, blocks, kept(dataflow, blocks), skids, apart(dataflow))


def identifier(layer: str) -> str:
    """A layer's name as the module knows it."""
    return layer.replace(".", "_")


class _Stitcher:
    def __init__(
        self,
        dataflow: Dataflow,
        blocks: Mapping[str, Block],
        overrides: Mapping[End, int],
    ) -> None:
        self.dataflow, self.blocks = dataflow, blocks
        self.apart = apart(dataflow)
        self.fifos = depths(dataflow, blocks, self.apart) | dict(overrides)
        self.instances: dict[str, Kernel] = {}
        self.wires: list[tuple[str, str]] = []
        self.drops: list[str] = []
        self.inputs: list[StreamEnd] = []

    def stitch(self, most: float | None) -> Accelerator:
        for port, tensor in self.dataflow.inputs.items():
            self._enter(port, tensor)
        for layer in self.dataflow.layers:
            block, name = self.blocks[layer.name], identifier(layer.name)
            for part, kernel in block.kernels.items():
                self.instances[f"{name}_{part}"] = kernel
            self.wires += [(f"{name}_{a}", f"{name}_{b}") for a, b in block.wires]
            self.drops += [f"{name}_{end}" for end in block.drops]
            self._leave(layer.output, f"{name}_{block.gives}", block.exit)
        lengths = [
            f"{identifier(x.name)}_attention.s_axis_length"
            for x in self.dataflow.layers
            if any(t.ragged for t in x.inputs)
        ]
        self.wires += [("s_axis_length", end) for end in lengths]
        outputs = tuple(
            StreamEnd(f"m_axis_{port}", port, i, t.codes)
            for i, (port, t) in enumerate(self.dataflow.outputs.items())
        )
        setup = self._load()
        order = self._ordered()
        ends = {e.name: _end(self.dataflow.inputs[e.port]) for e in self.inputs}
        ends |= {e.name: _end(self.dataflow.outputs[e.port]) for e in outputs}
        loads = {}
        if setup:
            loads = {SETUP: np.frombuffer(setup, np.uint8).astype(np.int64)}
            ends[SETUP] = Stream((len(setup),), IntType(WORD, False), 1)
        parts, wires = order, tuple(self.wires)
        if most is not None:
            parts, wires = cut(parts, wires, ends, most)
        netlist = Netlist(self.dataflow.graph, parts, wires, tuple(self.drops), ends, loads)
        skids = self._skids(parts, wires)
        return Accelerator(netlist, tuple(self.inputs), outputs, self.fifos, skids, setup)

    def _skids(
        self, parts: Mapping[str, Kernel], wires: Iterable[tuple[str, str]]
    ) -> dict[End, int]:
        """Where skids stand, as `Accelerator.skids` has it."""
        feeds = {sink: source for source, sink in wires}
        owners: dict[str, str] = {}
        takes: dict[str, End] = {}
        for layer in self.dataflow.layers:
            block, name = self.blocks[layer.name], identifier(layer.name)
            owners |= dict.fromkeys((f"{name}_{part}" for part in block.kernels), layer.name)
            takes |= {f"{name}_{end}": (layer.name, i) for i, end in enumerate(block.takes)}
        found: dict[End, int] = {}
        for sink in feeds:
            owner = owners.get(sink.partition(".")[0])
            if owner is None:
                continue
            source, count = feeds[sink].partition(".")[0], 0
            while source not in owners and source in parts:
                count += is_cut(source, parts[source])
                source = feeds.get(f"{source}.s_axis", "").partition(".")[0]
            end = takes.get(sink, (owner, INSIDE))
            if count and (sink in takes or owners.get(source) == owner):
                found[end] = found.get(end, 0) + count
        return found

    def _load(self) -> bytes:
        """Leads the setup stream to every memory that no bitstream fills, one after another: each
        `split` passes on what is not for its own. Returns the stream's bytes.
        """
        loaded = {n: k for n, k in self.instances.items() if SETUP in k.inputs()}
        parts = {n: k.inputs()[SETUP].pack(k.setup()[SETUP]) for n, k in loaded.items()}
        end, left = SETUP, sum(p.size for p in parts.values())
        for number, (name, beats) in enumerate(parts.items()):
            left -= beats.size
            source = end
            if left:
                self.instances[f"load{number}"] = Split(
                    N=1, NumChannels0=beats.size, NumChannels1=left, PE=1, ELEM_WIDTH=WORD
                )
                self.wires.append((end, f"load{number}.s_axis"))
                source, end = f"load{number}.m_axis_0", f"load{number}.m_axis_1"
            width = beats.shape[1]
            if width > 1:
                widen = Dwc(IN_LANES=1, OUT_LANES=width, ELEM_WIDTH=WORD, groups=len(beats))
                source = self._chain({"widen": widen}, source, f"{name}_load")
            self.wires.append((source, f"{name}.{SETUP}"))
        return b"".join(p.tobytes() for p in parts.values())

    def _ordered(self) -> dict[str, Kernel]:
        """Instances in an order in which data flow. Raises SpecError, naming them, for instances
        wired in a circle.
        """
        feeds = TopologicalSorter[str]({name: () for name in self.instances})
        for a, b in self.wires:
            if "." in a and "." in b:
                feeds.add(b.split(".")[0], a.split(".")[0])
        try:
            feeds.prepare()
        except CycleError as error:
            circle = " -> ".join(error.args[1])
            title = self.dataflow.graph
            raise SpecError(f"{title}: wired in a circle: {circle}", "data flow one way") from error
        order: dict[str, Kernel] = {}
        while ready := set(feeds.get_ready()):
            order |= {name: self.instances[name] for name in self.instances if name in ready}
            feeds.done(*ready)
        return order

    def _enter(self, port: str, tensor: Tensor) -> None:
        """A port's stream, or one a reader."""
        readers = self.dataflow.readers(tensor)
        groups = [[r] for r in readers] if tensor.name in self.apart else [readers]
        for number, group in enumerate(groups):
            name = f"{port}_{number}" if number else port
            rows = 1
            if tensor.ragged:
                rows = max(self.blocks[x.name].folding.PE for x, _ in group)
            beats = tensor.channels if tensor.ragged else tensor.codes
            end = StreamEnd(f"s_axis_{name}", port, len(self.inputs), beats, tensor.ragged, rows)
            self.inputs.append(end)
            self._fan(tensor, end.name, 1, group, name)

    def _leave(self, tensor: Tensor, end: str, lanes: int) -> None:
        """From a block's output to all its readers, ports among them."""
        ports = [p for p, t in self.dataflow.outputs.items() if t is tensor]
        if ports and lanes > 1:
            name = identifier(end.split(".")[0])
            end = self._chain(narrowed(lanes, 1, tensor.dtype.bits, tensor.codes), end, name)
            lanes = 1
        readers = self.dataflow.readers(tensor)
        self._fan(tensor, end, lanes, readers, end.split(".")[0], ports)

    def _fan(
        self,
        tensor: Tensor,
        end: str,
        lanes: int,
        readers: Sequence[tuple[Layer, int]],
        name: str,
        ports: Sequence[str] = (),
    ) -> None:
        """Forks an end for its readers and leads each branch to its own."""
        branches: list[tuple[Layer, int] | str] = [*readers, *ports]
        width = whole_bytes(lanes * tensor.dtype.bits)
        for number, branch in enumerate(branches):
            source = end
            if number < len(branches) - 1:
                fork = f"{name}_fork{number}"
                self.instances[fork] = Duplicate(STREAM_WIDTH=width, beats=tensor.codes // lanes)
                self.wires.append((end, f"{fork}.s_axis"))
                source, end = f"{fork}.m_axis_0", f"{fork}.m_axis_1"
            if isinstance(branch, str):
                self.wires.append((source, f"m_axis_{branch}"))
            else:
                self._branch(tensor, source, lanes, *branch)

    def _branch(self, tensor: Tensor, source: str, lanes: int, layer: Layer, position: int) -> None:
        block, name = self.blocks[layer.name], identifier(layer.name)
        want = block.entries[position]
        parts: dict[str, Kernel] = {}
        bits = tensor.dtype.bits
        held = self.fifos.get((layer.name, position), 0)
        if held:
            beats = tensor.codes // lanes
            depth = held * tensor.channels // lanes
            parts["keep"] = buffer(depth, lanes * bits, beats, block.style)
        parts |= narrowed(lanes, want, bits, tensor.codes)
        source = self._chain(parts, source, f"{name}_in{position}")
        self.wires.append((source, f"{name}_{block.takes[position]}"))

    def _chain(self, parts: Mapping[str, Kernel], end: str, name: str) -> str:
        for part, kernel in parts.items():
            self.instances[f"{name}_{part}"] = kernel
            self.wires.append((end, f"{name}_{part}.s_axis"))
            end = f"{name}_{part}.m_axis"
        return end


def _end(tensor: Tensor) -> Stream:
    """A port's stream: one code a beat."""
    return Stream((tensor.vectors, tensor.channels), tensor.dtype, 1)
