"""This module finds AMD's open headers of HLS types: ap_int.h, hls_stream.h (Apache-2.0).

They come with the Python package hls4ml, of which nothing else is used, so that its own
dependencies need not be installed.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from hw.spec.errors import SamFabricError

PACKAGE = "hls4ml"
NEEDED = ("ap_int.h", "hls_stream.h")
_FOLDER = "templates/vivado/ap_types"


class HeadersError(SamFabricError):
    """The headers of HLS types are not there."""


def type_headers() -> Path:
    """Folder with the headers. Raises HeadersError, with how to install them, where it is not."""
    remedy = f"install them: pip install --no-deps {PACKAGE}"
    try:
        listed = files(PACKAGE) or []
    except PackageNotFoundError:
        raise HeadersError("the headers of HLS types (ap_int.h) are missing", remedy) from None
    for path in listed:
        if path.as_posix().endswith(f"{_FOLDER}/{NEEDED[0]}"):
            folder = Path(str(path.locate())).parent
            lacking = [name for name in NEEDED if not (folder / name).is_file()]
            if not lacking:
                return folder
            raise HeadersError(f"{folder} has no {', '.join(lacking)}", remedy)
    raise HeadersError(f"the package {PACKAGE} holds no {_FOLDER}", remedy)
