"""The error of everything that reads training or scoring data."""

from __future__ import annotations

from hw.spec.errors import SamFabricError


class DataError(SamFabricError, ValueError):
    """Data that is missing, misplaced or unreadable: names the path and the remedy."""
