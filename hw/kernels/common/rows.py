"""What the kernels on rows of attention scores, rowexp and softmax, have in common: fields, rules,
table, stimulus.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.kernels.common.costs import RAM_STYLES, ROM_STYLES, ram_cost, rom_cost
from hw.spec.dtypes import Arrays, IntType
from hw.spec.hls import HlsLoop
from hw.spec.kernel import Cost, Kernel, RomImage, draw
from hw.spec.sizes import ceil_div, index_bits
from hw.spec.stream import Stream

SEED = 20261121


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoreRows(Kernel):
    """IN_WIDTH: bits of a score, signed. LENGTH: greatest row length L, in codes. PE: codes of a
    row at once. RAGGED: L comes in s_axis_length, one beat a frame; a row has L / PE beats, rounded
    up, and e of the lanes beyond L is 0. Else L is LENGTH. RAM_STYLE: of what holds rows.
    ROM_STYLE: of the tables, one a lane or, in block RAM, one a pair of lanes. SUM_WIDTH: bits of a
    sum, unsigned.
    table: (2^IN_WIDTH,) codes of e by distance from the maximum; None: random ones, the greatest
    first and 0 last. rows: of a frame in tests.
    """

    IN_WIDTH: int
    LENGTH: int
    PE: int
    RAGGED: bool = False
    RAM_STYLE: str = "distributed"
    ROM_STYLE: str = "distributed"
    SUM_WIDTH: int
    table: NDArray[np.int64] | None = None
    rows: int = 3

    @property
    @abstractmethod
    def exp_width(self) -> int:
        """The values e of the table have this many bits."""

    def validate(self) -> None:
        length, pe = self.LENGTH, self.PE
        self.need(2 <= self.IN_WIDTH <= 8, "IN_WIDTH", "2..8")
        self.need(
            pe >= 1 and (not self.RAGGED or pe & (pe - 1) == 0),
            "PE",
            "at least 1, a power of two if RAGGED",
        )
        self.need(1 <= length <= 65536 and length % pe == 0, "LENGTH", "1..65536, a multiple of PE")
        self.need_one_of("RAM_STYLE", RAM_STYLES)
        self.need_one_of("ROM_STYLE", ROM_STYLES)
        e = IntType(self.exp_width, False)
        self.need(
            self.SUM_WIDTH <= 32 and length * e.max < 1 << self.SUM_WIDTH,
            "SUM_WIDTH",
            f"up to 32, holds LENGTH * {e.max}",
        )
        if self.table is not None:
            self.need(self.table.shape == (1 << self.IN_WIDTH,), "table", "2^IN_WIDTH values")
            e.check(self.table, f"{self.name}: table")

    @property
    def codes(self) -> NDArray[np.int64]:
        """The table in use, (2^IN_WIDTH,): the one given, or one that is drawn."""
        if self.table is not None:
            return self.table
        most = (1 << self.exp_width) - 1
        codes = np.random.default_rng(SEED).integers(0, most + 1, 1 << self.IN_WIDTH)
        codes[0], codes[-1] = most, 0
        return codes

    def memories(self) -> dict[str, RomImage]:
        return {"INIT_FILE": RomImage(tuple(map(int, self.codes)), self.exp_width)}

    def inputs(self) -> dict[str, Stream]:
        scores = Stream((self.rows, self.LENGTH), IntType(self.IN_WIDTH), self.PE)
        length = Stream((1,), IntType(self.LENGTH.bit_length(), False), last=False)
        return {"s_axis": scores} | ({"s_axis_length": length} if self.RAGGED else {})

    def length(self, inputs: dict[str, Any]) -> int:
        """Returns the row length L of a frame, given its inputs."""
        return int(inputs["s_axis_length"][0]) if self.RAGGED else self.LENGTH

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        """A row's maximum and sum stand outside its beats, so that each row enters its loop."""
        row, rows, adders = self.beats(settings), self.rows, index_bits(self.PE)
        return (
            HlsLoop("rowexp_maximum", rows * row, rows, 3 + adders),
            HlsLoop("rowexp_lookup", rows * row, rows, 4 + adders, row),
        )

    def beats(self, settings: dict[str, int]) -> int:
        """Returns the beats of a row."""
        return ceil_div(settings.get("length", self.LENGTH), self.PE)

    def ideal_cycles(self, **settings: int) -> int:
        return self.rows * self.beats(settings)

    def settings(self) -> list[dict[str, int]]:
        """Lengths: the greatest, 1, others in between, with all lanes of the last beat and without
        some.
        """
        if not self.RAGGED:
            return [{}]
        return [{"length": n} for n in ragged_lengths(self.LENGTH, self.PE)]

    def stimulus(self, rng: np.random.Generator, kind: str, **settings: int) -> Arrays:
        """Random frames also have rows of equal codes and such with one code above the others.
        Lanes beyond L hold either end of the type.
        """
        length, dtype = settings.get("length", self.LENGTH), IntType(self.IN_WIDTH)
        filled = self.beats(settings) * self.PE
        scores = score_rows(rng, kind, Stream((self.rows, filled), dtype, self.PE))
        if filled > length:
            spare = Stream((self.rows, filled - length), dtype)
            scores[:, length:] = draw(spare, rng, "corners")
        chosen = {"s_axis_length": np.array([length])} if self.RAGGED else {}
        return {"s_axis": scores} | chosen

    def lookup_cost(self) -> Cost:
        """Estimates rowexp: buffers, tables, maximum, distances and sums."""
        pe, width, e = self.PE, self.IN_WIDTH, self.exp_width
        beats = self.LENGTH // pe
        column = max(1, index_bits(beats))
        words, tables = 1 << width, ceil_div(pe, 2)
        beat_sum = e + index_bits(pe)
        if self.ROM_STYLE == "block":
            table = rom_cost(words, e, "block") * tables
        else:
            table = Cost(lut=e * ceil_div(words, 64), ff=e) * pe
        # A comparison a lane and a selection for each after the first; an adder of e takes two LUTs
        # more than its bits, the sum only those that a beat's sum reaches.
        maximum = (2 * pe - 1) * width
        sums = (pe - 1) * (e + 2) + beat_sum + (self.SUM_WIDTH - beat_sum) / 2
        control = (4 * column if beats > 1 else 0) + 3 * pe
        if self.RAGGED:  # the ends of rows; which lanes of a last beat are idle
            control += 16 + 5 * (pe - 1)
        registers = 0
        if self.RAGGED:  # two more stages
            registers = 3 * column + 4 * index_bits(pe) + (2 * pe + 1) * width + pe + 6
        logic = Cost(
            lut=pe * width + maximum + sums + control,
            ff=2 * width + pe * e + 2 * self.SUM_WIDTH + 2 * column + registers + 15,
        )
        rows = ram_cost((1 << column) + beats, pe * width, self.RAM_STYLE)
        return table + rows + logic


def ragged_lengths(longest: int, pe: int) -> list[int]:
    """Lengths worth testing: the greatest, one beat, about the middle, one beat off both ends; with
    none, all but one, half, one and some of the last beat's lanes idle.
    """
    most = longest // pe
    beats = (most, 1, (most + 1) // 2, max(most - 1, 1), min(2, most))
    idle = (0, pe - 1, pe // 2, min(1, pe - 1), pe * 3 // 4)
    return list(dict.fromkeys(n * pe - i for n, i in zip(beats, idle, strict=True)))


def score_rows(rng: np.random.Generator, kind: str, stream: Stream) -> NDArray[np.int64]:
    """Codes of the stream's shape (M, L); kind as in `hw.spec.kernel.draw`, which see for errors.
    About a third of the rows of a random frame are level, half of these with a peak.
    """
    scores = draw(stream, rng, kind)
    if kind == "random":
        for row in scores:
            shape = rng.integers(0, 6)
            if shape < 2:
                row[:] = rng.integers(stream.dtype.min, stream.dtype.max, endpoint=True)
            if shape == 0:
                row[rng.integers(0, row.size)] = stream.dtype.max
    return scores
