"""PyAV is imported when a video file is opened: PYNQ-Z2's Python has no wheel of it, and cameras
and folders of pictures do without.
"""

from __future__ import annotations

from typing import Any

from host.errors import SourceError


def libav() -> Any:
    """The module `av` is returned. Raises SourceError where it is not installed."""
    try:
        import av
    except ModuleNotFoundError as error:
        raise SourceError(
            "video files need the Python package av, which is not installed",
            "pip install av, or give a camera or a folder of pictures",
        ) from error
    return av


def library_errors(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """The exceptions that PyAV raises for a file it cannot read, and `more`."""
    return (libav().error.FFmpegError, ValueError, *more)
