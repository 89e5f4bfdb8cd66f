"""Fixtures of the host's tests."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from tests.host.fake_device import FakeDevice
from tests.host.scenes import both_frame


@pytest.fixture
def device() -> FakeDevice:
    return FakeDevice()


@pytest.fixture
def clip_folder(tmp_path: Path) -> Path:
    """Ten frames of a red and a blue square as PNGs whose names need natural order."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(10):
        picture = cv2.cvtColor(both_frame(index), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"f{index + 5}.png"), picture)
    return folder
