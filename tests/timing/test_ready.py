"""What stitching takes tready to be under way in a kernel is what the analysis finds."""

import pytest

from hw.design import Design
from hw.kernels.duplicate import Duplicate
from hw.kernels.dwc import Dwc
from hw.kernels.fifo import Fifo
from hw.kernels.fmpad import Fmpad
from hw.kernels.join_add import JoinAdd
from hw.kernels.mvu import Mvu
from hw.kernels.pipe import Pipe
from hw.kernels.requant import Requant
from hw.kernels.skid import Skid
from hw.kernels.split import Split
from hw.kernels.swg import Swg
from hw.kernels.vvu import Vvu
from hw.stitch.ready import RULES, SLOWER, Ready, ready
from hw.timing import delays
from hw.timing.model import of_netlist
from hw.timing.netlists import netlists

READY = "_tready"
OFF = 0.25
"""ns on UltraScale+ that a rule may say too little by: half a LUT and its net. It covers many
parameter sets, of which some are mapped better."""
KERNELS = [
    Duplicate(STREAM_WIDTH=8),
    Dwc(IN_LANES=1, OUT_LANES=6, ELEM_WIDTH=4),
    Dwc(IN_LANES=3, OUT_LANES=1, ELEM_WIDTH=16),
    Dwc(IN_LANES=8, OUT_LANES=1, ELEM_WIDTH=16),
    Fifo(DEPTH=32, STREAM_WIDTH=16),
    Fifo(DEPTH=1000, STREAM_WIDTH=8, RAM_STYLE="block"),
    Fmpad.example(),
    JoinAdd.example(),
    Mvu(MW=24, MH=24, PE=1, SIMD=3, ACTIVATION_WIDTH=8, WEIGHT_WIDTH=4, ACCU_WIDTH=18),
    Mvu(MW=48, MH=24, PE=4, SIMD=4, ACTIVATION_WIDTH=4, WEIGHT_WIDTH=4, ACCU_WIDTH=16),
    Pipe(STREAM_WIDTH=32),
    Pipe(STREAM_WIDTH=32, HALF_RATE=True),
    Requant.example(),
    Skid(STREAM_WIDTH=32),
    Skid(STREAM_WIDTH=32, REGISTER_FORWARD=False),
    Split(N=1, NumChannels0=96, NumChannels1=576, PE=1, ELEM_WIDTH=8),
    Swg.example(),
    Vvu.example(),
]


def found(model, table):
    """The longest ways of tready by a timing model."""

    def ways(pins, kind):
        found = [(b.delay, model.loads[p]) for p, b in pins if p[0] == kind and p.endswith(READY)]
        # The net in front of an output's tready; of an input's what its own loads add.
        nets = (table.net(n) if kind == "m" else table.net(n + 1) - table.net(1) for _, n in found)
        return max((d + net for (d, _), net in zip(found, nets, strict=True)), default=0.0)

    through = [
        arc.delay + table.net(model.loads[arc.source])
        for arc in model.arcs
        if arc.source.endswith(READY) and arc.sink.endswith(READY)
    ]
    captures, launches = model.captures.items(), model.launches.items()
    return Ready(ways(captures, "m"), max(through, default=0.0), ways(launches, "s"))


@pytest.mark.parametrize(
    "family", [pytest.param("xcup"), pytest.param("xc7", marks=pytest.mark.slow)]
)
def test_rules_are_what_the_analysis_finds(family):
    table = delays.load(family)
    places = netlists({str(i): Design.of(k) for i, k in enumerate(KERNELS)}, family, 1)
    for number, kernel in enumerate(KERNELS):
        is_, said = found(of_netlist(places[str(number)], table), table), ready(kernel)
        for name, most in vars(said).items():
            ns = getattr(is_, name) / SLOWER[family]
            assert ns <= most + OFF, f"{kernel}: {name}"
            assert ns >= 0.4 * most, f"{kernel}: {name}"  # no rule that says anything


def test_every_rule_is_of_a_kernel():
    assert {k.name for k in KERNELS} <= RULES.keys()
