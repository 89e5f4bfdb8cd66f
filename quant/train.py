"""`python -m quant.train`: run a configuration's recipe from pretrained encoder to quantized
checkpoint, resumable at every step.

Stages (quant.recipe) run in order. Each leaves `<run>/<stage>.safetensors`; a stage that has one is
skipped, an interrupted one continues from Lightning's
`last.ckpt`. The last float and the last quantized stage also write the shipped checkpoints
`<out>/<config>_<precision>.safetensors`.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.callbacks.weight_averaging import EMAWeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn

from hw.spec.errors import SamFabricError
from quant.config import CONFIGS, FLOAT, PRECISIONS, get_config
from quant.convert import Calibration, quantized_from_float
from quant.data.errors import DataError
from quant.model import CHECKPOINTS, Tracker, load_checkpoint, save_checkpoint
from quant.module import TrackerStage
from quant.ports import POLICY
from quant.pretrained import load_backbone
from quant.recipe import RECIPES, STEPS_PER_EPOCH, Stage
from quant.settle import settle
from quant.training_data import TrainingData
from quant.unroll import PROMPTS, Unroller

CALIBRATION = Stage("calibration", "w4a4", 6, 0.0, 4, 4, "frozen")  # an epoch here is one batch
EMA_DECAY = 0.99  # averages the last ~100 steps: one-cycle ends at rate 0, so more would only lag


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m quant.train", description=__doc__)
    parser.add_argument(
        "--config", default="nano", help=f"one of {', '.join(CONFIGS)} (%(default)s)"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with videos and stills/")
    parser.add_argument(
        "--pretrained", type=Path, help="MobileNetV2 .tflite to start the encoder from"
    )
    parser.add_argument(
        "--epochs", type=float, default=1.0, help="factor on every stage's length (%(default)s)"
    )
    parser.add_argument("--run", type=Path, help="run folder (runs/<config>)")
    parser.add_argument(
        "--out", type=Path, default=CHECKPOINTS, help="shipped checkpoints (%(default)s)"
    )
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on where the run stopped",
    )
    parser.add_argument("--until", help="stop after this stage")
    parser.add_argument(
        "--devices", default="auto", help="Lightning devices: a number, 'auto', or a list of GPUs"
    )
    parser.add_argument("--accelerator", default="auto", help="Lightning accelerator (%(default)s)")
    parser.add_argument("--nodes", type=int, default=1, help="machines (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="loader processes (%(default)s)")
    parser.add_argument("--threads", type=int, help="torch threads")
    parser.add_argument("--debug", action="store_true", help="tracebacks")
    return parser.parse_args(argv)


def start_model(
    stage: Stage, previous: Stage | None, done: Path | None, args: argparse.Namespace
) -> Tracker:
    """The tracker that a stage begins with: the stage before's, converted and calibrated when the
    precision changes.
    """
    config, precision = get_config(args.config), PRECISIONS[stage.precision]
    if done is None or previous is None:
        model = Tracker(config, precision)
        if args.pretrained is not None:
            count = load_backbone(model.image_encoder.backbone, args.pretrained)
            print(f"{count} convolutions started from {args.pretrained.name}")
        return model
    model = load_checkpoint(done, args.config)
    if model.precision != precision:
        model = quantized_from_float(model, precision)
        calibrate(model, args.data, None)
    elif previous.encoder == "distill":
        # The backbone keeps the scales it learned; the heads are set by what it now yields.
        calibrate(model, args.data, model.image_encoder.backbone)
    return model


def calibrate(model: Tracker, root: Path, keep: nn.Module | None) -> None:
    """Set activation thresholds from a few training clips run in float; those in `keep` stay."""
    data = TrainingData(root, model.config, CALIBRATION, 0)
    data.setup("fit")
    rng = np.random.default_rng(0)
    with Calibration(model, keep) as watch, torch.no_grad():
        for i in range(CALIBRATION.epochs):
            items = [data.clips[i * CALIBRATION.clips + j] for j in range(CALIBRATION.clips)]
            frames, targets = (torch.stack([x[k] for x in items]) for k in ("frames", "targets"))
            kind = PROMPTS[i % len(PROMPTS)]
            Unroller(model, POLICY, rng).run(frames, targets, kind, correct=lambda t: t == 1)
    watch.apply()


def run_stage(
    stage: Stage, model: Tracker, teacher: nn.Module | None, run: Path, args: argparse.Namespace
) -> Tracker:
    """Train one stage; returns the tracker with averaged weights."""
    data = TrainingData(args.data, model.config, stage, args.workers)
    folder = run / stage.name
    last = folder / "last.ckpt"
    module = TrackerStage(model, stage, teacher if stage.encoder == "distill" else None)
    epochs = max(1, round(stage.epochs * args.epochs))
    accelerator_is_cpu = args.accelerator == "cpu" or not torch.cuda.is_available()
    trainer = lightning.Trainer(
        max_epochs=epochs,
        limit_train_batches=STEPS_PER_EPOCH,
        accelerator=args.accelerator,
        devices=1 if args.devices == "auto" and accelerator_is_cpu else args.devices,
        num_nodes=args.nodes,
        # Float stages tolerate bfloat16 products; codes of 8 bits and more do not.
        precision="bf16-mixed" if model.precision.is_float else "32-true",
        gradient_clip_val=1.0,
        callbacks=[
            ModelCheckpoint(folder, "newest", save_last="link", save_top_k=1, every_n_epochs=1),
            LearningRateMonitor("step"),
            EMAWeightAveraging(decay=EMA_DECAY),
            TQDMProgressBar(refresh_rate=10),
        ],
        logger=TensorBoardLogger(run / "curves", name=stage.name, version=0),
        log_every_n_steps=10,
        reload_dataloaders_every_n_epochs=1,
        enable_model_summary=False,
    )
    try:
        trainer.fit(module, data, ckpt_path=str(last) if args.resume and last.exists() else None)
    except SystemExit:  # what Lightning makes of Ctrl-C once it has shut down
        raise KeyboardInterrupt from None
    return module.tracker


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    warnings.filterwarnings("ignore", module=r"torch|lightning|brevitas")
    try:
        train(args)
    except SamFabricError as error:
        if args.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def train(args: argparse.Namespace) -> None:
    """Run the recipe. Raises SamFabricError before any long work on bad input."""
    config = get_config(args.config)
    if not str(args.data) or not args.data.is_dir():
        raise DataError(f"no data folder {args.data}", "give DATA= a folder with videos or stills")
    if args.epochs <= 0:
        raise SamFabricError(
            f"EPOCHS={args.epochs:g}", "give a factor above 0, 1 for the full recipe"
        )
    stages = RECIPES[config.name]
    if args.until and args.until not in [s.name for s in stages]:
        raise SamFabricError(
            f"no stage {args.until!r}", f"stages: {', '.join(s.name for s in stages)}"
        )
    if args.threads:
        torch.set_num_threads(args.threads)
    lightning.seed_everything(0, verbose=False)
    run = args.run or Path("runs") / config.name
    done: Path | None = None
    previous: Stage | None = None
    teacher: nn.Module | None = None
    for stage in stages:
        result = run / f"{stage.name}.safetensors"
        if args.resume and result.exists():
            print(f"stage {stage.name}: done")
        else:
            model = start_model(stage, previous, done, args)
            model = run_stage(stage, model, teacher, run, args)
            save_checkpoint(model, result, {"stage": stage.name})
        done, previous = result, stage
        model = load_checkpoint(result, config.name)
        if model.precision == FLOAT:
            teacher = model.image_encoder.backbone
        final = [s for s in stages if s.precision == stage.precision][-1]
        if stage is final:
            if not model.precision.is_float:
                print(f"settled {settle(model)} channels clear of rounding")
            save_checkpoint(model, args.out / f"{config.name}_{stage.precision}.safetensors")
        if stage.name == args.until:
            return


if __name__ == "__main__":
    raise SystemExit(main())
