"""A surface: what reads files or requests that come from outside, with whole inputs to break and a
way to try one.

An attempt writes the input into a folder of its own and opens it as a user would. It returns where
the input was accepted; what it raises is judged by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Surface:
    """name: of what is read. whole: an input that is accepted. inputs: strategy of broken ones.
    attempt: opens one in a folder.

    prepare: makes the folder ready, once. share: of all inputs, next to the other surfaces.
    """

    name: str
    whole: Callable[[], Any]
    inputs: Callable[[], SearchStrategy[Any]]
    attempt: Callable[[Any, Path], object]
    prepare: Callable[[Path], object] = field(default=lambda folder: None)
    share: float = 1.0


@cache
def tiny() -> Path:
    """The shipped bundle of `tiny`."""
    (folder,) = (ROOT / "bitstreams").glob("tiny_emulated_*")
    return folder


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a whole .npz."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
