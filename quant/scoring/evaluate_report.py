"""What `python -m quant.scoring.evaluate` found, as one table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table

from quant.scoring.measures.sizes import LEAST, band, mean_share
from quant.scoring.measures.summary import EVENTS, Measured, Summary
from quant.scoring.measures.trace import Count, Trace
from quant.scoring.metrics import SequenceScore, benchmark_mean


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
    """One sequence under one kind of prompt: its score and its objects' traces, frames tracked,
    milliseconds a frame, its kind, masks after an empty prompt, and the comparison if any.
    """

    score: SequenceScore
    traces: tuple[Trace, ...]
    frames: int
    ms_per_frame: float
    kind: str = ""
    empty: Count | None = None
    other: Comparison | None = None


Reports = dict[str, list[SequenceReport]]
"""Reports of the sequences by kind of prompt."""


def summarize(reports: Sequence[SequenceReport]) -> Summary:
    """Returns all measures of one kind of prompt."""
    return Summary.of(
        Measured(r.score, r.traces, r.kind, Count() if r.empty is None else r.empty)
        for r in reports
    )


def overall(reports: Sequence[SequenceReport]) -> SequenceReport:
    """Joins the measures of all sequences into those of one."""
    frames = sum(r.frames for r in reports)
    other = None
    others = [r.other for r in reports if r.other is not None]
    if others:
        ious = tuple(iou for o in others for iou in o.ious)
        other = Comparison(benchmark_mean(o.score for o in others), ious)
    spent = sum(r.ms_per_frame * r.frames for r in reports) / frames
    mean = benchmark_mean(r.score for r in reports)
    return SequenceReport(mean, (), frames, spent, other=other)


def render(title: str, reports: Reports, compare: str | None = None) -> Table:
    """The table: a line a sequence, then the mean, kinds of clips, sizes and events. One kind of
    prompt shows J, F and J&F, several show J&F alone, and their mean milliseconds a frame.
    """
    prompts = list(reports)
    lone = len(prompts) == 1
    table = Table(title=title)
    table.add_column("", no_wrap=True)
    headings = ["J", "F", "J&F"] if lone else [f"J&F {prompt}" for prompt in prompts]
    if lone:
        table.title = f"{title}, {prompts[0]} prompt"
    if compare is not None:
        headings += [f"{what} {p}" for p in prompts for what in (f"{compare} J&F", "mask IoU")]
    for heading in ("objects", "frames", *headings, "ms/frame"):
        table.add_column(heading, justify="right", no_wrap=True)

    def row(name: str, found: list[SequenceReport], style: str | None = None) -> None:
        cells = [name, str(len(found[0].score.objects)), str(found[0].frames)]
        cells += _measures([r.score for r in found])
        for report in found:
            if report.other is not None:
                cells += [f"{100 * report.other.score.jf:.1f}", f"{report.other.iou:.4f}"]
        cells.append(f"{np.mean([r.ms_per_frame for r in found]):.1f}")
        table.add_row(*cells, style=style)

    for same in zip(*reports.values(), strict=True):
        row(same[0].score.name, list(same))
    table.add_section()
    row("mean", [overall(reports[p]) for p in prompts], "bold")
    for name, objects, cells in summary_rows([summarize(reports[p]) for p in prompts]):
        if not name:
            table.add_section()
            continue
        # An event is one figure a prompt: it stands where J&F does.
        padding = [""] * 2 if lone and len(cells) == 1 else []
        table.add_row(name, objects, "", *padding, *cells)
    return table


def _measures(scores: Sequence[SequenceScore]) -> list[str]:
    if len(scores) == 1:
        return [f"{100 * v:.1f}" for v in (scores[0].j, scores[0].f, scores[0].jf)]
    return [f"{100 * score.jf:.1f}" for score in scores]


def summary_rows(summaries: Sequence[Summary]) -> list[tuple[str, str, list[str]]]:
    """Rows (name, objects, a figure a summary) of kinds, sizes and events; an empty name ends a
    section. Of one summary J, F and J&F are given.
    """
    rows: list[tuple[str, str, list[str]]] = []
    for part in ("kinds", "sizes"):
        groups: list[Mapping[str, SequenceScore]] = [getattr(s, part) for s in summaries]
        if groups[0]:
            rows.append(("", "", []))
        for name in groups[0]:
            scores = [group[name] for group in groups]
            rows.append((_label(part, name), str(len(scores[0].objects)), _measures(scores)))
    rows.append(("", "", []))
    for field, text in EVENTS.items():
        counts = [summary.events()[field] for summary in summaries]
        if any(count.total for count in counts):
            rows.append((text, "", [_share(count) for count in counts]))
    return rows


def _label(part: str, name: str) -> str:
    if part == "kinds":
        return name
    edges = [edge for edge in LEAST.values() if edge > LEAST[name]]
    if not edges:
        return f"{name} objects (from {100 * LEAST[name]:g} %)"
    return f"{name} objects (below {100 * min(edges):g} %)"


def _share(count: Count) -> str:
    return f"{100 * count.share:.1f} ({count.hits}/{count.total})" if count.total else "-"


def as_json(asked: Mapping[str, Any], reports: Reports) -> dict[str, Any]:
    """All that the table shows and every frame's J and F, by kind of prompt; in percent, mask IoU
    and areas in 0..1.
    """
    return dict(asked) | {"prompts": {prompt: _one(found) for prompt, found in reports.items()}}


def _one(reports: Sequence[SequenceReport]) -> dict[str, Any]:
    summary = summarize(reports)
    return {
        "mean": _plain(overall(reports)),
        "kinds": {name: _score(score) for name, score in summary.kinds.items()},
        "sizes": {name: _score(score) for name, score in summary.sizes.items()},
        "events": {name: _count(count) for name, count in summary.events().items()},
        "sequences": {report.score.name: _detailed(report) for report in reports},
    }


def _number(value: float, factor: float = 100) -> float | None:
    # NaN is no JSON: a sequence too short to score has null measures.
    return None if np.isnan(value) else round(factor * value, 4)


def _score(score: SequenceScore) -> dict[str, Any]:
    found = {"j": _number(score.j), "f": _number(score.f), "jf": _number(score.jf)}
    return found | {"objects": len(score.objects)}


def _count(count: Count) -> dict[str, Any]:
    return {"share": _number(count.share), "hits": count.hits, "total": count.total}


def _plain(report: SequenceReport) -> dict[str, Any]:
    found = _score(report.score)
    found |= {"frames": report.frames, "ms_per_frame": _number(report.ms_per_frame, 1)}
    if report.other is not None:
        iou = {"mask_iou": _number(report.other.iou, 1)}
        found["compare"] = _score(report.other.score) | iou
    return found


def _detailed(report: SequenceReport) -> dict[str, Any]:
    objects = [
        {
            "id": o.object_id,
            "size": band(trace),
            "area": _number(mean_share(trace), 1),
            "frames": o.frames,
            "j": [_number(v) for v in o.j],
            "f": [_number(v) for v in o.f],
        }
        for o, trace in zip(report.score.objects, report.traces, strict=True)
    ]
    return _plain(report) | {"kind": report.kind, "object_list": objects}
