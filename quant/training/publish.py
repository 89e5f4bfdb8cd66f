"""`python -m quant.training.publish`: ship what a run found. Nothing else writes shipped
checkpoints.

The last float and the last quantized stage of a run become
`<out>/<config>_<precision>.safetensors`, the quantized one settled clear of rounding first
(quant.training.settle). Detectors that the run finished are shipped beside the trackers whose image
encoder they were trained on.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hw.spec.command_line import given_path, model_name
from hw.spec.files import atomic_path
from quant.commands import exit_code
from quant.config import CONFIGS, get_config
from quant.model.average import average_with
from quant.model.provenance import (
    SHOWN,
    ProvenanceError,
    Trained,
    check_detector,
    encoder_hash,
)
from quant.model.tracker import (
    CHECKPOINTS,
    CheckpointError,
    Tracker,
    load_checkpoint,
    read_header,
    save_checkpoint,
)
from quant.runs import began_with, warn
from quant.training.convert import float_from_quantized
from quant.training.recipe import RECIPES
from quant.training.settle import settle

PRECISIONS = ("float", "w4a4")


def publish(config: str, run: Path, out: Path, average: Path | None = None) -> list[Path]:
    """Ship a run's weights; returns the files written. average: quantized weights that the run's
    are moved half way to first (`quant.model.average`); float ones where it has no others, whose
    stage began with the heads of those.

    Raises CheckpointError where the run has finished no stage, ProvenanceError where its float and
    its quantized stage do not belong together, or a detector and the shipped tracker.
    """
    get_config(config)
    shipped: dict[str, tuple[Tracker, str]] = {}
    for precision in PRECISIONS:
        stages = [s.name for s in RECIPES[config] if s.precision == precision]
        there = [run / f"{name}.safetensors" for name in stages]
        done = [path for path in there if path.is_file()]
        if done:
            shipped[precision] = load_checkpoint(done[-1], config), done[-1].stem
    if not shipped and not _detectors(config, run):
        raise CheckpointError(f"no finished stage in {run}", "train one with `make quantize`")
    if len(shipped) == len(PRECISIONS):
        check_stages(run, shipped["float"][0], shipped["w4a4"][0])
    if average is not None:
        other, model = load_checkpoint(average, config), _averaged(shipped, run)
        if model.precision.is_float and not other.precision.is_float:
            other = float_from_quantized(other, model)
        average_with(model, other, average, began_with(run, average))
    written = []
    for precision, (model, stage) in shipped.items():
        if not model.precision.is_float:
            # An encoder that was settled when it was shipped and has not learned since stays what
            # a detector was trained on.
            same = encoder_hash(model.image_encoder) == model.trained.encoder
            moved = settle(model, model.image_encoder if same else None)
            print(f"settled {moved} channels clear of rounding")
        model.trained = replace(model.trained, encoder=encoder_hash(model.image_encoder))
        written.append(out / f"{config}_{precision}.safetensors")
        save_checkpoint(model, written[-1], {"stage": stage})
        warn_of_detector(model, out / f"{config}_detector_{precision}.safetensors")
    return written + publish_detectors(config, run, out)


def _averaged(shipped: Mapping[str, tuple[Tracker, str]], run: Path) -> Tracker:
    """The tracker of a run that is averaged: the quantized one, else a float one that went on from
    quantized heads. Raises CheckpointError where there is neither.
    """
    for precision in reversed(PRECISIONS):
        if precision in shipped:
            return shipped[precision][0]
    raise CheckpointError(f"no finished stage of a tracker in {run}", "leave --average out")


def _detectors(config: str, run: Path) -> dict[str, Path]:
    """The finished detectors of a run by precision (`quant.concepts.train` writes them)."""
    named = {p: run / f"{config}_detector_{p}.safetensors" for p in PRECISIONS}
    return {precision: path for precision, path in named.items() if path.is_file()}


def publish_detectors(config: str, run: Path, out: Path) -> list[Path]:
    """Copies a run's finished detectors to the shipped trackers; returns the files written. Raises
    CheckpointError where no such tracker is shipped or a detector is damaged, ProvenanceError where
    one was trained on another image encoder; then none is copied.
    """
    found = _detectors(config, run)
    for precision, path in found.items():
        load_checkpoint(out / f"{config}_{precision}.safetensors", config, path)
    written = []
    for path in found.values():
        with atomic_path(out / path.name) as part:
            shutil.copyfile(path, part)
        written.append(out / path.name)
    return written


def check_stages(run: Path, floats: Tracker, codes: Tracker) -> None:
    """That a run's float and quantized trackers were trained together, as far as is recorded.
    Raises ProvenanceError, naming both hashes.
    """
    stated = replace(floats.trained, float_encoder=encoder_hash(floats.image_encoder))
    for name in ("data", "recipe", "float_encoder"):
        one, other = getattr(stated, name), getattr(codes.trained, name)
        if one and other and one != other:
            raise ProvenanceError(
                f"the float stage in {run} has {name} {one[:SHOWN]}, its quantized stage "
                f"was made from {other[:SHOWN]}",
                "train the quantized stages anew, or publish another run",
            )


def warn_of_detector(model: Tracker, path: Path) -> None:
    """Say so where the detector beside a shipped tracker was trained on another encoder."""
    if path.is_file():
        trained = Trained.from_header(read_header(path).get("trained", ""))
        try:
            check_detector(model.image_encoder, model.precision.is_float, trained, path)
        except ProvenanceError as error:
            warn(str(error))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m quant.training.publish", description=__doc__)
    parser.add_argument(
        "--config",
        type=model_name,
        default="nano",
        help=f"one of {', '.join(CONFIGS)} (%(default)s)",
    )
    parser.add_argument("--run", type=given_path, help="run folder (runs/<config>)")
    parser.add_argument(
        "--out", type=given_path, default=CHECKPOINTS, help="shipped checkpoints (%(default)s)"
    )
    parser.add_argument(
        "--average",
        type=given_path,
        help="quantized weights to average the run's with, which it began from",
    )
    args = parser.parse_args(argv)

    def work() -> None:
        run = args.run or Path("runs") / args.config
        for path in publish(args.config, run, args.out, args.average):
            print(path)

    return exit_code(work, False)


if __name__ == "__main__":
    raise SystemExit(main())
