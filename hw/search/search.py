"""The search of foldings for accelerators that share one device: each is folded at several paces,
layers that nobody waits for are slowed down, and the combination is taken that leaves the scarcest
resource the most room while frames are fast enough. Where they are not, paces between those tried
follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import product

from hw.fold.block import Block, Folding, Style
from hw.fold.blocks import block
from hw.fold.folding import End, FoldingError, Plan, cheapest, schedule, share
from hw.fold.keeps import thinned
from hw.fold.layers import Dataflow, Layer, SoftmaxAttention
from hw.search.balance import Choice, balance, unbeaten, use
from hw.search.target import Target
from hw.spec.kernel import Cost
from hw.spec.manifest import DETECTOR
from hw.stitch.accelerator import Accelerator, accelerator, apart, kept
from hw.stitch.cuts import MOST

SLOWER = (16.0, 8.0, 4.0, 2.5, 1.6)
"""Multiples of a layer's own cycles that it is slowed down to, if nobody has to wait for it."""
BLOCK_WORTH = (80, 120, 160, 200, 250, 320)
URAM_WORTH = (400, 700, 1000, 1500, 2500)
"""LUTs that memories may be worth."""
PACES = 10
GROWTH = 1.3
FINER = 2
"""Times that paces around those picked are halved where frames take too long."""
MODEL_ERROR = 1.1
"""What the cost models may be off by in LUTs: what is not over by more is not refused; the report's
synthesis decides."""


Say = Callable[[str], None]


class NoFitError(FoldingError):
    """No folding that was tried fits the board.

    short: the resources that there are too few of. tracker_fits: whether all but the detector do.
    """

    def __init__(self, said: Sequence[str], short: Sequence[str], tracker_fits: bool) -> None:
        super().__init__(
            f"no folding that was tried fits the board: {', '.join(said)}",
            "leave the detector out: DETECTOR=0"
            if tracker_fits
            else "ask for fewer frames a second, take a smaller CONFIG or a larger BOARD",
        )
        self.short, self.tracker_fits = frozenset(short), tracker_fits


class Folder:
    """Folds one accelerator at paces of choice; blocks once built are kept. most: how long
    tready may be under way, as in `accelerator`; the registers that this takes count.
    """

    def __init__(
        self, dataflow: Dataflow, style: Style, budget: Cost, most: float | None = MOST
    ) -> None:
        self.dataflow = thinned(dataflow, apart(dataflow)) if style.sparing else dataflow
        self._apart = apart(self.dataflow)
        self.style, self.budget, self.most = style, budget, most
        self._known: dict[tuple[str, int], Block] = {}
        self._kept: set[tuple[str, int]] = set()
        self._folded: dict[float, Choice] = {}

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
        # Where skids are needed hardly depends on lanes.
        skids = self._stitched(blocks).skids
        limit = int(self._plan(blocks, skids).cycles * 1.03)
        heavy = sorted(self.dataflow.layers, key=lambda x: -share(blocks[x.name].cost, self.budget))
        for layer in heavy:
            now = blocks[layer.name]
            for factor in SLOWER:
                slower = self.block(layer, now.interval * factor)
                gain = share(now.cost, self.budget) - share(slower.cost, self.budget)
                if gain <= 1e-5:
                    continue
                tried = {**blocks, layer.name: slower}
                if self._plan(tried, skids).cycles <= limit:
                    blocks = tried
                    break
        return self.choice(blocks)

    def _plan(self, blocks: Mapping[str, Block], skids: Mapping[End, int]) -> Plan:
        return schedule(self.dataflow, blocks, self._kept, skids, self._apart)

    def _stitched(self, blocks: Mapping[str, Block]) -> Accelerator:
        return accelerator(self.dataflow, blocks, most=self.most)

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
        """A graph's accelerator costs this, forks, converters, FIFOs and skids included."""
        made = self._stitched(blocks)
        return Choice(self._plan(blocks, made.skids), self.style, made.netlist.cost())

    def _at_most(self, layer: Layer, cycles: float) -> Block:
        """At a pace, or as fast as it goes."""
        for relaxed in range(12):
            try:
                return self.block(layer, cycles * 1.5**relaxed)
            except FoldingError:
                continue
        return self.block(layer, cycles * 1.5**12)

    def choices(self, paces: Sequence[float], say: Say) -> list[Choice]:
        """One for each of these paces and those before, without those that another one beats in
        time and every resource. Several paces in a row may give the same, where no divisor of a
        layer's channels lies between, and a slower one less again.
        """
        for pace in paces:
            if pace not in self._folded:
                choice = self._folded[pace] = self.fold(pace)
                graph, cycles = self.dataflow.graph, choice.cycles
                say(f"{graph}: pace {pace:,.0f}, {cycles:,} cycles, {choice.cost.words()}")
        return unbeaten(sorted(self._folded.values(), key=lambda c: c.cycles))

    def near(self, choice: Choice, growth: float) -> list[float]:
        """Paces that much faster than the one of a choice's lanes, and slower."""
        pace = next(p for p, c in self._folded.items() if c.plan.times is choice.plan.times)
        return [pace / growth, pace * growth]

    def priced(self, choice: Choice) -> list[Choice]:
        """The same lanes with other memories, by what block RAMs and UltraRAMs are worth."""
        style = choice.style
        made: list[Choice] = []
        for block_worth, uram_worth in product(
            BLOCK_WORTH, URAM_WORTH if style.luts_per_uram else (0,)
        ):
            finer = replace(style, luts_per_block=block_worth, luts_per_uram=uram_worth)
            again = {
                name: block(b.layer, b.folding, finer) for name, b in choice.plan.blocks.items()
            }
            cost = self._stitched(again).netlist.cost()
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
    most: float | None = MOST,
) -> dict[str, Choice]:
    """The choices that keep the target and fit; where none keep it, the fastest that fit. style: to
    begin with. say: is told of each pace that was tried. most: see `Folder`.

    Raises NoFitError, saying what is over and by how much, where none fit.
    """
    macs = {g: sum(x.macs for x in d.layers) for g, d in dataflows.items()}
    folders = {g: Folder(d, style, budget, most) for g, d in dataflows.items()}
    paces = {}
    for graph in dataflows:
        # Half of the products that the whole frame would take at an even pace, to begin with.
        start = target.share(graph) * (0.1 + 0.15 * macs[graph] / max(macs.values()))
        paces[graph] = [start * GROWTH ** (i - PACES // 3) for i in range(PACES)]
    lists: dict[str, list[Choice]] = {g: [] for g in dataflows}
    known: set[Choice] = set()
    for finer in range(FINER + 1):
        for graph, folder in folders.items():
            new = [c for c in folder.choices(paces[graph], say) if c not in known]
            known.update(new)
            lists[graph] = unbeaten([*lists[graph], *(p for c in new for p in folder.priced(c))])
        picked = balance(lists, target, budget, shell)
        total = sum((c.cost for c in picked.values()), shell)
        slow = target.excess(
            {g: c.cycles for g, c in picked.items()}, {g: c.interval for g, c in picked.items()}
        )
        say(f"{slow:.3f} of the time, {use(total, budget):.3f} of the scarcest resource")
        if slow <= 1 and not over(total, budget):
            return picked
        between = GROWTH ** (0.5 ** (finer + 1))
        paces = {g: folders[g].near(c, between) for g, c in picked.items()}
    if not over(total, budget):
        return picked
    likely = balance(lists, target, replace(budget, lut=budget.lut * MODEL_ERROR), shell)
    if not over(sum((c.cost for c in likely.values()), shell), budget, MODEL_ERROR):
        return likely
    tracker = sum((c.cost for g, c in picked.items() if g != DETECTOR), shell)
    said = over(total, budget)
    fits = DETECTOR in dataflows and not over(tracker, budget)
    raise NoFitError(said, [line.split()[0] for line in said], fits)


def over(cost: Cost, budget: Cost, error: float = 1) -> list[str]:
    """What there is too little of, and how little. error: that LUTs may be too many by."""
    want, have = asdict(replace(cost, lut=cost.lut / error)), asdict(budget)
    return [
        f"{k} {want[k]:,.0f} of {have[k]:,} ({want[k] - have[k]:,.0f} over)"
        for k in have
        if want[k] > have[k]
    ]


def foldings_of(choice: Choice) -> dict[str, Folding]:
    """Returns the folding of each layer that a choice has made."""
    return {name: block.folding for name, block in choice.plan.blocks.items()}
