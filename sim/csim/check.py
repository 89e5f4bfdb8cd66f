"""Proves HLS kernels against their golden models: the data of the RTL's proof, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hw.hls.source import INCLUDE, kernel_top
from hw.spec.kernel import Kernel
from sim.csim.library import CsimError, Library, beats_of

SEED = 20261121
KINDS = ("random", "random", "random", "min", "max", "corners")


@dataclass(frozen=True)
class CsimReport:
    """What a kernel's run came to: output codes compared, those that differ, and a line a fault."""

    compared: int
    wrong: int
    faults: list[str]


def check_all(kernels: Sequence[Kernel], include: Path = INCLUDE) -> list[CsimReport]:
    """Runs each kernel on random data and at the ends of its types, in every setting, all frames in
    a row, and compares every code with golden. One compilation serves them all.

    include: folder of the headers, other than the project's own for a planted fault.
    Raises CsimError where the source does not compile.
    """
    names = [f"{k.name}_{i}" for i, k in enumerate(kernels)]
    tops = [kernel_top(n, k, i) for i, (n, k) in enumerate(zip(names, kernels, strict=True))]
    library = Library(tops, include)
    return [_run(library, name, kernel) for name, kernel in zip(names, kernels, strict=True)]


def _run(library: Library, name: str, kernel: Kernel) -> CsimReport:
    rng = np.random.default_rng(SEED)
    frames = [kernel.stimulus(rng, kind, **s) for s in kernel.settings() for kind in KINDS]
    once = kernel.setup()
    inputs = {
        k: beats_of(s, [once[k]] if k in once else [f[k] for f in frames])
        for k, s in kernel.inputs().items()
    }
    wanted: dict[str, list[np.ndarray]] = {k: [] for k in kernel.outputs()}
    for frame in frames:
        golden = kernel.golden({k: torch.from_numpy(v) for k, v in frame.items()})
        for port, codes in golden.items():
            wanted[port].append(codes.numpy().ravel())
    try:
        found = library.run(name, len(frames), inputs)
    except CsimError as error:
        return CsimReport(0, 0, [str(error)])
    compared, differ = 0, 0
    faults: list[str] = []
    for port, stream in kernel.outputs().items():
        codes, right = stream.unpack(found[port]), np.concatenate(wanted[port])
        if codes.size != right.size:
            faults.append(f"{name}: {port} gave {codes.size} codes, not {right.size}")
            continue
        wrong = np.flatnonzero(codes != right)
        compared += right.size
        differ += wrong.size
        if wrong.size:
            at = int(wrong[0])
            faults.append(
                f"{name}: {wrong.size} of {right.size} codes of {port} differ, first code {at}:"
                f" {codes[at]}, not {right[at]}"
            )
    return CsimReport(compared, differ, faults)
