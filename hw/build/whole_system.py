"""A report's section on fabric and processor together, where the host's work was measured."""

from __future__ import annotations

from pathlib import Path

from hw.spec.host_work import COLUMNS, CORES, NAME, Measured, comparison


def section(folder: Path, family: str, clock_mhz: float, cycles: float) -> list[str]:
    """Lines of Markdown, none where the bundle has no `host.json`. cycles: of the fabric, a frame
    with one object. Raises BundleError for a file that cannot be read.
    """
    if not (folder / NAME).is_file():
        return []
    measured, core = Measured.load(folder), CORES[family]
    works = "; ".join(
        f"{work.total_ms:.2f} ms for a frame of {work.width}x{work.height}, of which "
        f"{work.serial_ms:.2f} ms between the device's runs"
        for work in measured.works
    )
    lines = ["## The whole system", ""]
    lines += [
        "Frames a second with one object, by the fabric's cycles and the host's own work: "
        "preparing frames, memory bank, prompts, copies into and out of the streams' buffers, "
        "masks at the frame's size; not cameras, drawing or video files. Measured in one thread's "
        f"processor time on {measured.machine}: {works}.",
        "",
    ]
    factor = measured.factor(core)
    if factor is None:
        return [*lines, "The board's core is not compared: 7-Zip was not installed there.", ""]
    lines += [
        f"A {core.name} is taken to need {factor:.1f} times as long: 7-Zip's LZMA rating of one "
        f"core (`7z b -mmt1 -md22`) was {measured.rating:,.0f} there and is {core.mips:,.0f} here, "
        f"from {core.source}. Overlapped, a second core prepares the next frame and enlarges the "
        "last masks while the fabric works, as the live page does. What caches, polling and "
        "the port to memory cost is not counted.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
    ]
    rows = comparison(measured, core, cycles / (clock_mhz * 1e3))
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]
