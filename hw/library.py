"""Finds kernels: their classes by name, their SystemVerilog files in order of use."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from hw.spec.command_line import meant
from hw.spec.errors import SpecError
from hw.spec.kernel import KERNELS, Kernel

FOLDER = Path(__file__).resolve().parent / "kernels"
COMMON = FOLDER / "common"
"""Modules that are no kernels of their own, and the include files."""
MEMORY = COMMON / "memory"


def names() -> list[str]:
    """Every kernel, that is every module of this folder."""
    return sorted(path.stem for path in FOLDER.glob("*.sv"))


def common_modules() -> list[str]:
    """Returns the names of all modules that kernels share."""
    return sorted(path.stem for path in COMMON.rglob("*.sv"))


def kernel_class(name: str) -> type[Kernel]:
    """The class of a kernel, named in upper or lower case. Raises SpecError, listing the kernels,
    for an unknown name.
    """
    known = names()
    name = meant(name, known)
    if name not in known:
        raise SpecError(f"kernel {name!r}", f"the kernels are {', '.join(known)}")
    import_module(f"{__package__}.kernels.{name}")
    return KERNELS[name]


def module_file(name: str) -> Path:
    """Returns the file that defines a module. Raises SpecError where none does."""
    for folder in (FOLDER, COMMON, MEMORY):
        path = folder / f"{name}.sv"
        if path.exists():
            return path
    raise SpecError(f"module {name!r}", f"no {name}.sv in {FOLDER.name} or {COMMON.name}")


def sources(name: str) -> list[Path]:
    """SystemVerilog files of a kernel, used ones before their users, each once."""
    order: dict[str, None] = {}

    def visit(module: str) -> None:
        if module in order:
            return
        for part in _parts(module):
            visit(part)
        order[module] = None

    visit(name)
    return [module_file(module) for module in order]


def input_ports(name: str) -> list[str]:
    """Returns the names of a module's inputs, in order."""
    text = re.sub(r"//[^\n]*", "", module_file(name).read_text(encoding="utf-8"))
    return re.findall(r"\binput\s+wire\s+logic\s*(?:\[[^]]*\]\s*)*(\w+)", text)


def _parts(module: str) -> tuple[str, ...]:
    if module in names():
        return kernel_class(module).parts
    return COMMON_PARTS.get(module, ())


COMMON_PARTS: dict[str, tuple[str, ...]] = {
    "attention_weights": ("skid", "rowexp", "fifo"),
    "rom": ("rom64",),
    "mac_array": ("adder_tree", "mac_packed", "mac_split", "mul_lut"),
}
"""What modules of `common` instantiate, where they do."""
