"""The memory bank of one object keeps ready keys and values in fixed storage and assembles them
each frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.policy import AGE_LANES, Entry, retained, select
from host.spec import ModelSpec

Allocate = Callable[[tuple[int, ...], DTypeLike], NDArray[Any]]


class MemoryBank:
    """A bank stores an object's memories first in, first out, in memory that the device can read.

    Everything is allocated when the bank is made: storage for `policy.slots` memories and one
    buffer of the longest L that can be assembled. Neither grows nor is reallocated as frames go by.
    """

    def __init__(self, spec: ModelSpec, allocate: Allocate) -> None:
        policy = spec.policy
        ports = spec.ports["memory_attention"].inputs
        key_type = ports["memory_keys"].storage
        value_type = ports["memory_values"].storage
        self._policy = policy
        self._tokens = spec.coarse**2
        self._ages = spec.tables.age_codes.astype(key_type)
        # Row 0 .. G*G-1 of a slot is the spatial memory, the last row its object pointer.
        rows = self._tokens + 1
        self._keys = allocate((policy.slots, rows, spec.key_width), key_type)
        self._values = allocate((policy.slots, rows, spec.value_width), value_type)
        longest = (policy.recent + policy.prompted) * self._tokens + policy.obj_ptrs
        self._all_keys = allocate((1, 1, longest, spec.key_width), key_type)
        self._all_values = allocate((1, 1, longest, spec.value_width), value_type)
        self._history: list[Entry] = []
        self._slots: list[int] = []
        self._looks: list[NDArray[np.float32] | None] = []

    def __len__(self) -> int:
        return len(self._history)

    @property
    def history(self) -> tuple[Entry, ...]:
        """Returns the entries that the bank holds, in the order in which they were written."""
        return tuple(self._history)

    @property
    def looks(self) -> tuple[NDArray[np.float32] | None, ...]:
        """Returns by entry what the object looked like (`host.recurrence.look`), None where that
        was not asked for or the mask was empty.
        """
        return tuple(self._looks)

    @property
    def nbytes(self) -> int:
        """Returns the bytes that the storage takes, which stay the same for the bank's life."""
        arrays = (self._keys, self._values, self._all_keys, self._all_values)
        return sum(array.nbytes for array in arrays)

    def clear(self) -> None:
        """Forgets every entry; the storage stays allocated."""
        self._history.clear()
        self._slots.clear()
        self._looks.clear()

    def storage(self) -> tuple[tuple[str, DTypeLike, int], tuple[str, DTypeLike, int]]:
        """Returns the name, the type and the width of the bank's keys, then those of its values."""
        keys, values = self._keys, self._values
        return ("keys", keys.dtype, keys.shape[2]), ("values", values.dtype, values.shape[2])

    def snapshot(self) -> tuple[tuple[Entry, ...], NDArray[Any], NDArray[Any]]:
        """Returns the entries in the order of writing, with copies of their keys (n, G*G + 1, Ck)
        and values (n, G*G + 1, Cv), in which the object pointer comes last.
        """
        return self.history, self._keys[self._slots], self._values[self._slots]

    def restore(
        self,
        history: Sequence[Entry],
        keys: NDArray[Any],
        values: NDArray[Any],
        looks: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> None:
        """Takes over what `snapshot` and `looks` returned. Raises ValueError for entries that no
        bank could hold.
        """
        frames = {entry.frame for entry in history}
        kept = retained(history, self._policy)
        if len(frames) != len(history) or kept != list(range(len(history))):
            raise ValueError(f"memories of frames {sorted(frames)}")
        self._history, self._slots = list(history), list(range(len(history)))
        self._looks = [None] * len(history) if looks is None else list(looks)
        self._keys[: len(history)] = keys
        self._values[: len(history)] = values

    def write(
        self,
        frame: int,
        prompted: bool,
        keys: NDArray[Any],
        values: NDArray[Any],
        obj_ptr: NDArray[Any],
        look: NDArray[np.float32] | None = None,
    ) -> None:
        """Remembers one frame, in place of what was remembered of the same frame before.

        keys (1, 1, G*G, Ck) and values (1, 1, G*G, Cv) are what the memory encoder returned,
        obj_ptr (Ck + Cv,) is the mask decoder's. All of them are copied. look is kept as it is.
        """
        self.forget(frame)
        # Forget first what can never be read again, so that a slot is free.
        self._history.append(Entry(frame, prompted))
        self._looks.append(look)
        keep = retained(self._history, self._policy)
        self._history[:] = [self._history[i] for i in keep]
        self._looks[:] = [self._looks[i] for i in keep]
        self._slots[:] = [self._slots[i] for i in keep[:-1]]
        slot = next(i for i in range(self._policy.slots) if i not in self._slots)
        self._slots.append(slot)
        width = self._keys.shape[2]
        self._keys[slot, :-1] = keys[0, 0]
        self._values[slot, :-1] = values[0, 0]
        self._keys[slot, -1] = obj_ptr[:width]
        self._values[slot, -1] = obj_ptr[width:]

    def forget(self, frame: int) -> None:
        """Drops what is remembered of a frame, if anything is."""
        for index in range(len(self._history) - 1, -1, -1):
            if self._history[index].frame == frame:
                del self._history[index], self._slots[index], self._looks[index]

    def assemble(self, now: int) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Returns the keys (1, 1, L, Ck) and values (1, 1, L, Cv) that frame `now` reads, or None
        while the bank is empty.

        Both are views of the bank's own buffer and stay valid until the next call. The last 8 lanes
        of each key carry the age code of its kind and frame distance.
        """
        chosen = select(self._history, now, self._policy)
        end = 0
        for rows, entries in (
            (slice(0, self._tokens), chosen.spatial),
            (slice(self._tokens, None), chosen.obj_ptrs),
        ):
            for index, kind, bucket in entries:
                slot = self._slots[index]
                keys = self._keys[slot, rows]
                part = slice(end, end + len(keys))
                self._all_keys[0, 0, part] = keys
                self._all_keys[0, 0, part, -AGE_LANES:] = self._ages[kind, bucket]
                self._all_values[0, 0, part] = self._values[slot, rows]
                end = part.stop
        if not end:
            return None
        return self._all_keys[:, :, :end], self._all_values[:, :, :end]
