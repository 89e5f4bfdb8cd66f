"""Runs one test of `bench` in Verilator."""

from __future__ import annotations

import contextlib
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import asdict, replace
from pathlib import Path

from cocotb_tools.runner import get_runner

from hw.design import Design
from hw.mover.mover import Mover
from sim.bench.check import SEED
from sim.verilate import build

HERE = Path(__file__).resolve().parent


def design(mover: Mover, folder: Path, plant: tuple[str, str, str] | None = None) -> Design:
    """The mover in its bench. plant: (module, text, text put in its place)."""
    plain = mover.design(folder)
    files = []
    for path in (*plain.files, HERE / "mover_bench.sv"):
        if plant is not None and path.stem == plant[0]:
            text = path.read_text(encoding="utf-8")
            assert text.count(plant[1]) == 1, f"{plant[1]} stands {text.count(plant[1])} times"
            path = folder / path.name
            path.write_text(text.replace(*plant[1:]), encoding="utf-8")
        files.append(path)
    return replace(plain, top="mover_bench", files=tuple(files))


def simulate(
    mover: Mover,
    test: str,
    work: Path,
    *,
    beats: int = 20_000,
    pattern: str = "random",
    bad: bool = False,
    seed: int = SEED,
    plant: tuple[str, str, str] | None = None,
) -> tuple[str, str]:
    """("" or the words of the failure, the log) of a test."""
    given = {"test": test, "parameters": asdict(mover), "beats": beats, "pattern": pattern}
    given |= {"bad": bad, "seed": seed}
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(Exception, SystemExit):
        get_runner("verilator").test(
            test_module="tests.mover.bench",
            hdl_toplevel="mover_bench",
            hdl_toplevel_lang="verilog",
            build_dir=build(design(mover, work, plant)),
            test_dir=work,
            results_xml=str(work / "results.xml"),
            log_file=str(work / "log"),
            plusargs=["+verilator+rand+reset+2", f"+verilator+seed+{seed % (1 << 31)}"],
            extra_env={
                "MOVER": json.dumps(given),
                "COCOTB_LOG_LEVEL": "WARNING",
                "PYTHONWARNINGS": "ignore::DeprecationWarning",  # cocotbext-axi, of cocotb 2
            },
        )
    assert (work / "results.xml").exists(), said.getvalue()[-3000:]
    log = (work / "log").read_text(encoding="utf-8")
    cases = [
        c for c in ET.parse(work / "results.xml").iter("testcase") if c.find("skipped") is None
    ]
    assert len(cases) == 1, f"{len(cases)} tests called {test}"
    bad_one = any(cases[0].find(kind) is not None for kind in ("failure", "error"))
    return (log[-4000:] if bad_one else ""), log


def figures(log: str) -> dict[str, int]:
    """Beats, bursts and cycles that `traffic` tells."""
    found = re.search(r"(\d+) stream beats, (\d+) and (\d+) bursts, (\d+) cycles", log)
    assert found, log[-2000:]
    return dict(zip(("beats", "reads", "writes", "cycles"), map(int, found.groups()), strict=True))
