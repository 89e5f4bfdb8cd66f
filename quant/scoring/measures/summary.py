"""All measures over a split under one kind of prompt: J and F by kind and by size, events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from quant.scoring.measures.presence import false_masks, missing_masks
from quant.scoring.measures.returns import WITHIN, found_again
from quant.scoring.measures.sizes import BANDS, band
from quant.scoring.measures.trace import Count, Trace
from quant.scoring.metrics import ObjectScore, SequenceScore

EVENTS = {
    "false_masks": "absent, yet a mask: % of frames",
    "missing_masks": "visible, yet no mask: % of frames",
    "found_again": f"found within {WITHIN} frames of a return: %",
    "empty_prompt": "masks after an empty prompt: % of frames",
}
"""Fields of `Summary` that count events, and what they are called in tables."""


@dataclass(frozen=True)
class Measured:
    """One sequence: its score, the traces of the same objects, its kind, the empty prompt's."""

    score: SequenceScore
    traces: tuple[Trace, ...]
    kind: str = ""
    empty: Count = field(default_factory=Count)


@dataclass(frozen=True)
class Summary:
    """Measures of a split. kinds and sizes: every object counts once, by name of the group; groups
    without objects are left out."""

    mean: SequenceScore
    kinds: dict[str, SequenceScore]
    sizes: dict[str, SequenceScore]
    false_masks: Count
    missing_masks: Count
    found_again: Count
    empty_prompt: Count

    @classmethod
    def of(cls, measured: Iterable[Measured]) -> Summary:
        """Sums up the measures of sequences."""
        sequences = list(measured)
        every = [o for m in sequences for o in m.score.objects]
        traces = [t for m in sequences for t in m.traces]
        by_kind: dict[str, list[ObjectScore]] = {}
        by_size: dict[str, list[ObjectScore]] = {}
        for m in sequences:
            if m.kind:
                by_kind.setdefault(m.kind, []).extend(m.score.objects)
            for found, trace in zip(m.score.objects, m.traces, strict=True):
                by_size.setdefault(band(trace), []).append(found)
        return cls(
            SequenceScore("mean", tuple(every)),
            {kind: SequenceScore(kind, tuple(found)) for kind, found in by_kind.items()},
            {b: SequenceScore(b, tuple(by_size[b])) for b in BANDS if b in by_size},
            sum(map(false_masks, traces), Count()),
            sum(map(missing_masks, traces), Count()),
            sum(map(found_again, traces), Count()),
            sum((m.empty for m in sequences), Count()),
        )

    def events(self) -> dict[str, Count]:
        """Returns the counts of events by the names of their fields."""
        return {name: getattr(self, name) for name in EVENTS}
