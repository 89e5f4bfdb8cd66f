"""A mapped netlist, as Yosys writes it in JSON, as a timing graph.

Nodes are the netlist's bits. A cell's input pin has no node of its own: the net before it is part
of the arc. What a cell does is read from its type and, for memories and DSP slices, from which of
its registers are in use.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from hw.timing.delays import Delays, TimingError
from hw.timing.graph import Arc, End, Graph, Place, Start

Cell = Mapping[str, Any]
CLOCKS = {"C", "CLK", "WCLK", "CLKARDCLK", "CLKBWRCLK", "CLKA", "CLKB"}
LOCAL = ("CARRY4", "CARRY8", "MUXF7", "MUXF8", "MUXF9", "INV")
"""Cells that stand in the slice of the LUT that feeds them: no net before their data pins."""
BUFFERS = ("IBUF", "OBUF", "BUFG")
FREE = r"\$(scopeinfo|print|check|assert|assume|cover|live|fair)|VCC|GND"
"""Cells that are no hardware, or that nothing waits for."""
DSP_CONTROLS = ("OPMODE", "ALUMODE", "INMODE", "CARRYIN")


@dataclass(frozen=True)
class Mapped:
    """A module's graph; bits of its ports by name, inputs and outputs; loads by bit; names of bits;
    control_sets: how many groups of flip-flops share enable and reset.
    """

    graph: Graph
    inputs: dict[str, list[int]]
    outputs: dict[str, list[int]]
    loads: Counter[int]
    names: dict[int, Place]
    control_sets: int


def mapped(module: Mapping[str, Any], delays: Delays) -> Mapped:
    """The graph of a flattened module. Raises TimingError for a cell that no delay is known of."""
    cells = {n: c for n, c in module["cells"].items() if not re.fullmatch(FREE, c["type"])}
    reader = _Reader(cells, _names(module), delays)
    for name, cell in cells.items():
        reader.read(name, cell)
    ports: dict[str, dict[str, list[int]]] = {"input": {}, "output": {}}
    for name, port in module["ports"].items():
        ports[port["direction"]][name] = [b for b in port["bits"] if isinstance(b, int)]
    return Mapped(
        reader.graph,
        {k: v for k, v in ports["input"].items() if k != "clk"},
        ports["output"],
        reader.loads,
        reader.names,
        len(reader.sets),
    )


def _names(module: Mapping[str, Any]) -> dict[int, Place]:
    """A name by bit, the plainest of those that it has, with the line that it is from."""
    best: dict[int, tuple[tuple[int, int, int], Place]] = {}
    for name, net in module["netnames"].items():
        source = _source(net)
        for i, bit in enumerate(net["bits"]):
            if not isinstance(bit, int):
                continue
            rank = (net.get("hide_name", 0), name.count("$"), len(name))
            if bit not in best or rank < best[bit][0]:
                full = name if len(net["bits"]) == 1 else f"{name}[{i}]"
                best[bit] = (rank, Place(full, "", source))
    return {bit: place for bit, (_, place) in best.items()}


class _Reader:
    def __init__(self, cells: Mapping[str, Cell], names: dict[int, Place], delays: Delays) -> None:
        self.names, self.delays, self.graph = names, delays, Graph()
        self.sets: set[tuple[object, ...]] = set()
        self.loads: Counter[int] = Counter()
        self.alone = {bit for bit, n in self._drivers(cells).items() if n == 1}
        self.from_logic = {
            bit
            for cell in cells.values()
            if re.match(r"LUT\d|CARRY|MUXF", cell["type"])
            for bit in _bits(cell, "O", "CO")
        }

    def _drivers(self, cells: Mapping[str, Cell]) -> Counter[int]:
        """Fills `loads`, in which a flip-flop's controls are shared; returns plain counts."""
        plain: Counter[int] = Counter()
        for cell in cells.values():
            for pin, bits in cell["connections"].items():
                if cell["port_directions"].get(pin) != "input" or pin in CLOCKS:
                    continue
                shared = cell["type"].startswith("FD") and pin in ("CE", "R", "S")
                for bit in bits:
                    if isinstance(bit, int):
                        plain[bit] += 1
                        self.loads[bit] += self.delays.control_share if shared else 1  # type: ignore[assignment]
        return plain

    # ---- Pieces that all cells are made of

    def net(self, bit: int) -> float:
        return self.delays.net(self.loads[bit])

    def arc(
        self, out: int, bit: object, delay: float, levels: int = 0, local: bool = False
    ) -> None:
        if isinstance(bit, int):
            before = 0.0 if local and bit in self.from_logic else self.net(bit)
            self.graph.arc(out, Arc(bit, before + delay, levels))

    def start(self, cell: Cell, pins: Iterator[str] | tuple[str, ...], delay: float) -> None:
        for bit in _bits(cell, *pins):
            place = self.names.get(bit, Place(f"bit {bit}"))
            source = _source(cell) or place.source
            self.graph.start(bit, Start(delay, Place(place.name, cell["type"], source)))

    def end(self, cell: Cell, pin: str, setup: float, local: bool = False) -> None:
        outs = [
            b for p, d in cell["port_directions"].items() if d == "output" for b in _bits(cell, p)
        ]
        place = self.names.get(outs[0], Place("")) if outs else Place("")
        source = _source(cell) or place.source
        for bit in _bits(cell, pin):
            named = place.name or self.names.get(bit, Place(f"bit {bit}")).name
            before = 0.0 if local else self.net(bit)
            where = Place(named, f"{cell['type']}.{pin}", source)
            self.graph.ends.append(End(bit, before + setup, where))

    # ---- Kinds of cells

    def read(self, name: str, cell: Cell) -> None:
        kind = cell["type"]
        for pattern, reads in self._kinds():
            if re.fullmatch(pattern, kind):
                reads(cell)
                return
        raise TimingError(f"{name}: no delays of cell {kind}", "add it to hw/timing/cells.py")

    def _kinds(self) -> tuple[tuple[str, Callable[[Cell], None]], ...]:
        cell = self.delays.cell
        return (
            (r"LUT\d", partial(self._logic, delay=cell["lut"], levels=1)),
            ("INV", partial(self._logic, delay=0.0, levels=0)),  # absorbed by what follows
            ("|".join(BUFFERS), self._buffer),
            (r"MUXF\d", self._mux),
            (r"CARRY\d", self._carry),
            (r"FD\w+", self._flip_flop),
            (r"SRL\w+", self._shift),
            (r"RAM\d\w+", self._lutram),
            (r"RAMB\w+", self._bram),
            (r"URAM\w+", self._uram),
            (r"DSP48\w+", self._dsp),
        )

    def _logic(self, cell: Cell, delay: float, levels: int) -> None:
        (out,) = _bits(cell, "O") or (None,)
        for pin, bits in cell["connections"].items():
            if pin != "O" and out is not None:
                self.arc(out, bits[0], delay, levels, local=not levels)

    def _buffer(self, cell: Cell) -> None:
        for out, bit in zip(_bits(cell, "O"), _bits(cell, "I"), strict=False):
            self.graph.arc(out, Arc(bit, 0.0))

    def _mux(self, cell: Cell) -> None:
        for out in _bits(cell, "O"):
            for pin in ("I0", "I1"):
                for bit in _bits(cell, pin):
                    self.arc(out, bit, self.delays.cell["mux"], local=True)
            for bit in _bits(cell, "S"):
                self.arc(out, bit, self.delays.cell["mux_select"])

    def _carry(self, cell: Cell) -> None:
        d, pins = self.delays.cell, cell["connections"]
        into = [b for p in ("CI", "CYINIT") for b in pins.get(p, [])[:1]]
        for k, (out, carry) in enumerate(zip(pins["O"], pins["CO"], strict=True)):
            for j in range(k + 1):
                along = d["carry_step"] * (k - j)
                for pin in ("S", "DI"):
                    bit = pins[pin][j]
                    if isinstance(carry, int):
                        self.arc(carry, bit, d["carry_start"] + along, local=True)
                    if j < k and isinstance(out, int):
                        self.arc(out, bit, d["carry_select"] + 0.1 + along, local=True)
            if isinstance(out, int):
                self.arc(out, pins["S"][k], d["carry_select"], local=True)
            for bit in into:
                if isinstance(carry, int):
                    self.arc(carry, bit, d["carry_in"], local=True)
                if isinstance(out, int):
                    self.arc(out, bit, d["carry_sum"], local=True)

    def _flip_flop(self, cell: Cell) -> None:
        setup, pins = self.delays.setup, cell["connections"]
        self.start(cell, ("Q",), self.delays.cell["ff"])
        data = pins["D"][0]
        # A LUT that feeds one flip-flop alone stands in its slice.
        self.end(cell, "D", setup["ff"], data in self.from_logic and data in self.alone)
        self.end(cell, "CE", setup["enable"])
        for pin in ("R", "S", "CLR", "PRE"):
            self.end(cell, pin, setup["reset"])
        kind = cell["type"]
        self.sets.add((kind, *(str(pins.get(p)) for p in ("CE", "R", "S", "CLR", "PRE"))))

    def _shift(self, cell: Cell) -> None:
        self.start(cell, ("Q", "Q31"), self.delays.cell["shift"])
        self.end(cell, "D", self.delays.setup["ff"])
        self.end(cell, "CE", self.delays.setup["enable"])
        for out in _bits(cell, "Q"):
            for bit in _bits(cell, *(p for p in cell["connections"] if re.fullmatch(r"A\d?", p))):
                self.arc(out, bit, self.delays.cell["lut"], 1)

    def _lutram(self, cell: Cell) -> None:
        pins, directions = cell["connections"], cell["port_directions"]
        outs = [p for p, d in directions.items() if d == "output"]
        self.start(cell, tuple(outs), self.delays.cell["lutram"])
        for pin, direction in directions.items():
            if direction == "input" and pin not in CLOCKS:
                self.end(cell, pin, self.delays.setup["lutram"])
        for out in outs:
            for bit in _bits(cell, *_addresses(out, pins)):
                for read in _bits(cell, out):
                    self.arc(read, bit, self.delays.cell["lut"], 1)

    def _bram(self, cell: Cell) -> None:
        registered = any(_parameter(cell, p) for p in ("DOA_REG", "DOB_REG"))
        self._memory(cell, "bram", registered)

    def _uram(self, cell: Cell) -> None:
        registered = any(_parameter(cell, p) for p in ("OREG_A", "OREG_B"))
        self._memory(cell, "uram", registered)

    def _memory(self, cell: Cell, kind: str, registered: bool) -> None:
        delay = self.delays.cell[f"{kind}_registered" if registered else kind]
        for pin, direction in cell["port_directions"].items():
            if direction == "output":
                self.start(cell, (pin,), delay)
            elif pin not in CLOCKS:
                control = kind == "bram" and re.match("EN|WE|RST|REGCE", pin)
                self.end(cell, pin, self.delays.setup["bram_enable" if control else kind])

    def _dsp(self, cell: Cell) -> None:
        d, setup = self.delays.cell, self.delays.setup
        regs = {p: _parameter(cell, f"{p}REG", 1) for p in "ABCDMP"}
        outs = _bits(cell, "P", "PCOUT", "CARRYOUT")
        if regs["P"]:
            delay: float | None = d["dsp_p"]
        elif regs["M"]:
            delay = d["dsp_m"]
        else:
            delay = d["dsp_multiply"] if regs["A"] or regs["B"] else None
        if delay is not None:
            self.start(cell, ("P", "PCOUT", "CARRYOUT"), delay)
        after = "dsp_m" if regs["M"] else "dsp_p" if regs["P"] else None
        for pin, direction in cell["port_directions"].items():
            if direction != "input" or pin in CLOCKS:
                continue
            if pin in ("A", "B", "D") and not regs[pin]:
                if after:
                    self.end(cell, pin, setup[after])
                else:
                    self._through(cell, pin, outs, d["dsp_through"])
            elif pin in ("A", "B", "D", "C") and regs[pin]:
                self.end(cell, pin, setup["dsp_input"])
            elif pin == "C" or pin.startswith(DSP_CONTROLS):
                if regs["P"]:
                    self.end(cell, pin, setup["dsp_add"])
                else:
                    self._through(cell, pin, outs, d["dsp_add"])
            elif pin.startswith(("CE", "RST")):
                self.end(cell, pin, setup["dsp_control"])

    def _through(self, cell: Cell, pin: str, outs: list[int], delay: float) -> None:
        for bit in _bits(cell, pin):
            for out in outs:
                self.arc(out, bit, delay)


def _source(entry: Mapping[str, Any]) -> str:
    """File and line, without the folder that Yosys read it in."""
    first: str = entry.get("attributes", {}).get("src", "").split("|")[0]
    return first.rpartition("/")[2]


def _bits(cell: Cell, *pins: str) -> list[int]:
    return [b for p in pins for b in cell["connections"].get(p, ()) if isinstance(b, int)]


def _addresses(out: str, pins: Mapping[str, Any]) -> list[str]:
    """Pins of the address that a LUTRAM's output reads at."""
    if out.startswith("DO") and f"ADDR{out[2:]}" in pins:
        return [f"ADDR{out[2:]}"]
    if out == "DPO":
        return [p for p in pins if p.startswith("DPRA")]
    return [p for p in pins if re.fullmatch(r"A\d?", p)]


def _parameter(cell: Cell, name: str, default: int = 0) -> int:
    value = cell["parameters"].get(name)
    if value is None:
        return default
    bits = str(value).strip()
    return int(bits, 2) if set(bits) <= set("01") and bits else int(bits == "TRUE")
