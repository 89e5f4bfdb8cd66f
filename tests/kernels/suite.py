"""The three tests that every kernel has, made from what a kernel's test file lists.

GRID   parameter sets; the first `QUICK` run in `make test`, all in `make test-all`
BAD    (fields that break a rule, the parameter the error names): Python and RTL must both refuse
FAULT  (text, text put in its place) of one operator in the source: the proof must fail
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hw.design import Design
from hw.library import module_file
from hw.spec.errors import SpecError
from hw.spec.kernel import Kernel
from sim.bench.check import check
from sim.errors import SimulatorError
from sim.verilate import build, lint
from tests.kernels.records import keep

QUICK = 3
LEAST_RATE = 0.98
Bad = Sequence[tuple[dict[str, Any], str]]


def suite(
    grid: Sequence[Kernel],
    bad: Bad,
    fault: tuple[str, str],
    rate: Sequence[Kernel] = (),
    quick: int = QUICK,
) -> tuple[Callable[..., None], ...]:
    """(equals golden, bad parameters, planted fault, sustained rate) as pytest functions.

    rate: kernels with a long frame, whose cycles may exceed the folding's by 2 %.
    """
    sets = [
        pytest.param(k, id=label(k), marks=() if i < quick else pytest.mark.slow)
        for i, k in enumerate(grid)
    ]

    @pytest.mark.parametrize("kernel", sets)
    def equals_golden(kernel: Kernel, record_property: Callable[[str, object], None]) -> None:
        report = check(kernel)
        keep(kernel, report)
        record_property("outputs compared", report.compared)
        assert report.faults == []
        assert report.compared > 0

    @pytest.mark.parametrize(("fields", "parameter"), bad)
    def bad_parameters(fields: dict[str, Any], parameter: str) -> None:
        good = grid[0]
        with pytest.raises(SpecError, match=f"{good.name}: {parameter} = "):
            dataclasses.replace(good, **fields)  # type: ignore[type-var]
        ports = {
            k: int(v) if isinstance(v, bool) else v for k, v in fields.items() if k[0].isupper()
        }
        design = Design.of(good)
        broken = dataclasses.replace(design, parameters={**design.parameters, **ports})
        said = lint(broken, "-Wno-fatal", "-Werror-USERERROR")
        assert f"{good.name}: {parameter} = " in said

    def planted_fault(tmp_path: Path) -> None:
        design = planted(Design.of(grid[0]), fault, tmp_path)
        found = []
        for kernel in grid[:quick]:
            changed = dataclasses.replace(Design.of(kernel), files=design.files)
            build(changed)  # the fault has to compile, or it proves nothing
            try:
                found += check(kernel, changed).faults
            except SimulatorError as error:  # an assertion inside the kernel stopped it
                found.append(str(error))
        assert found, "the proof did not notice the fault"

    @pytest.mark.parametrize("kernel", [pytest.param(k, id=label(k)) for k in rate])
    def sustained_rate(kernel: Kernel, record_property: Callable[[str, object], None]) -> None:
        for chosen in kernel.settings():
            ideal = kernel.ideal_cycles(**chosen)
            assert 3 * ideal >= LEAST_RATE * kernel.cycles(3, **chosen), chosen
        # The cycle model's counts are the simulated ones, or this reports a fault.
        report = check(kernel, stalls=False)
        record_property("outputs compared", report.compared)
        assert report.faults == []

    tests = [equals_golden, bad_parameters, planted_fault, sustained_rate]
    for name, function in zip(("grid", "bad", "fault", "rate"), tests, strict=True):
        function.__name__ = f"test_{name}"
    return equals_golden, bad_parameters, pytest.mark.slow(planted_fault), sustained_rate


def in_order(kind: type[Kernel]) -> Callable[..., Any]:
    """Makes parameter sets from rows of a table: values of the first fields in order, the others
    by name.
    """
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    return lambda *values, **more: kind.example(**dict(zip(names, values, strict=False)), **more)


def label(kernel: Kernel) -> str:
    """Parameters as a test's name."""
    return "-".join(f"{k}{v}" for k, v in kernel.parameters().items())


def planted(design: Design, fault: tuple[str, str], folder: Path) -> Design:
    """The design with one text of its top module's source replaced, in a copy of the file."""
    source = module_file(design.top)
    text = source.read_text(encoding="utf-8")
    old, new = fault
    assert text.count(old) >= 1, f"{source.name} has no {old!r}"
    copy = folder / source.name
    copy.write_text(text.replace(old, new, 1), encoding="utf-8")
    return dataclasses.replace(
        design, files=tuple(copy if f == source else f for f in design.files)
    )
