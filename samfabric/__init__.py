"""SamFabric's public names, which `samfabric.api` lists, are each loaded at their first use.

from samfabric import Prompt, Session, open_device
session = Session(open_device("golden"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samfabric.api import *  # noqa: F403


def __getattr__(name: str) -> Any:
    if name.startswith("_") and name != "__all__":
        raise AttributeError(f"module 'samfabric' has no attribute {name!r}")
    api = import_module("samfabric.api")

    if name != "__all__" and name not in api.__all__:
        raise AttributeError(f"module 'samfabric' has no attribute {name!r}")
    return getattr(api, name)


def __dir__() -> list[str]:
    api = import_module("samfabric.api")

    return sorted({*globals(), *api.__all__})
