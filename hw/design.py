"""A module to be simulated, checked or synthesised: files, parameters, memory contents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hw.library import COMMON, sources
from hw.spec.kernel import Kernel, RomImage


@dataclass(frozen=True)
class Design:
    """A top module with everything that decides how it behaves."""

    top: str
    files: tuple[Path, ...]
    parameters: Mapping[str, int | str]
    memories: Mapping[str, RomImage]

    @classmethod
    def of(cls, kernel: Kernel) -> Design:
        return cls(kernel.name, tuple(sources(kernel.name)), kernel.parameters(), kernel.memories())

    def digest(self, *more: str) -> str:
        """Returns a hash over file contents, parameters, memory contents and `more`."""
        hashed = hashlib.sha256(json.dumps([self.top, dict(self.parameters), more]).encode())
        for path in (*self.files, *sorted(COMMON.glob("*.svh"))):
            hashed.update(path.name.encode() + path.read_bytes())
        for name, memory in self.memories.items():
            hashed.update(name.encode() + memory.hex().encode())
        return hashed.hexdigest()[:16]

    def write_memories(self, folder: Path) -> dict[str, str]:
        """Writes the ROMs as files into `folder` and returns their paths by parameter."""
        paths = {}
        for name, memory in self.memories.items():
            path = folder / f"{name.lower()}.hex"
            path.write_text(memory.hex(), encoding="utf-8")
            paths[name] = str(path)
        return paths
