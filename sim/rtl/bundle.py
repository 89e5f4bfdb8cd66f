"""Opens the hardware of a bundle in simulation."""

from __future__ import annotations

from pathlib import Path

from hw.design import Design
from hw.spec.hardware import Hardware
from sim.rtl.build import Say, build
from sim.rtl.system import RtlSystem

MODULES = (".sv", ".v", ".svh", ".vh")
ROM = ".hex"


def open_bundle(folder: Path, hardware: Hardware, say: Say, water: bool = False) -> RtlSystem:
    """The system of a bundle, reset. Arguments and errors as `compiled`."""
    return RtlSystem(*compiled(folder, hardware, say, water))


def compiled(
    folder: Path, hardware: Hardware, say: Say, water: bool = False
) -> tuple[Path, Path | None]:
    """Returns (library of a bundle's system, folder of its ROMs). A file `<name>.hex` among the
    sources is the memory that the top's parameter <NAME> asks for, if it has one; else the modules
    name it themselves.

    say: hears of the compilation, if there is one. water: record how full every FIFO gets.
    Raises SimulatorError where the sources cannot be compiled.
    """
    files = tuple(folder / name for name in hardware.sources if name.endswith(MODULES))
    top = next((path for path in reversed(files) if path.stem == hardware.top), files[-1])
    text = top.read_text(encoding="utf-8")
    roms = [Path(name).stem for name in hardware.sources if name.endswith(ROM)]
    named = {rom.upper(): rom + ROM for rom in roms if f"parameter {rom.upper()} " in text}
    design = Design(hardware.top, files, named, {})
    library = build(design, hardware.word_bytes, water, say)
    places = {(folder / name).parent for name in hardware.sources if name.endswith(ROM)}
    return library, places.pop() if places else None
