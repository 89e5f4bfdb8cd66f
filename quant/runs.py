"""What a run of training was asked for: kept beside its results in `<run>/run.json`, compared when
the run goes on. A stage that other data or another recipe made is no result of this run.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from hw.spec.errors import SamFabricError
from hw.spec.files import atomic_path, sha256_of

SETTINGS = "run.json"
DATA = "DATA"
"""The name of the training data among a run's settings; its value begins with the hash."""
NOTHING = "-"
REMEDY = (
    "ask for the same, name another run folder (`--run`, RUN=), or begin this one anew (RESUME=0)"
)


class RunError(SamFabricError):
    """A run's results belong to another data set or recipe than was asked for."""


def warn(message: str) -> None:
    """Say on the error output what is not known or not as it should be."""
    print(f"warning: {message}", file=sys.stderr)


def digest(lines: Iterable[str]) -> str:
    """Returns the SHA-256, in hex, of lines of text."""
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def file_hash(path: Path | None) -> str:
    """Hash of a file that weights started from; NOTHING where there is none."""
    return sha256_of(path)[:16] if path is not None and path.is_file() else NOTHING


def check_settings(run: Path, asked: Mapping[str, str], results: Iterable[Path]) -> None:
    """That a run which goes on was begun with the same settings, by name as the user gives them.

    results: files of its stages. Where they are there and their settings are not, a warning says
    so. Raises RunError, naming all that differs.
    """
    path = run / SETTINGS
    if not path.is_file():
        if any(result.exists() for result in results):
            warn(
                f"{run} does not say on which data and by which recipe its stages were trained; "
                "they count as this run's"
            )
        return
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        before = {str(name): str(value) for name, value in kept.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"{path} cannot be read ({error})", REMEDY) from error
    differing = [name for name in asked if before.get(name, asked[name]) != asked[name]]
    if differing:
        told = ", ".join(f"{name} was {before[name]}, now {asked[name]}" for name in differing)
        raise RunError(f"the run {run} was begun otherwise: {told}", REMEDY)


def began_with(run: Path, weights: Path) -> bool:
    """Tells whether a run says that it started from the weights in this file."""
    try:
        kept = json.loads((run / SETTINGS).read_text(encoding="utf-8"))
        return bool(kept["START"] == file_hash(weights) != NOTHING)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def keep_settings(run: Path, asked: Mapping[str, str]) -> None:
    """Write down what a run was asked for."""
    with atomic_path(run / SETTINGS) as scratch:
        scratch.write_text(json.dumps(dict(asked), indent=1) + "\n", encoding="utf-8")
