"""An installed package brings all files that its modules read."""

from fnmatch import fnmatch
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent.parent


def test_all_that_modules_read_is_package_data():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    data = project["tool"]["setuptools"]["package-data"]
    files = [p for part in ("hw", "sim", "host") for p in (ROOT / part).rglob("*.*")]
    read = [p for p in files if p.is_file() and "__pycache__" not in p.parts]
    missing = []
    for path in read:
        package = ".".join(("samfabric", *path.relative_to(ROOT).parent.parts))
        patterns = ["*.py", "*.md", *data["*"], *data.get(package, [])]
        if not any(fnmatch(path.name, pattern) for pattern in patterns):
            missing.append(str(path.relative_to(ROOT)))
    assert read and missing == []
