"""Rules of DATAFLOW regions (UG1399, "Canonical Forms" and "Data-Driven Task-level Parallelism"): a
region declares streams and calls processes, a stream has one writer and one reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sim.csim.cpp import Call, Function, Tokens, calls, statements

STREAMS = ("Stream", "LayerStream")
"""Aliases of `hls::stream` in the headers."""
BRANCHES = ("if", "for", "while", "switch", "return", "else")
Where = tuple[str, int, str]


@dataclass
class Uses:
    """Processes of a region that read or write a stream or an array."""

    readers: list[str] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)


def is_stream(found: Tokens) -> bool:
    """True for a declaration that begins with the type of a stream."""
    texts = [t.text for t in found if t.text not in ("const", "static")]
    return texts[:3] == ["hls", "::", "stream"] or texts[:1] in [[name] for name in STREAMS]


def declared(found: Tokens) -> str | None:
    """Returns the name that a statement declares as a stream, if it does."""
    if not is_stream(found):
        return None
    depth = 0
    for i, token in enumerate(found):
        depth += (token.text == "<") - (token.text == ">")
        if token.text == ">" and not depth:
            return found[i + 1].text if i + 1 < len(found) else None
    return None


def process(found: Tokens) -> Call | None:
    """Returns the call that a statement is, if it is one."""
    for call in calls(found):
        before = [t.text for t in found[: call.start]]
        named = all(t == "::" or t.isidentifier() for t in before) and before[-1:] in ([], ["::"])
        return call if named and call.end == len(found) else None
    return None


class Directions:
    """Which of a function's streams it reads, and which it writes, by position."""

    def __init__(self, made: Sequence[Function]) -> None:
        self._made: dict[tuple[str, int], list[Function]] = {}
        for function in made:
            self._made.setdefault(function.key, []).append(function)
        self._known: dict[int, dict[int, tuple[bool, bool]]] = {}

    def of(self, call: Call) -> dict[int, tuple[bool, bool]]:
        """Returns (reads, writes) by position of the argument; nothing for an unknown function."""
        found: dict[int, tuple[bool, bool]] = {}
        for function in self._made.get((call.name, len(call.arguments)), []):
            for position, (reads, writes) in self._within(function).items():
                before = found.get(position, (False, False))
                found[position] = before[0] or reads, before[1] or writes
        return found

    def _within(self, function: Function) -> dict[int, tuple[bool, bool]]:
        if id(function) in self._known:
            return self._known[id(function)]
        self._known[id(function)] = {}  # a recursion ends here
        names = {p[-1].text: i for i, p in enumerate(function.parameters) if is_stream(p)}
        found = dict.fromkeys(names.values(), (False, False))

        def note(position: int, reads: bool, writes: bool) -> None:
            found[position] = found[position][0] or reads, found[position][1] or writes

        body = function.body
        for i, token in enumerate(body[:-2]):
            if token.text in names and body[i + 1].text == ".":
                verb = body[i + 2].text
                note(names[token.text], verb.startswith("read"), verb.startswith("write"))
        for call in calls(body):
            for position, (reads, writes) in self.of(call).items():
                name = _name(call.arguments[position])
                if name in names:
                    note(names[name], reads, writes)
        self._known[id(function)] = found
        return found


def dataflow_findings(made: Sequence[Function]) -> Iterator[Where]:
    """What is wrong with the DATAFLOW regions of functions, given all that they call."""
    directions = Directions(made)
    for function in made:
        if function.dataflow:
            yield from _region(function, directions)


def _region(function: Function, directions: Directions) -> Iterator[Where]:
    uses = {p[-1].text: Uses() for p in function.parameters if is_stream(p)}
    arguments = set(uses)
    for statement in statements(function.body):
        where = function.file, statement[0].line
        title = f"{function.name}: "
        if any(t.text in BRANCHES for t in statement):
            yield *where, title + f"{statement[0].text} in a DATAFLOW region, which has calls alone"
            continue
        name = declared(statement)
        if name is not None:
            if any(t.text == "=" for t in statement):
                yield *where, title + f"stream {name} is a copy"
            uses[name] = Uses()
            continue
        for i, token in enumerate(statement[:-1]):
            if token.text in uses and statement[i + 1].text == ".":
                yield *where, title + f"stream {token.text} is used outside of a process"
        call = process(statement)
        if call is None:
            continue
        given = [_name(a) for a in call.arguments]
        for name in {n for n in given if n in uses and given.count(n) > 1}:
            yield *where, title + f"stream {name} is passed twice to {call.name}"
        for position, (reads, writes) in directions.of(call).items():
            stream = uses.get(given[position] or "")
            if stream is not None:
                stream.readers += [call.name] if reads else []
                stream.writers += [call.name] if writes else []
    for name, use in uses.items():
        yield from _balance(function, name, use, name in arguments)


def _balance(function: Function, name: str, use: Uses, argument: bool) -> Iterator[Where]:
    """One writer and one reader; of the region's own argument one of the two."""
    where = function.file, function.line
    title = f"{function.name}: stream {name}"
    for verb, who in (("read", use.readers), ("written", use.writers)):
        if len(who) > 1:
            yield *where, f"{title} is {verb} by {len(who)} processes: {', '.join(who)}"
        elif not who and not argument:
            yield *where, f"{title} is {verb} by no process"
    if argument and bool(use.readers) == bool(use.writers):
        both = "both read and written" if use.readers else "neither read nor written"
        yield *where, f"{title} is {both}"


def _name(argument: Tokens) -> str | None:
    """The variable that an argument is."""
    return argument[0].text if len(argument) == 1 and argument[0].kind == "word" else None
