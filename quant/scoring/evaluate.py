"""`python -m quant.scoring.evaluate`: J, F and J&F of a model on a video data set, prompted as
asked.

Prints a table, one line a sequence, and writes `<model>_<config>_<prompt>_<split>.json` and a
picture of the tracked frames beside it. `--compare` runs a second model over the same frames in
lockstep and adds how far the two agree.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from host.device import Device
from host.devices.registry import default_bundle, open_device
from hw.spec.errors import SamFabricError, SpecError
from hw.spec.files import atomic_path
from quant.config import get_config
from quant.data import VideoSequence, open_dataset
from quant.scoring.contact_sheet import ContactSheet
from quant.scoring.metrics import SequenceScore, benchmark_mean, jaccard
from quant.scoring.sequence import PROMPTS, Tally, score_sequence, track

__all__ = ["evaluate_sequence", "main", "open_model", "score_sequence"]

MODELS = {"float": "float", "quantized": "w4a4", "golden": None}
"""Model names and the precision of the checkpoint that each runs; golden runs a bundle."""


@dataclass(frozen=True)
class Comparison:
    """How far a second model agrees: its own score, and the masks' mean IoU over every frame.

    The prompted frame does not count: a mask prompt is its own answer under any model.
    """

    score: SequenceScore
    ious: tuple[float, ...]

    @property
    def iou(self) -> float:
        return float(np.mean(self.ious)) if self.ious else float("nan")


@dataclass(frozen=True)
class SequenceReport:
    """One sequence: its score, frames tracked, milliseconds a frame, and the comparison if any."""

    score: SequenceScore
    frames: int
    ms_per_frame: float
    other: Comparison | None = None


def evaluate_sequence(
    device: Device,
    sequence: VideoSequence,
    prompt: str,
    other: Device | None = None,
    sheet: ContactSheet | None = None,
) -> SequenceReport:
    """Track and score a sequence; `other` goes through the same frames beside `device`.

    Each model's corrective clicks answer its own mistakes. Raises SpecError as `score_sequence`.
    """
    tally, other_tally = Tally(sequence.name), Tally(sequence.name)
    ious, spent = [], []
    pairs = zip(
        track(device, sequence, prompt),
        track(other, sequence, prompt) if other is not None else _nothing(),
        strict=False,
    )
    for frame, beside in pairs:
        tally.add(frame)
        spent.append(frame.milliseconds)
        if sheet is not None:
            sheet.add(sequence, frame)
        if beside is not None:
            other_tally.add(beside)
            tracked = [i for i in frame.masks if i not in frame.prompts]
            ious += [jaccard(frame.masks[i], beside.masks[i]) for i in tracked]
    compared = Comparison(other_tally.score(), tuple(ious)) if other is not None else None
    return SequenceReport(tally.score(), len(spent), float(np.mean(spent)), compared)


def _nothing() -> Iterator[None]:
    while True:
        yield None


def open_model(
    name: str, config: str, checkpoint: Path | None = None, bundle: Path | None = None
) -> Device:
    """Device of a model: `float` or `quantized` from a checkpoint, `golden` from a bundle.

    Without a file: quant/checkpoints/<config>_<precision>.safetensors, the newest bundle.
    Raises SamFabricError for a missing file or one of another configuration or precision.
    """
    precision = MODELS[name]
    if precision is None:
        device = open_device("golden", bundle or default_bundle(config))
        if device.spec.name != config:
            raise SpecError(
                f"the bundle holds model {device.spec.name!r}, not {config!r}",
                f"give --config {device.spec.name} or the bundle of {config}",
            )
        return device
    from quant.model.device import TorchDevice  # torch and brevitas take seconds to import
    from quant.model.tracker import CHECKPOINTS

    path = checkpoint or CHECKPOINTS / f"{config}_{precision}.safetensors"
    loaded = TorchDevice.from_checkpoint(path, config)
    if loaded.name != name:
        raise SpecError(
            f"{path} holds a {loaded.name} model, --model {name} was asked for",
            "give the other checkpoint or the other model",
        )
    return loaded


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m quant.scoring.evaluate", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="data set in DAVIS, YouTube-VOS or SA-V layout")
    add("--split", default="dev", help="list of sequences to score (%(default)s)")
    add("--model", choices=MODELS, default="quantized", help="what to score (%(default)s)")
    add("--prompt", choices=PROMPTS, default="mask", help="what is given first (%(default)s)")
    add("--config", default="nano", help="model size (%(default)s)")
    add("--checkpoint", type=Path, help="weights of a float or quantized model")
    add("--bundle", type=Path, help="bundle folder of the golden model")
    add("--sequences", help="only these, separated by commas")
    add("--compare", choices=MODELS, help="run this model beside it and report the agreement")
    add("--out", type=Path, default=Path("runs/evaluate"), help="results folder (%(default)s)")
    add("--debug", action="store_true", help="show the traceback of an error")
    return parser.parse_args(argv)


def _chosen(args: argparse.Namespace) -> list[VideoSequence]:
    sequences = open_dataset(args.data, args.split)
    if args.sequences is None:
        return sequences
    by_name = {sequence.name: sequence for sequence in sequences}
    wanted = [name for name in args.sequences.split(",") if name]
    missing = [name for name in wanted if name not in by_name]
    if missing or not wanted:
        raise SpecError(
            f"no sequence {', '.join(missing) or repr(args.sequences)} in split {args.split!r}",
            f"there is: {', '.join(by_name)}",
        )
    return [by_name[name] for name in wanted]


@contextmanager
def _models(args: argparse.Namespace) -> Iterator[tuple[Device, Device | None]]:
    if args.compare == args.model:
        raise SpecError(f"--compare {args.compare} is --model itself", "name another model")
    # One --checkpoint can only be meant for the first model that reads one.
    first_is_torch = MODELS[args.model] is not None
    device = open_model(args.model, args.config, args.checkpoint, args.bundle)
    try:
        if args.compare is None:
            yield device, None
            return
        checkpoint = None if first_is_torch else args.checkpoint
        other = open_model(args.compare, args.config, checkpoint, args.bundle)
        try:
            yield device, other
        finally:
            other.close()
    finally:
        device.close()


def evaluate(args: argparse.Namespace, console: Console) -> None:
    """Run the command. Raises SamFabricError for bad input before any frame is read."""
    get_config(args.config)
    sequences = _chosen(args)
    bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*bars, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    sheet, reports = ContactSheet(), []
    with _models(args) as (device, other), _made(args.out), progress:
        task = progress.add_task("", total=len(sequences))
        for sequence in sequences:
            progress.update(task, description=sequence.name)
            report = evaluate_sequence(device, sequence, args.prompt, other, sheet)
            sheet.caption(sequence.name, f"J&F {100 * report.score.jf:.1f}")
            reports.append(report)
            progress.advance(task)
    console.print(_table(args, reports))
    stem = f"{args.model}_{args.config}_{args.prompt}_{args.split}"
    with atomic_path(args.out / f"{stem}.json") as part:
        part.write_text(json.dumps(_as_json(args, reports), indent=1) + "\n", encoding="utf-8")
    sheet.save(args.out / f"{stem}.jpg")
    console.print(f"scores and picture: {args.out / stem}.json, .jpg", soft_wrap=True)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make the results folder before the long work, so that a bad --out is told at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpecError(f"--out {folder}: {error.strerror}", "name another folder") from error
    yield


def _table(args: argparse.Namespace, reports: list[SequenceReport]) -> Table:
    title = f"{args.model} {args.config}, {args.prompt} prompt, {args.split}"
    table = Table(title=title, show_footer=False)
    table.add_column("sequence")
    compared = [f"J&F {args.compare}", "mask IoU"] if args.compare else []
    for heading in ("objects", "frames", "J", "F", "J&F", "ms/frame", *compared):
        table.add_column(heading, justify="right")
    for report in reports:
        table.add_row(*_row(report))
    table.add_section()
    table.add_row(*_row(_overall(reports)), style="bold")
    return table


def _row(report: SequenceReport) -> list[str]:
    score = report.score
    row = [score.name, str(len(score.objects)), str(report.frames)]
    row += [f"{100 * value:.1f}" for value in (score.j, score.f, score.jf)]
    row.append(f"{report.ms_per_frame:.1f}")
    if report.other is not None:
        row += [f"{100 * report.other.score.jf:.1f}", f"{report.other.iou:.4f}"]
    return row


def _overall(reports: list[SequenceReport]) -> SequenceReport:
    frames = sum(r.frames for r in reports)
    other = None
    if all(r.other is not None for r in reports):
        others = [r.other for r in reports if r.other is not None]
        ious = tuple(iou for o in others for iou in o.ious)
        other = Comparison(benchmark_mean([o.score for o in others]), ious)
    spent = sum(r.ms_per_frame * r.frames for r in reports) / frames
    return SequenceReport(benchmark_mean([r.score for r in reports]), frames, spent, other)


def _as_json(args: argparse.Namespace, reports: list[SequenceReport]) -> dict:
    """All that the table shows and every frame's J and F; in percent, mask IoU in 0..1."""

    def number(value: float, factor: float = 100) -> float | None:
        # NaN is no JSON: a sequence too short to score has null measures.
        return None if np.isnan(value) else round(factor * value, 4)

    def measures(score: SequenceScore) -> dict:
        return {"j": number(score.j), "f": number(score.f), "jf": number(score.jf)}

    def plain(report: SequenceReport) -> dict:
        found: dict = measures(report.score)
        found |= {"frames": report.frames, "ms_per_frame": number(report.ms_per_frame, 1)}
        if report.other is not None:
            iou = {"mask_iou": number(report.other.iou, 1)}
            found["compare"] = measures(report.other.score) | iou
        return found

    def detailed(report: SequenceReport) -> dict:
        objects = [
            {
                "id": o.object_id,
                "frames": o.frames,
                "j": [number(v) for v in o.j],
                "f": [number(v) for v in o.f],
            }
            for o in report.score.objects
        ]
        return plain(report) | {"objects": objects}

    asked = {k: getattr(args, k) for k in ("model", "config", "prompt", "split", "compare")}
    sequences = {report.score.name: detailed(report) for report in reports}
    return asked | {"mean": plain(_overall(reports)), "sequences": sequences}


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, 2 for bad input, 130 for Ctrl-C."""
    args = parse(argv)
    try:
        evaluate(args, Console())
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return 130
    except (SamFabricError, OSError) as error:
        if args.debug:
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
