"""A bar shows how far work of many equal parts is, which takes minutes to an hour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

EVERY_S = 60.0
"""Two lines are so many seconds apart where nobody sees a bar: in a file, say."""


@contextmanager
def counted(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Yields a function to be told how many parts of how many are done; a bar shows them with the
    time that is left, on a terminal all the time, elsewhere once a minute.
    """
    with tqdm(desc=what, unit=f" {unit}", dynamic_ncols=True) as bar:
        if not bar.fp.isatty():
            bar.mininterval = EVERY_S

        def say(done: int, count: int) -> None:
            if bar.total != count:
                bar.total = count
                bar.refresh()
            bar.update(done - bar.n)

        yield say
