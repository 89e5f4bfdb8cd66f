"""Opens the HLS sources of a bundle: its top functions, compiled, a library a graph."""

from __future__ import annotations

import re
from pathlib import Path

from hw.hls.source import Top
from hw.spec.dtypes import IntType
from hw.spec.errors import BundleError
from hw.spec.hardware import GraphHardware, Hardware
from hw.spec.stream import Stream
from sim.csim.library import Library

FOLDER = "hls"
REMEDY = "run make bitstream BACKEND=hls, which writes them without Vitis too"
_FUNCTION = re.compile(r"\nvoid (\w+)\(\n(.*?)\) \{\n(.*)\n\}\n", re.DOTALL)
_ARGUMENT = re.compile(r"\s*hls::stream<(samfabric::AxisBeat|ap_uint)<(\d+)>>& (\w+)")


def sources(hardware: Hardware) -> tuple[str, ...]:
    """Returns the source of each graph, relative to the bundle."""
    return tuple(_source(graph) for graph in hardware.graphs)


def open_graphs(folder: Path, hardware: Hardware) -> dict[str, Library]:
    """Compiles each graph's top function, once, and returns them by graph.

    Raises BundleError for sources that are missing or not ours, and what `Library` raises.
    """
    return {
        graph.name: Library([read_top(folder / _source(graph), graph)], folder / FOLDER / "include")
        for graph in hardware.graphs
    }


def read_top(path: Path, graph: GraphHardware) -> Top:
    """Reads a top function from the source that `hw.hls.project` wrote for a graph.

    Raises BundleError where it is missing or has other streams than the hardware says.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}", REMEDY) from error
    found = _FUNCTION.search(text)
    arguments = [_ARGUMENT.fullmatch(line) for line in found[2].split(",\n")] if found else []
    if found is None or not all(arguments):
        raise BundleError(f"{path} holds no top function", REMEDY)
    ends = {end.name: end for end in (*graph.inputs, *graph.outputs)}
    if graph.setup is not None:
        ends[graph.setup.name] = graph.setup
    streams = {}
    for kind, width, name in (a.groups() for a in arguments if a):
        end = ends.pop(name, None)
        beats = end.beats if end and not end.ragged else 1
        streams[name] = Stream((beats,), IntType(int(width), False), last=kind != "ap_uint")
    if ends:
        raise BundleError(f"{path} lacks the streams {', '.join(ends)}", REMEDY)
    headers = frozenset(re.findall(r'^#include "(\w+)\.hpp"$', text, re.MULTILINE))
    start = text.rindex('#include "')
    before = text[text.index("\n", start) : found.start() + 1]
    inputs = {name: s for name, s in streams.items() if name.startswith("s_axis")}
    outputs = {name: s for name, s in streams.items() if name not in inputs}
    return Top(found[1], before, found[3].split("\n"), headers, inputs, outputs, True)


def _source(graph: GraphHardware) -> str:
    return f"{FOLDER}/{graph.name}/{graph.name}_hls.cpp"
