"""What Vivado does not synthesise, found in the sources before Vivado is: each rule with where it
is documented, over the syntax trees that verible writes.

    python -m sim.vivado_lint [file.sv ...]

Without files it reads all that is synthesised: kernels, their common modules, what stitching adds,
the data mover.
Prints one line a finding, file:line: rule (source); exit code 1 where there is any.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hw.library import COMMON, FOLDER
from hw.spec.command_line import given_path
from hw.spec.errors import SamFabricError, SpecError

Tree = Mapping[str, Any]
STITCHED, MOVER = FOLDER.parent / "stitch", FOLDER.parent / "mover"
TIMEOUT_S = 60
VERILOG = "UG901, table 'Verilog Constructs'"
SYSTEM_VERILOG = "UG901, table 'SystemVerilog Constructs'"


@dataclass(frozen=True)
class Rule:
    """A rule names what is refused, where that is documented, and what to write instead."""

    name: str
    source: str
    remedy: str


STRING = Rule(
    "the type string",
    "[Synth 8-27] string type not supported: opentitan pull request 29707",
    "leave the type of the parameter out",
)
SIZE_CAST = Rule(
    "a size cast by a function call",
    "cva6 issue 342: refused by older versions",
    "name the width in a localparam",
)
WRITERS = Rule(
    "a memory with several writing processes",
    "UG901, 'RAM HDL Coding Techniques': one process a port",
    "write it in one always_ff, with a loop inside",
)
UNTIED = Rule(
    "an input that is not connected",
    "UG901, [Synth 8-7071] and [Synth 8-7023]: left undriven",
    "tie it to '0",
)
TOKENS = {
    **dict.fromkeys(("tri0", "tri1", "trireg"), (VERILOG, "use wire")),
    **dict.fromkeys(("force", "release", "forever", "wait"), (VERILOG, "leave it to test benches")),
    **dict.fromkeys(("event", "realtime"), (VERILOG, "leave it to test benches")),
    "fork": (VERILOG, "use always blocks"),
    "macromodule": (VERILOG, "use module"),
    "$cast": (SYSTEM_VERILOG, "use a static cast"),
    **dict.fromkeys(
        ("program", "clocking", "covergroup", "randcase", "randsequence", "checker", "chandle"),
        (SYSTEM_VERILOG, "leave it to test benches"),
    ),
}
"""Keywords that are findings wherever they stand in synthesised text."""
METHODS = ("sort", "rsort", "find", "find_index", "unique_index")
UNSIZED = Rule("a queue, a dynamic or an associative array", SYSTEM_VERILOG, "give it a size")


@dataclass(frozen=True)
class Source:
    """A source is a file's text with verible's tree of it."""

    path: Path
    text: bytes
    tree: Tree

    def line(self, node: Tree) -> int:
        first = next((leaf for leaf in leaves(node)), None)
        return 1 if first is None else self.text[: first["start"]].count(b"\n") + 1

    def words(self, node: Tree) -> list[str]:
        return [self.text[leaf["start"] : leaf["end"]].decode() for leaf in leaves(node)]


def parse(path: Path) -> Source:
    """Raises SpecError for a file that is not there or that verible does not read."""
    if not path.is_file():
        raise SpecError(f"no file {path}", "name SystemVerilog files")
    tool = Path(sysconfig.get_path("scripts")) / "verible-verilog-syntax"
    command = [str(tool), "--export_json", "--printtree", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    (found,) = (json.loads(done.stdout) or {"": {}}).values()
    if done.returncode or "tree" not in found:
        raise SpecError(f"{path}: verible does not read it", done.stderr.strip() or done.stdout)
    return Source(path, path.read_bytes(), found["tree"])


def nodes(tree: Tree | None, tag: str) -> Iterator[Tree]:
    """Yields the nodes of a kind below and including this one."""
    if tree is None:
        return
    if tree.get("tag") == tag:
        yield tree
    for child in tree.get("children") or ():
        yield from nodes(child, tag)


def leaves(tree: Tree | None) -> Iterator[Tree]:
    """Yields the tokens of a tree in the order of the text."""
    if tree is None:
        return
    if "children" in tree:
        for child in tree["children"] or ():
            yield from leaves(child)
    elif "start" in tree:
        yield tree


def findings(sources: Sequence[Source]) -> list[str]:
    """All that the rules say of files, which are taken to belong together."""
    inputs = {name: found for source in sources for name, found in _inputs(source).items()}
    said = []
    for source in sources:
        for check in CHECKS:
            for node, rule in check(source, inputs):
                said.append(
                    f"{source.path.name}:{source.line(node)}: {rule.name} "
                    f"({rule.source}): {rule.remedy}"
                )
    return said


Found = Iterator[tuple[Tree, Rule]]


def _tokens(source: Source, _: Mapping[str, set[str]]) -> Found:
    before = ""
    for leaf in leaves(source.tree):
        word = source.text[leaf["start"] : leaf["end"]].decode()
        if word in TOKENS and leaf["tag"] != "SymbolIdentifier":
            yield leaf, Rule(f"`{word}`", *TOKENS[word])
        elif word in METHODS and before == ".":
            yield leaf, Rule(f"the array method {word}", SYSTEM_VERILOG, "write the loop")
        before = word


def _strings(source: Source, _: Mapping[str, set[str]]) -> Found:
    for leaf in leaves(source.tree):
        if leaf["tag"] == "string":
            yield leaf, STRING


def _size_casts(source: Source, _: Mapping[str, set[str]]) -> Found:
    for cast in nodes(source.tree, "kCast"):
        size = (cast["children"] or [None])[0]
        words = source.words(size) if size else []
        if words and "(" in words:
            if words[0] == "(" and not any(w.startswith("$") for w in words):
                continue  # an expression of constants in parentheses
            yield cast, SIZE_CAST


def _unsized(source: Source, _: Mapping[str, set[str]]) -> Found:
    for part in nodes(source.tree, "kUnpackedDimensions"):
        for scalar in nodes(part, "kDimensionAssociativeType"):
            yield scalar, UNSIZED
        words = source.words(part)
        if "$" in words or any(
            a == "[" and b == "]" for a, b in zip(words, words[1:], strict=False)
        ):
            yield part, UNSIZED


def _writers(source: Source, _: Mapping[str, set[str]]) -> Found:
    """Arrays written by more than one process: of several blocks, or of one in a generate loop
    outside of which the array stands. Elements that a loop or a number names are signals of their
    own.
    """
    for scope in nodes(source.tree, "kModuleDeclaration"):
        written: dict[tuple[str, int], list[Tree]] = defaultdict(list)
        _walk(source, scope, [{}], (), written)
        for blocks in written.values():
            if len(blocks) > 1:
                yield blocks[1], WRITERS


def _walk(
    source: Source,
    tree: Tree | None,
    scopes: list[dict[str, tuple[int, int]]],
    loops: tuple[str, ...],
    written: dict[tuple[str, int], list[Tree]],
) -> None:
    """scopes: arrays in sight, by name, with who they are and how many loops stand around them.
    loops: variables of the loops around.
    """
    if tree is None:
        return
    tag = tree.get("tag")
    if tag in ("kGenerateBlock", "kGenerateIfBody", "kGenerateElseBody"):
        scopes = [*scopes, {}]
    if tag == "kLoopGenerateConstruct":
        (start,) = nodes(tree["children"][0], "kForInitialization")
        loops = (*loops, next(w for w in source.words(start) if w != "genvar"))
    if tag == "kRegisterVariable":
        words = source.words(tree)
        if "[" in words[1:]:
            scopes[-1][words[0]] = (id(tree), len(loops))
    if tag == "kAlwaysStatement":
        _process(source, tree, scopes, loops, written)
        return
    for child in tree.get("children") or ():
        _walk(source, child, scopes, loops, written)


def _process(
    source: Source,
    tree: Tree,
    scopes: list[dict[str, tuple[int, int]]],
    loops: tuple[str, ...],
    written: dict[tuple[str, int], list[Tree]],
) -> None:
    targets = set()
    for kind in ("kNonblockingAssignmentStatement", "kNetVariableAssignment"):
        for node in nodes(tree, kind):
            for place in nodes(node, "kLPValue"):
                words = source.words(place)
                if not _fixed(words, loops):
                    targets.add(words[0])
    for target in targets:
        for scope in reversed(scopes):
            if target in scope:
                identity, around = scope[target]
                written[target, identity] += [tree] * (1 + (len(loops) > around))
                break


def _fixed(words: Sequence[str], loops: Sequence[str]) -> bool:
    """Is the first index of what is written made of numbers and variables of generate loops?"""
    if "[" not in words or words[-1] != "]":
        return False
    index = words[words.index("[") + 1 : words.index("]")]
    return all(w in loops or not (w[0].isalpha() or w[0] == "_") for w in index)


def _inputs(source: Source) -> dict[str, set[str]]:
    """Inputs by module."""
    found: dict[str, set[str]] = {}
    for module in nodes(source.tree, "kModuleDeclaration"):
        header = next(nodes(module, "kModuleHeader"))
        words = source.words(header)
        name = next(w for w in words[1:] if w not in ("automatic", "static"))
        ports = nodes(header, "kPortDeclaration")
        found[name] = {_port_name(source, p) for p in ports if source.words(p)[0] == "input"}
    return found


def _port_name(source: Source, port: Tree) -> str:
    """The last word of a port's declaration that stands in no brackets."""
    depth, name = 0, ""
    for word in source.words(port):
        depth += (word == "[") - (word == "]")
        name = word if depth == 0 and word != "]" else name
    return name


def _untied(source: Source, inputs: Mapping[str, set[str]]) -> Found:
    for instance in nodes(source.tree, "kInstantiationBase"):
        kind = next(nodes(instance, "kInstantiationType"), None)
        if kind is None:
            continue
        name = source.words(kind)[0]
        for gate in nodes(instance, "kGateInstance"):
            if name not in inputs:
                continue
            pins = [source.words(pin) for pin in nodes(gate, "kActualNamedPort")]
            if any(words[0].endswith("*") for words in pins):
                continue
            tied = {words[1] for words in pins if words[2:] != ["(", ")"]}
            for missing in sorted(inputs[name] - tied):
                yield gate, Rule(f"{UNTIED.name}: {name}.{missing}", UNTIED.source, UNTIED.remedy)


CHECKS: tuple[Callable[[Source, Mapping[str, set[str]]], Found], ...] = (
    _tokens,
    _strings,
    _size_casts,
    _unsized,
    _writers,
    _untied,
)


def synthesised() -> list[Path]:
    """The sources of hardware that are written by hand."""
    return [
        *sorted(FOLDER.glob("*.sv")),
        *sorted(COMMON.rglob("*.sv")),
        *sorted(STITCHED.glob("*.sv")),
        *sorted(MOVER.glob("*.sv")),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m sim.vivado_lint", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument(
        "file", nargs="*", type=given_path, help="all synthesised sources if none is named"
    )
    given = parser.parse_args(arguments)
    try:
        said = findings([parse(path) for path in given.file or synthesised()])
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    for line in said:
        print(line)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
