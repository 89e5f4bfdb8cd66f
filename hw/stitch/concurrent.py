"""The concurrent system: every accelerator of a model at ends of its own of one data mover, so that
all of them work at the same time, each on the frame whose bytes it was given.

There is no run: the host pushes a job for each stream of a frame, and the frame is done when its
outputs' jobs are. Several frames may wait at an accelerator. The mover gives every frame the tlast
that its job's length says, and its registers are the system's. ABANDON resets the accelerators too;
what a setup stream fills must then be loaded again, in the order of the graphs that have one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from hw.design import Design
from hw.mover.mover import MOST_BYTES, Mover
from hw.spec.errors import SpecError
from hw.spec.files import atomic_path
from hw.spec.hardware import GraphHardware, Hardware
from hw.stitch.concurrent_text import setting_ends, text
from hw.stitch.system import HERE, System, rows
from hw.stitch.system_text import SETTINGS, GraphModule

PART = "system_setup"


@dataclass(frozen=True, eq=False)
class ConcurrentSystem(System):
    """Args as those of `System`; the channels of `hardware` are the mover's ends, see `at_ends`.

    Ports: clk, rst; s_axi_control_*, AXI4-Lite, the mover's registers; o_irq; m_axi_*, AXI4 of
    `hardware.word_bytes` bytes a word. Raises SpecError as `System`, and for more ends than a mover
    has.
    """

    def _ends(self, name: str, graph: GraphHardware) -> None:
        """Any end of the mover; that no two are the same is checked once for all graphs."""
        longest = max(e.beats * e.rows for e in (*graph.inputs, *graph.outputs))
        if longest > MOST_BYTES:
            raise SpecError(f"{name}: {longest} beats", f"a job has at most {MOST_BYTES}")

    @cached_property
    def mover(self) -> Mover:
        """The mover that has the ends of all graphs. Raises SpecError for ends that do not fit."""
        graphs = self.hardware.graphs
        reads = [e.channel for g in graphs for e in g.inputs]
        reads += sorted({g.setup.channel for g in graphs if g.setup is not None})
        writes = [e.channel for g in graphs for e in g.outputs]
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
        files[HERE / f"{PART}.sv"] = None
        for accelerator in self.accelerators.values():
            files.update(dict.fromkeys(accelerator.design(folder).files))
        top = folder / f"{self.title}.sv"
        with atomic_path(top) as part:
            part.write_text(self.verilog(), encoding="utf-8")
        return Design(self.title, (*files, top), {}, self.memories())


def at_ends(
    hardware: Hardware, accelerators: Mapping[str, GraphModule], word_bytes: int
) -> Hardware:
    """Returns the hardware of a concurrent system: every stream has an end of the mover for itself,
    but the setup streams, which share the last one that reads. word_bytes: of its memory port.
    """
    ordered = sorted(hardware.graphs, key=lambda g: g.index)
    settings = setting_ends(ordered, accelerators)
    loads = sum(len(g.inputs) for g in ordered)
    read = write = 0
    graphs = []
    for graph in ordered:
        inputs = tuple(replace(e, channel=read + i) for i, e in enumerate(graph.inputs))
        outputs = tuple(replace(e, channel=write + i) for i, e in enumerate(graph.outputs))
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
            made = replace(made, setup=replace(graph.setup, channel=loads))
        graphs.append(made)
    return replace(hardware, graphs=tuple(graphs), word_bytes=word_bytes)
