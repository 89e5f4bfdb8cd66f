"""`python -m quant.training.train`: run a configuration's recipe from pretrained encoder to
quantized checkpoint, resumable at every step.

Stages (quant.training.recipe) run in order. Each leaves `<run>/<stage>.safetensors`; a stage that
has one is skipped, an interrupted one continues from Lightning's `last.ckpt`. What a run found
stays in its folder until `python -m quant.training.publish` ships it.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import lightning
import torch
from torch import nn

from hw.spec.command_line import given_path
from hw.spec.errors import SamFabricError
from quant.config import FLOAT, PRECISIONS, get_config
from quant.model.ports import POLICY
from quant.model.provenance import SHOWN, ProvenanceError, encoder_hash
from quant.model.tracker import CHECKPOINTS, Tracker, load_checkpoint, save_checkpoint
from quant.progress import Stages
from quant.runs import DATA, NOTHING, check_settings, digest, file_hash, keep_settings
from quant.training.clip_batch import assemble
from quant.training.convert import Calibration, float_from_quantized, quantized_from_float
from quant.training.data import Found, TrainingData, find_material
from quant.training.fitting import (
    add_arguments,
    fit,
    is_done,
    names_until,
    prepare,
    run_command,
    shares_of_run,
    trained_on,
)
from quant.training.module import TrackerStage
from quant.training.pretrained import load_backbone
from quant.training.recipe import RECIPES, STEPS_PER_EPOCH, Stage
from quant.training.unroll import PROMPTS, Plan, Unroller

CALIBRATION = Stage("calibration", "w4a4", 6, 0.0, 4, 4, "frozen")  # an epoch here is one batch


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m quant.training.train", description=__doc__)
    add_arguments(parser)
    parser.add_argument(
        "--pretrained", type=given_path, help="MobileNetV2 .tflite to start the encoder from"
    )
    parser.add_argument(
        "--start", type=given_path, help="checkpoint that the first stage starts from"
    )
    parser.add_argument(
        "--from",
        dest="first",
        type=str.lower,
        metavar="STAGE",
        help="begin with this stage, from START",
    )
    parser.add_argument(
        "--float",
        type=given_path,
        help="float checkpoint that a quantized START was made from (the shipped one): its image "
        "encoder teaches a distilling stage and is kept by a float one",
    )
    parser.add_argument(
        "--clips", type=int, help="clips of four frames a step, instead of the recipe's"
    )
    parser.add_argument(
        "--snapshots", type=int, default=0, help="keep the averaged weights every so many epochs"
    )
    parser.add_argument(
        "--pool", type=int, default=0, help="clips kept on the device and seen more than once"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="draw other clips, for a run that starts from weights which have seen these",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=1.0,
        help="factor on every stage's peak learning rate, below 1 for weights that have converged",
    )
    parser.add_argument(
        "--graphs",
        action=argparse.BooleanOptionalAction,
        default=torch.cuda.is_available(),
        help="replay steps as CUDA graphs",
    )
    return parser.parse_args(argv)


def start_model(
    stage: Stage,
    previous: Stage | None,
    source: Path | None,
    floats: Tracker | None,
    found: Found,
    args: argparse.Namespace,
) -> Tracker:
    """The tracker that a stage begins with: the weights of `source`, converted and calibrated when
    the precision changes. floats: the float tracker that quantized weights were made from.
    """
    config, precision = get_config(args.config), PRECISIONS[stage.precision]
    if source is None:
        model = Tracker(config, precision)
        if args.pretrained is not None:
            count = load_backbone(model.image_encoder.backbone, args.pretrained)
            print(f"{count} convolutions started from {args.pretrained.name}")
        return model
    model = load_checkpoint(source, args.config)
    if model.precision != precision and precision.is_float:
        assert floats is not None  # a stage before was float, or `float_tracker` found it
        model = float_from_quantized(model, floats)
    elif model.precision != precision:
        model = quantized_from_float(model, precision)
        calibrate(model, found, None)
    elif previous is not None and previous.encoder == "distill":
        # The backbone keeps the scales it learned; the heads are set by what it now yields.
        calibrate(model, found, model.image_encoder.backbone)
    return model


def calibrate(model: Tracker, found: Found, keep: nn.Module | None) -> None:
    """Set activation thresholds from a few training clips run in float; those in `keep` stay."""
    data = TrainingData(found, model.config, CALIBRATION, 0)
    data.setup("fit")
    assert data.clips is not None
    torch.manual_seed(0)
    size, grid, frames = model.config.image_size, model.config.grid, CALIBRATION.frames
    with Calibration(model, keep) as watch, torch.no_grad():
        for i in range(CALIBRATION.epochs):
            items = [data.clips[i * CALIBRATION.clips + j] for j in range(CALIBRATION.clips)]
            clips, ids = (torch.stack([x[k] for x in items]) for k in ("frames", "ids"))
            made = assemble(clips, ids, size, grid, frames, 1)
            kinds = torch.full((CALIBRATION.clips,), i % len(PROMPTS))
            Unroller(model, POLICY).run(
                made.frames, made.targets, kinds, Plan(frames, corrected=1), valid=made.valid
            )
    watch.apply()


def run_stage(
    stage: Stage,
    model: Tracker,
    teacher: nn.Module | None,
    run: Path,
    found: Found,
    args: argparse.Namespace,
    share: float,
) -> Tracker:
    """Train one stage, for its share of a run's minutes; returns the tracker with averaged
    weights.
    """
    if args.clips:  # of frames there are always about as many
        clips = args.clips if stage.encoder == "distill" else args.clips * 4 // stage.frames
        stage = replace(stage, clips=max(1, clips))
    minutes = None if args.minutes is None else args.minutes * share
    data = TrainingData(found, model.config, stage, args.workers, args.pool, args.seed)
    module = TrackerStage(
        model, stage, teacher if stage.encoder == "distill" else None, args.graphs
    )
    # Float stages choose bfloat16 themselves where it is safe (quant.training.clip_loss).
    fit(module, data, run, stage.name, stage.epochs, "32-true", args, minutes, save_tracker)
    module.restore_frozen()
    return module.tracker.cpu()


def save_tracker(module: lightning.LightningModule, path: Path) -> None:
    """Write the tracker of a stage's module."""
    assert isinstance(module, TrackerStage)
    save_checkpoint(module.tracker, path, {"stage": module.stage.name})


def main(argv: list[str] | None = None) -> int:
    return run_command(train, parse(argv))


def train(args: argparse.Namespace) -> None:
    """Run the recipe. Raises SamFabricError before any long work on bad input."""
    if args.seed < 0:
        raise SamFabricError(f"--seed {args.seed}", "give 0 or any larger whole number")
    if not 0 < args.rate < math.inf:
        raise SamFabricError(f"--rate {args.rate:g}", "give a factor above 0, 1 for the recipe's")
    torch.set_float32_matmul_precision("high")  # of a GPU: TF32, exact for codes of 4 bits
    config = get_config(args.config)
    recipe = [replace(stage, rate=stage.rate * args.rate) for stage in RECIPES[config.name]]
    start = None if args.start is None else load_checkpoint(args.start, args.config)
    stages = stages_from(recipe, start, args)
    run = prepare(args, [s.name for s in stages])
    floats = None if start is None else float_tracker(stages, start, args)
    found = find_material(args.data)
    print(found.listing())
    asked = settings(args, stages, found)
    results = [run / f"{stage.name}.safetensors" for stage in stages]
    if args.resume:
        check_settings(run, asked, results)
    shares = shares_of_run({stage.name: stage.share for stage in stages}, args.until)
    told = Stages(run, list(shares), list(shares.values()))
    trained = trained_on(asked)
    if start is not None:
        made_of = start.trained.float_encoder
        if floats is not None and not PRECISIONS[stages[0].precision].is_float:
            made_of = encoder_hash(floats.image_encoder)
        trained = replace(trained, encoder=start.trained.encoder, float_encoder=made_of)
    source: Path | None = args.start
    previous: Stage | None = None
    for stage, result in zip(stages, results, strict=True):
        if not is_done(result, trained, args.resume):
            share = shares[stage.name]
            told.begin(stage.name, words(stage, args, share))
            model = start_model(stage, previous, source, floats, found, args)
            keep_settings(run, asked)
            teacher = None if floats is None else floats.image_encoder.backbone
            model = run_stage(stage, model, teacher, run, found, args, share)
            model.trained = trained
            save_checkpoint(model, result, {"stage": stage.name})
            told.end(stage.name)
        source, previous = result, stage
        model = load_checkpoint(result, config.name)
        if model.precision == FLOAT:
            floats = model
            trained = replace(trained, float_encoder=encoder_hash(model.image_encoder))
        if stage.name == args.until:
            break
    told.done()


def words(stage: Stage, args: argparse.Namespace, share: float) -> str:
    """What a stage is, in short. share: of the run's time."""
    steps = max(1, round(stage.epochs * args.epochs)) * STEPS_PER_EPOCH
    length = f"{steps:,} steps"
    if args.minutes is not None:
        length = f"{args.minutes * share:.1f} minutes, {length} at most"
    return f"{stage.precision}, {length}, encoder {stage.encoder}"


def stages_from(
    stages: Sequence[Stage], start: Tracker | None, args: argparse.Namespace
) -> Sequence[Stage]:
    """The stages that a run goes through: all, or those from `--from` on. Raises SamFabricError
    where the weights to start from are not given or of another precision.
    """
    names = [stage.name for stage in stages]
    if args.first is not None and args.first not in names:
        raise SamFabricError(f"no stage {args.first!r}", f"stages: {', '.join(names)}")
    first = 0 if args.first is None else names.index(args.first)
    if start is not None:
        found = start.precision.name
        # its own, or that of the stage before, which it converts
        if found not in {stage.precision for stage in stages[max(0, first - 1) : first + 1]}:
            raise SamFabricError(
                f"stage {names[first]} is {stages[first].precision}, {args.start} {found}",
                "give a checkpoint of that precision, or begin with another stage (`--from`)",
            )
    elif args.first is not None:
        raise SamFabricError(
            f"--from {args.first} without weights", "give START= the checkpoint it goes on from"
        )
    return stages[first:]


def float_tracker(
    stages: Sequence[Stage], start: Tracker, args: argparse.Namespace
) -> Tracker | None:
    """The float tracker that the weights a run starts from were made of, None where no stage needs
    it: its image encoder teaches a distilling stage and is what a later float stage keeps. Raises
    ProvenanceError where it is another one.
    """
    if start.precision.is_float:
        return start
    running = stages[: len(names_until([s.name for s in stages], args.until))]
    if all(s.encoder != "distill" and s.precision == start.precision.name for s in running):
        return None
    path = args.float or CHECKPOINTS / f"{args.config}_{FLOAT.name}.safetensors"
    floats = load_checkpoint(path, args.config)
    made_of, own = start.trained.float_encoder, encoder_hash(floats.image_encoder)
    if made_of and made_of != own:
        raise ProvenanceError(
            f"{args.start} was made from the float image encoder {made_of[:SHOWN]}, {path} has "
            f"{own[:SHOWN]}",
            "give `--float` the float checkpoint that it was made from, or end with `--until` "
            "before a float stage",
        )
    return floats


def settings(args: argparse.Namespace, stages: Sequence[Stage], found: Found) -> dict[str, str]:
    """What decides a run's result, by name: compared when the run goes on."""
    return {
        DATA: f"{digest(found.lines(args.data))[:16]} ({len(found.videos)} videos, "
        f"{len(found.stills)} stills)",
        "EPOCHS": f"{args.epochs:g}",
        "MINUTES": NOTHING if args.minutes is None else f"{args.minutes:g}",
        "START": file_hash(args.start),
        "float": file_hash(args.float),
        "from": args.first or NOTHING,
        "PRETRAINED": file_hash(args.pretrained),
        "clips": str(args.clips or NOTHING),
        "seed": str(args.seed or NOTHING),
        "recipe": digest(str(stage) for stage in stages)[:16],
    }


if __name__ == "__main__":
    raise SystemExit(main())
