"""Markdown that programs write, with its paragraphs wrapped as the hand-written pages' are."""

from __future__ import annotations

import textwrap

WIDTH = 120
"""Characters of a line, but in tables and programs."""


def wrapped(text: str) -> str:
    """Returns a page with its long lines wrapped: paragraphs and items of lists, not headings, nor
    rows of tables, nor lines of programs between fences.
    """
    lines: list[str] = []
    program = False
    for line in text.splitlines():
        program ^= line.startswith("```")
        if len(line) <= WIDTH or program or line.startswith(("|", "#")):
            lines.append(line)
            continue
        item = "  " if line.startswith("- ") else ""
        lines += textwrap.wrap(
            line,
            WIDTH,
            subsequent_indent=item,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join([*lines, ""])
