"""A model folded for a board: stored foldings, a search where there are none, overrides on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import floor
from pathlib import Path

from hw import board as boards
from hw.board import Board
from hw.fold.block import Block, Style
from hw.fold.blocks import block
from hw.fold.folding import FoldingError, Plan
from hw.fold.keeps import thinned
from hw.fold.layers import Dataflow, gather
from hw.mover.mover import Mover
from hw.ops.program import Program
from hw.search import store
from hw.search.balance import Choice, use
from hw.search.search import MODEL_ERROR, NoFitError, foldings_of, over, search
from hw.search.target import Target
from hw.shell import Shell, Streams, ends, shell
from hw.spec.errors import SpecError
from hw.spec.hardware import GraphHardware, Hardware
from hw.spec.kernel import Cost
from hw.spec.manifest import Manifest
from hw.stitch.accelerator import Accelerator, accelerator, apart, planned
from hw.stitch.cuts import MOST

FOLDINGS = "foldings.toml"
"""A bundle with hardware keeps its foldings in this file."""
STYLES = {"xc7": Style(140, 0, 30, sparing=True), "xcup": Style(220, 950, sparing=True)}
"""What a search begins with, by family."""
CHAINS = (MOST, 5.5, 7.0)
"""A way of tready may be so long, in ns as `hw.stitch.cuts` has it. The first limit is what the
boards' clocks want (`make timing` tells), and the others follow where the budget has no room for
the registers that it takes. Where it has none for the last, there are none."""
DSP_WORTH = (60.0, 120.0)
"""LUTs that a DSP is worth where there are too few of them: from 120 on every multiplier of 4 bits
takes LUTs."""


@dataclass(frozen=True, eq=False)
class Folded:
    """A folded model has a plan and an accelerator for each of its graphs."""

    board: Board
    stored: store.Stored
    plans: dict[str, Plan]
    accelerators: dict[str, Accelerator]

    @property
    def shell(self) -> Shell:
        """What stands around the accelerators."""
        return around([_streams(a) for a in self.accelerators.values()], self.board)

    @property
    def cost(self) -> Cost:
        """By the cost models, shell included."""
        return sum((a.netlist.cost() for a in self.accelerators.values()), self.shell.cost)

    @property
    def cycles(self) -> dict[str, int]:
        """Returns the cycles of a frame, by graph, as planned."""
        return {graph: plan.cycles for graph, plan in self.plans.items()}

    @property
    def intervals(self) -> dict[str, int]:
        """Between frames that follow each other closely, by graph."""
        return {graph: plan.interval for graph, plan in self.plans.items()}

    def check(self, target: Target) -> None:
        """Raises FoldingError, saying by how much and for which layers, where the model does not
        fit the board.
        """
        budget = self.board.budget()
        if over(self.cost, budget, MODEL_ERROR):
            raise FoldingError(
                f"the model does not fit {self.board.name}: {', '.join(over(self.cost, budget))}; "
                f"most is taken by {', '.join(self._heaviest(budget))}",
                "search for fewer frames a second (SEARCH=1 FPS=... FPS_FOUR=...), "
                "or take a smaller CONFIG or a larger BOARD",
            )
        cycles, intervals = self.cycles, self.intervals
        if not target.met(cycles, intervals):
            slow = max(cycles, key=lambda graph: cycles[graph])
            rate = target.excess(cycles, intervals)
            raise FoldingError(
                f"{self.board.name} cannot keep the rate: {rate:.2f} times the cycles that it may "
                f"take, most in {slow} ({cycles[slow]:,})",
                f"ask for {1 / rate:.0%} of it: {self._fewer(target, rate)}",
            )

    def _fewer(self, target: Target, rate: float) -> str:
        """Rates that are kept, as `make` takes them."""
        hertz = self.board.target_mhz * 1e6 / rate
        asked = target.options.items()
        return " ".join(f"{name}={floor(10 * hertz / c) / 10:g}" for name, c in asked)

    def _heaviest(self, budget: Cost) -> list[str]:
        blocks = [
            (use(b.cost, budget), f"{graph}.{name}")
            for graph, plan in self.plans.items()
            for name, b in plan.blocks.items()
        ]
        return [name for _, name in sorted(blocks, reverse=True)[:3]]


def around(graphs: Sequence[Streams], board: Board) -> Shell:
    """The shell of accelerators that have these streams."""
    found = ends(graphs)
    word = board.hp_bits // 8
    mover = Mover(found.inputs, found.outputs, max(1, found.settings), WORD_BYTES=word)
    return shell(graphs, mover.cost())


def _streams(made: Accelerator | GraphHardware) -> Streams:
    ragged = sum(end.ragged for end in made.inputs)
    return Streams(len(made.inputs), len(made.outputs), bool(made.setup), min(ragged, 1))


def streams_of(hardware: Hardware) -> list[Streams]:
    """The streams of a system's accelerators."""
    return [_streams(graph) for graph in hardware.graphs]


def streams(flow: Dataflow, loads: bool) -> Streams:
    """The streams that a graph's accelerator will have. loads: UltraRAMs, which a stream fills."""
    own = apart(flow)
    ports = flow.inputs.values()
    inputs = sum(len(flow.readers(t)) if t.name in own else 1 for t in ports)
    return Streams(inputs, len(flow.outputs), loads, any(t.ragged for t in ports))


def longest(manifest: Manifest) -> int:
    """Returns the greatest number of memory tokens that a full bank has."""
    coarse = manifest.image_size // 16
    bank = manifest.bank
    return (bank.recent + bank.prompted) * coarse**2 + bank.obj_ptrs


def dataflows(source: Path, manifest: Manifest) -> dict[str, Dataflow]:
    """Returns the layers of every graph of a bundle."""
    most = longest(manifest)
    return {g.name: gather(Program.load(source, g.name), most) for g in manifest.graphs}


def fold(
    source: Path,
    manifest: Manifest,
    board: Board,
    target: Target,
    override: Path | None = None,
    again: bool = False,
    say: Callable[[str], None] = print,
) -> Folded:
    """Folds a bundle's graphs, by the board's own foldings, else by those of another board that do
    for this one, else by a search. again: search in any case.

    Raises FoldingError, see `Folded.check` and `store.load`.
    """
    flows = dataflows(source, manifest)
    path = store.place(manifest.model, board.name, manifest.detector is not None)
    stored = None
    if not again:
        stored = _stored(flows, manifest, board, target)
    if stored is None:
        style = STYLES[board.family]
        if not board.resources.uram:
            style = replace(style, luts_per_uram=0)
        found = [streams(flow, bool(style.luts_per_uram)) for flow in flows.values()]
        stands = around(found, board)
        for part in stands.parts:
            say(f"{part.name}: {part.cost.words()}{' (assumed)' if part.assumed else ''}")
        choices = _searched(flows, manifest, board, target, stands.cost, style, say)
        foldings = {g: foldings_of(c) for g, c in choices.items()}
        store.save(path, store.Stored(style, {g: c.style for g, c in choices.items()}, foldings))
        say(f"foldings kept in {path}")
        stored = store.load(path, store.Stored())
    if override is not None:
        stored = store.load(override, stored)
    return _made(flows, stored, board, path)


def _searched(
    flows: dict[str, Dataflow],
    manifest: Manifest,
    board: Board,
    target: Target,
    shell: Cost,
    style: Style,
    say: Callable[[str], None],
) -> dict[str, Choice]:
    """What the search finds; where DSPs are too few, it is made again with multipliers that rather
    take LUTs. Raises FoldingError, which names the command that helps.
    """
    for worth in (style.luts_per_dsp, *(w for w in DSP_WORTH if w > style.luts_per_dsp)):
        dear = replace(style, luts_per_dsp=worth)
        try:
            most = CHAINS[0]
            return search(flows, target, board.budget(), shell, dear, say, most)
        except NoFitError as error:
            failed = error
            if "dsp" not in error.short:
                break
            say(f"too few DSPs where one is worth {worth:g} LUTs")
    if failed.tracker_fits:
        command = f"make hardware CONFIG={manifest.model} BOARD={board.name} DETECTOR=0"
        raise FoldingError(failed.message, f"the tracker alone fits: {command}") from failed
    raise failed


def _stored(
    flows: dict[str, Dataflow], manifest: Manifest, board: Board, target: Target
) -> store.Stored | None:
    """The foldings kept for a board, else those kept for another that do for this one."""
    model, detects = manifest.model, manifest.detector is not None
    path = store.place(model, board.name, detects)
    if path.is_file():
        return store.load(path, store.Stored())
    names = [board.name, *(name for name in boards.names() if name != board.name)]
    places = [store.place(model, name, detects) for name in names]
    for path in places:
        if not path.is_file():
            continue
        stored = store.load(path, store.Stored())
        if not board.resources.uram:
            style = replace(stored.style, luts_per_uram=0)
            styles = {g: replace(s, luts_per_uram=0) for g, s in stored.styles.items()}
            stored = replace(stored, style=style, styles=styles)
        with suppress(FoldingError):
            _made(flows, stored, board, path).check(target)
            return stored
    return None


def refold(folder: Path, manifest: Manifest, board: Board) -> Folded:
    """What a bundle's hardware was made of, from its own foldings."""
    path = folder / FOLDINGS
    stored = store.load(path, store.Stored())
    return _made(dataflows(folder, manifest), stored, board, path)


def _made(flows: dict[str, Dataflow], stored: store.Stored, board: Board, path: Path) -> Folded:
    made: dict[str, tuple[Dataflow, dict[str, Block]]] = {}
    for graph, flow in flows.items():
        if stored.of(graph).sparing:
            flow = thinned(flow, apart(flow))
        blocks = {}
        named = stored.foldings.get(graph, {})
        unknown = named.keys() - {x.name for x in flow.layers}
        if unknown:
            raise FoldingError(
                f"foldings of {graph} name {', '.join(sorted(unknown))}", "it has no such layer"
            )
        for layer in flow.layers:
            if layer.name not in named:
                raise FoldingError(f"{path}: no folding of {graph}.{layer.name}", "search again")
            try:
                blocks[layer.name] = block(layer, named[layer.name], stored.of(graph))
                _ = blocks[layer.name].cost
            except SpecError as error:
                raise FoldingError(f"{graph}.{layer.name}: {error}", "mend its folding") from error
        made[graph] = flow, blocks
    for most in CHAINS:
        folded = _stitched(board, stored, made, most)
        if not over(folded.cost, board.budget()):
            return folded
    return _stitched(board, stored, made, None)


def _stitched(
    board: Board,
    stored: store.Stored,
    made: Mapping[str, tuple[Dataflow, Mapping[str, Block]]],
    most: float | None,
) -> Folded:
    found = {g: accelerator(flow, blocks, most=most) for g, (flow, blocks) in made.items()}
    plans = {g: planned(*both, found[g].skids) for g, both in made.items()}
    return Folded(board, stored, plans, found)
