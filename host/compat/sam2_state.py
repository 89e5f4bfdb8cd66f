"""SAM 2's scripts use a predictor's state as a dictionary; this state can be read by those keys as
well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from host.errors import UnknownNameError
from host.names import Named, advice


class KeyedState(Named):
    """The state answers `state[key]`, `key in state`, `state.get(key)` and `state.keys()` for its
    `KEYS`.
    """

    KEYS: tuple[str, ...] = ()

    def __getitem__(self, key: str) -> Any:
        if key not in self.KEYS:
            raise UnknownNameError(f"a state has no {key!r}", advice(key, self.KEYS))
        return getattr(self, key)

    def __contains__(self, key: object) -> bool:
        return key in self.KEYS

    def __iter__(self) -> Iterator[str]:
        return iter(self.KEYS)

    def __len__(self) -> int:
        return len(self.KEYS)

    def keys(self) -> tuple[str, ...]:
        """Returns the names that can be read."""
        return self.KEYS

    def get(self, key: str, default: Any = None) -> Any:
        """Returns what stands under a key, or the default where nothing does."""
        return getattr(self, key) if key in self.KEYS else default
