"""The commands of the command line and their options, and how their values are read."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from host.cli.detect import Example
from host.cli.serve import add_serve_options
from host.cli.track import Box
from host.devices.registry import DEVICES
from hw.spec.command_line import any_case, given_path, model_name

NEGATIVE = re.compile(r"-[.\d]")
"""A value with a minus begins like this; no option does."""


class _Parser(argparse.ArgumentParser):
    """Takes a value that begins with a minus: argparse itself reads `--box -5,10,60,80` as two
    options.
    """

    # The overloads of argparse's own are for namespaces of other classes, which nobody gives.
    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse's, with such values tied to their options."""
        return super().parse_known_args(_tied(sys.argv[1:] if args is None else args), namespace)


def _tied(arguments: Sequence[str]) -> list[str]:
    """The arguments with `--option -5,...` as `--option=-5,...`."""
    tied: list[str] = []
    for argument in arguments:
        option = tied[-1] if tied else ""
        if NEGATIVE.match(argument) and re.fullmatch(r"--\w[\w-]*", option):
            tied[-1] = f"{option}={argument}"
        else:
            tied.append(argument)
    return tied


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


def _example(text: str) -> Example:
    parts = text.split(",")
    label = parts[4] if len(parts) == 5 else "1"
    if label not in ("0", "1"):
        raise argparse.ArgumentTypeError(
            f"{text!r}: the label is 1 (an instance) or 0 (what is none)"
        )
    return (*_box(",".join(parts[:4]) if len(parts) == 5 else text), int(label))


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a score from 0 to 1")
    return value


def _delay(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of frames, 0 or more")
    return int(text)


def _add_device_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument(
        "--device",
        type=any_case(DEVICES),
        default="golden",
        help=f"what runs the model: {', '.join(DEVICES)} (golden)",
    )
    group.add_argument("--bundle", type=given_path, metavar="DIR", help="bundle folder to run")
    group.add_argument(
        "--config",
        type=model_name,
        metavar="NAME",
        help="model whose newest bundle under bitstreams/ to run (nano, if there is one)",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _add_overlap_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--overlap",
        action="store_true",
        help="draw masks as found, overlapping, in place of giving each pixel to the surest",
    )


def _add_window_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--whole-frame",
        action="store_true",
        help="look for prompted objects on the whole frame, in one run of the image encoder for "
        "all of them: faster with many, misses small ones",
    )


def _add_length_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--frames", type=_count, metavar="N", help="stop after so many frames (rtl takes its time)"
    )


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


def _add_concept_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which concept to find every instance of")
    group.add_argument("--text", metavar="PHRASE", help="noun phrase: 'yellow cab'")
    group.add_argument(
        "--example",
        type=_example,
        action="append",
        default=[],
        metavar="X0,Y0,X1,Y1[,0|1]",
        help="box of an instance (1, the default) or of what is none (0), may be repeated",
    )
    group.add_argument(
        "--threshold", type=_share, metavar="P", help="least score of an instance (0.5)"
    )


def _add_video_concept_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("following a concept")
    group.add_argument(
        "--delay",
        type=_delay,
        metavar="N",
        help="frames to hold output back, so that nothing spurious shows (0; 15 for best)",
    )
    group.add_argument(
        "--every", type=_count, metavar="K", help="detect on every k-th frame (1; on boards 8)"
    )
    group.add_argument(
        "--new", type=_share, metavar="P", help="least score of what starts a track (0.7)"
    )


def build_parser(prog: str = "python -m host") -> argparse.ArgumentParser:
    """Returns the parser of the whole command line; prog is the name of the program in its help."""
    parser = _Parser(
        prog=prog, description="Find, segment and track objects on pictures and videos."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    follow = commands.add_parser(
        "track",
        help="track objects through a video",
        description="Track objects through a video, a folder of frames or a camera.",
        epilog="example: %(prog)s clip.mp4 --box 40,30,120,90 --out tracked.mp4",
    )
    follow.add_argument(
        "source", metavar="SOURCE", help="video file, folder of frames, or camera number"
    )
    _add_prompt_options(follow)
    follow.add_argument(
        "--mask",
        type=given_path,
        metavar="PNG",
        help="mask of the object, or object ids of several",
    )
    follow.add_argument(
        "--frame", type=int, default=0, metavar="N", help="frame that the prompt is on (0)"
    )
    _add_concept_options(follow)
    _add_video_concept_options(follow)
    group = follow.add_argument_group("results")
    group.add_argument(
        "--out", type=given_path, metavar="CLIP", help="video with the masks drawn on it"
    )
    group.add_argument(
        "--masks", type=given_path, metavar="DIR", help="folder for one PNG mask a frame"
    )
    group.add_argument(
        "--json",
        type=given_path,
        metavar="FILE",
        help="times; with --text, what was found",
    )
    _add_overlap_option(follow)
    _add_window_option(follow)
    _add_device_options(follow)
    _add_length_option(follow)

    look = commands.add_parser(
        "detect",
        help="find every instance of a concept on a picture",
        description="Find every instance of a concept on a picture, by a phrase, by examples on "
        "the same picture, or by both.",
        epilog='example: %(prog)s street.jpg --text "yellow cab" --out found.png',
    )
    look.add_argument("image", type=given_path, metavar="IMAGE", help="picture: .jpg, .png, ...")
    _add_concept_options(look)
    group = look.add_argument_group("results")
    group.add_argument(
        "--out", type=given_path, metavar="PICTURE", help="picture with the masks on it"
    )
    group.add_argument("--json", type=given_path, metavar="FILE", help="result under SAM 3's keys")
    _add_overlap_option(look)
    _add_device_options(look)

    demo = commands.add_parser(
        "demo",
        help="track through a clip and show the times",
        description="Track through a clip that the project renders itself, or through your own.",
    )
    demo.add_argument("--video", metavar="SOURCE", help="your own video, with a prompt")
    _add_prompt_options(demo)
    _add_concept_options(demo)
    _add_video_concept_options(demo)
    demo.add_argument(
        "--out",
        type=given_path,
        default=Path("build/demo"),
        metavar="DIR",
        help="folder for the results (build/demo)",
    )
    _add_overlap_option(demo)
    _add_window_option(demo)
    _add_device_options(demo)
    _add_length_option(demo)

    page = commands.add_parser(
        "serve",
        help="track live, in a browser",
        description="Track a camera or a clip live, in a browser: click on a thing, drag a box "
        "around it, or type its name.",
        epilog="example: %(prog)s --source demo",
    )
    add_serve_options(page)
    _add_device_options(page)

    check = commands.add_parser(
        "verify",
        help="run frames on emulated hardware and compare every code with golden",
        description="Track a clip on the golden device, repeat its last frames' runs in RTL, and "
        "compare every code. Exit code 1 where any differs.",
    )
    check.add_argument("--bundle", type=given_path, metavar="DIR", help="bundle with hardware")
    check.add_argument(
        "--config", type=model_name, default="nano", metavar="NAME", help="else of a model (nano)"
    )
    check.add_argument("--board", default="KV260", metavar="NAME", help="and a board (KV260)")
    check.add_argument("--video", metavar="SOURCE", help="your own video, with --box")
    check.add_argument("--box", type=_box, metavar="X0,Y0,X1,Y1", help="box around an object")
    check.add_argument("--warm", type=_count, default=12, metavar="N", help="frames before (12)")
    check.add_argument("--frames", type=_count, default=1, metavar="N", help="frames in RTL (1)")
    check.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser
