"""How the package's commands end: an error of the project in one line and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable

from hw.spec.errors import SamFabricError


def exit_code(work: Callable[[], object], debug: bool = False) -> int:
    """0 when `work` is done, 2 when it raises a SamFabricError, whose message is printed.

    debug: raise it instead.
    """
    try:
        work()
    except SamFabricError as error:
        if debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
