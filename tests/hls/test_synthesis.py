"""What Vitis HLS does not synthesise is found without it: nothing in the project's sources, each
planted offence in them.
"""

import pytest

from hw.hls.accelerator import netlist_top
from hw.hls.source import INCLUDE
from hw.stitch.accelerator import accelerator
from sim.csim.cpp import SourceError, functions, tokens
from sim.csim.synthesis import findings, main, read
from tests.fold.tiny_model import GRAPHS, blocks, dataflow

HEADERS = read(sorted(INCLUDE.glob("*.hpp")))
COPY = "  for (int i = 0; i < 4; i++) to.write(from.read());\n"
STREAM = "hls::stream<ap_uint<8>>"
PROCESS = f"void copy({STREAM}& from, {STREAM}& to) {{\n{COPY}}}\n"
PAIR = (
    f"void pair({STREAM}& a, {STREAM}& b, {STREAM}& to) {{\n  to.write(a.read() + b.read());\n}}\n"
)
REGION = f"void region({STREAM}& in, {STREAM}& out) {{\n#pragma HLS DATAFLOW\n%s}}\n"
MIDDLE = f"  {STREAM} middle;\n  copy(in, middle);\n"
PLANTED = {
    "recursion": ("int f(int n) { return n > 0 ? f(n - 1) : 0; }", "f calls itself: recursion"),
    "recursion of two": (
        "int odd(int n) { return even(n - 1); }\nint even(int n) { return odd(n - 1); }",
        "even calls itself: recursion",
    ),
    "recursion of templates": (
        "template <int N> int f(int n) { return f<N - 1>(n); }",
        "f calls itself: recursion",
    ),
    "new": ("void f() { int* kept = new int[4]; }", "new: dynamic memory"),
    "malloc": ("void f() { void* kept = malloc(4); }", "malloc: dynamic memory"),
    "container": ("void f() { std::vector<int> kept; }", "std: the standard library"),
    "algorithm": ("int f(int a) { return std::max(a, 1); }", "std: the standard library"),
    "include": ("#include <vector>", "includes vector, which synthesis does not have"),
    "virtual": ("struct S { virtual int f() { return 1; } };", "virtual: a call"),
    "exception": ("void f(int n) { if (n) throw n; }", "throw: control flow"),
    "system call": ('void f() { printf("here"); }', "printf: a system call"),
    "function pointer": ("void f(int (*g)(int)) { g(1); }", "a pointer to a function"),
    "while": ("void f(int n) { while (n > 0) n >>= 1; }", "a loop bounded by n needs"),
    "bound": ("void f(int n) { for (int i = 0; i < n; i++) { g(i); } }", "bounded by n needs"),
    "no end": (
        "void f() {\n  for (;;) {\n#pragma HLS LOOP_TRIPCOUNT max = 4\n    g(); } }",
        "a loop without an end",
    ),
    "forever": ("void f() { while (true) { g(); } }", "a loop without an end"),
    "do": ("void f(int n) { do { n--; } while (n > 0); }", "do ... while"),
    "by value": (f"void f({STREAM} from) {{ from.read(); }}", "stream from is passed by value"),
    "alias by value": ("void f(Stream<1, 8> from) { from.read(); }", "passed by value"),
    "array by value": (f"void f({STREAM} from[4]) {{ from[0].read(); }}", "passed by value"),
    "returned": (f"{STREAM} f() {{ {STREAM} s; return s; }}", "f returns a stream"),
    "stalling pipeline": (
        "void f() {\n  for (int i = 0; i < 4; i++) {\n#pragma HLS PIPELINE II = 1\n    g();\n}}",
        "f: a pipeline that holds results back",
    ),
    "two readers": (
        PROCESS + REGION % (MIDDLE + "  copy(middle, out);\n  copy(middle, out);\n"),
        "stream middle is read by 2 processes: copy, copy",
    ),
    "argument with two readers": (
        PROCESS + REGION % "  copy(in, out);\n  copy(in, out);\n",
        "stream in is read by 2 processes",
    ),
    "two writers": (
        PROCESS + REGION % (MIDDLE + "  copy(in, middle);\n  copy(middle, out);\n"),
        "stream middle is written by 2 processes",
    ),
    "passed twice": (
        PROCESS + PAIR + REGION % (MIDDLE + "  pair(middle, middle, out);\n"),
        "stream middle is passed twice to pair",
    ),
    "nobody reads": (
        PROCESS + REGION % (MIDDLE + "  copy(in, out);\n"),
        "stream middle is read by no process",
    ),
    "read outside": (
        PROCESS + REGION % (MIDDLE + "  out.write(middle.read());\n"),
        "stream middle is used outside of a process",
    ),
    "branch": (
        PROCESS + REGION % "  if (wanted) copy(in, out);\n",
        "if in a DATAFLOW region, which has calls alone",
    ),
    "copied": (
        PROCESS + REGION % f"  {STREAM} other = in;\n  copy(in, out);\n",
        "stream other is a copy",
    ),
}


def test_nothing_is_found_in_the_headers():
    assert findings(HEADERS) == []
    assert main([]) == 0


@pytest.mark.parametrize("graph", GRAPHS)
def test_nothing_is_found_in_a_graphs_top_function(graph):
    top = netlist_top(accelerator(dataflow(graph), blocks(graph, 40_000)).netlist, axis=True)
    assert findings(HEADERS | {"top.cpp": top.text}) == []
    # The same reader once more is found.
    body = top.text.rindex("  samfabric::give<")
    again = top.text[body:].splitlines()[0]
    doubled = top.text[:body] + again + "\n" + top.text[body:]
    said = [str(f) for f in findings(HEADERS | {"top.cpp": doubled})]
    assert any("is read by 2 processes: give, give" in line for line in said), said


@pytest.mark.parametrize("offence", PLANTED)
def test_a_planted_offence_is_refused(offence, tmp_path, capsys):
    text, wanted = PLANTED[offence]
    said = findings(HEADERS | {"planted.hpp": f"#pragma once\n{text}\n"})
    assert {f.file for f in said} == {"planted.hpp"}
    assert any(wanted in f.text for f in said), said
    (tmp_path / "planted.hpp").write_text(text, encoding="utf-8")
    assert main([str(tmp_path / "planted.hpp")]) == 1
    assert wanted in capsys.readouterr().out


def test_what_is_synthesisable_is_let_through():
    text = PROCESS + PAIR + REGION % (MIDDLE + "  copy(middle, out);\n")
    text += "constexpr int bits(int n) { int b = 0; while (n >> b) b++; return b; }\n"
    text += "void f(int n) {\n  while (n) {\n#pragma HLS LOOP_TRIPCOUNT max = 8\n    n--;\n  }\n}\n"
    text += "#ifndef __SYNTHESIS__\n#include <vector>\nstd::vector<int> seen;\n#endif\n"
    assert findings({"fine.hpp": text}) == []


def test_every_function_of_the_headers_is_seen():
    """The rules look at what is read, so all must be."""
    names = {f.name for file, text in HEADERS.items() for f in functions(file, tokens(text))}
    assert {"mvau_set", "swg_parallel", "rounded_quotient", "bits_of", "take_once"} <= names
    assert len(names) > 50


def test_a_source_that_cannot_be_read(tmp_path, capsys):
    with pytest.raises(SourceError, match="brackets"):
        findings({"torn.hpp": "void f() { if (x {"})
    assert main([str(tmp_path / "none.hpp")]) == 2
    assert "No such file" in capsys.readouterr().err
