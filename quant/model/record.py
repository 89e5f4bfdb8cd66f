"""`python -m quant.model.record --config nano`: write into shipped checkpoints which image encoder
they belong to. Needed once, for checkpoints from before training recorded it.

Run it only on checkpoints that were trained together: it takes their word for it. Headers change,
weights stay as they are.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from safetensors.torch import load_file, save_file

from hw.spec.command_line import given_path, model_name
from hw.spec.files import atomic_path
from quant.commands import exit_code
from quant.config import CONFIGS, PRECISIONS, get_config
from quant.model.provenance import SHOWN, ProvenanceError, Trained, encoder_hash
from quant.model.tracker import CHECKPOINTS, load_checkpoint, read_header


def record(config: str, folder: Path = CHECKPOINTS) -> list[Path]:
    """Write the hashes of the quantized and the float image encoder into the trackers and detectors
    of a configuration; returns the files that changed.

    Raises CheckpointError, and ProvenanceError where one names another encoder already.
    """
    name = get_config(config).name
    codes, floats = (
        load_checkpoint(folder / f"{name}_{precision}.safetensors", name).image_encoder
        for precision in ("w4a4", "float")
    )
    stated = {"encoder": encoder_hash(codes), "float_encoder": encoder_hash(floats)}
    changed = []
    for part in ("", "detector_"):
        for precision in PRECISIONS:
            path = folder / f"{name}_{part}{precision}.safetensors"
            # A float tracker is older than the quantized one that is made from it.
            own = stated if part or precision == "w4a4" else {"encoder": stated["float_encoder"]}
            if path.is_file() and _write(path, own):
                changed.append(path)
    return changed


def _write(path: Path, stated: dict[str, str]) -> bool:
    header = read_header(path)
    kept = Trained.from_header(header.get("trained", ""))
    for key, now in stated.items():
        before = kept.known().get(key, now)
        if before != now:
            raise ProvenanceError(
                f"{path} names {key} {before[:SHOWN]}, the tracker beside it has {now[:SHOWN]}",
                "these were not trained together: give the folder of those that were",
            )
    whole = replace(kept, **stated)
    if whole == kept:
        return False
    with atomic_path(path) as scratch:
        save_file(load_file(path), scratch, metadata=header | {"trained": whole.to_header()})
    return True


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code, 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m quant.model.record", description=__doc__)
    parser.add_argument(
        "--config", type=model_name, default="nano", help=f"one of {', '.join(CONFIGS)}"
    )
    parser.add_argument("--folder", type=given_path, default=CHECKPOINTS, help="(%(default)s)")
    args = parser.parse_args(argv)

    def work() -> None:
        for path in record(args.config, args.folder):
            print(path)

    return exit_code(work)


if __name__ == "__main__":
    raise SystemExit(main())
