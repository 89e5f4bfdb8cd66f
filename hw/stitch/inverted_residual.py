"""The inverted residual block of MobileNetV2 (arXiv 1801.04381, figure 4b) as one netlist: expand
by a 1x1 convolution, filter depthwise 3x3, project by a 1x1 convolution, add the input.

Between kernels of different lanes stand width converters: sums leave an mvu PE at a time and pass
one requantizer lane, since a block that makes one sum every few cycles needs no more of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from hw.kernels.duplicate import Duplicate
from hw.kernels.dwc import Dwc
from hw.kernels.fifo import Fifo
from hw.kernels.fmpad import Fmpad
from hw.kernels.join_add import JoinAdd
from hw.kernels.mvu import Mvu
from hw.kernels.pipe import Pipe
from hw.kernels.requant import Requant
from hw.kernels.swg import Swg
from hw.kernels.vvu import Vvu
from hw.spec.kernel import Kernel
from hw.spec.sizes import index_bits, whole_bytes
from hw.stitch.netlist import Netlist

KERNEL = 3


@dataclass(frozen=True)
class Parts:
    """What computes: three products, each with its requantizer (one lane each).

    height, width: of the map in pixels; stride 1, so that the input can be added.
    """

    height: int
    width: int
    expand: Mvu
    expand_requant: Requant
    depthwise: Vvu
    depthwise_requant: Requant
    project: Mvu
    project_requant: Requant


def inverted_residual(title: str, parts: Parts) -> Netlist:
    """The netlist: s_axis and m_axis are (height, width, channels) 8-bit codes, one a beat.

    Raises SpecError where the parts do not fit each other.
    """
    p, lanes = parts, parts.depthwise.PE
    channels, hidden = p.expand.MW, p.expand.MH
    act = p.expand_requant.OUT_WIDTH
    pixels = p.height * p.width
    padded = Fmpad(IFM_H=p.height, IFM_W=p.width, NumChannels=hidden, SIMD=lanes, ELEM_WIDTH=act)
    windows = Swg(
        IFM_H=p.height + 2,
        IFM_W=p.width + 2,
        NumChannels=hidden,
        KERNEL=KERNEL,
        STRIDE=1,
        SIMD=lanes,
        DEPTHWISE=True,
        ELEM_WIDTH=act,
    )
    # What the long way round takes in before its first pixel leaves: a line and two pixels, one
    # pixel more in each product, and some in between. Less would lock the fork.
    lead = (p.width + 8) * channels
    codes = p.expand.ACTIVATION_WIDTH
    stages: dict[str, Kernel] = {
        "duplicate": Duplicate(STREAM_WIDTH=whole_bytes(codes), beats=pixels * channels),
        "keep": Fifo(
            DEPTH=_power_of_two(lead),
            STREAM_WIDTH=whole_bytes(codes),
            RAM_STYLE="block",
            beats=pixels * channels,
        ),
        "expand": p.expand,
        "hold_expand": _hold(p.expand.PE, p.expand.ACCU_WIDTH, pixels * hidden),
        "narrow_expand": _converter(p.expand.PE, 1, p.expand.ACCU_WIDTH, pixels * hidden),
        "requant_expand": p.expand_requant,
        "widen": _converter(1, lanes, act, pixels * hidden),
        "pad": padded,
        "window": windows,
        "depthwise": p.depthwise,
        "hold_depthwise": _hold(lanes, p.depthwise.ACCU_WIDTH, pixels * hidden),
        "narrow_depthwise": _converter(lanes, 1, p.depthwise.ACCU_WIDTH, pixels * hidden),
        "requant_depthwise": p.depthwise_requant,
        # The projection reads a pixel in its first pass and nothing in the others: meanwhile the
        # next one gathers here, or the windows would stand still.
        "gather": Fifo(
            DEPTH=max(2, p.project.MW),
            STREAM_WIDTH=whole_bytes(act),
            RAM_STYLE="block",
            beats=pixels * hidden,
        ),
        "project": p.project,
        "hold_project": _hold(p.project.PE, p.project.ACCU_WIDTH, pixels * channels),
        "narrow_project": _converter(p.project.PE, 1, p.project.ACCU_WIDTH, pixels * channels),
        "requant_project": p.project_requant,
        "add": JoinAdd(
            IN_WIDTH_A=codes, IN_WIDTH_B=codes, OUT_WIDTH=codes, PE=1, beats=pixels * channels
        ),
    }
    way = [name for name in stages if name not in ("duplicate", "keep", "add")]
    wires = [("s_axis", "duplicate.s_axis"), ("duplicate.m_axis_0", "keep.s_axis")]
    wires += [("duplicate.m_axis_1", f"{way[0]}.s_axis")]
    wires += [(f"{a}.m_axis", f"{b}.s_axis") for a, b in zip(way, way[1:], strict=False)]
    wires += [(f"{way[-1]}.m_axis", "add.s_axis_a"), ("keep.m_axis", "add.s_axis_b")]
    wires += [("add.m_axis", "m_axis")]
    return Netlist(title, stages, tuple(wires))


def _converter(lanes: int, out: int, bits: int, codes: int) -> Dwc:
    return Dwc(IN_LANES=lanes, OUT_LANES=out, ELEM_WIDTH=bits, groups=codes // max(lanes, out))


def _hold(lanes: int, bits: int, codes: int) -> Pipe:
    """A converter works on the beat that its source shows: held here, the source goes on."""
    return Pipe(STREAM_WIDTH=whole_bytes(lanes * bits), beats=codes // lanes)


def _power_of_two(least: int) -> int:
    return 1 << index_bits(least)
