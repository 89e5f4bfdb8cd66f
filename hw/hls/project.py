"""Writes the HLS form of a model's accelerators: all that Vitis HLS needs to make IPs of them, and
the system that holds the IPs.

    include/, testbench.hpp        headers
    <graph>/<graph>_hls.cpp        top function with its constants
    <graph>/testbench.cpp          runs it on the frames
    <graph>/<stream>.bin           bytes of the frames, in and out
    run_hls.tcl, settings.tcl      csim, csynth, cosim, export
    rtl/                           the system around the IPs
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hw.hls.accelerator import netlist_top
from hw.hls.module import HlsModule
from hw.hls.source import INCLUDE, Top
from hw.hls.testbench import frames, testbench
from hw.library import COMMON
from hw.spec.files import atomic_path
from hw.spec.hardware import Hardware
from hw.stitch.netlist import Netlist
from hw.stitch.system import System

HERE = Path(__file__).resolve().parent
FOLDER = "hls"
SCRIPT, SETTINGS = HERE / "run_hls.tcl", "settings.tcl"
RTL = "rtl"
VENDOR, LIBRARY, VERSION = "samfabric", "hls", "1.0"
STEPS = ("csim", "csynth", "cosim", "export")
IP = "project/solution/impl/ip"
"""Vitis HLS leaves the IP of a graph in this folder of the graph's own."""


@dataclass(frozen=True)
class Project:
    """What was written. folder: of the project. tops: by graph. sources: of the system around the
    IPs, below the folder.
    """

    folder: Path
    tops: Mapping[str, Top]
    sources: tuple[str, ...]

    def ips(self) -> dict[str, str]:
        """Returns the name of each IP in the system -> its name in the IP catalogue."""
        return {top.name: f"{VENDOR}:{LIBRARY}:{top.name}:{VERSION}" for top in self.tops.values()}

    def ip_folders(self) -> tuple[Path, ...]:
        """Returns the folders in which the IPs lie once Vitis HLS has made them."""
        return tuple(self.folder / graph / IP for graph in self.tops)


def write(
    bundle: Path, hardware: Hardware, netlists: Mapping[str, Netlist], cosim: bool = True
) -> Project:
    """Writes the project into `bundle`/hls; an older one is replaced when the new one is whole.

    Raises SpecError for a layer without an HLS form, before anything is written.
    """
    tops = {graph: netlist_top(netlist, axis=True) for graph, netlist in netlists.items()}
    bundle.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".hls-", dir=bundle))
    try:
        shutil.copytree(INCLUDE, scratch / "include")
        for path in (SCRIPT, HERE / "testbench.hpp"):
            shutil.copyfile(path, scratch / path.name)
        listed = []
        for graph, top in tops.items():
            files = _write_graph(scratch / graph, top, netlists[graph])
            listed.append(f"{{{graph}}} {{{top.name}}} {{{' '.join(files)}}}")
        steps = [step for step in STEPS if cosim or step != "cosim"]
        values = {
            "part": hardware.part,
            "period_ns": f"{1000 / hardware.clock_mhz:.3f}",
            "vendor": VENDOR,
            "library": LIBRARY,
            "version": VERSION,
            "steps": " ".join(steps),
            "graphs": "\n  " + "\n  ".join(listed) + "\n",
        }
        lines = [f"set {key} {{{value}}}" for key, value in values.items()]
        text = "\n".join(
            ["# Made by hw.hls for run_hls.tcl; file names relative to it.", *lines, ""]
        )
        (scratch / SETTINGS).write_text(text, encoding="utf-8")
        sources = _write_system(scratch / RTL, hardware, netlists)
        scratch.chmod(0o755)
        folder = bundle / FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Project(folder, tops, sources)


def _write_graph(folder: Path, top: Top, netlist: Netlist) -> list[str]:
    """Source, testbench and frames of a graph; returns the files of frames."""
    folder.mkdir(parents=True)
    includes = "".join(f'#include "{header}.hpp"\n' for header in sorted(top.headers))
    head = "// SPDX-License-Identifier: Apache-2.0\n// Made by hw.hls: a graph as dataflow.\n"
    (folder / f"{top.name}.cpp").write_text(f"{head}{includes}\n{top.text}", encoding="utf-8")
    (folder / "testbench.cpp").write_text(testbench(top), encoding="utf-8")
    names = []
    for name, content in frames(netlist).items():
        (folder / f"{name}.bin").write_bytes(content.tobytes())
        names.append(f"{name}.bin")
    return names


def _write_system(
    folder: Path, hardware: Hardware, netlists: Mapping[str, Netlist]
) -> tuple[str, ...]:
    """SystemVerilog of the system around the IPs; returns its files below the project's folder, in
    the order in which they are read.
    """
    folder.mkdir()
    modules = {graph: HlsModule(netlist) for graph, netlist in netlists.items()}
    design = System(hardware.top, modules, hardware).design(folder)
    for path in (*design.files, *sorted(COMMON.glob("*.svh"))):
        if path.parent != folder:
            with atomic_path(folder / path.name) as part:
                shutil.copyfile(path, part)
    return tuple(f"{RTL}/{path.name}" for path in design.files)
