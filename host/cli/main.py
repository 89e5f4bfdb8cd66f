"""The command line: `python -m host track`, `detect`, `demo`, `serve` and `verify`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from host.cli.detect import ConceptRequest, detect, detection_table
from host.cli.options import build_parser
from host.cli.serve import run_page
from host.cli.streaming import Outputs, Report
from host.cli.track import PromptRequest, track
from host.cli.track_concept import track_concept
from host.concepts.association import Rules
from host.concepts.detections import THRESHOLD
from host.concepts.session import check_phrase
from host.device import Device
from host.devices.hardware import cycle_table
from host.devices.registry import HARDWARE_DEVICES, default_bundle, open_device
from host.errors import SamFabricError, UsageError
from host.media.video import Frame, FrameSource, open_source
from host.spec import load_spec
from hw.spec.hardware import Hardware, newest

EXIT_ERROR, EXIT_INTERRUPTED = 2, 130
BOARD_EVERY = 8
"""The detector shares the fabric on hardware, and looks at one frame in this many."""

SATURATED = "there may be more instances than the model can answer for at once"

Job = Callable[[FrameSource, Device, Outputs, Callable[[int], None]], Report]


class _FirstFrames:
    """The beginning of a source."""

    def __init__(self, source: FrameSource, most: int) -> None:
        self._source, self._most = source, most
        self.description, self.fps = source.description, source.fps
        self.count = None if source.count is None else min(most, source.count)

    def __iter__(self) -> Iterator[Frame]:
        return islice(self._source, self._most)


def _bundle(arguments: argparse.Namespace) -> Path:
    wants_hardware = arguments.device in HARDWARE_DEVICES
    given: Path | None = arguments.bundle
    concept = arguments.text is not None or bool(arguments.example)
    return given or default_bundle(arguments.config, wants_hardware, concept)


def _open(arguments: argparse.Namespace) -> Device:
    return open_device(arguments.device, _bundle(arguments))


def _concept(arguments: argparse.Namespace) -> ConceptRequest | None:
    """The concept asked for, if it is one."""
    if arguments.text is None and not arguments.example:
        return None
    return ConceptRequest(arguments.text, tuple(arguments.example))


def _job(arguments: argparse.Namespace, request: PromptRequest | None, first: int) -> Job:
    """What to run on the frames: a concept where the options ask for one, else the request."""
    concept = _concept(arguments)
    given = {
        "threshold": arguments.threshold,
        "new_score": arguments.new,
        "delay": arguments.delay,
        "every": arguments.every,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if concept is None:
        if given:
            name = min(given).replace("new_score", "new")
            raise UsageError(f"--{name} is for a concept", "say which with --text or --example")
        asked = request or PromptRequest()
        return lambda source, device, outputs, say: track(
            source, device, asked, outputs, say, arguments.overlap, arguments.whole_frame
        )
    if arguments.whole_frame:
        raise UsageError("--whole-frame is for prompted objects", "a concept is read so anyway")
    if request is not None:
        raise UsageError(
            "--text or --example together with --mask, --point or --box", "give one kind of prompt"
        )
    if first < 0:
        raise UsageError(f"--frame {first}", "frames are numbered from 0")
    if arguments.device in HARDWARE_DEVICES:
        given = {"every": BOARD_EVERY, **given}
    rules = Rules(**given)
    return lambda source, device, outputs, say: track_concept(
        source, device, concept, outputs, rules, first, say, arguments.overlap
    )


def _follow(
    arguments: argparse.Namespace, source: FrameSource, job: Job, outputs: Outputs
) -> Report:
    outputs.check()
    if arguments.frames is not None:
        source = _FirstFrames(source, arguments.frames)
    device = _open(arguments)
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
            report = job(source, device, outputs, lambda n: progress.update(task, completed=n))
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
    if report.saturated:
        console.print(SATURATED)
    if report.interrupted:
        console.print("interrupted: the results hold the frames done so far")
    if report.broken is not None:
        console.print(f"the source broke off: the results hold its first {report.frames} frames")
    if outputs.clip is not None and outputs.clip.is_file():
        console.print(f"overlay video: {outputs.clip}", soft_wrap=True, highlight=False)
    if outputs.masks is not None:
        console.print(f"masks: {outputs.masks}", soft_wrap=True, highlight=False)
    if outputs.stats is not None:
        console.print(f"times: {outputs.stats}", soft_wrap=True, highlight=False)
    return report


def _status(report: Report) -> int:
    """Exit status of a run; one whose source broke off ends as its error would."""
    if report.broken is not None:
        print(_line(report.broken), file=sys.stderr)
        return EXIT_ERROR
    return EXIT_INTERRUPTED if report.interrupted else 0


def _line(error: Exception) -> str:
    return f"error: {' '.join(str(error).split())}"


def _track(arguments: argparse.Namespace) -> int:
    request = None
    if arguments.mask is not None or arguments.point or arguments.box:
        request = PromptRequest(arguments.mask, arguments.point, arguments.box, arguments.frame)
    job = _job(arguments, request, arguments.frame)
    where = Path(arguments.source)
    if arguments.masks is not None and arguments.masks.resolve() == where.resolve():
        raise UsageError(f"--masks {arguments.masks} is the source itself", "choose another folder")
    if arguments.out is not None and arguments.out.resolve() == where.resolve():
        raise UsageError(f"--out {arguments.out} is the source itself", "choose another name")
    outputs = Outputs(arguments.out, arguments.masks, arguments.json)
    return _status(_follow(arguments, open_source(arguments.source), job, outputs))


def _detect(arguments: argparse.Namespace) -> int:
    request = _concept(arguments) or ConceptRequest()  # which says what is missing
    where = arguments.image.resolve()
    for option in ("out", "json"):
        path = getattr(arguments, option)
        if path is not None and path.resolve() == where:
            raise UsageError(f"--{option} {path} is the picture itself", "choose another name")
    threshold = THRESHOLD if arguments.threshold is None else arguments.threshold
    device = _open(arguments)
    try:
        found = detect(
            arguments.image,
            device,
            request,
            threshold,
            arguments.out,
            arguments.json,
            arguments.overlap,
        )
    finally:
        device.close()
    console = Console()
    console.print(detection_table(found, f"{device.spec.name} {device.spec.precision}"))
    if found.saturated:
        console.print(SATURATED)
    for what, path in (("picture", arguments.out), ("result", arguments.json)):
        if path is not None:
            console.print(f"{what}: {path}", soft_wrap=True, highlight=False)
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.out
    boxes, points = arguments.box, arguments.point
    drawn = arguments.video is None
    if drawn:
        if boxes or points or arguments.example:
            raise UsageError(
                "--box, --point and --example are for your own video", "name it with --video"
            )
        if arguments.text is not None:
            check_phrase(load_spec(_bundle(arguments))[1], arguments.text)  # drawing takes seconds
        from host.media.demo_clip import write_demo_clip

        Outputs(clip=folder / "clip.mp4").check()
        boxes = [tuple(map(float, box)) for box in write_demo_clip(folder / "clip.mp4")]
    prompted = (boxes or points) and not (drawn and arguments.text is not None)
    request = PromptRequest(points=points, boxes=boxes) if prompted else None
    job = _job(arguments, request, 0)
    source = open_source(folder / "clip.mp4" if drawn else arguments.video)
    outputs = Outputs(folder / "overlay.mp4", folder / "masks", folder / "stats.json")
    return _status(_follow(arguments, source, job, outputs))


def _serve(arguments: argparse.Namespace) -> int:
    def opened() -> Device:
        hardware = arguments.device in HARDWARE_DEVICES
        bundle = arguments.bundle or default_bundle(arguments.config, hardware, detector=True)
        return open_device(arguments.device, bundle)

    run_page(arguments, opened)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from host.cli import verify

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


def main(argv: Sequence[str] | None = None, prog: str = "python -m host") -> int:
    """Runs the command line; returns the exit status: 0, 2 for a bad input, 130 for Ctrl-C.

    prog is the name of the program in its help.
    """
    arguments = build_parser(prog).parse_args(argv)
    commands = {"track": _track, "detect": _detect, "demo": _demo}
    commands |= {"serve": _serve, "verify": _verify}
    logging.basicConfig(level=logging.DEBUG if arguments.debug else logging.WARNING)
    try:
        return commands[arguments.command](arguments)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except (SamFabricError, OSError) as error:
        if arguments.debug:
            raise
        print(_line(error), file=sys.stderr)
        return EXIT_ERROR
