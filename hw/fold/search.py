"""The search of foldings for accelerators that share one device: each is folded at several paces,
layers that nobody waits for are slowed down, and the combination is taken that leaves the scarcest
resource the most room while frames are fast enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product

from hw.fold.balance import Choice, balance, unbeaten, use
from hw.fold.block import Block, Folding, Style
from hw.fold.blocks import block
from hw.fold.folding import FoldingError, Plan, cheapest, schedule, share
from hw.fold.keeps import thinned
from hw.fold.layers import Dataflow, Layer, SoftmaxAttention
from hw.fold.target import Target
from hw.spec.kernel import Cost
from hw.stitch.accelerator import accelerator, apart, kept

SLOWER = (16.0, 8.0, 4.0, 2.5, 1.6)
"""Multiples of a layer's own cycles that it is slowed down to, if nobody has to wait for it."""
BLOCK_WORTH = (80, 120, 160, 200, 250, 320)
URAM_WORTH = (400, 700, 1000, 1500, 2500)
"""LUTs that memories may be worth."""
PACES = 10
GROWTH = 1.3


Say = Callable[[str], None]


class Folder:
    """Folds one accelerator at paces of choice; blocks once built are kept."""

    def __init__(self, dataflow: Dataflow, style: Style, budget: Cost) -> None:
        self.dataflow = thinned(dataflow, apart(dataflow)) if style.sparing else dataflow
        self.style, self.budget = style, budget
        self._known: dict[tuple[str, int], Block] = {}
        self._kept: set[tuple[str, int]] = set()

    def block(self, layer: Layer, cycles: float) -> Block:
        """The cheapest block of a layer at a pace, on a scale of quarter octaves."""
        pace = max(1, int(cycles))
        key = (layer.name, pace)
        if key not in self._known:
            self._known[key] = cheapest(layer, pace, self.style, self.budget)
        return self._known[key]

    def fold(self, pace: float) -> Choice:
        """Every layer at the pace, then those slowed down for whom nobody waits."""
        blocks = {}
        for layer in self.dataflow.layers:
            blocks[layer.name] = self._at_most(layer, pace * self._share_of_time(layer))
        self._kept = self._kept or kept(self.dataflow, blocks)
        limit = int(self._plan(blocks).cycles * 1.03)
        heavy = sorted(self.dataflow.layers, key=lambda x: -share(blocks[x.name].cost, self.budget))
        for layer in heavy:
            now = blocks[layer.name]
            for factor in SLOWER:
                slower = self.block(layer, now.interval * factor)
                gain = share(now.cost, self.budget) - share(slower.cost, self.budget)
                if gain <= 1e-5:
                    continue
                tried = {**blocks, layer.name: slower}
                if self._plan(tried).cycles <= limit:
                    blocks = tried
                    break
        return self.choice(blocks)

    def _plan(self, blocks: Mapping[str, Block]) -> Plan:
        return schedule(self.dataflow, blocks, self._kept)

    def _share_of_time(self, layer: Layer) -> float:
        """Of the slowest layer's. Layers that stream into each other all take the whole time. An
        attention waits for its last key, so that what comes before and after follow each other and
        their times add up: for a given sum the least hardware has times as the roots of the
        products.
        """
        if not any(isinstance(x, SoftmaxAttention) for x in self.dataflow.layers):
            return 1.0
        most = max(x.macs for x in self.dataflow.layers)
        return float(max(layer.macs, most / 20) / most) ** 0.5

    def choice(self, blocks: Mapping[str, Block]) -> Choice:
        """With its glue."""
        plan = self._plan(blocks)
        return Choice(plan, self.style, accelerator(self.dataflow, blocks).netlist.cost())

    def _at_most(self, layer: Layer, cycles: float) -> Block:
        """At a pace, or as fast as it goes."""
        for relaxed in range(12):
            try:
                return self.block(layer, cycles * 1.5**relaxed)
            except FoldingError:
                continue
        return self.block(layer, cycles * 1.5**12)

    def choices(self, paces: Sequence[float], say: Say) -> list[Choice]:
        """One a pace, without those that another one beats in time and share."""
        found = []
        for pace in paces:
            choice = self.fold(pace)
            say(f"{self.dataflow.graph}: pace {pace:,.0f}, {choice.cycles:,} cycles, {choice.cost}")
            if found and choice.cost == found[-1].cost:
                break  # no layer gets any smaller
            found.append(choice)
        found.sort(key=lambda c: c.cycles)
        kept: list[Choice] = []
        for c in found:
            if not kept or share(c.cost, self.budget) < share(kept[-1].cost, self.budget):
                kept.append(c)
        return kept


def priced(choice: Choice) -> list[Choice]:
    """The same lanes with other memories, by what block RAMs and UltraRAMs are worth."""
    dataflow, style = choice.plan.dataflow, choice.style
    made = []
    for block_worth, uram_worth in product(
        BLOCK_WORTH, URAM_WORTH if style.luts_per_uram else (0,)
    ):
        finer = replace(style, luts_per_block=block_worth, luts_per_uram=uram_worth)
        again = {
            x.name: block(x, choice.plan.blocks[x.name].folding, finer) for x in dataflow.layers
        }
        cost = accelerator(dataflow, again).netlist.cost()
        if all(cost != c.cost for c in made):
            made.append(Choice(replace(choice.plan, blocks=again), finer, cost))
    return made


def search(
    dataflows: Mapping[str, Dataflow],
    target: Target,
    budget: Cost,
    shell: Cost,
    style: Style,
    say: Say = lambda _: None,
) -> dict[str, Choice]:
    """The choices that keep the target and fit. style: to begin with. say: is told of each pace
    that was tried.
    """
    macs = {g: sum(x.macs for x in d.layers) for g, d in dataflows.items()}
    lists = {}
    for graph, dataflow in dataflows.items():
        # Half of the products that the whole frame would take at an even pace, to begin with.
        start = target.share(graph) * (0.1 + 0.15 * macs[graph] / max(macs.values()))
        paces = [start * GROWTH ** (i - PACES // 3) for i in range(PACES)]
        coarse = Folder(dataflow, style, budget).choices(paces, say)
        lists[graph] = unbeaten([c for choice in coarse for c in priced(choice)])
    picked = balance(lists, target, budget, shell)
    total = sum((c.cost for c in picked.values()), shell)
    slow = target.excess({g: c.cycles for g, c in picked.items()})
    say(f"{slow:.3f} of the time, {use(total, budget):.3f} of the scarcest resource")
    return picked


def foldings_of(choice: Choice) -> dict[str, Folding]:
    """By layer."""
    return {name: block.folding for name, block in choice.plan.blocks.items()}
