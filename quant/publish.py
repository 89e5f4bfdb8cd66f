"""`python -m quant.publish`: ship what a run found. Nothing else writes shipped checkpoints.

The last float and the last quantized stage of a run become
`<out>/<config>_<precision>.safetensors`, the quantized one settled clear of rounding first
(quant.settle).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quant.commands import exit_code
from quant.config import CONFIGS, get_config
from quant.model import CHECKPOINTS, CheckpointError, load_checkpoint, save_checkpoint
from quant.recipe import RECIPES
from quant.settle import settle


def publish(config: str, run: Path, out: Path) -> list[Path]:
    """Ship a run's weights; returns the files written. Raises CheckpointError where the run has
    finished no stage.
    """
    get_config(config)
    written = []
    for precision in ("float", "w4a4"):
        stages = [s.name for s in RECIPES[config] if s.precision == precision]
        there = [run / f"{name}.safetensors" for name in stages]
        done = [path for path in there if path.is_file()]
        if not done:
            continue
        model = load_checkpoint(done[-1], config)
        if not model.precision.is_float:
            print(f"settled {settle(model)} channels clear of rounding")
        written.append(out / f"{config}_{precision}.safetensors")
        save_checkpoint(model, written[-1], {"stage": done[-1].stem})
    if not written:
        raise CheckpointError(f"no finished stage in {run}", "train one with `make quantize`")
    return written


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m quant.publish", description=__doc__)
    parser.add_argument(
        "--config", default="nano", help=f"one of {', '.join(CONFIGS)} (%(default)s)"
    )
    parser.add_argument("--run", type=Path, help="run folder (runs/<config>)")
    parser.add_argument(
        "--out", type=Path, default=CHECKPOINTS, help="shipped checkpoints (%(default)s)"
    )
    args = parser.parse_args(argv)

    def work() -> None:
        for path in publish(args.config, args.run or Path("runs") / args.config, args.out):
            print(path)

    return exit_code(work, False)


if __name__ == "__main__":
    raise SystemExit(main())
