"""The register map as tables, read off `hw/spec/registers.py`, its only source."""

from __future__ import annotations

import re
import sys
from enum import IntFlag
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
    """Tables in Markdown: the constants of the window, its registers, the words of an end, the bits
    of each of them.
    """
    banks = " and ".join(
        f"`{bank:#x} + {registers.END_BYTES:#x} n` for {bank.name.lower()[:-1]} end n"
        for bank in registers.Bank
    )
    lines = [
        f"Version {registers.VERSION} of the map. The window is {1 << registers.ADDRESS_BITS} "
        f"bytes; a mover has at most {registers.MOST_ENDS} ends of a kind.",
        "",
        "## Registers",
        *_table(),
        "",
        "## Words of an end",
        "",
        f"Read only, from {banks}:",
        "",
        "| offset | word | meaning |",
        "|---|---|---|",
    ]
    said = comments("EndWord")
    lines += [
        f"| `{word:#04x}` | `{word.name}` | {said[word.name]} |" for word in registers.EndWord
    ]
    return "\n".join([*lines, *_bits()])


def _table() -> list[str]:
    """Returns the table of the registers in Markdown."""
    lines = ["", "| offset | register | access | meaning |", "|---|---|---|---|"]
    access, said = "", comments("Register")
    for register in registers.Register:
        kind, _, text = said[register.name].partition(": ")
        if kind in ACCESS:
            access = ACCESS[kind]
        else:  # the upper half of the register before
            text = said[register.name] or "upper 32 bits of the register before"
        lines.append(f"| `{register:#04x}` | `{register.name}` | {access} | {text} |")
    return lines


def _bits() -> list[str]:
    """The bits of those registers that have some."""
    lines: list[str] = []
    for kind in vars(registers).values():
        if (
            isinstance(kind, type)
            and issubclass(kind, IntFlag)
            and kind.__module__ == registers.__name__
        ):
            lines += ["", f"## Bits of {kind.__name__.upper()}", ""]
            lines += ["| bit | name | meaning |", "|---|---|---|"]
            said = comments(kind.__name__)
            for flag in kind:
                place = int(flag).bit_length() - 1
                lines.append(f"| {place} | `{flag.name}` | {said[flag.name]} |")
    return lines
