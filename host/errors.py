"""The host's errors have a type each, and each names the bad value and the remedy."""

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
    """An object id is not one that the session tracks."""


class UnknownNameError(SamFabricError, AttributeError, KeyError):
    """An object that stands for another library's lacks the method, field or key that was asked
    for.
    """


class DeviceError(SamFabricError):
    """A device is unknown, cannot be opened, or refuses its input."""


class UsageError(SamFabricError):
    """Options of the command line contradict each other or need one another."""
