"""What finn and qonnx need around every call: settings before the first import, quiet output."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

from hw.lower.errors import LoweringError

OPS = "hw.lower.finn.ops"
"""Domain of this project's custom ops; qonnx finds them by importing the module of that name."""
HARDWARE = "finn.custom_op.fpgadataflow"
"""Domain of FINN's hardware layers."""
HLS = f"{HARDWARE}.hls"
"""Domain of those that FINN makes by HLS."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps finn and qonnx, which print and warn at every pass, from the terminal."""
    logging.getLogger().setLevel(logging.ERROR)
    logging.getLogger("finn_logger").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def prepare() -> None:
    """Before anything of finn is imported: it reads its settings at import.

    Raises LoweringError when finn is not installed.
    """
    try:
        from finn.util.settings import initialize_dummy_settings
    except ImportError as error:
        raise LoweringError(
            "graph", "finn", f"cannot be imported: {error}", "make setup"
        ) from error
    initialize_dummy_settings()


def declare_domains(model: Any) -> None:
    """Imports of exactly the operator sets that nodes come from, which FINN's passes leave out."""
    from onnx import helper

    imports = model.model.opset_import
    used = {n.domain for n in model.graph.node}
    for entry in [e for e in imports if e.domain and e.domain not in used]:
        imports.remove(entry)
    have = {e.domain for e in imports}
    imports.extend(helper.make_opsetid(d, 1) for d in sorted(used - have))
