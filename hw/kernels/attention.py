"""One attention head as a stream of queries: scores, softmax and context, no score matrix stored.

The arithmetic is that of its parts, one after another: matmul, requant, exp_rows and row_sum,
matmul, divide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.kernels.divide import Divide
from hw.kernels.fifo import Fifo
from hw.kernels.matmul import Matmul
from hw.kernels.requant import Constants, Requant
from hw.kernels.rowexp import Rowexp
from hw.kernels.skid import Skid
from hw.spec.dtypes import Arrays, IntType
from hw.spec.errors import SpecError
from hw.spec.hls import HlsCall, HlsLoop, rom
from hw.spec.kernel import Cost, Kernel, RomImage, draw
from hw.spec.sizes import ceil_div, whole_bytes
from hw.spec.stream import Stream

# A parameter's name in a part -> here, where they differ.
SCORES = {"A_WIDTH": "Q_WIDTH", "B_WIDTH": "K_WIDTH", "ACCU_WIDTH": "S_ACCU_WIDTH"}
CONTEXT = {
    **{"A_WIDTH": "E_WIDTH", "B_WIDTH": "V_WIDTH", "ACCU_WIDTH": "N_ACCU_WIDTH"},
    **{"PE": "SIMD", "SIMD": "PE"},
}
ROWEXP = {"IN_WIDTH": "S_WIDTH", "OUT_WIDTH": "E_WIDTH", "RAM_STYLE": "ROW_STYLE"}
DIVIDE = {"CYCLES": "DIVIDE_CYCLES", "PE": "SIMD"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Attention(Kernel):
    """The kernel `attention` with its parameters chosen. LENGTH: greatest L. DIM: codes of a query,
    key and value. PE: keys at once. SIMD: codes of DIM at once. Q_WIDTH, K_WIDTH, V_WIDTH, S_WIDTH
    (scores), OUT_WIDTH: signed; E_WIDTH: unsigned. S_ACCU_WIDTH, N_ACCU_WIDTH, SUM_WIDTH: of the
    sums q k, e v and e. PORT_WIDTH .. SETS: the scores' requantizer, see Requant. TIE,
    DIVIDE_CYCLES: see Divide. PACK, RES, RAM_STYLE, DOUBLE: of both products, see Matmul.
    ROW_STYLE, ROM_STYLE: of rows of scores and of tables, see Rowexp. RAGGED: L comes in
    s_axis_length, else it is LENGTH; keys and values are filled up with any codes to a multiple of
    PE, which then is a power of two.

    m, b, n: (SETS,) of the scores; None draws some. table: (2^S_WIDTH,) e by distance from the
    row's greatest score, from 1 up at 0; None: random. queries: M of a frame in tests.
    Raises SpecError, also of a part, such as "requant: SHIFT = 50" for the scores' requantizer.
    """

    name = "attention"
    parts = ("length_fork", "matmul", "requant", "attention_weights", "divide")
    example_values = {
        "LENGTH": 16,
        "DIM": 8,
        "PE": 2,
        "SIMD": 2,
        "Q_WIDTH": 8,
        "K_WIDTH": 8,
        "V_WIDTH": 8,
        "S_WIDTH": 8,
        "E_WIDTH": 8,
        "OUT_WIDTH": 8,
        "S_ACCU_WIDTH": 19,
        "N_ACCU_WIDTH": 20,
        "SUM_WIDTH": 12,
        "PORT_WIDTH": 19,
        "M_WIDTH": 18,
        "B_WIDTH": 16,
        "B_SHIFT": 16,
        "SHIFT": 26,
        "TIE": 12,
    }

    LENGTH: int
    DIM: int
    PE: int
    SIMD: int
    Q_WIDTH: int
    K_WIDTH: int
    V_WIDTH: int
    S_WIDTH: int
    E_WIDTH: int
    OUT_WIDTH: int
    S_ACCU_WIDTH: int
    N_ACCU_WIDTH: int
    SUM_WIDTH: int
    PORT_WIDTH: int
    M_WIDTH: int
    B_WIDTH: int
    B_SHIFT: int
    SHIFT: int
    SHIFTS: int = 1
    SHIFT_STEP: int = 1
    SETS: int = 1
    TIE: int
    DIVIDE_CYCLES: int = 8
    PACK: int = 1
    RES: str = "dsp"
    RAM_STYLE: str = "block"
    ROW_STYLE: str = "distributed"
    ROM_STYLE: str = "distributed"
    DOUBLE: bool = True
    RAGGED: bool = False
    m: NDArray[np.int64] | None = None
    b: NDArray[np.int64] | None = None
    n: NDArray[np.int64] | None = None
    table: NDArray[np.int64] | None = None
    queries: int = 4

    def validate(self) -> None:
        self.need(self.PE >= 1, "PE", "at least 1")
        self.need(self.SIMD >= 1, "SIMD", "at least 1")
        for part, names in (
            ("scores", SCORES),
            ("context", CONTEXT),
            ("rowexp", ROWEXP),
            ("divide", DIVIDE),
        ):
            try:
                getattr(self, part)
            except SpecError as error:
                parameter = error.message.split(": ")[1].split(" = ")[0]
                self.need(False, names.get(parameter, parameter), error.remedy)
        _ = self.requant
        self.need(self.rowexp.codes[0] >= 1, "table", "the greatest score's e is at least 1")

    @cached_property
    def scores(self) -> Matmul:
        """This kernel makes the product of queries and keys."""
        here = {k: getattr(self, v) for k, v in SCORES.items()}
        return Matmul(TRANSPOSED=True, PE=self.PE, SIMD=self.SIMD, **here, **self._shared())

    @cached_property
    def context(self) -> Matmul:
        """This kernel makes the product of weights e and values."""
        here = {k: getattr(self, v) for k, v in CONTEXT.items()}
        return Matmul(TRANSPOSED=False, A_SIGNED=False, **here, **self._shared())

    def _shared(self) -> dict[str, Any]:
        names = ("LENGTH", "DIM", "PACK", "RES", "RAM_STYLE", "DOUBLE", "RAGGED")
        return {"rows": self.queries, **{k: getattr(self, k) for k in names}}

    @cached_property
    def requant(self) -> Requant:
        """Sums q k -> scores: one m, b, n in each lane."""
        names = ("PORT_WIDTH", "M_WIDTH", "B_WIDTH", "B_SHIFT", "SHIFT", "SHIFTS", "SHIFT_STEP")
        shared = {k: getattr(self, k) for k in (*names, "SETS")}
        shared |= {"ACCU_WIDTH": self.S_ACCU_WIDTH, "OUT_WIDTH": self.S_WIDTH, "OUT_SIGNED": True}
        shared |= {"RAM_STYLE": "distributed"}
        if self.m is None or self.b is None or self.n is None:
            given = Requant(NumChannels=1, PE=1, **shared).constants
        else:
            given = Constants(self.m, self.b, self.n)
        m, b, n = (np.repeat(v.reshape(-1, 1), self.PE, 1) for v in given)
        pixels = self.queries * self.LENGTH // self.PE
        return Requant(NumChannels=self.PE, PE=self.PE, m=m, b=b, n=n, pixels=pixels, **shared)

    @cached_property
    def rowexp(self) -> Rowexp:
        """This kernel turns scores into e and their sums."""
        here = {k: getattr(self, v) for k, v in ROWEXP.items()}
        names = ("LENGTH", "PE", "RAGGED", "ROM_STYLE", "SUM_WIDTH")
        shared = {k: getattr(self, k) for k in names}
        return Rowexp(table=self.table, rows=self.queries, **here, **shared)

    @cached_property
    def divide(self) -> Divide:
        """The quotient of the sums e v by the sums of e."""
        here = {k: getattr(self, v) for k, v in DIVIDE.items()}
        widths = {"N_WIDTH": self.N_ACCU_WIDTH, "D_WIDTH": self.SUM_WIDTH}
        names = ("OUT_WIDTH", "DIM", "TIE")
        shared = {k: getattr(self, k) for k in names}
        return Divide(SIGNED=True, rows=self.queries, **here, **widths, **shared)

    @cached_property
    def skids(self) -> tuple[Skid, Skid]:
        """Registers of scores and of weights e."""
        widths = (self.PE * self.S_WIDTH, self.PE * self.E_WIDTH)
        first, second = (Skid(STREAM_WIDTH=whole_bytes(bits)) for bits in widths)
        return first, second

    @property
    def cuts_ready(self) -> bool:
        return True

    @cached_property
    def fifo(self) -> Fifo:
        """The FIFO that holds the sums of e until their products are there."""
        return Fifo(DEPTH=8, STREAM_WIDTH=whole_bytes(self.SUM_WIDTH))

    def memories(self) -> dict[str, RomImage]:
        parts = {"REQUANT": self.requant, "ROWEXP": self.rowexp}
        return {
            f"{name}_{parameter}": memory
            for name, part in parts.items()
            for parameter, memory in part.memories().items()
        }

    def _streams(self, length: int) -> dict[str, Stream]:
        ragged = IntType(self.LENGTH.bit_length(), False)
        layer = IntType(max(self.SETS - 1, 1).bit_length(), False)
        k, v, q = (IntType(w) for w in (self.K_WIDTH, self.V_WIDTH, self.Q_WIDTH))
        streams = {
            "s_axis_k": Stream((length, self.DIM), k, self.SIMD, last=False),
            "s_axis_v": Stream((length, self.DIM), v, self.SIMD, last=False),
            "s_axis_q": Stream((self.queries, self.DIM), q, self.SIMD),
        }
        if self.RAGGED:
            streams["s_axis_length"] = Stream((1,), ragged, last=False)
        if self.SETS > 1:
            streams["s_axis_layer"] = Stream((1,), layer, last=False)
        return streams

    def inputs(self) -> dict[str, Stream]:
        return self._streams(self.LENGTH)

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": Stream((self.queries, self.DIM), IntType(self.OUT_WIDTH), self.SIMD)}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        length = {k: v for k, v in inputs.items() if k == "s_axis_length"}
        sums = self.scores.golden({"s_axis_a": inputs["s_axis_q"], "s_axis_b": inputs["s_axis_k"]})
        lanes = {"s_axis": sums["m_axis"].reshape(-1, self.PE)}
        layer = {k: v for k, v in inputs.items() if k == "s_axis_layer"}
        codes = self.requant.golden(lanes | layer)["m_axis"].reshape(sums["m_axis"].shape)
        e = self.rowexp.golden({"s_axis": codes} | length)  # 0 beyond L
        n = self.context.golden({"s_axis_a": e["m_axis"], "s_axis_b": inputs["s_axis_v"]})
        return self.divide.golden({"s_axis_n": n["m_axis"], "s_axis_d": e["m_axis_sum"]})

    def settings(self) -> list[dict[str, int]]:
        """Lengths, the least beats that the division keeps up with, with all lanes of the last beat
        and without some; each layer with one of them.
        """
        lengths: list[dict[str, int]] = [{}]
        if self.RAGGED:
            most, pe = self.LENGTH // self.PE, self.PE
            least = min(self.DIVIDE_CYCLES, most)
            middle = min((least + most) // 2 | 1, most)
            chosen = (most * pe, least * pe - pe // 2, middle * pe - pe + 1, most * pe - pe // 4)
            lengths = [{"length": n} for n in dict.fromkeys(chosen)]
        if self.SETS == 1:
            return lengths
        sets = range(min(self.SETS, 3))
        return [{**lengths[i % len(lengths)], "layer": i} for i in sets]

    def stimulus(self, rng: np.random.Generator, kind: str, **settings: int) -> Arrays:
        length, filled = settings.get("length", self.LENGTH), self._filled(settings)
        streams = self._streams(filled)
        frame = {k: draw(s, rng, kind) for k, s in streams.items()}
        for name in ("s_axis_k", "s_axis_v"):
            frame[name][length:] = draw(streams[name], rng, "corners")[length:]
        if self.RAGGED:
            frame["s_axis_length"] = np.array([length])
        if self.SETS > 1:
            frame["s_axis_layer"] = np.array([settings.get("layer", 0)])
        return frame

    def _filled(self, settings: dict[str, int]) -> int:
        """Returns L rounded up to a multiple of PE."""
        return ceil_div(settings.get("length", self.LENGTH), self.PE) * self.PE

    def ideal_cycles(self, **settings: int) -> int:
        filled = self._filled(settings)
        loading, row = filled * self.DIM // self.SIMD, self._row(filled)
        return max(loading, self.queries * row)

    def _row(self, filled: int) -> int:
        """Cycles of a query in either product."""
        return filled * self.DIM // (self.PE * self.SIMD)

    def cycles(self, frames: int = 1, **settings: int) -> int:
        """Exact while a row's beats, L / PE rounded up, are at least DIVIDE_CYCLES."""
        filled = self._filled(settings)
        loading, row = filled * self.DIM // self.SIMD, self._row(filled)
        to_row = self.scores.latency + 4 + 1  # requant's and a skid's
        to_e = to_row + self.rowexp.latency + 1 + 1  # rowexp's besides the row, a skid's
        offered = held = 1  # first cycle of the frame's length, last in which rowexp's is the old
        k_free = v_free = 1  # of the next key, of the next value
        k_done = v_done = 0  # last cycle of a frame's multiplications
        k_ends: list[int] = []
        v_ends: list[int] = []
        for _ in range(frames):
            k_loaded = self.scores.loaded(max(offered, k_free), loading, k_ends)
            v_loaded = self.context.loaded(max(offered, v_free), loading, v_ends)
            scores, context = max(k_loaded + 1, k_done), max(v_loaded + 1, v_done)
            at = context + 1
            for query in range(1, self.queries + 1):
                at = max(at, scores + query * row + to_e) + row
            k_done, v_done = scores + self.queries * row, at - 1
            k_ends.append(k_done)
            v_ends.append(v_done)
            k_free = (scores if self.DOUBLE else k_done) + 1
            v_free = (context if self.DOUBLE else v_done) + 1
            if self.RAGGED:
                offered = max(k_loaded, v_loaded, offered, held) + 2
                held = k_done + to_row
        serial = self.DIVIDE_CYCLES > 1
        return v_done + self.context.latency + self.OUT_WIDTH + (0 if serial else 1)

    def hls(self) -> HlsCall:
        names: tuple[str, ...] = (
            "RAGGED",
            "LENGTH",
            "DIM",
            "PE",
            "SIMD",
            "Q_WIDTH",
            "K_WIDTH",
            "V_WIDTH",
        )
        names += ("S_WIDTH", "E_WIDTH", "OUT_WIDTH", "S_ACCU_WIDTH", "N_ACCU_WIDTH", "SUM_WIDTH")
        names += ("PORT_WIDTH", "M_WIDTH", "B_WIDTH", "B_SHIFT", "SHIFT", "SHIFTS", "SHIFT_STEP")
        template = self.template(*names, "SETS", "TIE", QUERIES=self.queries)
        table = rom(self.rowexp.codes, self.E_WIDTH, False)
        roms = self.requant.hls_roms(self.PE) | {"table": table}
        return HlsCall("attention", "attention", template, roms)

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        filled = self._filled(settings)
        load, scores = self.scores.hls_loops(length=filled)
        load_values, context = self.context.hls_loops(length=filled)
        maximum, lookup = self.rowexp.hls_loops(**settings)
        (quotients,) = self.divide.hls_loops()
        requant = HlsLoop("attention_requant", self.queries * (filled // self.PE))
        beside = replace(load_values, waits=0)  # comes while the keys do
        both = (load, beside, replace(scores, waits=scores.waits - beside.stages))
        return (*both, requant, maximum, lookup, replace(context, waits=0), quotients)

    def cost(self) -> Cost:
        parts: tuple[Kernel, ...]
        parts = (self.scores, self.requant, self.rowexp, self.fifo, self.context, self.divide)
        parts += self.skids
        total = sum((part.cost() for part in parts), Cost())
        width = whole_bytes(self.LENGTH.bit_length())
        fork = Cost(lut=5, ff=width + 4) if self.RAGGED else Cost()
        # Handshakes merge, and nobody reads the FIFO's tlast.
        return total + fork + Cost(lut=-24, ff=-9)
