"""The register map as a table, read off `hw/spec/registers.py`, the map's only source."""

from __future__ import annotations

import re
import sys
from enum import IntEnum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from hw.spec import registers  # noqa: E402  # mkdocs starts outside the repository's packages

MARKER = "<!-- register map -->"
ENTRY = re.compile(r"^    ([A-Z][A-Z0-9_]*) = [^#\n]+(?:#\s*(.*))?$")
ACCESS = {"ro": "read", "wo": "write", "rw": "read, write"}


def comments(name: str) -> dict[str, str]:
    """What the source says beside each member of a class: member -> comment."""
    source = Path(registers.__file__).read_text(encoding="utf-8")
    body = re.split(rf"^class {name}\b.*$", source, flags=re.MULTILINE)[1]
    body = re.split(r"^\S", body, maxsplit=1, flags=re.MULTILINE)[0]
    found = (ENTRY.match(line) for line in body.splitlines())
    return {match[1]: match[2] or "" for match in found if match}


def register_map() -> str:
    """Tables in Markdown: the constants of the window, its registers, the bits of each of them."""
    lines = [
        f"Version {registers.VERSION} of the map. The window is {1 << registers.ADDRESS_BITS} "
        f"bytes ({registers.ADDRESS_BITS} address bits); a system has at most "
        f"{registers.CHANNELS} stream channels in each direction.",
        "",
        "## Registers",
        "",
        "| offset | register | access | meaning |",
        "|---|---|---|---|",
    ]
    access = ""
    said = comments("Register")
    for register in registers.Register:
        kind, _, text = said[register.name].partition(": ")
        if kind in ACCESS:
            access = ACCESS[kind]
        else:  # the upper half of the register before
            text = said[register.name] or "upper 32 bits of the register before"
        lines.append(f"| `{register:#04x}` | `{register.name}` | {access} | {text} |")
    for kind in vars(registers).values():
        if isinstance(kind, type) and issubclass(kind, IntEnum | int) and _is_flags(kind):
            lines += ["", f"## Bits of {kind.__name__.upper()}", ""]
            lines += ["| bit | name | meaning |", "|---|---|---|"]
            said = comments(kind.__name__)
            for flag in kind:
                place = int(flag).bit_length() - 1
                lines.append(f"| {place} | `{flag.name}` | {said[flag.name]} |")
    return "\n".join(lines)


def _is_flags(kind: type) -> bool:
    return kind.__module__ == registers.__name__ and kind is not registers.Register
