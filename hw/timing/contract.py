"""How slow each kernel may be, part of its contract: levels and ns of the longest path of one
parameter set in a crowded device, paths at its pins and setup included.

    python -m hw.timing.contract [kernel ...] [--family xcup] [--write]

Maps the references and prints what was found beside contract.toml; exit code 3 where one is slower.
With --write the table takes the numbers that were found.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tomllib

from hw.design import Design
from hw.library import kernel_class, names
from hw.spec.command_line import any_case
from hw.spec.errors import SamFabricError
from hw.spec.files import atomic_path
from hw.spec.kernel import Kernel
from hw.synth import FAMILIES
from hw.timing import delays
from hw.timing.delays import TimingError
from hw.timing.model import Model, of_netlist
from hw.timing.netlists import netlists

FILE = Path(__file__).with_name("contract.toml")
SLACK_NS = 0.02
"""What the numbers of the table, with two decimals, may be off by."""
SLOWER = 3
"""The command's exit code where a kernel got slower."""


@dataclass(frozen=True)
class Longest:
    """LUT levels and ns of a longest path."""

    levels: int
    ns: float


@dataclass(frozen=True)
class Contract:
    """What a kernel promises by family, for one of its parameter sets."""

    reference: Kernel
    longest: Mapping[str, Longest]

    def check(self, family: str, model: Model) -> None:
        """Raises TimingError where the reference, as it is now, is slower than it says."""
        found, most = longest(model), self.longest[family]
        if found.ns > most.ns + SLACK_NS:
            raise TimingError(
                f"{self.reference.name} takes {found.ns:.2f} ns over {found.levels} LUTs on "
                f"{family}, {most.ns:.2f} ns over {most.levels} by its contract",
                f"shorten the path, or say so: python -m hw.timing.contract {self.reference.name} "
                "--write",
            )


def longest(model: Model) -> Longest:
    """The longest path in a kernel, to and from its pins included."""
    found = [Longest(path.levels, path.delay) for path in model.inner[:1]]
    found += [Longest(arc.levels, arc.delay) for arc in model.arcs]
    for behind in (model.launches, model.captures):
        found += [Longest(path.levels, path.delay) for path in behind.values()]
    return max(found, key=lambda path: path.ns)


@cache
def load(path: Path = FILE) -> dict[str, Contract]:
    """Contracts by kernel. Raises TimingError for a kernel without one."""
    plain = tomllib.loads(path.read_text(encoding="utf-8"))
    found = {}
    for name in names():
        try:
            entry = plain[name]
            by_family = {f: Longest(entry[f]["levels"], entry[f]["ns"]) for f in FAMILIES}
        except KeyError as error:
            raise TimingError(
                f"{path.name}: {name} has no {error}", "write it: python -m hw.timing.contract"
            ) from error
        reference = kernel_class(name).example(**entry.get("reference", {}))
        found[name] = Contract(reference, by_family)
    return found


def models(kernels: Iterable[str], family: str, jobs: int = 1) -> dict[str, Model]:
    """Timing of the references as they are now. Raises SynthesisError and TimingError."""
    designs = {name: Design.of(load()[name].reference) for name in kernels}
    table = delays.load(family)
    places = netlists(designs, family, jobs, alone=True)
    return {name: of_netlist(path, table) for name, path in places.items()}


def _written(name: str, family: str, new: Longest, text: str) -> str:
    """The table with one number replaced."""
    begins = text.index(f"[{name}]\n")
    ends = text.find("\n[", begins) % (len(text) + 1)
    line = f"{family} = {{ levels = {new.levels}, ns = {new.ns:.2f} }}"
    entry = re.sub(rf"^{family} = .*$", line, text[begins:ends], flags=re.MULTILINE)
    return text[:begins] + entry + text[ends:]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m hw.timing.contract", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("kernel", nargs="*", help="only these; all if none is named")
    parser.add_argument("--family", type=any_case(FAMILIES), action="append", choices=FAMILIES)
    parser.add_argument("--write", action="store_true", help="into the table")
    given = parser.parse_args(arguments)
    slower = False
    try:
        text = FILE.read_text(encoding="utf-8")
        for family in given.family or FAMILIES:
            for name, model in models(given.kernel or names(), family).items():
                found, most = longest(model), load()[name].longest[family]
                slower |= found.ns > most.ns + SLACK_NS
                print(
                    f"{name:18}{family:6}{found.levels:3} LUTs {found.ns:6.2f} ns"
                    f"   by contract {most.levels:3} LUTs {most.ns:6.2f} ns"
                )
                text = _written(name, family, found, text)
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    if given.write:
        with atomic_path(FILE) as part:
            part.write_text(text, encoding="utf-8")
        return 0
    return SLOWER if slower else 0


if __name__ == "__main__":
    sys.exit(main())
