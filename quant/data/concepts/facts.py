"""What is known of the sources of named instances, from `sources.toml`: their classes, the
concepts that they mark wherever they occur, and the names that are another concept's phrase.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomllib

FACTS: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("sources.toml").read_text(encoding="utf-8")
)
COCO: list[str] = FACTS["coco"]["names"]
"""COCO's classes in the order of their numbers."""


def canonical(name: str) -> str:
    """The vocabulary's name of a source's class."""
    return FACTS["canonical"].get(name, name)


COCO_CONCEPTS = frozenset({canonical(name) for name in COCO} | set(FACTS["coco"]["kinds"]))
"""The concepts that COCO marks wherever they occur."""
