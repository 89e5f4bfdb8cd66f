"""Whole frames of a shipped model through the HLS top functions of its folded accelerators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hw.board import find
from hw.build.folded import fold, longest
from hw.build.hardware import newest_source
from hw.hls.accelerator import netlist_top
from hw.ops.program import Program
from hw.search.target import Target
from hw.spec.manifest import load_manifest
from hw.spec.stream import Stream
from hw.stitch.accelerator import SETUP, Accelerator
from sim.csim.library import Library
from sim.graph import GraphExecutor

LENGTH = "s_axis_length"
SEED = 11
ANY_RATE = Target(1e12, 1e12, 1e12)


@dataclass(frozen=True)
class Outcome:
    """What a graph came to: output codes compared with the program's, and those that differ."""

    graph: str
    frames: int
    compared: int
    wrong: int


def codes_of(program: Program, lengths: Sequence[int]) -> list[dict[str, np.ndarray]]:
    """Random codes by port, one frame for each length of ragged inputs."""
    rng = np.random.default_rng(SEED)
    frames = []
    for length in lengths:
        frame = {}
        for port in program.inputs:
            assert port.dtype is not None
            shape = [length if n is None else n for n in port.shape]
            codes = rng.integers(port.dtype.min, port.dtype.max + 1, shape)
            frame[port.name] = codes.astype(port.dtype.numpy)
        frames.append(frame)
    return frames


def beats_of(
    made: Accelerator, frames: Sequence[dict[str, np.ndarray]], lengths: Sequence[int]
) -> dict[str, np.ndarray]:
    """Bytes of every input stream of an accelerator, frame after frame."""
    streams = made.netlist.inputs()
    given = {}
    for end in made.inputs:
        kind = streams[end.name]
        packed = []
        for frame in frames:
            codes = np.ascontiguousarray(frame[end.port].transpose(0, 2, 3, 1)).astype(np.int64)
            rows = codes.reshape(-1, end.beats if end.ragged else codes.shape[-1])
            if end.ragged:  # filled up with any codes
                more = -len(rows) % end.rows
                rows = np.concatenate([rows, np.full((more, rows.shape[1]), 7)])
            packed.append(Stream((rows.size,), kind.dtype, kind.lanes).pack(rows.ravel()))
        given[end.name] = np.concatenate(packed)
    if LENGTH in streams:
        given[LENGTH] = np.concatenate([streams[LENGTH].pack(np.array([n])) for n in lengths])
    if made.setup:
        given[SETUP] = np.frombuffer(made.setup, np.uint8).reshape(-1, 1)
    return given


def compare(source: Path, graph: str, made: Accelerator, lengths: Sequence[int]) -> Outcome:
    """Runs an accelerator's HLS form beside the integer program, a frame for each length."""
    library = Library([netlist_top(made.netlist)])
    frames = codes_of(Program.load(source, graph), lengths)
    found = library.run(made.netlist.title, len(frames), beats_of(made, frames, lengths))
    executor = GraphExecutor(source, graph)
    wanted = [{k: v.copy() for k, v in executor.run(f).items()} for f in frames]
    compared = wrong = 0
    for end in made.outputs:
        codes = made.netlist.outputs()[end.name].unpack(found[end.name])
        right = np.concatenate([w[end.port].transpose(0, 2, 3, 1).ravel() for w in wanted])
        same = codes.size == right.size
        wrong += int((codes != right).sum()) if same else right.size
        compared += right.size
    return Outcome(graph, len(frames), compared, wrong)


def whole_frames(config: str, board: str, frames: int) -> Iterator[Outcome]:
    """Outcomes of every graph of the shipped model `config`, folded for the board. The first frame
    has a full bank, the others fewer memories.
    """
    source = newest_source(config)
    manifest = load_manifest(source)
    most = longest(manifest)
    lengths = [max(most >> i, 1) - i % 2 for i in range(frames)]
    folded = fold(source, manifest, find(board), ANY_RATE, say=lambda _: None)
    for graph, made in folded.accelerators.items():
        yield compare(source, graph, made, lengths)
