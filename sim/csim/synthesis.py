"""Refuses HLS sources that Vitis HLS does not synthesise, without Vitis.

    python -m sim.csim.synthesis [file ...]      the project's headers when none is named

A rule a kind, each from UG1399 (Vitis HLS User Guide). Exit code 0 when nothing is found, 1 with a
line for each finding, 2 for a source that cannot be read.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw.hls.source import INCLUDE
from sim.csim.cpp import (
    Function,
    SourceError,
    Token,
    Tokens,
    angle,
    calls,
    closing,
    functions,
    is_pragma,
    outside_template,
    tokens,
)
from sim.csim.dataflow import dataflow_findings, is_stream

LIBRARIES = ("ap_int.h", "hls_stream.h", "ap_axi_sdata.h")
"""Headers of the tool that sources may include, beside their own."""
BANNED = {
    **dict.fromkeys(
        ("new", "delete", "malloc", "calloc", "realloc", "free", "alloca"),
        "dynamic memory (UG1399, Unsupported C/C++ Constructs: Dynamic Memory Usage)",
    ),
    **dict.fromkeys(
        ("virtual", "dynamic_cast", "typeid"),
        "a call that is bound at run time (UG1399, Unsupported: Virtual Functions and Pointers)",
    ),
    **dict.fromkeys(
        ("throw", "try", "catch", "goto", "asm", "setjmp", "longjmp"),
        "control flow that hardware has not (UG1399, Unsupported C/C++ Constructs)",
    ),
    **dict.fromkeys(
        ("printf", "fprintf", "fopen", "exit", "abort", "rand", "time", "sleep", "system"),
        "a system call (UG1399, Unsupported: System Calls)",
    ),
    "std": "the standard library (UG1399, Unsupported: Standard Template Libraries)",
}


@dataclass(frozen=True)
class Finding:
    """What a rule says of a line."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


def findings(sources: Mapping[str, str]) -> list[Finding]:
    """What is wrong with sources, by file name. They are looked at together, so that calls from one
    to another are known. Raises SourceError for what is no such C++.
    """
    read = {file: tokens(text) for file, text in sources.items()}
    made = [f for file, found in read.items() for f in functions(file, found)]
    said = [f for file, found in read.items() for f in _words(file, found, set(sources))]
    for function in made:
        said += [*_parameters(function), *_pipelines(function)]
        if not function.constant:
            said += _loops(function)
    said += _recursion(made)
    said += [Finding(*where) for where in dataflow_findings(made)]
    return sorted(set(said), key=lambda f: (f.file, f.line, f.text))


def _pipelines(function: Function) -> Iterator[Finding]:
    """A pipeline that stops when its input does keeps what it has begun: where streams part and
    meet again, that may be what the input waits for (UG1399, pragma HLS pipeline, style).
    """
    for token in function.body:
        if is_pragma(token, "PIPELINE") and "flp" not in token.text:
            text = f"{function.name}: a pipeline that holds results back: style = flp lets them go"
            yield Finding(function.file, token.line, text)


def _words(file: str, found: Tokens, own: set[str]) -> Iterator[Finding]:
    """Words that no hardware can follow, includes that the tool has not."""
    for i, token in enumerate(found):
        if token.kind == "word" and token.text in BANNED:
            yield Finding(file, token.line, f"{token.text}: {BANNED[token.text]}")
        if token.kind == "directive" and token.text.lstrip("# ").startswith("include"):
            name = token.text.split("include", 1)[1].strip().strip('<>"')
            if name not in LIBRARIES and name not in own:
                yield Finding(file, token.line, f"includes {name}, which synthesis does not have")
        pointer = [t.text for t in found[i : i + 5]]
        if pointer[:2] == ["(", "*"] and pointer[3:] == [")", "("]:
            yield Finding(file, token.line, "a pointer to a function (UG1399, Unsupported)")


def _parameters(function: Function) -> Iterator[Finding]:
    """Streams are passed by reference and not returned."""
    result = outside_template(function.head)
    result = result[: next(i for i, t in enumerate(result) if t.text == function.name)]
    if is_stream(result) and not any(t.text == "&" for t in result):
        text = f"{function.name} returns a stream (UG1399, HLS Stream Library)"
        yield Finding(function.file, function.line, text)
    for parameter in function.parameters:
        if is_stream(parameter) and not any(t.text == "&" for t in parameter):
            name = parameter[-1].text if parameter[-1].kind == "word" else "an array"
            text = f"{function.name}: stream {name} is passed by value (UG1399, HLS Stream Library)"
            yield Finding(function.file, function.line, text)


def _loops(function: Function) -> Iterator[Finding]:
    """A loop's bound is known when it is compiled, or its trip count is said."""
    body = function.body
    known = {t.text for i, t in enumerate(body) if "constexpr" in {x.text for x in body[i - 3 : i]}}
    template = function.head if function.head[0].text == "template" else ()
    given = {t.text for t in template[: angle(template, 1)]} if template else set()
    for i, token in enumerate(body):
        if token.text not in ("for", "while", "do"):
            continue
        where = function.file, token.line
        if token.text == "do":
            yield Finding(*where, f"{function.name}: do ... while, whose end no trip count tells")
            continue
        if i and body[i - 1].text == "}" and _closes_do(body, i):
            continue
        end = closing(body, i + 1)
        parts = _parts(body[i + 2 : end])
        condition = parts[1] if token.text == "for" else parts[0]
        step = parts[2] if token.text == "for" else ()
        own = {t.text for t in (*(parts[0] if token.text == "for" else ()), *step)}
        if not condition or [t.text for t in condition] in (["true"], ["1"]):
            yield Finding(*where, f"{function.name}: a loop without an end")
            continue
        words = {t.text for t in condition if t.kind == "word"} - own - known - given
        if token.text == "for" and all(_constant(word) for word in words):
            continue
        if not _has_trip_count(body, end + 1):
            bound = ", ".join(sorted(words)) or "its condition"
            text = f"{function.name}: a loop bounded by {bound} needs #pragma HLS LOOP_TRIPCOUNT"
            yield Finding(*where, text)


def _constant(word: str) -> bool:
    """Constants are in capitals; functions of them are the headers' own."""
    return word.upper() == word or word in ("ceil_div", "larger", "smaller", "bits_of", "beat_bits")


def _has_trip_count(body: Tokens, start: int) -> bool:
    """Does a loop's body, which begins at `start`, open with its trip count?"""
    at = start + 1 if start < len(body) and body[start].text == "{" else start
    while at < len(body) and body[at].kind == "directive":
        if is_pragma(body[at], "LOOP_TRIPCOUNT"):
            return True
        at += 1
    return False


def _recursion(made: Sequence[Function]) -> Iterator[Finding]:
    """No function reaches itself (UG1399, Unsupported: Recursive Functions)."""
    own = {f.key for f in made}
    reached = {key: set[tuple[str, int]]() for key in own}
    for function in made:
        named = {(c.name, len(c.arguments)) for c in calls(function.body)}
        reached[function.key] |= named & own
    changed = True
    while changed:
        changed = False
        for key, ways in reached.items():
            more = set().union(*(reached[way] for way in ways)) - ways
            if more:
                reached[key] = ways | more
                changed = True
    for function in made:
        if function.key in reached[function.key]:
            yield Finding(function.file, function.line, f"{function.name} calls itself: recursion")


def _closes_do(body: Tokens, i: int) -> bool:
    depth = 0
    for at in range(i - 1, -1, -1):
        depth += (body[at].text == "}") - (body[at].text == "{")
        if not depth:
            return at > 0 and body[at - 1].text == "do"
    return False


def _parts(found: Tokens) -> list[Tokens]:
    """What semicolons part."""
    parts: list[list[Token]] = [[]]
    for token in found:
        if token.text == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    return [tuple(part) for part in parts]


def read(paths: Sequence[Path]) -> dict[str, str]:
    """Sources by file name. Raises SourceError for a file that cannot be read."""
    try:
        return {path.name: path.read_text(encoding="utf-8") for path in paths}
    except OSError as error:
        raise SourceError(f"{error.filename}: {error.strerror}", "name a source") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    named = [Path(name) for name in (sys.argv[1:] if arguments is None else arguments)]
    headers = sorted(INCLUDE.glob("*.hpp"))
    try:
        sources = read(headers) | read(named)
        said = findings(sources)
    except SourceError as error:
        print(error, file=sys.stderr)
        return 2
    wanted = {path.name for path in named} or set(sources)
    said = [finding for finding in said if finding.file in wanted]
    for finding in said:
        print(finding)
    count = len(wanted)
    print(f"{count} HLS source{'s' if count > 1 else ''}: {len(said)} findings")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
