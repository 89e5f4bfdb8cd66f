"""Docstrings of `host`, `hw`, `quant`, `samfabric` and `sim` begin with a sentence, and those of
public functions and classes are long enough to be understood alone.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FRAGMENT = re.compile(
    r"[a-z(]|[A-Z]: |"  # "n phrases -> ...", "(N,) -> ..." and "T: ..." name no subject
    r"(Command line|Inverse of)\b|"
    r"(Of|As|With|Without|Where|Whether|Like|Itself|Those|Told|Values|Zeroed|Same|"
    r"Number|Name|Bytes|Seconds|Milliseconds|Cycles|Side|Share|Longest|Most|Least) "
)
"""Beginnings of docstrings that leave out who does what."""
LEAST_WORDS = 5
"""A shorter docstring, such as "Writes a register.", leaves out where, of what or for what."""


def docstrings(source):
    """(line, text) of the docstrings of a module, its public classes and functions, and of the
    constants that have one.
    """

    def visit(node):
        for child in node.body:
            match child:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield child.lineno, text
                case ast.ClassDef(name=name) if not name.startswith("_"):
                    yield from visit(child)
                case ast.FunctionDef(name=name) if not name.startswith("_"):
                    said = ast.get_docstring(child)
                    if said:
                        yield child.lineno, said

    yield from visit(ast.parse(source))


def fragments(source):
    """Line and beginning of every docstring that is none of a sentence."""
    found = []
    for line, text in docstrings(source):
        first = " ".join(text.split("\n\n")[0].split())
        if FRAGMENT.match(first) or not first.endswith((".", ":", ")")) or " " not in first:
            found.append((line, first[:60]))
    return found


def riddles(source):
    """Line and text of the docstrings of public functions and classes that are too short."""

    def visit(node):
        for child in node.body:
            if not isinstance(child, ast.ClassDef | ast.FunctionDef) or child.name.startswith("_"):
                continue
            text = ast.get_docstring(child)
            if text and len(text.split("\n\n")[0].split()) < LEAST_WORDS:
                yield child.lineno, text
            if isinstance(child, ast.ClassDef):
                yield from visit(child)

    return list(visit(ast.parse(source)))


PARTS = pytest.mark.parametrize("part", ["host", "hw", "quant", "samfabric", "sim"])


@PARTS
def test_docstrings_begin_with_a_sentence(part):
    found = {
        str(path.relative_to(ROOT)): fragments(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / part).rglob("*.py"))
    }
    assert found and {path: lines for path, lines in found.items() if lines} == {}


@PARTS
def test_docstrings_can_be_understood_alone(part):
    found = {
        str(path.relative_to(ROOT)): riddles(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / part).rglob("*.py"))
    }
    assert found and {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Of a frame.", False),
        ("Values as int32.", False),
        ("Where there is 0.", False),
        ("n phrases -> (n, 384).", False),
        ("(n, 384) by phrase.", False),
        ("Command line.", False),
        ("Inverse of `save`.", False),
        ("Returns the tensor's values as int32", False),
        ("Returns the tensor's values as int32.", True),
    ],
)
def test_fragments_are_told(text, whole):
    source = (
        f'class A:\n    """A class has a method."""\n\n    def f(self):\n        """{text}"""\n'
    )
    assert bool(fragments(source)) is not whole
    assert bool(fragments(f'X = 1\n"""{text}"""\n')) is not whole


@pytest.mark.parametrize(
    ("text", "whole"),
    [("Writes a register.", False), ("Writes a value to a register.", True)],
)
def test_riddles_are_told(text, whole):
    function = f'def f():\n    """{text}"""\n'
    inside = "".join(f"    {line}\n" for line in function.splitlines())
    named = f"class A:\n    {chr(34) * 3}{text}{chr(34) * 3}\n"
    for source in (function, named, f"class A:\n{inside}"):
        assert bool(riddles(source)) is not whole
    assert riddles(function.replace("def f", "def _f")) == []
