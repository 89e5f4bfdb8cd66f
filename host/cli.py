"""The command line: `python -m host track` and `python -m host demo`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from host.device import DEVICES, HARDWARE_DEVICES, default_bundle, open_device
from host.device_hardware import cycle_table
from host.errors import SamFabricError, UsageError
from host.track import Box, Outputs, PromptRequest, Report, track
from host.video import Frame, FrameSource, open_source
from hw.spec.hardware import Hardware, newest

EXIT_ERROR, EXIT_INTERRUPTED = 2, 130


def _point(text: str) -> tuple[float, float, int]:
    parts = text.split(",")
    if len(parts) not in (2, 3):
        raise argparse.ArgumentTypeError(f"{text!r} is not X,Y or X,Y,LABEL")
    try:
        x, y = float(parts[0]), float(parts[1])
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not X,Y or X,Y,LABEL") from None
    label = parts[2] if len(parts) == 3 else "1"
    if label not in ("0", "1"):
        raise argparse.ArgumentTypeError(f"{text!r}: the label is 1 (object) or 0 (background)")
    return x, y, int(label)


def _box(text: str) -> Box:
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not X0,Y0,X1,Y1") from None
    return x0, y0, x1, y1


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of frames, 1 or more")
    return int(text)


class _FirstFrames:
    """The beginning of a source."""

    def __init__(self, source: FrameSource, most: int) -> None:
        self._source, self._most = source, most
        self.description, self.fps = source.description, source.fps
        self.count = None if source.count is None else min(most, source.count)

    def __iter__(self) -> Iterator[Frame]:
        return islice(self._source, self._most)


def _add_device_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument(
        "--device", default="golden", help=f"what runs the model: {', '.join(DEVICES)} (golden)"
    )
    group.add_argument("--bundle", type=Path, metavar="DIR", help="bundle folder to run")
    group.add_argument(
        "--config",
        metavar="NAME",
        help="model whose newest bundle under bitstreams/ to run (nano, if there is one)",
    )
    parser.add_argument(
        "--frames", type=_count, metavar="N", help="stop after so many frames (rtl takes its time)"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _add_prompt_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to track (pixels of the frame, from the top left)")
    group.add_argument(
        "--point",
        type=_point,
        action="append",
        default=[],
        metavar="X,Y[,0|1]",
        help="click on the object (1, the default) or on background (0); may be repeated",
    )
    group.add_argument(
        "--box",
        type=_box,
        action="append",
        default=[],
        metavar="X0,Y0,X1,Y1",
        help="box around the object; repeated without clicks, each box is an object",
    )


def build_parser() -> argparse.ArgumentParser:
    """Parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="python -m host", description="Segment and track objects through video."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    follow = commands.add_parser(
        "track",
        help="track objects through a video",
        description="Track objects through a video, a folder of frames or a camera.",
        epilog="example: python -m host track clip.mp4 --box 40,30,120,90 --out tracked.mp4",
    )
    follow.add_argument(
        "source", metavar="SOURCE", help="video file, folder of frames, or camera number"
    )
    _add_prompt_options(follow)
    follow.add_argument(
        "--mask", type=Path, metavar="PNG", help="mask of the object, or object ids of several"
    )
    follow.add_argument(
        "--frame", type=int, default=0, metavar="N", help="frame that the prompt is on (0)"
    )
    group = follow.add_argument_group("results")
    group.add_argument("--out", type=Path, metavar="CLIP", help="video with the masks drawn on it")
    group.add_argument("--masks", type=Path, metavar="DIR", help="folder for one PNG mask a frame")
    group.add_argument("--json", type=Path, metavar="FILE", help="times of every stage")
    _add_device_options(follow)
    follow.set_defaults(run=_track)

    demo = commands.add_parser(
        "demo",
        help="track through a clip and show the times",
        description="Track through a clip that the project renders itself, or through your own.",
    )
    demo.add_argument("--video", metavar="SOURCE", help="your own video, with --box or --point")
    _add_prompt_options(demo)
    demo.add_argument(
        "--out",
        type=Path,
        default=Path("build/demo"),
        metavar="DIR",
        help="folder for the results (build/demo)",
    )
    _add_device_options(demo)
    demo.set_defaults(run=_demo)

    check = commands.add_parser(
        "verify",
        help="run frames on emulated hardware and compare every code with golden",
        description="Track a clip on the golden device, repeat its last frames' runs in RTL, and "
        "compare every code. Exit code 1 where any differs.",
    )
    check.add_argument("--bundle", type=Path, metavar="DIR", help="bundle with hardware")
    check.add_argument("--config", default="nano", metavar="NAME", help="else of a model (nano)")
    check.add_argument("--board", default="KV260", metavar="NAME", help="and a board (KV260)")
    check.add_argument("--video", metavar="SOURCE", help="your own video, with --box")
    check.add_argument("--box", type=_box, metavar="X0,Y0,X1,Y1", help="box around an object")
    check.add_argument("--warm", type=_count, default=12, metavar="N", help="frames before (12)")
    check.add_argument("--frames", type=_count, default=1, metavar="N", help="frames in RTL (1)")
    check.add_argument("--debug", action="store_true", help="show the traceback of an error")
    check.set_defaults(run=_verify)
    return parser


def _follow(
    arguments: argparse.Namespace, source: FrameSource, request: PromptRequest, outputs: Outputs
) -> Report:
    outputs.check()
    wants_hardware = arguments.device in HARDWARE_DEVICES
    bundle = arguments.bundle or default_bundle(arguments.config, wants_hardware)
    if arguments.frames is not None:
        source = _FirstFrames(source, arguments.frames)
    device = open_device(arguments.device, bundle)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    try:
        with progress:
            task = progress.add_task("tracking", total=source.count)
            report = track(
                source, device, request, outputs, lambda n: progress.update(task, completed=n)
            )
    finally:
        device.close()
    console = Console()
    height, width = report.frame_size
    objects = f"{len(report.present)} object{'s' if len(report.present) != 1 else ''}"
    console.print(
        report.times.table(
            f"{report.frames} frames {width}x{height}, {objects}, "
            f"{device.spec.name} {device.spec.precision} on {device.name}"
        )
    )
    cycles = cycle_table(device)
    if cycles is not None:
        console.print(cycles)
    if report.interrupted:
        console.print("interrupted: the results hold the frames done so far")
    if outputs.clip is not None and outputs.clip.is_file():
        console.print(f"overlay video: {outputs.clip}", soft_wrap=True, highlight=False)
    if outputs.masks is not None:
        console.print(f"masks: {outputs.masks}", soft_wrap=True, highlight=False)
    if outputs.stats is not None:
        console.print(f"times: {outputs.stats}", soft_wrap=True, highlight=False)
    return report


def _track(arguments: argparse.Namespace) -> int:
    request = PromptRequest(arguments.mask, arguments.point, arguments.box, arguments.frame)
    where = Path(arguments.source)
    if arguments.masks is not None and arguments.masks.resolve() == where.resolve():
        raise UsageError(f"--masks {arguments.masks} is the source itself", "choose another folder")
    if arguments.out is not None and arguments.out.resolve() == where.resolve():
        raise UsageError(f"--out {arguments.out} is the source itself", "choose another name")
    outputs = Outputs(arguments.out, arguments.masks, arguments.json)
    report = _follow(arguments, open_source(arguments.source), request, outputs)
    return EXIT_INTERRUPTED if report.interrupted else 0


def _demo(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.out
    if arguments.video is None:
        if arguments.box or arguments.point:
            raise UsageError("--box and --point are for your own video", "name it with --video")
        from host.demo_clip import write_demo_clip

        Outputs(clip=folder / "clip.mp4").check()
        boxes = [tuple(map(float, box)) for box in write_demo_clip(folder / "clip.mp4")]
        source = open_source(folder / "clip.mp4")
        request = PromptRequest(boxes=boxes)  # type: ignore[arg-type]
    else:
        request = PromptRequest(points=arguments.point, boxes=arguments.box)
        source = open_source(arguments.video)
    outputs = Outputs(folder / "overlay.mp4", folder / "masks", folder / "stats.json")
    report = _follow(arguments, source, request, outputs)
    return EXIT_INTERRUPTED if report.interrupted else 0


def _verify(arguments: argparse.Namespace) -> int:
    from host import verify

    bundle = arguments.bundle or newest(arguments.config, arguments.board)
    Hardware.load(bundle)  # its errors come before any work
    count = arguments.warm + arguments.frames
    if (arguments.video is None) != (arguments.box is None):
        raise UsageError("--video and --box", "give both, or none for the clip drawn here")
    if arguments.video is None:
        clip, box = verify.drawn(count)
    else:
        clip = [f.image for f in islice(open_source(arguments.video), count)]
        box = arguments.box
    different = verify.run(bundle, clip, box, arguments.frames, Console())
    return 1 if different else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 0, 2 for a bad input, 130 for Ctrl-C."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.DEBUG if arguments.debug else logging.WARNING)
    try:
        status: int = arguments.run(arguments)
        return status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except (SamFabricError, OSError) as error:
        if arguments.debug:
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_ERROR
