"""The file of a graph's setup stream: what its memories hold that no bitstream fills."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.errors import BundleError
from hw.spec.hardware import GraphHardware


def setup_bytes(folder: Path, entry: GraphHardware) -> NDArray[np.uint8]:
    """Returns the bytes of a graph's setup stream, none where it has no stream. Raises BundleError
    for a file that is missing or of another size.
    """
    if entry.setup is None or entry.setup_file is None:
        return np.zeros(0, np.uint8)
    path = folder / entry.setup_file
    try:
        content = np.fromfile(path, np.uint8)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}", "run make hardware again") from error
    if content.size != entry.setup.beats:
        raise BundleError(
            f"{path} has {content.size} bytes, {entry.setup.beats} are needed",
            "run make hardware again",
        )
    return content
