"""What every training command shares: its arguments, their checks, and the Lightning trainer that
goes on where a run stopped.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal

import lightning
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.callbacks.weight_averaging import EMAWeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger

from hw.spec.command_line import data_path, given_path, model_name
from hw.spec.errors import SamFabricError
from quant.commands import exit_code
from quant.config import CONFIGS
from quant.data.errors import DataError
from quant.data.packed import is_pack
from quant.model.provenance import Trained
from quant.model.tracker import CheckpointError, read_header
from quant.progress import StageBar, quiet
from quant.runs import DATA, REMEDY, RunError, digest
from quant.training.recipe import STEPS_PER_EPOCH
from quant.training.snapshots import Snapshots

Products = Literal["bf16-mixed", "32-true"]
"""Arithmetic of a stage's matrix products, as Lightning calls it."""
EMA_DECAY = 0.99  # averages the last ~100 steps: one-cycle ends at rate 0, so more would only lag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments that training commands share to a parser."""
    parser.add_argument(
        "--config",
        type=model_name,
        default="nano",
        help=f"one of {', '.join(CONFIGS)} (%(default)s)",
    )
    parser.add_argument(
        "--data", type=data_path, required=True, help="folder with videos and stills/"
    )
    parser.add_argument(
        "--epochs", type=float, default=1.0, help="factor on every stage's length (%(default)s)"
    )
    parser.add_argument("--run", type=given_path, help="run folder (runs/<config>)")
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on where the run stopped",
    )
    parser.add_argument("--until", type=str.lower, help="stop after this stage")
    parser.add_argument(
        "--devices", default="auto", help="Lightning devices: a number, 'auto', or a list of GPUs"
    )
    parser.add_argument("--accelerator", default="auto", help="Lightning accelerator (%(default)s)")
    parser.add_argument("--nodes", type=int, default=1, help="machines (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="loader processes (%(default)s)")
    parser.add_argument("--threads", type=int, help="torch threads")
    parser.add_argument(
        "--minutes",
        type=float,
        help="train for so long in all, up to `--until` where it is given; each stage ends after "
        "its share, its rate at zero",
    )
    parser.add_argument("--debug", action="store_true", help="tracebacks")


def prepare(args: argparse.Namespace, stages: Sequence[str]) -> Path:
    """The run folder, once the arguments are known to be good. Raises SamFabricError."""
    if not args.data.is_dir() and not is_pack(args.data):
        raise DataError(f"no data folder {args.data}", "give DATA= a folder with videos or stills")
    if args.epochs <= 0:
        raise SamFabricError(
            f"EPOCHS={args.epochs:g}", "give a factor above 0, 1 for the full recipe"
        )
    if args.until and args.until not in stages:
        raise SamFabricError(f"no stage {args.until!r}", f"stages: {', '.join(stages)}")
    if args.threads:
        torch.set_num_threads(args.threads)
    lightning.seed_everything(0, verbose=False)
    return args.run or Path("runs") / args.config


def shares_of_run(times: Mapping[str, float], until: str | None) -> dict[str, float]:
    """Returns what share of a run's time each stage takes, by name.

    times: of the stages in order, in any unit. until: the last that runs, None for all; those after
    it have no share.
    """
    running = names_until(list(times), until)
    whole = sum(times[name] for name in running)
    return {name: times[name] / whole if name in running else 0.0 for name in times}


def names_until(names: Sequence[str], until: str | None) -> Sequence[str]:
    """Returns the names of the stages that run: up to `until`, all where it is None."""
    return names if until is None else names[: names.index(until) + 1]


def fit(
    module: lightning.LightningModule,
    data: lightning.LightningDataModule,
    run: Path,
    name: str,
    epochs: int,
    precision: Products,
    args: argparse.Namespace,
    minutes: float | None = None,
    save: Callable[[lightning.LightningModule, Path], None] | None = None,
) -> None:
    """Train one stage, at most for so many minutes; its averaged weights are left in the module,
    the same in every process. save: writes a module's weights, for `--snapshots`, which a command
    without it does not have.
    """
    folder = run / name
    last = newest_whole(folder, args.resume)
    accelerator_is_cpu = args.accelerator == "cpu" or not torch.cuda.is_available()
    average = EMAWeightAveraging(decay=EMA_DECAY)
    snapshots = [] if save is None else [Snapshots(average, folder, args.snapshots, save)]
    trainer = lightning.Trainer(
        max_epochs=max(1, round(epochs * args.epochs)),
        limit_train_batches=STEPS_PER_EPOCH,
        accelerator=args.accelerator,
        devices=1 if args.devices == "auto" and accelerator_is_cpu else args.devices,
        num_nodes=args.nodes,
        max_time=None if minutes is None else timedelta(minutes=minutes),
        precision=precision,
        gradient_clip_val=1.0,
        callbacks=[
            # Two, so that one is whole when writing the other was cut short.
            ModelCheckpoint(folder, "{epoch:05}", monitor="epoch", mode="max", save_top_k=2),
            LearningRateMonitor("step"),
            average,
            *snapshots,
            StageBar(),
        ],
        logger=TensorBoardLogger(run / "curves", name=name, version=0),
        log_every_n_steps=10,
        reload_dataloaders_every_n_epochs=1,
        enable_model_summary=False,
    )
    try:
        # A checkpoint holds tensors and plain values; what would run code is refused.
        last_path = None if last is None else str(last)
        trainer.fit(module, data, ckpt_path=last_path, weights_only=True)
    except SystemExit:  # what Lightning makes of Ctrl-C once it has shut down
        raise KeyboardInterrupt from None
    # Lightning leaves this out when the checkpoint is already at the stage's end.
    average._copy_average_to_current(module)
    if trainer.world_size > 1:
        # Weights agree; what layers gather of their own inputs is each process's own.
        with torch.no_grad():
            for buffer in module.buffers():
                buffer.copy_(trainer.strategy.broadcast(buffer))


def newest_whole(folder: Path, resume: bool = True) -> Path | None:
    """The newest of a stage's Lightning checkpoints that is whole, None where there is none; newer
    ones that are not are put aside, with a word. resume: False removes them all.
    """
    found = {path.resolve() for path in folder.glob("*.ckpt") if path.exists()}
    for path in sorted(found, key=lambda p: (p.stat().st_mtime_ns, p.name), reverse=True):
        if not resume:
            path.unlink()
        elif _is_whole(path):
            return path
        else:
            path.replace(path.with_suffix(".damaged"))
            print(f"{path} is cut short or damaged: put aside, going on from the one before it")
    return None


def _is_whole(path: Path) -> bool:
    """Whether an archive can be read to its end and every part has the checksum that it says."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError):
        return False


def trained_on(asked: Mapping[str, str]) -> Trained:
    """What a run of these settings is trained on, as its checkpoints say it."""
    recipe = digest(f"{name} {value}" for name, value in asked.items() if name != DATA)
    return Trained(asked[DATA].split()[0], recipe[:16])


def is_done(result: Path, trained: Trained, resume: bool) -> bool:
    """Tells whether a stage's result is there, whole and of these settings. A damaged one is not
    done, which is printed. Raises RunError for one of other settings.
    """
    if not resume or not result.exists():
        return False
    try:
        kept = Trained.from_header(read_header(result).get("trained", ""))
    except CheckpointError as error:
        print(f"{error.message}: stage {result.stem} goes on from its last whole checkpoint")
        return False
    for name in ("data", "recipe", "encoder"):
        before, now = getattr(kept, name), getattr(trained, name)
        if before and now and before != now:
            raise RunError(
                f"{result} was trained with {name} {before[:12]}, this run's is {now[:12]}", REMEDY
            )
    print(f"stage {result.stem}: done")
    return True


def run_command(train: Callable[[argparse.Namespace], None], args: argparse.Namespace) -> int:
    """Exit code of a training command: 0, 2 on a SamFabricError, 130 when interrupted."""
    try:
        with quiet():
            return exit_code(lambda: train(args), args.debug)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
