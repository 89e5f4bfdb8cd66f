"""Turns HLS sources into ones whose streams hold no more than their depth: a check that a region
does not come to a halt for good, and which stream is too shallow where it does.

A call of a DATAFLOW region becomes a process of `bounded/hls_stream.h`, and a stream holds what its
depth says. An array between two calls makes the second wait for the end of the first, as on
hardware.
"""

from __future__ import annotations

import re
from pathlib import Path

from sim.csim.cpp import Function, Token, Tokens, functions, statements, tokens
from sim.csim.dataflow import declared, process

HEADERS = Path(__file__).resolve().parent / "bounded"
"""Folder of the header that stands in for AMD's."""
_DEPTH = re.compile(r"#pragma HLS STREAM variable = (\w+) depth = (.+)")


def bounded(text: str) -> str:
    """The source with processes and depths."""
    edits: list[tuple[int, int, str]] = []
    for function in functions("", tokens(text)):
        if function.dataflow:
            edits += _region(function)
    for token in tokens(text):
        match = _DEPTH.fullmatch(token.text) if token.kind == "directive" else None
        if match:
            edits.append((token.at, token.at + len(token.text), f"{match[1]}.bound({match[2]});"))
    edits.sort(key=lambda edit: edit[0])  # of one place in the order in which they were made
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text


def _region(function: Function) -> list[tuple[int, int, str]]:
    """Edits of a DATAFLOW region: (start, end, new text)."""
    first, last = function.body[0], function.body[-1]
    edits = [(first.at, first.at, "depths::Region region_;\n")]
    users: dict[str, list[int]] = {}  # processes of each array, by number
    number = 0
    for statement in statements(function.body):
        if array := _array(statement):
            users[array] = []
            continue
        call = process(statement)
        if call is None or not any(_is_variable(a) for a in call.arguments):
            continue
        before = set()
        for argument in call.arguments:
            if len(argument) == 1 and argument[0].text in users:
                before |= set(users[argument[0].text])
                users[argument[0].text].append(number)
        after = ", ".join(map(str, sorted(before)))
        begin = statement[0].at
        end = statement[-1].at + len(statement[-1].text) + 1  # and its semicolon
        head = f'region_.process("{call.name}", {{{after}}}, [&] {{ '
        edits += [(begin, begin, head), (end, end, " });")]
        number += 1
    return [*edits, (_end(last), _end(last), "\n  region_.join();")]


def _end(token: Token) -> int:
    return token.at + len(token.text)


def _is_variable(argument: Tokens) -> bool:
    return len(argument) == 1 and argument[0].kind == "word"


def _array(statement: Tokens) -> str | None:
    """Name of the array that a statement declares, if it does."""
    texts = [t.text for t in statement]
    if "[" not in texts or "(" in texts or declared(statement) is not None:
        return None
    return statement[texts.index("[") - 1].text
