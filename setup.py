"""What a wheel holds: one package, `samfabric`, with the parts that tracking needs below it.

An editable install keeps the repository's top-level packages (host, hw, quant, sim). A wheel has
them as samfabric.host, samfabric.hw and samfabric.sim, with their imports rewritten to match and
with the `nano` bundle as samfabric/bitstreams; training and lowering stay in the repository.
"""

import ast
import shutil
import sys
from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.build_py import build_py

NAME = "samfabric"
PARTS = ("host", "hw", "quant", "sim")
REPOSITORY = [NAME, *(f"{part}{end}" for part in PARTS for end in ("", ".*"))]
SHIPPED = ["host", "host.*", "hw", "hw.spec", "hw.ops", "hw.kernels", "hw.kernels.common"]
SHIPPED += ["hw.kernels.common.memory", "hw.hls", "sim", "sim.csim", "sim.rtl"]
OWN = ["bitstreams", "notebooks", "overlays"]
CACHED = ["*__pycache__*"]
LEFT_OUT = {("hw", "board"), ("hw", "synth"), ("sim", "lint"), ("sim", "toolchain")}
LEFT_OUT |= {("hw.hls", name) for name in ("accelerator", "module", "project", "testbench")}
LEFT_OUT |= {("sim.csim", name) for name in ("check", "synthesis")}
"""Modules of shipped packages that serve the building of hardware only."""


def installed_imports(source: bytes, name: str) -> bytes:
    """The source with its absolute imports of the project's parts moved below samfabric.

    Raises ValueError for an import whose meaning the prefix would change (`import hw.board`).
    """
    lines = source.splitlines(keepends=True)
    places = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            if (node.module or "").partition(".")[0] in PARTS:
                places.append((node.lineno - 1, node.col_offset + len("from ")))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] in PARTS:
                    raise ValueError(f"{name}:{node.lineno}: write `from ... import` instead")
    for line, column in sorted(places, reverse=True):
        text = lines[line]
        lines[line] = text[:column] + f"{NAME}.".encode() + text[column:]
    return b"".join(lines)


class BuildPackage(build_py):
    """Copies modules into the wheel with rewritten imports."""

    def run(self) -> None:
        if not self.editable_mode:  # what an earlier build left would be packed too
            shutil.rmtree(Path(self.build_lib, NAME), ignore_errors=True)
        super().run()
        if not self.editable_mode:
            for notebook in sorted(Path("notebooks").glob("*.ipynb")):
                shutil.copy(notebook, Path(self.build_lib, NAME, "notebooks"))

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        found: list[tuple[str, str, str]] = super().find_package_modules(package, package_dir)
        left_out = {(f"{NAME}.{part}", module) for part, module in LEFT_OUT}
        return [entry for entry in found if entry[:2] not in left_out]

    def build_module(self, module: str, module_file: str, package: str) -> tuple[str, bool]:
        outcome: tuple[str, bool] = super().build_module(module, module_file, package)
        path = Path(outcome[0])
        path.write_bytes(installed_imports(path.read_bytes(), str(module_file)))
        return outcome


package_dir: dict[str, str] = {}
if "editable_wheel" in sys.argv:
    packages = find_namespace_packages(include=REPOSITORY, exclude=CACHED)
else:
    shipped = find_namespace_packages(include=SHIPPED, exclude=CACHED)
    packages = [NAME, *(f"{NAME}.{package}" for package in (*OWN, *shipped))]
    package_dir = {f"{NAME}.{part}": part for part in ("host", "hw", "sim")}
    package_dir[f"{NAME}.bitstreams"] = "bitstreams"

setup(cmdclass={"build_py": BuildPackage}, packages=packages, package_dir=package_dir)
