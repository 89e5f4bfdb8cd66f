"""The system of a board: every accelerator of a model at ends of its own of one data mover, so that
all of them work at the same time, each on the frame whose bytes it was given.

There is no run: the host pushes a job for each stream of a frame, and the frame is done when its
outputs' jobs are. Several frames may wait at an accelerator. The mover gives every frame the tlast
that its job's length says, and its registers are the system's. ABANDON resets the accelerators too;
what a setup stream fills must then be loaded again, in the order of the graphs that have one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from hw.design import Design
from hw.library import sources
from hw.mover.mover import MOST_BYTES, Mover
from hw.spec.errors import SpecError
from hw.spec.files import atomic_path
from hw.spec.hardware import GraphHardware, Hardware, StreamEnd
from hw.spec.kernel import RomImage
from hw.spec.stream import Stream
from hw.stitch.system_text import PART, SETTINGS, GraphModule, setting_ends, shell_text, text

PARTS = (*sources("pipe"), Path(__file__).resolve().parent / f"{PART}.sv")
"""Files of what leads the setup end on."""
MOST_ROWS = (1 << 16) - 1


@dataclass(frozen=True, eq=False)
class System:
    """Args:
        title: name of the module.
        accelerators: by graph.
        hardware: which stream is at which end of the mover, see `at_ends`, and every number that
            the module checks.

    Ports: clk, rst; s_axi_control_*, AXI4-Lite, the mover's registers; o_irq; m_axi_*, AXI4 of
    `hardware.word_bytes` bytes a word. Parameters: the file of each ROM, see `memories`.

    An accelerator's streams are those of `hardware`, and where it has them s_axis_length and
    s_axis_layer, which get one beat a frame.

    Raises SpecError for streams and hardware that do not agree, and for more ends than a mover has.
    """

    title: str
    accelerators: Mapping[str, GraphModule]
    hardware: Hardware

    def __post_init__(self) -> None:
        named = [g.name for g in self.hardware.graphs]
        if sorted(named) != sorted(self.accelerators):
            found = ", ".join(self.accelerators)
            raise SpecError(f"{self.title}: hardware of {', '.join(named)}", f"there are {found}")
        if sorted(g.index for g in self.hardware.graphs) != list(range(len(named))):
            raise SpecError(f"{self.title}: indices of graphs", "they are 0, 1, 2 ...")
        titles = [self.title, *(a.title for a in self.accelerators.values())]
        if len(set(titles)) != len(titles):
            raise SpecError(f"{self.title}: modules {', '.join(titles)}", "each has its own name")
        for graph in self.hardware.graphs:
            self._agrees(graph, self.accelerators[graph.name])

    def _agrees(self, graph: GraphHardware, accelerator: GraphModule) -> None:
        name = f"{self.title}: {graph.name}"
        setup = (graph.setup,) if graph.setup else ()
        streams = {k: s for k, s in accelerator.inputs().items() if k not in SETTINGS}
        _same(name, streams, (*graph.inputs, *setup))
        _same(name, accelerator.outputs(), graph.outputs)
        for end in (*setup, *graph.outputs):
            if end.ragged:
                raise SpecError(f"{name}.{end.name} is ragged", "only inputs of a frame may be")
        if not graph.inputs or not graph.outputs:
            raise SpecError(f"{name}: no input or no output", "a graph has both")
        if not all(s.last for s in accelerator.outputs().values()):
            raise SpecError(f"{name}: an output without tlast", "it ends the frame")
        if any(end.ragged for end in graph.inputs) and rows(graph, accelerator) > MOST_ROWS:
            raise SpecError(f"{name}: more than {MOST_ROWS} rows", "LENGTH has 16 bits")

    def memories(self) -> dict[str, RomImage]:
        """Contents of the ROMs by parameter: `<GRAPH>_<PARAMETER of its accelerator>`."""
        return {
            f"{name}_{parameter}".upper(): memory
            for name, accelerator in self.accelerators.items()
            for parameter, memory in accelerator.memories().items()
        }

    @cached_property
    def mover(self) -> Mover:
        """The mover that has the ends of all graphs. Raises SpecError for ends that do not fit."""
        graphs = self.hardware.graphs
        reads = [e.number for g in graphs for e in g.inputs]
        reads += sorted({g.setup.number for g in graphs if g.setup is not None})
        writes = [e.number for g in graphs for e in g.outputs]
        ordered = sorted(graphs, key=lambda g: g.index)
        settings = setting_ends(ordered, self.accelerators)
        named = {(g.name, f"s_axis_{k}"): n for g in graphs for k, n in g.settings.items()}
        for kind, ends in (("read", reads), ("write", writes)):
            if sorted(ends) != list(range(len(ends))):
                raise SpecError(f"{self.title}: {kind} ends {ends}", "each of 0, 1, 2 ... once")
        if named != settings:
            raise SpecError(f"{self.title}: setting ends {named}", f"there are {settings}")
        word = self.hardware.word_bytes
        return Mover(len(reads), len(writes), max(1, len(settings)), WORD_BYTES=word)

    def verilog(self) -> str:
        """Returns the text of the system's module."""
        names = list(self.memories())
        return text(self.title, self.accelerators, self.hardware, self.mover, names)

    def design(self, folder: Path) -> Design:
        """Writes the module, those of the accelerators and the register map into `folder`."""
        files = dict.fromkeys(self.mover.design(folder).files)
        files.update(dict.fromkeys(PARTS))
        for accelerator in self.accelerators.values():
            files.update(dict.fromkeys(accelerator.design(folder).files))
        top = folder / f"{self.title}.sv"
        with atomic_path(top) as part:
            part.write_text(self.verilog(), encoding="utf-8")
        return Design(self.title, (*files, top), {}, self.memories())

    def shell(self, folder: Path) -> Design:
        """Writes the system without its accelerators into `folder`: the mover and what stands
        between it and them, whose pins are ports (`hw.stitch.system_text.shell_pin`).
        """
        parts = self.mover.design(folder).files
        top = folder / f"{self.title}_shell.sv"
        with atomic_path(top) as part:
            written = shell_text(top.stem, self.accelerators, self.hardware, self.mover)
            part.write_text(written, encoding="utf-8")
        return Design(top.stem, (*dict.fromkeys((*parts, *PARTS)), top), {}, {})


def at_ends(
    hardware: Hardware, accelerators: Mapping[str, GraphModule], word_bytes: int
) -> Hardware:
    """Returns the hardware with every stream at an end of the mover for itself, but the setup
    streams, which share the last one that reads. word_bytes: of its memory port.
    """
    ordered = sorted(hardware.graphs, key=lambda g: g.index)
    settings = setting_ends(ordered, accelerators)
    loads = sum(len(g.inputs) for g in ordered)
    read = write = 0
    graphs = []
    for graph in ordered:
        inputs = tuple(replace(e, number=read + i) for i, e in enumerate(graph.inputs))
        outputs = tuple(replace(e, number=write + i) for i, e in enumerate(graph.outputs))
        read, write = read + len(inputs), write + len(outputs)
        given = {SETTINGS[p]: n for (name, p), n in settings.items() if name == graph.name}
        made = replace(
            graph,
            inputs=inputs,
            outputs=outputs,
            settings=given,
            longest=rows(graph, accelerators[graph.name]),
        )
        if graph.setup is not None:
            made = replace(made, setup=replace(graph.setup, number=loads))
        graphs.append(made)
    return replace(hardware, graphs=tuple(graphs), word_bytes=word_bytes)


def rows(graph: GraphHardware, accelerator: GraphModule) -> int:
    """Greatest LENGTH of a graph: rows of the shortest ragged input's greatest frame. 0: none."""
    streams = accelerator.inputs()
    return min((streams[e.name].beats // e.beats for e in graph.inputs if e.ragged), default=0)


def _same(name: str, streams: Mapping[str, Stream], ends: Iterable[StreamEnd]) -> None:
    """The ends are these streams, one by one."""
    told = {end.name: end for end in ends}
    if set(told) != set(streams):
        have, want = ", ".join(sorted(streams)), ", ".join(sorted(told))
        raise SpecError(f"{name} has {have}", f"the hardware names {want}")
    for key, end in told.items():
        stream = streams[key]
        if stream.width != 8:
            raise SpecError(f"{name}.{key} is {stream.width} bits wide", "an end has 8")
        fits = stream.beats % end.beats == 0 if end.ragged else stream.beats == end.beats
        if not fits or end.beats * end.rows < 1 or stream.beats > MOST_BYTES:
            raise SpecError(
                f"{name}.{key}: {end.beats} beats of {stream.beats}",
                f"all of the frame's, or one row's of a ragged one; at most {MOST_BYTES}",
            )
