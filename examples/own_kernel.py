"""A kernel of your own: its contract, and the proof of absolute.sv against it in simulation.

python examples/own_kernel.py
"""

from dataclasses import dataclass
from pathlib import Path

from hw.design import Design
from hw.spec.dtypes import IntType
from hw.spec.kernel import Cost, Kernel
from hw.spec.stream import Stream
from sim.bench.check import check


@dataclass(frozen=True, eq=False, kw_only=True)
class Absolute(Kernel):
    """The kernel `absolute`. PE: codes of a beat; beats: beats of a frame in the simulation."""

    name = "absolute"
    example_values = {"PE": 2}

    PE: int
    beats: int = 64

    def validate(self):
        self.need(self.PE >= 1, "PE", "at least 1")

    def inputs(self):
        return {"s_axis": Stream((self.beats, self.PE), IntType(8), self.PE)}

    def outputs(self):
        return {"m_axis": Stream((self.beats, self.PE), IntType(8), self.PE)}

    def golden(self, inputs):
        return {"m_axis": inputs["s_axis"].abs().clamp(max=127)}

    def cycles(self, frames=1, **settings):
        return frames * self.beats + 1

    def ideal_cycles(self, **settings):
        return self.beats

    def cost(self):
        return Cost(lut=8 * self.PE + 2, ff=8 * self.PE + 2)


kernel = Absolute(PE=3)
source = Path(__file__).with_name("absolute.sv")
report = check(kernel, Design(kernel.name, (source,), kernel.parameters(), {}))
for outcome in report.outcomes:
    print(f"{outcome.name:12} {outcome.pattern:12} {outcome.compared:5} codes compared")
print(
    "\n".join(report.faults) or f"{report.compared} codes, none differs; cycles as the model says"
)
