"""The search of foldings for accelerators that share one device: each is folded at several paces,
layers that nobody waits for are slowed down, and the combination is taken that leaves the scarcest
resource the most room while frames are fast enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product

from hw.fold.block import Block, Folding, Style
from hw.fold.blocks import block
from hw.fold.folding import FoldingError, Plan, cheapest, schedule, share
from hw.fold.layers import Dataflow, Layer, SoftmaxAttention
from hw.spec.kernel import Cost
from hw.stitch.accelerator import accelerator, kept, planned

ONCE = "image_encoder"
"""The graph that runs once a frame; the others run once an object."""
SLOWER = (16.0, 8.0, 4.0, 2.5, 1.6)
"""Multiples of a layer's own cycles that it is slowed down to, if nobody has to wait for it."""
NEAR = 1.07
"""Share of the scarcest resource that another style of memories may still mend."""
STEPS = (0.76, 0.8, 0.84, 0.88, 0.91, 0.94, 0.97, 1.0, 1.03, 1.06, 1.1, 1.15, 1.2, 1.26)
PACES = 10
GROWTH = 1.3


@dataclass(frozen=True)
class Target:
    """Clock cycles that the device may take for a frame with one object, and with four."""

    one: float
    four: float

    @classmethod
    def of_rates(cls, mhz: float, one: float, four: float) -> Target:
        """From frames a second."""
        return cls(mhz * 1e6 / one, mhz * 1e6 / four)

    def met(self, cycles: Mapping[str, int]) -> bool:
        """By the cycles of each graph, one after another."""
        return self.excess(cycles) <= 1

    def excess(self, cycles: Mapping[str, int]) -> float:
        """Greatest ratio of what is taken to what may be."""
        once = cycles[ONCE]
        each = sum(n for graph, n in cycles.items() if graph != ONCE)
        return max((once + each) / self.one, (once + 4 * each) / self.four)


@dataclass(frozen=True, eq=False)
class Choice:
    """One folding of one accelerator, with what it costs, glue included."""

    plan: Plan
    cost: Cost

    @property
    def cycles(self) -> int:
        """Of a frame."""
        return self.plan.cycles


Say = Callable[[str], None]


class Folder:
    """Folds one accelerator at paces of choice; blocks once built are kept."""

    def __init__(self, dataflow: Dataflow, style: Style, budget: Cost) -> None:
        self.dataflow, self.style, self.budget = dataflow, style, budget
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
        return Choice(plan, accelerator(self.dataflow, blocks).netlist.cost())

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
            found.append(choice)
        found.sort(key=lambda c: c.cycles)
        kept: list[Choice] = []
        for c in found:
            if not kept or share(c.cost, self.budget) < share(kept[-1].cost, self.budget):
                kept.append(c)
        return kept


def use(cost: Cost, budget: Cost) -> float:
    """Greatest share of any one resource."""
    parts = [(getattr(cost, f.name), getattr(budget, f.name)) for f in fields(Cost)]
    return max(used / have if have else (2.0 if used else 0.0) for used, have in parts)


def mended(cost: Cost, budget: Cost) -> float:
    """As `use`, after LUTs and block RAMs have taken each other's place."""
    both = (cost.lut / budget.lut + cost.bram18 / budget.bram18) / 2
    return max(both, use(replace(cost, lut=0, bram18=0), budget))


def balance(
    lists: Mapping[str, Sequence[Choice]], target: Target, budget: Cost, shell: Cost
) -> dict[str, Choice]:
    """The choice of each graph that together meet the target and use the scarcest resource least;
    where none meet it, those that come closest while they fit; where none fit, the smallest.
    """
    best: tuple[tuple[float, ...], dict[str, Choice]] | None = None
    for combination in product(*lists.values()):
        picked = dict(zip(lists, combination, strict=True))
        total = sum((c.cost for c in combination), shell)
        slow, full = target.excess({g: c.cycles for g, c in picked.items()}), use(total, budget)
        rank = (max(full, NEAR), max(slow, 1), mended(total, budget))
        if best is None or rank < best[0]:
            best = rank, picked
    assert best is not None
    return best[1]


def search(
    dataflows: Mapping[str, Dataflow],
    target: Target,
    budget: Cost,
    shell: Cost,
    styles: Sequence[Style],
    say: Say = lambda _: None,
) -> tuple[Style, dict[str, Choice]]:
    """The best of several styles. say: is told of each pace that was tried."""
    found: tuple[tuple[float, ...], Style, dict[str, Choice]] | None = None
    macs = {g: sum(x.macs for x in d.layers) for g, d in dataflows.items()}
    for style in styles:
        lists = {}
        for graph, dataflow in dataflows.items():
            # Half of the products that the whole frame would take at an even pace, to begin with.
            start = target.one * (0.1 + 0.15 * macs[graph] / max(macs.values()))
            paces = [start * GROWTH ** (i - PACES // 3) for i in range(PACES)]
            lists[graph] = Folder(dataflow, style, budget).choices(paces, say)
        picked = balance(lists, target, budget, shell)
        total = sum((c.cost for c in picked.values()), shell)
        slow, full = target.excess({g: c.cycles for g, c in picked.items()}), use(total, budget)
        say(f"{style}: {slow:.2f} of the time, {full:.2f} of the scarcest resource")
        for finer in (replace(style, luts_per_block=style.luts_per_block * n) for n in STEPS):
            again = {g: restyled(c, finer) for g, c in picked.items()}
            full = use(sum((c.cost for c in again.values()), shell), budget)
            rank = (max(full, 1), max(slow, 1), full)
            if found is None or rank < found[0]:
                say(f"{finer}: {full:.3f} of the scarcest resource")
                found = rank, finer, again
    assert found is not None
    return found[1], found[2]


def restyled(choice: Choice, style: Style) -> Choice:
    """The same lanes with other memories."""
    dataflow = choice.plan.dataflow
    blocks = {x.name: block(x, choice.plan.blocks[x.name].folding, style) for x in dataflow.layers}
    return Choice(planned(dataflow, blocks), accelerator(dataflow, blocks).netlist.cost())


def foldings_of(choice: Choice) -> dict[str, Folding]:
    """By layer."""
    return {name: block.folding for name, block in choice.plan.blocks.items()}
