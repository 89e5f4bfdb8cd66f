"""The scores that shipped checkpoints are known to have: `quant/checkpoints/scores.json`, which
`quant.scoring.card` writes beside the model cards.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hw.spec.files import atomic_path
from hw.spec.plain import read_json

NAME = "scores.json"
COPIED = 35.8
"""J&F on DAVIS dev, in per cent, of copying the first mask into every frame."""


def keep(folder: Path, config: str, split: str, scores: dict[str, float]) -> None:
    """Writes down J&F in per cent, with a mask as prompt, by precision."""
    known = _known(folder)
    known[config] = {"split": split, **{name: round(jf, 1) for name, jf in scores.items()}}
    with atomic_path(folder / NAME) as part:
        part.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def caution(folder: Path, config: str, precision: str) -> str | None:
    """Returns a line about weights that track worse than copying the first mask would; None for
    others, and where no score is recorded.
    """
    entry = _known(folder).get(config, {})
    jf = entry.get(precision)
    if jf is None or jf >= COPIED:
        return None
    return (
        f"{config} {precision} is recorded with J&F {jf:g} on {entry['split']}, copying the first "
        f"mask gives {COPIED:g}: these weights are for tests of hardware, not for tracking "
        f"({config}.md)"
    )


def _known(folder: Path) -> dict[str, Any]:
    path = folder / NAME
    return dict(read_json(path)) if path.is_file() else {}
