"""`python -m quant.scoring.evaluate`: how well a model tracks a video data set, prompted as asked.

Prints one table: J, F and J&F a sequence, by kind of clip and by size, and what happens when
objects leave and return. Writes `<model>_<config>_<prompt>_<split>.json` and a picture of the
tracked frames beside it. `--prompt all` runs every kind of prompt on the same encoded frames.
`--compare` runs a second model over the same frames in lockstep and adds how far the two agree.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from host.device import Device
from host.devices.registry import default_bundle, open_device
from hw.spec.command_line import any_case, data_path, given_path, meant, model_name
from hw.spec.errors import SamFabricError, SpecError
from hw.spec.files import atomic_path
from quant.config import get_config
from quant.data import VideoSequence, open_dataset
from quant.scoring.contact_sheet import ContactSheet
from quant.scoring.encode_once import EncodeOnce
from quant.scoring.evaluate_report import Comparison, Reports, SequenceReport, as_json, render
from quant.scoring.measures.empty import EmptyPrompt
from quant.scoring.metrics import jaccard
from quant.scoring.recorded import caution
from quant.scoring.sequence import OBJECTS, PROMPTS, Tally, score_sequence, track_all

__all__ = ["evaluate_sequence", "main", "open_model", "score_sequence"]

MODELS = {"float": "float", "quantized": "w4a4", "golden": None}
"""Model names and the precision of the checkpoint that each runs; golden runs a bundle."""

SHIPPED = Path(__file__).resolve().parents[1] / "checkpoints"
"""Shipped weights lie here, where `quant.model.tracker` finds them; importing it takes seconds."""
WIDTH = 160  # columns of the table where it is not shown on a terminal
ALL = "all"
"""The word on the command line that stands for every kind of prompt."""


def evaluate_sequence(
    device: Device,
    sequence: VideoSequence,
    prompts: Sequence[str],
    other: Device | None = None,
    sheet: ContactSheet | None = None,
    objects: str = OBJECTS[0],
) -> dict[str, SequenceReport]:
    """Track and score a sequence by kind of prompt; `other` goes through the same frames beside
    `device`. Beside the mask prompt, an empty one is watched.

    Each model's corrective clicks answer its own mistakes. sheet: takes the first kind's frames.
    objects: one of OBJECTS. Raises SpecError as `score_sequence`.
    """
    shared = EncodeOnce(device)
    empty = EmptyPrompt(shared) if "mask" in prompts else None
    tallies = {p: (Tally(sequence.name), Tally(sequence.name)) for p in prompts}
    ious: dict[str, list[float]] = {p: [] for p in prompts}
    spent: dict[str, list[float]] = {p: [] for p in prompts}
    pairs = zip(
        track_all(shared, sequence, prompts, objects),
        track_all(other, sequence, prompts, objects) if other is not None else _nothing(),
        strict=False,
    )
    for frames, besides in pairs:
        for prompt, frame in frames.items():
            tally, other_tally = tallies[prompt]
            tally.add(frame)
            spent[prompt].append(frame.milliseconds)
            if sheet is not None and prompt == prompts[0]:
                sheet.add(sequence, frame)
            if besides is not None:
                beside = besides[prompt]
                other_tally.add(beside)
                tracked = [i for i in frame.masks if i not in frame.prompts]
                ious[prompt] += [jaccard(frame.masks[i], beside.masks[i]) for i in tracked]
        if empty is not None:
            empty.step(frame.image)
    reports = {}
    for prompt, (tally, other_tally) in tallies.items():
        compared = None if other is None else Comparison(other_tally.score(), tuple(ious[prompt]))
        reports[prompt] = SequenceReport(
            tally.score(),
            tally.traces(),
            len(spent[prompt]),
            float(np.mean(spent[prompt])),
            sequence.kind,
            empty.count if empty is not None and prompt == "mask" else None,
            compared,
        )
    return reports


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
    add(
        "--data",
        type=data_path,
        required=True,
        help="data set in DAVIS, YouTube-VOS or SA-V layout",
    )
    add("--split", default="dev", help="list of sequences to score (%(default)s)")
    add(
        "--model",
        type=any_case(MODELS),
        choices=MODELS,
        default="quantized",
        help="what to score (%(default)s)",
    )
    add(
        "--prompt",
        default="mask",
        help=f"what is given first: {', '.join(PROMPTS)}, several with commas, or {ALL} "
        "(%(default)s)",
    )
    add(
        "--objects",
        type=any_case(OBJECTS),
        choices=OBJECTS[1:],
        default=OBJECTS[0],
        help="whether objects may share pixels (%(default)s)",
    )
    add("--config", type=model_name, default="nano", help="model size (%(default)s)")
    add("--checkpoint", type=given_path, help="weights of a float or quantized model")
    add("--bundle", type=given_path, help="bundle folder of the golden model")
    add("--sequences", help="only these, separated by commas")
    add(
        "--compare",
        type=any_case(MODELS),
        choices=MODELS,
        help="run this model beside it and report the agreement",
    )
    add(
        "--out", type=given_path, default=Path("runs/evaluate"), help="results folder (%(default)s)"
    )
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


def _prompts(asked: str) -> tuple[str, ...]:
    if asked.strip().lower() == ALL:
        return tuple(PROMPTS)
    named = tuple(dict.fromkeys(meant(name, PROMPTS) for name in asked.split(",") if name.strip()))
    unknown = [name for name in named if name not in PROMPTS]
    if unknown or not named:
        raise SpecError(
            f"unknown prompt kind {', '.join(unknown) or repr(asked)}",
            f"there is: {', '.join(PROMPTS)}, {ALL}",
        )
    return named


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
    prompts = _prompts(args.prompt)
    sequences = _chosen(args)
    if args.checkpoint is None and args.bundle is None:
        said = caution(SHIPPED, args.config, MODELS[args.model] or "w4a4")
        if said is not None:
            print(f"note: {said}", file=sys.stderr)
    bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*bars, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    sheet = ContactSheet()
    reports: Reports = {prompt: [] for prompt in prompts}
    with _models(args) as (device, other), _made(args.out), progress:
        task = progress.add_task("", total=len(sequences))
        for sequence in sequences:
            progress.update(task, description=sequence.name)
            found = evaluate_sequence(device, sequence, prompts, other, sheet, args.objects)
            sheet.caption(sequence.name, f"J&F {100 * found[prompts[0]].score.jf:.1f}")
            for prompt, report in found.items():
                reports[prompt].append(report)
            progress.advance(task)
    title = f"{args.model} {args.config}, {args.split}, objects {args.objects}"
    console.print(render(title, reports, args.compare))
    stem = f"{args.model}_{args.config}_{args.prompt.replace(',', '-')}_{args.split}"
    asked = {k: getattr(args, k) for k in ("model", "config", "split", "objects", "compare")}
    with atomic_path(args.out / f"{stem}.json") as part:
        part.write_text(json.dumps(as_json(asked, reports), indent=1) + "\n", encoding="utf-8")
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


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, 2 for bad input, 130 for Ctrl-C."""
    args = parse(argv)
    try:
        # In a pipe or a file nothing limits the width, and cut figures are no use.
        evaluate(args, Console() if sys.stdout.isatty() else Console(width=WIDTH))
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
