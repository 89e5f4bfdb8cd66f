"""What a bundle's hardware looks like to a host: `hardware.json`, written by the build, read by the
`rtl` and `pynq` devices.

Every stream end is 8 bits wide with tlast, one code a beat, whatever is inside. A port's codes
travel with channels fastest: (B,C,H,W) goes as (H,W,C), tokens (1,C,T,1) as (T,C), memories
(1,1,L,lanes) as (L,lanes): always the transpose (0, 2, 3, 1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from hw.spec.errors import BundleError
from hw.spec.files import atomic_path, inside
from hw.spec.plain import read_json, typed
from hw.spec.registers import MOST_ENDS
from hw.spec.renamed import current
from hw.spec.sizes import ceil_div

FORMAT = 2
FILE = "hardware.json"
MOST = 1 << 28
"""Beats of a frame."""


@dataclass(frozen=True)
class StreamEnd:
    """A stream end is where one stream of a graph meets the data mover.

    name: port prefix of the accelerator, `s_axis_...` or `m_axis_...`. port: of the graph whose
    codes it carries (two streams may carry one port: it is then sent twice). number: of the mover's
    end, among those that read memory or those that write it. beats: codes of a frame; of one row
    where `ragged`, and the rows sent are then the frame's length rounded up to a multiple of `rows`
    (what fills up is never read).
    """

    name: str
    port: str
    number: int
    beats: int
    ragged: bool = False
    rows: int = 1

    def total(self, length: int = 0) -> int:
        """Returns the beats of one frame at a length."""
        if not self.ragged:
            return self.beats
        return self.beats * ceil_div(length, self.rows) * self.rows


@dataclass(frozen=True)
class GraphHardware:
    """One accelerator: its place among the graphs, its streams, the cycles of a frame (for the
    greatest length), and the stream and file of memories loaded once, if any. settings: the setting
    end of "length" and of "layer" where there is one. longest: the greatest length (0: every frame
    has the same).
    """

    name: str
    index: int
    inputs: tuple[StreamEnd, ...]
    outputs: tuple[StreamEnd, ...]
    cycles: int
    setup: StreamEnd | None = None
    setup_file: str | None = None
    settings: Mapping[str, int] = field(default_factory=dict)
    longest: int = 0


def _renamed(graph: GraphHardware) -> GraphHardware:
    """A graph from a file, with the ports' names of today."""
    inputs, outputs = (
        tuple(replace(end, port=current("port", end.port)) for end in ends)
        for ends in (graph.inputs, graph.outputs)
    )
    return replace(graph, inputs=inputs, outputs=outputs)


@dataclass(frozen=True)
class Hardware:
    """A system: `identity` is what the register DESIGN reads, `top` the module that the board sees,
    files relative to the bundle. overlay: `.bit` of the bundle once there is one. address: base of
    the registers on the board. word_bytes: of a word of the data mover's memory port.
    """

    board: str
    part: str
    clock_mhz: float
    identity: int
    top: str
    sources: tuple[str, ...]
    graphs: tuple[GraphHardware, ...]
    overlay: str | None = None
    address: int | None = None
    word_bytes: int = 8

    @property
    def reads(self) -> int:
        """The mover has this many ends that read memory."""
        ends = [e for g in self.graphs for e in (*g.inputs, *([g.setup] if g.setup else []))]
        return 1 + max(e.number for e in ends)

    @property
    def writes(self) -> int:
        """The mover has this many ends that write memory."""
        return 1 + max(e.number for g in self.graphs for e in g.outputs)

    def graph(self, name: str) -> GraphHardware:
        """Entry of a graph. Raises BundleError when there is none of that name."""
        for entry in self.graphs:
            if entry.name == name:
                return entry
        have = ", ".join(g.name for g in self.graphs)
        raise BundleError(f"the hardware has no graph {name!r}, only {have}", "build it again")

    def save(self, folder: Path) -> None:
        """Writes hardware.json into a bundle's folder."""
        with atomic_path(folder / FILE) as part:
            plain = {"format": FORMAT, **asdict(self)}
            part.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Hardware:
        """Reads what `save` wrote. Raises BundleError for a file that is missing, malformed or
        stale.
        """
        path = folder / FILE
        try:
            plain = read_json(path)
            if plain.pop("format") != FORMAT:
                raise BundleError(f"{path} is of another version", "run make hardware again")
            found = typed(cls, plain)
            found = replace(found, graphs=tuple(_renamed(graph) for graph in found.graphs))
            found._check(folder)
            return found
        except FileNotFoundError as error:
            raise BundleError(
                f"{folder} holds no hardware ({FILE})", "run make hardware, or use DEVICE=golden"
            ) from error
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            detail = f"{type(error).__name__}: {error}"
            raise BundleError(f"{path} is not valid ({detail})", "run make hardware") from error

    @property
    def files(self) -> tuple[str, ...]:
        """All that it names: sources, memories, the overlay with its description."""
        loaded = [g.setup_file for g in self.graphs if g.setup_file is not None]
        built = [] if self.overlay is None else [self.overlay, f"{self.overlay[:-4]}.hwh"]
        return (*self.sources, *loaded, *built)

    def _check(self, folder: Path) -> None:
        """Raises ValueError for what no system has."""
        if self.overlay is not None and not self.overlay.endswith(".bit"):
            raise ValueError(f"an overlay called {self.overlay!r}")
        for name in self.files:
            inside(folder, name)
        if not self.graphs or len({g.name for g in self.graphs}) != len(self.graphs):
            raise ValueError("no graphs, or one twice")
        if not 0 < self.clock_mhz < 1e4 or not 0 <= self.identity < 1 << 32:
            raise ValueError(f"a clock of {self.clock_mhz} MHz, identity {self.identity}")
        if self.word_bytes not in [1 << n for n in range(1, 8)]:
            raise ValueError(f"words of {self.word_bytes} bytes")
        if self.address is not None and not 0 <= self.address < 1 << 32:
            raise ValueError(f"registers at {self.address}")
        for graph in self.graphs:
            ends = (*graph.inputs, *graph.outputs, *([graph.setup] if graph.setup else ()))
            if not graph.outputs or not 0 <= graph.index < 1 << 8 or graph.cycles < 0:
                raise ValueError(f"graph {graph.name}")
            for end in ends:
                counts = end.beats, end.rows
                if not 0 <= end.number < MOST_ENDS or not 0 < min(counts) <= max(counts) < MOST:
                    raise ValueError(f"stream {end.name} of {graph.name}")
            known = graph.settings.keys() <= {"length", "layer"} and 0 <= graph.longest < 1 << 16
            if not known or not all(0 <= n < MOST_ENDS for n in graph.settings.values()):
                raise ValueError(f"settings of {graph.name}")


def newest(config: str, board: str, folder: Path = Path("bitstreams")) -> Path:
    """The newest bundle of a model with hardware for a board. Raises BundleError."""
    wanted = f"{config}_{board}_".lower().replace("-", "_")
    found = [
        path
        for path in folder.glob(f"*/{FILE}")
        if path.parent.name.lower().replace("-", "_").startswith(wanted)
    ]
    if not found:
        remedy = f"run make hardware CONFIG={config} BOARD={board}"
        raise BundleError(f"no hardware of {config} for {board} in {folder}", remedy)
    return max(found, key=lambda path: path.stat().st_mtime).parent
