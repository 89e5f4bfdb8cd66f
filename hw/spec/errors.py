"""The root of the project's error types: one message that names the value, one remedy."""

from __future__ import annotations


class SamFabricError(Exception):
    """Base of every error that bad input can cause.

    message: what is wrong, naming the offending value.
    remedy:  what the user can do about it ("" where nothing can be advised).
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


class SpecError(SamFabricError):
    """A value breaks the contract between the parts: type, range, shape or scale."""


class BundleError(SamFabricError):
    """A bundle folder is missing, incomplete, altered or of an unknown format."""
