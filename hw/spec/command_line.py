"""What every command line reads alike: names in upper or lower case, and paths."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path


def _folded(name: str) -> str:
    return name.strip().lower().replace("-", "_")


def meant(given: str, known: Iterable[str]) -> str:
    """Returns the one of the known names that was meant: in upper or lower case, with dashes or
    underscores. What is none of them comes back as it is.
    """
    names = list(known)
    alike = [name for name in names if _folded(name) == _folded(given)]
    return given if given in names or not alike else alike[0]


def any_case(known: Iterable[str]) -> Callable[[str], str]:
    """Returns a reader of arguments that are names: see `meant`. It is argparse's `type`."""
    names = tuple(known)
    return lambda text: meant(text, names)


def model_name(text: str) -> str:
    """Reads the name of a model, all of which are in lower case."""
    if not text.strip():
        raise argparse.ArgumentTypeError("no model is named: give CONFIG=nano, pico or tiny")
    return text.strip().lower()


def given_path(text: str) -> Path:
    """Reads a path, whose leading `~` is a home folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty path: name a file or folder, or leave it out")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~ of a user that nobody knows
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def data_path(text: str) -> Path:
    """Reads the path of training or test data, which `make` takes as DATA."""
    if not text.strip():
        raise argparse.ArgumentTypeError(
            "no data is named: give DATA=folder, with videos or stills in it (docs/train.md)"
        )
    return given_path(text)
