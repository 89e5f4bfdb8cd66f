"""Typed errors of the host: each names the bad value and the remedy."""

from __future__ import annotations

from hw.spec.errors import BundleError, SamFabricError, SpecError

__all__ = [
    "BundleError",
    "DeviceError",
    "FrameError",
    "PromptError",
    "SamFabricError",
    "SavedSessionError",
    "SourceError",
    "SpecError",
    "UnknownNameError",
    "UnknownObjectError",
    "UsageError",
]


class SourceError(SamFabricError):
    """A video, folder of frames or camera is missing, corrupt or empty."""


class FrameError(SamFabricError):
    """A frame is empty, of the wrong type, or changed its size mid-stream."""


class SavedSessionError(SamFabricError):
    """A saved session is missing, damaged, or of another model."""


class PromptError(SamFabricError):
    """A prompt lies outside the frame, has the wrong shape, or says nothing."""


class UnknownObjectError(SamFabricError):
    """An object id that the session does not track."""


class UnknownNameError(SamFabricError, AttributeError, KeyError):
    """A method, field or key that an object of another library's name does not have."""


class DeviceError(SamFabricError):
    """A device is unknown, cannot be opened, or refuses its input."""


class UsageError(SamFabricError):
    """Command-line options that contradict each other or need one another."""
