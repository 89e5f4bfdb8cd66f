"""The contract of a kernel: what `hw/kernels/<k>.py` says of `hw/kernels/<k>.sv`.

A kernel is a frozen dataclass whose fields that begin with a capital are the SystemVerilog
parameters, by the same names. From it follow the streams, the memory contents, the golden
arithmetic, the exact cycle count and the estimate of resources; test bench, synthesis, folding and
stitching read nothing else.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from hw.spec.dtypes import Arrays
from hw.spec.errors import SpecError
from hw.spec.hls import HlsCall, HlsLoop
from hw.spec.sizes import ceil_div
from hw.spec.stream import Stream

Settings = Mapping[str, int]
K = TypeVar("K", bound="Kernel")

KERNELS: dict[str, type[Kernel]] = {}
"""Every kernel by name; `hw.kernels.load` fills it."""


@dataclass(frozen=True)
class Cost:
    """Resources: LUTs (as logic, memory and shift registers), flip-flops, DSP slices, block RAMs in
    halves of 18 Kb, UltraRAMs.
    """

    lut: float = 0
    ff: float = 0
    dsp: int = 0
    bram18: int = 0
    uram: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Cost)))

    def __mul__(self, count: int) -> Cost:
        return Cost(*(getattr(self, f.name) * count for f in fields(Cost)))

    def words(self) -> str:
        """Returns what is taken, to read: `12,345 LUT, 8,000 FF, 10 DSP, 4 BRAM18`."""
        counts = ((getattr(self, f.name), f.name.upper()) for f in fields(Cost))
        return ", ".join(f"{count:,.0f} {name}" for count, name in counts if count) or "nothing"


@dataclass(frozen=True)
class RomImage:
    """Contents of one ROM: words as unsigned integers, `width` bits each."""

    words: tuple[int, ...]
    width: int

    def hex(self) -> str:
        """Returns the contents as $readmemh reads them."""
        digits = ceil_div(self.width, 4)
        return "".join(f"{word:0{digits}x}\n" for word in self.words)


class Kernel(ABC):
    """One kernel with its parameters chosen. Subclasses are `@dataclass(frozen=True, eq=False)`,
    declare `name`, and register themselves.

    Raises SpecError on construction when a parameter breaks a rule.
    """

    name: ClassVar[str] = ""
    """File stem of the module, its Python and its test."""
    parts: ClassVar[tuple[str, ...]] = ()
    """Modules that it instantiates: other kernels or files of `hw/kernels/common`."""

    example_values: ClassVar[Mapping[str, int]] = {}
    """A small value of every parameter that has no default."""

    plain: ClassVar[bool] = False
    """Moves beats as bytes, whatever codes are in them."""
    exact: ClassVar[bool] = True
    """Is `cycles` the exact count? Only of what is made of several kernels it is not."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.name:
            KERNELS[cls.name] = cls

    def __post_init__(self) -> None:
        self.validate()

    @classmethod
    def example(cls: type[K], **chosen: Any) -> K:
        """The kernel with small values of its parameters, but for those chosen: for tools that look
        at a kernel alone. Raises SpecError as the construction does.
        """
        return cls(**{**cls.example_values, **chosen})

    def need(self, holds: bool, parameter: str, rule: str) -> None:
        """Raises SpecError, naming kernel, parameter, value and rule, unless the rule holds. Other
        parameters that the rule names are told with their values.
        """
        if holds:
            return
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]

        def told(word: re.Match[str]) -> str:
            other = word[0] != parameter and word[0] in values
            return f"{word[0]} = {values[word[0]]}" if other else word[0]

        said = re.sub(r"\b[A-Z]\w*\b", told, rule)
        raise SpecError(f"{self.name}: {parameter} = {values[parameter]}", said)

    def need_one_of(self, parameter: str, values: Sequence[str]) -> None:
        """Raises SpecError, as `need` does, unless the parameter has one of the values."""
        *others, last = values
        self.need(getattr(self, parameter) in values, parameter, f"{', '.join(others)} or {last}")

    def parameters(self) -> dict[str, int | str]:
        """SystemVerilog parameters by name: the fields that begin with a capital; True and False as
        1 and 0.
        """
        # Every kernel is a dataclass; this base itself is none.
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name[0].isupper()}  # type: ignore[arg-type]
        return {k: int(v) if isinstance(v, bool) else v for k, v in values.items()}

    def memories(self) -> dict[str, RomImage]:
        """Contents of ROMs by the parameter that names the file, which is no field."""
        return {}

    @property
    def cuts_ready(self) -> bool:
        """Tells that no tready of its inputs depends on one of its outputs in the same cycle."""
        return False

    @abstractmethod
    def validate(self) -> None:
        """Checks every rule with `need`; the module repeats each as an elaboration error."""

    @abstractmethod
    def inputs(self) -> dict[str, Stream]:
        """Returns the streams in by port prefix: s_axis, s_axis_<what>."""

    @abstractmethod
    def outputs(self) -> dict[str, Stream]:
        """Returns the streams out by port prefix: m_axis, m_axis_<what>."""

    def spacing(self, port: str) -> int:
        """Fewest cycles from one beat of a stream to the next, whatever its other end does."""
        return 1

    def setup(self) -> Arrays:
        """Codes by input stream sent once after reset, before any frame: memories that no
        bitstream can initialise. Such a stream takes no part in the frames; `cycles` counts it.
        """
        return {}

    @abstractmethod
    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Computes one frame: int64 tensors by input stream -> by output stream. Defines the
        arithmetic.
        """

    @abstractmethod
    def cycles(self, frames: int = 1, **settings: int) -> int:
        """Clock cycles from the first in which an input is offered through the one in which the
        last output is taken, both counted, when sources and sinks never wait.
        """

    @abstractmethod
    def ideal_cycles(self, **settings: int) -> int:
        """Clock cycles that the folding alone asks of one frame: the greatest of its input beats,
        output beats and products / (PE * SIMD). A long run of frames approaches it.
        """

    @abstractmethod
    def cost(self) -> Cost:
        """Estimated resources on UltraScale+; within 15 % of Yosys in LUT, exact in DSP."""

    def hls(self) -> HlsCall:
        """The kernel's HLS form. Raises SpecError where there is none."""
        raise SpecError(f"{self.name} has no HLS form", "build it with BACKEND=rtl")

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        """The loops of the HLS form in one frame, a process each, in the order of the data. Without
        more said it is one, which takes what the folding asks for.
        """
        return (HlsLoop(self.hls().function, self.ideal_cycles(**settings)),)

    def hls_interval(self, **settings: int) -> int:
        """Expected cycles of the HLS form between frames that follow each other: those of its
        slowest process.
        """
        return max(loop.cycles for loop in self.hls_loops(**settings))

    def hls_latency(self, **settings: int) -> int:
        """Expected cycles of the HLS form from a frame's first beat to its last."""
        start = end = 0
        for loop in self.hls_loops(**settings):
            start += loop.waits
            end = max(end + loop.stages, start + loop.cycles)
            start += loop.stages
        return end

    def template(self, *names: str, **more: int) -> dict[str, int]:
        """Arguments of an HLS template: parameters under their own names, then what else is
        given.
        """
        values: dict[str, int] = {name: int(getattr(self, name)) for name in names}
        return values | more

    def settings(self) -> list[dict[str, int]]:
        """Run-time settings worth testing (lengths, layers), each as keywords for `stimulus` and
        `cycles`. One empty entry where there are none.
        """
        return [{}]

    def stimulus(self, rng: np.random.Generator, kind: str, **settings: int) -> Arrays:
        """One frame of input codes; kind: random, min, max, or corners (each code either end)."""
        once = self.setup()
        return {k: draw(s, rng, kind) for k, s in self.inputs().items() if k not in once}


def draw(stream: Stream, rng: np.random.Generator, kind: str) -> NDArray[np.int64]:
    """Codes of the stream's shape. Raises SpecError for an unknown kind."""
    low, high = stream.dtype.min, stream.dtype.max
    if kind == "random":
        return rng.integers(low, high, stream.shape, np.int64, endpoint=True)
    if kind == "corners":
        return np.where(rng.integers(0, 2, stream.shape) == 1, np.int64(high), np.int64(low))
    if kind in ("min", "max"):
        return np.full(stream.shape, low if kind == "min" else high, np.int64)
    raise SpecError(f"kind of data {kind!r}", "use random, min, max or corners")
