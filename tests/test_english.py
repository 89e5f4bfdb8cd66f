"""Docstrings of `host`, `hw`, `quant`, `samfabric` and `sim` begin with a sentence, no fragment."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FRAGMENT = re.compile(
    r"[a-z]|[A-Z]: |"  # "n phrases -> ..." and "T: ..." name no subject
    r"(Of|As|With|Without|Where|Whether|Like|Itself|Those|Told|Values|Zeroed|Same|"
    r"Number|Name|Bytes|Seconds|Milliseconds|Cycles|Side|Share|Longest|Most|Least) "
)
"""Beginnings of docstrings that leave out who does what."""


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
                    text = ast.get_docstring(child)
                    if text:
                        yield child.lineno, text

    yield from visit(ast.parse(source))


def fragments(source):
    """Line and beginning of every docstring that is none of a sentence."""
    found = []
    for line, text in docstrings(source):
        first = " ".join(text.split("\n\n")[0].split())
        if FRAGMENT.match(first) or not first.endswith((".", ":", ")")) or " " not in first:
            found.append((line, first[:60]))
    return found


@pytest.mark.parametrize("part", ["host", "hw", "quant", "samfabric", "sim"])
def test_docstrings_begin_with_a_sentence(part):
    found = {
        str(path.relative_to(ROOT)): fragments(path.read_text(encoding="utf-8"))
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
