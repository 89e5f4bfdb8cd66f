"""The notebooks, for `pynq get-notebooks samfabric` (entry point `pynq.notebooks`): in a clone
those of the folder notebooks/, in an installed package what was packed beside this file. Importing
it loads nothing of the board.
"""

from pathlib import Path

_CLONE = Path(__file__).resolve().parents[2] / "notebooks"
if (Path(__file__).resolve().parents[2] / "pyproject.toml").is_file() and _CLONE.is_dir():
    __path__ = [str(_CLONE)]
