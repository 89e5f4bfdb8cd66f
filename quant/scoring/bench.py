"""`python -m quant.scoring.bench`: the golden device beside the float PyTorch model, and how a
session scales.

Questions answered by a ratio within one run on the same threads: does the integer model cost more
than the float one, what do more objects cost, and do frame time and memory stay flat over a long
stream. Sessions alternate frame by frame, so a machine that slows down slows both. Besides: what
the host's own work is, what that makes of the boards that the model's hardware was built for, and
what the HLS sources take on this machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from host.device import Device
from host.devices.registry import open_device
from host.media.demo_clip import render_demo_clip
from host.prompts import Prompt
from host.rates.measure import measure
from host.rates.rating import processor_name, rating_here
from host.session import MODES, Session
from hw.spec.command_line import given_path, model_name
from hw.spec.errors import BundleError, SamFabricError
from hw.spec.files import atomic_path
from hw.spec.hardware import Hardware, newest
from hw.spec.host_work import COLUMNS, CORES, Measured, comparison, rate
from hw.spec.manifest import DETECTOR
from quant.commands import exit_code
from quant.config import CONFIGS
from quant.model.device import TorchDevice
from quant.model.tracker import CHECKPOINTS

CLIP = 40  # frames of the rendered clip that everything loops over
BOARDS = {"KV260": "xcup", "PYNQ-Z2": "xc7"}
"""Boards that are compared, and their families."""
SIZES = ((480, 640), (720, 1280))
"""Height and width of frames that the host's own work is measured for."""
CSIM_FRAMES = 4  # of a device that takes seconds for each
WARM_UP = 12  # frames until the bank is full and every buffer is allocated


def looped(frames: list[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """`count` frames, there and back through the clip, so that motion stays continuous."""
    cycle = [*frames, *frames[-2:0:-1]]
    return (cycle[i % len(cycle)] for i in range(count))


def tiles(frame: np.ndarray, objects: int) -> dict[int, Prompt]:
    """Makes one box prompt for each object, side by side in the frame."""
    height, width = frame.shape[:2]
    step = width // objects
    return {
        i + 1: Prompt.from_pixels(
            height, width, box=(i * step + 4, height // 4, (i + 1) * step - 4, 3 * height // 4)
        )
        for i in range(objects)
    }


class Run:
    """A run is one session and the milliseconds of its frames."""

    def __init__(self, device: Device, objects: int) -> None:
        self.session, self.objects = Session(device), objects
        self.times: list[float] = []

    def step(self, frame: np.ndarray) -> None:
        prompts = None if self.times else tiles(frame, self.objects)
        start = time.perf_counter()
        self.session.step(frame, prompts)
        self.times.append((time.perf_counter() - start) * 1e3)

    @property
    def median(self) -> float:
        return statistics.median(self.times[WARM_UP:])


def alternate(runs: list[Run], frames: list[np.ndarray], count: int) -> None:
    """Gives every run the same frames, in turn."""
    for frame in track(looped(frames, count), "timing", total=count, transient=True):
        for run in runs:
            run.step(frame)


def resident_kb() -> int:
    """Returns the resident memory of this process in KiB; Linux."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise SamFabricError("no VmRSS in /proc/self/status", "run this on Linux")


def endurance(device: Device, frames: list[np.ndarray], count: int) -> dict[str, float]:
    """One object through `count` frames: growth of resident memory and of frame time."""
    run = Run(device, 1)
    sizes = []
    for frame in track(looped(frames, count), "endurance", total=count, transient=True):
        run.step(frame)
        sizes.append(resident_kb())
    tenth = max(1, (count - WARM_UP) // 10)
    first, last = slice(WARM_UP, WARM_UP + tenth), slice(-tenth, None)
    return {
        "frames": count,
        "memory_ratio": statistics.median(sizes[last]) / statistics.median(sizes[first]),
        "time_ratio": statistics.median(run.times[last]) / statistics.median(run.times[first]),
    }


def modes(golden: Device, frames: list[np.ndarray], count: int, objects: int) -> dict[str, float]:
    """Prints the rate of a session that answers at once and of one that is a frame behind, its
    objects side by side, and how many pixels of their masks differ.
    """
    runs: dict[str, tuple[float, list[np.ndarray]]] = {}
    for mode in (*MODES, *MODES):  # the faster of two turns, since a machine does other things
        session, masks = Session(golden, mode=mode), []
        start = time.perf_counter()
        results = [
            session.step(frame, tiles(frame, objects) if index == 0 else None)
            for index, frame in enumerate(looped(frames, count))
        ]
        results += [last for last in (session.finish(),) if last is not None]
        took = (time.perf_counter() - start) * 1e3 / count
        for result in results:
            masks += [found.mask() for found in result.objects.values()]
        runs[mode] = min(took, runs[mode][0] if mode in runs else took), masks
    (at_once, wanted), (behind, found) = (runs[mode] for mode in MODES)
    if len(found) != len(wanted):
        raise SamFabricError(f"{len(found)} masks a frame behind, {len(wanted)} at once")
    differ = sum(int((a != b).sum()) for a, b in zip(found, wanted, strict=True))
    print(
        f"{objects} object(s), {count} frames: at once {1e3 / at_once:.2f} frames/s, a frame "
        f"behind {1e3 / behind:.2f} ({at_once / behind:.2f} times); {differ} pixels of "
        f"{len(wanted)} masks differ"
    )
    suffix = f"{objects}_objects"
    return {
        f"latency_ms_{suffix}": at_once,
        f"throughput_ms_{suffix}": behind,
        f"differ_{suffix}": differ,
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m quant.scoring.bench", description=__doc__)
    parser.add_argument("--config", type=model_name, default="nano", choices=list(CONFIGS))
    parser.add_argument(
        "--bundle", type=given_path, help="bundle folder (the newest of the configuration)"
    )
    parser.add_argument("--checkpoint", type=given_path, help="float checkpoint (the shipped one)")
    parser.add_argument("--frames", type=int, default=60, help="frames a timing (%(default)s)")
    parser.add_argument("--endurance", type=int, default=0, help="also stream that many frames")
    parser.add_argument(
        "--boards",
        type=given_path,
        default=Path("bitstreams"),
        help="folder of bundles with hardware, whose boards are compared (%(default)s)",
    )
    parser.add_argument("--json", type=given_path, help="write the figures there")
    parser.add_argument("--debug", action="store_true", help="tracebacks")
    args = parser.parse_args(argv)

    def run() -> None:
        figures = bench(args)
        if args.json:
            with atomic_path(args.json) as path:
                path.write_text(json.dumps(figures, indent=1))

    return exit_code(run, args.debug)


def bench(args: argparse.Namespace) -> dict[str, float]:
    """Measure, print and return the figures. Raises SamFabricError for what cannot be opened."""
    if args.frames <= WARM_UP:
        raise SamFabricError(f"--frames {args.frames}", f"more than {WARM_UP} are needed")
    checkpoint = args.checkpoint or CHECKPOINTS / f"{args.config}_float.safetensors"
    reference = TorchDevice.from_checkpoint(checkpoint, args.config)
    golden = open_device("golden", args.bundle or newest_bundle(args.config))
    frames, _ = render_demo_clip(frames=CLIP)

    single, four, model = Run(golden, 1), Run(golden, 4), Run(reference, 1)
    alternate([single, model], frames, args.frames)
    alone = Run(golden, 1)
    alternate([alone, four], frames, args.frames)
    figures = {
        "golden_ms": single.median,
        "float_ms": model.median,
        "golden_over_float": single.median / model.median,
        "four_objects_over_one": four.median / alone.median,
    }
    table = Table(title=f"{args.config}: median of {args.frames - WARM_UP} frames")
    for column in ("", "ms a frame", "ratio"):
        table.add_column(column, justify="right")
    table.add_row("float PyTorch", f"{model.median:.1f}", "1")
    table.add_row("golden", f"{single.median:.1f}", f"{figures['golden_over_float']:.2f}")
    table.add_row("golden, 1 object", f"{alone.median:.1f}", "1")
    table.add_row(
        "golden, 4 objects", f"{four.median:.1f}", f"{figures['four_objects_over_one']:.2f}"
    )
    Console().print(table)
    for objects in (1, 4):
        figures |= modes(golden, frames, args.frames, objects)
    if args.endurance:
        long = endurance(golden, frames, args.endurance)
        figures |= {f"endurance_{k}": v for k, v in long.items()}
        print(
            f"{args.endurance} frames in one session: resident memory x{long['memory_ratio']:.4f}, "
            f"frame time x{long['time_ratio']:.3f} from the first tenth to the last"
        )
    figures |= csim_figures(golden, frames, args.config, args.boards)
    figures |= host_figures(golden, frames, args.config, args.boards)
    golden.close()
    return figures


def csim_figures(
    golden: Device, frames: list[np.ndarray], config: str, folder: Path
) -> dict[str, float]:
    """Prints the time a frame of the csim device beside golden's, where there is hardware with HLS
    sources; the first frame is left out.
    """
    bundles = [b for board in BOARDS if (b := hardware_of(config, board, folder))]
    bundle = next((b for b in bundles if (b / "hls").is_dir()), None)
    if bundle is None:
        print(f"csim is not timed: no HLS sources of {config} (make bitstream BACKEND=hls)")
        return {}
    device = open_device("csim", bundle)
    runs = [Run(golden, 1), Run(device, 1)]
    alternate(runs, frames, CSIM_FRAMES)
    device.close()
    quick, slow = (statistics.median(run.times[1:]) for run in runs)
    print(f"csim takes {slow:.1f} ms a frame, golden {quick:.1f} ms: {slow / quick:.1f} times")
    return {"csim_ms": slow, "csim_over_golden": slow / quick}


def host_figures(
    golden: Device, frames: list[np.ndarray], config: str, folder: Path
) -> dict[str, float]:
    """Prints the host's own work a frame, and the frames a second of each board that there is
    hardware for, by its cycles and the speed of its cores.
    """
    found = {board: bundle for board in BOARDS if (bundle := hardware_of(config, board, folder))}
    bundle = next(iter(found.values()), None)
    works = measure(golden, frames[:WARM_UP], tiles(frames[0], 1), bundle, 100, SIZES)
    figures = {f"host_ms_{work.height}p": work.total_ms for work in works}
    table = Table(title="the host's own work, one object, one thread: ms a frame")
    names = list(works[0].parts_ms)
    for column in ("frame", *names, "in all"):
        table.add_column(column, justify="right")
    for work in works:
        cells = [f"{work.parts_ms[name]:.2f}" for name in names]
        table.add_row(f"{work.width}x{work.height}", *cells, f"{work.total_ms:.2f}")
    Console().print(table)
    measured = Measured(processor_name(), rating_here() if found else None, works)
    for board, bundle in found.items():
        hardware, core = Hardware.load(bundle), CORES[BOARDS[board]]
        factor = measured.factor(core)
        if factor is None:
            print(f"{board}: its processor is not compared, since 7-Zip is not installed")
            continue
        cycles = sum(entry.cycles for entry in hardware.graphs if entry.name != DETECTOR)
        fabric_ms = cycles / (hardware.clock_mhz * 1e3)
        table = Table(
            title=f"{board}: frames/s, fabric at {hardware.clock_mhz:g} MHz, "
            f"{core.name} {factor:.1f} times as slow as {measured.machine}"
        )
        for column in COLUMNS:
            table.add_column(column, justify="right")
        for row in comparison(measured, core, fabric_ms):
            table.add_row(*row)
        Console().print(table)
        for work in works:
            overlapped = rate(work, factor, fabric_ms).overlapped_ms
            figures[f"{board}_fps_{work.height}p"] = 1e3 / overlapped
    return figures


def hardware_of(config: str, board: str, folder: Path) -> Path | None:
    """The newest bundle with hardware for a board, None without one."""
    try:
        return newest(config, board, folder)
    except BundleError:
        return None


def newest_bundle(config: str) -> Path:
    """The newest bundle of a configuration under bitstreams/; raises SamFabricError without one."""
    root = Path(__file__).resolve().parents[2] / "bitstreams"
    found = sorted(root.glob(f"{config}_*/manifest.json"), key=lambda p: p.stat().st_mtime)
    if not found:
        raise SamFabricError(
            f"no bundle of {config} under {root.name}/", f"make bundle CONFIG={config}"
        )
    return found[-1].parent


if __name__ == "__main__":
    raise SystemExit(main())
