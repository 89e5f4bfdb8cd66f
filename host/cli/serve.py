"""`serve` has these options, and runs the page that they describe."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from host.device import Device
from host.errors import UsageError
from hw.spec.command_line import given_path


def add_serve_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the live page; those of the device are added elsewhere."""
    group = parser.add_argument_group("page")
    group.add_argument(
        "--source",
        default="0",
        metavar="SOURCE",
        help="camera number, video file or folder of frames, over and over; demo draws a clip (0)",
    )
    group.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (127.0.0.1)"
    )
    group.add_argument("--port", type=_port, default=8000, metavar="N", help="and on which port")
    group.add_argument(
        "--token",
        metavar="TEXT",
        help="what visitors must know; made up where --host is more than this machine",
    )
    group.add_argument(
        "--out",
        type=given_path,
        default=Path("recordings"),
        metavar="DIR",
        help="folder for recordings (recordings)",
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0..65535 (0 takes a free one)")
    return int(text)


def run_page(arguments: argparse.Namespace, open_device: Callable[[], Device]) -> None:
    """Serves until Ctrl-C. Raises UsageError where the web packages are missing, and as
    `host.serve.server.serve` does.
    """
    try:
        from host.serve.server import Serving, serve
    except ModuleNotFoundError as error:
        if error.name in ("starlette", "uvicorn", "websockets"):
            raise UsageError(
                f"the page needs the Python package {error.name!r}",
                "install it: pip install 'samfabric[serve]'",
            ) from error
        raise
    serving = Serving(
        arguments.source, arguments.host, arguments.port, arguments.token, arguments.out
    )
    serve(serving, open_device, lambda line: print(line, flush=True))
