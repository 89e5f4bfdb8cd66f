"""The system of a board: every accelerator of a model behind one register block and one set of
stream channels, which belong to the graph that the GRAPH register names.

A channel is shut unless a run is on. It then lets through exactly one frame and shuts again, and so
does an output after its tlast: what the host sends too much waits outside. DONE rises when all
inputs have been taken and all outputs have gone. What a source gets wrong (tlast) is told in FAULTS
and reaches no accelerator: it is given the tlast that it expects.

RESET resets accelerators, channels and run. Memories that a bitstream fills stay; those of a setup
stream must be loaded again, since their kernels then wait for it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hw.design import Design
from hw.library import module_file
from hw.spec.errors import SpecError
from hw.spec.files import atomic_path
from hw.spec.hardware import GraphHardware, Hardware, StreamEnd
from hw.spec.kernel import RomImage
from hw.spec.registers import CHANNELS
from hw.spec.stream import Stream
from hw.stitch import system_registers
from hw.stitch.system_text import SETTINGS, GraphModule, text

HERE = Path(__file__).resolve().parent
PARTS = (
    "control",
    "system_gate",
    "system_input",
    "system_output",
    "system_setting",
    "system_crc",
)
MOST_BEATS = 1 << 24
MOST_ROWS = (1 << 16) - 1


@dataclass(frozen=True, eq=False)
class System:
    """Args:
        title: name of the module.
        accelerators: by graph.
        hardware: which stream is on which channel, and every number that the module checks.

    Ports: clk, rst; s_axi_control_*, AXI4-Lite; s_axis_<channel>_* and m_axis_<channel>_* with 8
    bits of tdata and tlast. Parameters: the file of each ROM, see `memories`.

    An accelerator's streams are those of `hardware`, and where it has them s_axis_length and
    s_axis_layer, which get one beat a run with LENGTH and LAYER as they are.

    Raises SpecError for streams and hardware that do not agree.
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
        self._ends(name, graph)
        for end in (*setup, *graph.outputs):
            if end.ragged:
                raise SpecError(f"{name}.{end.name} is ragged", "only inputs of a run may be")
        if not graph.inputs or not graph.outputs:
            raise SpecError(f"{name}: no input or no output", "a graph has both")
        if not all(s.last for s in accelerator.outputs().values()):
            raise SpecError(f"{name}: an output without tlast", "it ends the run")
        if any(end.ragged for end in graph.inputs) and rows(graph, accelerator) > MOST_ROWS:
            raise SpecError(f"{name}: more than {MOST_ROWS} rows", "LENGTH has 16 bits")

    def _ends(self, name: str, graph: GraphHardware) -> None:
        """The channels of a graph's streams."""
        setup = (graph.setup,) if graph.setup else ()
        for ends in (graph.inputs, setup, graph.outputs):
            taken = [end.channel for end in ends]
            if len(set(taken)) != len(taken) or not set(taken) <= set(range(CHANNELS)):
                raise SpecError(f"{name}: channels {taken}", f"different ones below {CHANNELS}")

    def memories(self) -> dict[str, RomImage]:
        """Contents of the ROMs by parameter: `<GRAPH>_<PARAMETER of its accelerator>`."""
        return {
            f"{name}_{parameter}".upper(): memory
            for name, accelerator in self.accelerators.items()
            for parameter, memory in accelerator.memories().items()
        }

    def verilog(self) -> str:
        """Returns the text of the system's module."""
        return text(self.title, self.accelerators, self.hardware, list(self.memories()), self._most)

    def design(self, folder: Path) -> Design:
        """Writes the module, those of the accelerators and the register map into `folder`."""
        files: dict[Path, None] = {}
        for accelerator in self.accelerators.values():
            files.update(dict.fromkeys(accelerator.design(folder).files))
        written = {system_registers.NAME: system_registers.package(), self.title: self.verilog()}
        for name, content in written.items():
            with atomic_path(folder / f"{name}.sv") as part:
                part.write_text(content, encoding="utf-8")
        package, top = (folder / f"{name}.sv" for name in written)
        parts = [*(HERE / f"{name}.sv" for name in PARTS), module_file("crc")]
        return Design(self.title, (package, *parts, *files, top), {}, self.memories())

    def _most(self, graph: GraphHardware) -> int:
        return rows(graph, self.accelerators[graph.name])


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
            raise SpecError(f"{name}.{key} is {stream.width} bits wide", "a channel has 8")
        fits = stream.beats % end.beats == 0 if end.ragged else stream.beats == end.beats
        if not fits or not 1 <= end.beats * end.rows <= MOST_BEATS:
            raise SpecError(
                f"{name}.{key}: {end.beats} beats of {stream.beats}",
                f"all of the frame's, or one row's of a ragged one; at most {MOST_BEATS}",
            )
