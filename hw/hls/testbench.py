"""C++ testbench of an accelerator's top function, and the frames that it runs.

Frames are files of bytes, one a stream: what the ports of the SystemVerilog accelerator carry. The
expected ones are those of the golden model of the whole netlist.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from hw.hls.source import Top
from hw.kernels.attention import Attention
from hw.spec.dtypes import Arrays
from hw.stitch.netlist import Netlist

KINDS = ("random", "corners")
"""Data of the frames, one of each: any codes, and codes at both ends of their types."""
SEED = 20261126
SETTINGS = ("s_axis_length", "s_axis_layer")


def frames(netlist: Netlist, kinds: tuple[str, ...] = KINDS) -> dict[str, NDArray[np.uint8]]:
    """Returns the bytes of all frames by stream: the greatest length of ragged inputs, layer 0;
    what is loaded once comes once.
    """
    rng = np.random.default_rng(SEED)
    streams = netlist.inputs() | netlist.outputs()
    found: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in streams}
    for name, codes in netlist.setup().items():
        found[name].append(streams[name].pack(codes))
    for kind in kinds:
        given = netlist.stimulus(rng, kind) | _settings(netlist)
        golden = netlist.golden({k: torch.from_numpy(v) for k, v in given.items()})
        for name, codes in (given | {k: v.numpy() for k, v in golden.items()}).items():
            found[name].append(streams[name].pack(codes.reshape(streams[name].shape)))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _settings(netlist: Netlist) -> Arrays:
    """Codes of the streams that have a beat a frame."""
    heads = [k for k in netlist.instances.values() if isinstance(k, Attention) and k.RAGGED]
    values = {"s_axis_length": max((k.LENGTH for k in heads), default=0), "s_axis_layer": 0}
    given = netlist.inputs()
    return {name: np.array([values[name]]) for name in SETTINGS if name in given}


def testbench(top: Top, count: int = len(KINDS)) -> str:
    """Text of the testbench: exit code 0 when every beat and tlast of `count` frames is as
    expected and nothing is left unread. It reads the frames from the folder that its argument
    names, by default the one that it runs in.
    """
    lines = [
        "// SPDX-License-Identifier: Apache-2.0",
        f"// Made by hw.hls: runs {top.name} on recorded frames and compares what comes out.",
        '#include "testbench.hpp"',
        "",
        f"{top.head()};",
        "",
        "int main(int count, char** arguments) {",
        '  const std::string folder = count > 1 ? std::string(arguments[1]) + "/" : "";',
    ]
    lines += [f'  {kind} {name}("{name}");' for name, kind in top.types().items()]
    lines += [
        f'  testbench::fill<{stream.width}>(folder, "{name}", {count}, {name});'
        for name, stream in top.inputs.items()
    ]
    call = f"{top.name}({', '.join(top.types())});"
    lines += [f"  for (int frame = 0; frame < {count}; frame++) {call}", "  int wrong = 0;"]
    lines += [f'  wrong += testbench::left("{name}", {name});' for name in top.inputs]
    lines += [
        f'  wrong += testbench::compare<{stream.width}>(folder, "{name}", {count}, {name});'
        for name, stream in top.outputs.items()
    ]
    lines += ['  std::printf(wrong ? "FAILED\\n" : "PASSED\\n");', "  return wrong ? 1 : 0;", "}"]
    return "\n".join([*lines, ""])
