"""An installed package brings all files that its modules read."""

from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent.parent


def test_all_that_modules_read_is_package_data():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    stated = project["tool"]["setuptools"]["package-data"]
    patterns = {pattern for patterns in stated.values() for pattern in patterns}
    files = [p for part in ("hw", "sim", "host") for p in (ROOT / part).rglob("*.*")]
    read = {f"*{p.suffix}" for p in files if "__pycache__" not in p.parts and p.is_file()}
    assert read - {"*.py", "*.md"} <= patterns
