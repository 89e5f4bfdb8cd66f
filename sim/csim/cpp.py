"""HLS sources as tokens and functions: as much of C++ as the headers of `hw/hls/include` and the
top functions made from them use.

What a compiler reads instead of synthesis (the other branch of `#ifdef __SYNTHESIS__`) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hw.spec.errors import SamFabricError

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|//[^\n]*|/\*.*?\*/)|(?P<line>\n)|(?P<directive>\#(?:\\\n|[^\n])*)
    |(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<word>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)
    |(?P<sign>::|->|\+\+|--|&&|\|\||<=|[-+*/%&|^!=]=|<<=|>>=|.)""",
    re.VERBOSE | re.DOTALL,
)
OPENING, CLOSING = "([{", ")]}"


class SourceError(SamFabricError):
    """A source that is not the C++ that is expected."""


@dataclass(frozen=True)
class Token:
    """One token. kind: word, number, sign, text, or directive (a line that begins with #). at: its
    place in the source.
    """

    kind: str
    text: str
    line: int
    at: int


Tokens = Sequence[Token]


@dataclass(frozen=True)
class Function:
    """A function with its body, braces left out. parameters: tokens of each."""

    file: str
    name: str
    line: int
    head: Tokens
    parameters: tuple[Tokens, ...]
    body: Tokens

    @property
    def key(self) -> tuple[str, int]:
        """Tells it from others of its name."""
        return self.name, len(self.parameters)

    @property
    def constant(self) -> bool:
        """True where the compiler evaluates the function."""
        return any(token.text == "constexpr" for token in self.head)

    @property
    def dataflow(self) -> bool:
        """True for a region, whose calls are processes."""
        return any(is_pragma(token, "DATAFLOW") for token in self.body)


@dataclass(frozen=True)
class Call:
    """A call `name<template>(arguments)`; start, end: of it in the tokens that it was found in."""

    name: str
    arguments: tuple[Tokens, ...]
    line: int
    start: int
    end: int


def is_pragma(token: Token, name: str) -> bool:
    """True for `#pragma HLS name`."""
    words = token.text.split()
    return token.kind == "directive" and words[:2] == ["#pragma", "HLS"] and words[2:3] == [name]


def tokens(text: str) -> list[Token]:
    """Tokens of a source as synthesis reads it. Raises SourceError where brackets do not match."""
    found: list[Token] = []
    conditionals: list[tuple[bool, bool]] = []  # (of __SYNTHESIS__, left out)
    line = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "sign"
        if kind == "directive":
            conditionals = _after(conditionals, match.group())
        if kind not in ("space", "line") and not any(out for _, out in conditionals):
            found.append(Token(kind, match.group(), line, match.start()))
        line += match.group().count("\n")
    depth = sum(t.text in OPENING for t in found if t.kind == "sign")
    if depth != sum(t.text in CLOSING for t in found if t.kind == "sign"):
        raise SourceError("brackets that do not match", "see that the source compiles")
    return found


def _after(conditionals: list[tuple[bool, bool]], directive: str) -> list[tuple[bool, bool]]:
    """Conditionals that are open after a directive."""
    words = directive.lstrip("# ").split()
    if not words or words[0] not in ("if", "ifdef", "ifndef", "else", "elif", "endif"):
        return conditionals
    if words[0].startswith("if"):
        ours = words[0] != "if" and words[-1] == "__SYNTHESIS__"
        return [*conditionals, (ours, ours and words[0] == "ifndef")]
    if not conditionals:
        raise SourceError(f"{directive} without its #if", "see that the source compiles")
    *others, (ours, out) = conditionals
    return others if words[0] == "endif" else [*others, (ours, ours and not out)]


def closing(found: Tokens, start: int) -> int:
    """Index of the bracket that closes the one at `start`."""
    depth = 0
    for i in range(start, len(found)):
        if found[i].kind == "sign":
            depth += (found[i].text in OPENING) - (found[i].text in CLOSING)
            if not depth:
                return i
    raise SourceError(f"line {found[start].line}: {found[start].text} is not closed")


def angle(found: Tokens, start: int) -> int | None:
    """Index of the `>` that closes the template arguments at `start`; None where `<` compares."""
    depth = i = 0
    for i in range(start, len(found)):
        text = found[i].text
        if text in ("{", "}", ";", "&&", "||"):
            return None
        depth += (text == "<") - (text == ">")
        if not depth:
            return i
    return None


def split(found: Tokens) -> tuple[Tokens, ...]:
    """Parts between the commas that stand in no brackets."""
    parts: list[list[Token]] = [[]]
    i = 0
    while i < len(found):
        end = i
        if found[i].kind == "sign" and found[i].text in OPENING:
            end = closing(found, i)
        elif found[i].text == "<":
            end = angle(found, i) or i
        if found[i].text == "," and end == i:
            parts.append([])
        else:
            parts[-1] += found[i : end + 1]
        i = end + 1
    return tuple(parts) if found else ()


def functions(file: str, found: Tokens) -> list[Function]:
    """Functions with a body, those of structs too."""
    made: list[Function] = []
    head: list[Token] = []
    i = 0
    while i < len(found):
        token = found[i]
        if token.text == "{" and token.kind == "sign":
            end = closing(found, i)
            inner = found[i + 1 : end]
            arguments = _arguments(head)
            if arguments:
                name, start = arguments
                parameters = split(head[start + 1 : closing(head, start)])
                made.append(Function(file, name.text, name.line, head, parameters, inner))
            elif any(t.text in ("namespace", "struct", "class", "extern") for t in head):
                made += functions(file, inner)
            i, head = end + 1, []
            continue
        head = [] if token.text == ";" or token.kind == "directive" else [*head, token]
        i += 1
    return made


def _arguments(head: Tokens) -> tuple[Token, int] | None:
    """Name of the function that a head declares, and where its parameters begin."""
    if any(t.text in ("=", "namespace", "struct", "class") for t in outside_template(head)):
        return None
    depth = 0
    for i, token in enumerate(head[1:], 1):
        depth += (token.text == "<") - (token.text == ">")
        if token.text == "(" and not depth and head[i - 1].kind == "word":
            return head[i - 1], i
    return None


def outside_template(head: Tokens) -> Tokens:
    """A head without the `template <...>` that it begins with."""
    if len(head) > 1 and head[0].text == "template":
        return head[(angle(head, 1) or 0) + 1 :]
    return head


def calls(found: Tokens) -> Iterator[Call]:
    """Calls of functions, outer ones first."""
    for i, token in enumerate(found):
        if token.kind != "word" or token.text in ("if", "for", "while", "switch", "return"):
            continue
        at = i + 1
        if at < len(found) and found[at].text == "<":
            at = (angle(found, at) or len(found)) + 1
        if at < len(found) and found[at].text == "(":
            end = closing(found, at)
            yield Call(token.text, split(found[at + 1 : end]), token.line, i, end + 1)


def statements(found: Tokens) -> Iterator[Tokens]:
    """Statements of a body without their semicolons; a directive is one, and so is a block with
    what stands before it.
    """
    start = i = 0
    while i < len(found):
        token = found[i]
        if token.kind == "directive":
            yield found[i : i + 1]
            start = i + 1
        elif token.kind == "sign" and token.text in OPENING:
            i = closing(found, i)
            if found[i].text == "}" and not any(t.text == "=" for t in found[start:i]):
                yield found[start : i + 1]
                start = i + 1
        elif token.text == ";":
            if i > start:
                yield found[start:i]
            start = i + 1
        i += 1
    if start < len(found):
        yield found[start:]
