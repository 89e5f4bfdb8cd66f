"""What Vivado refuses is found in text planted for each rule, and in none of the real sources."""

import pytest

from hw.library import MEMORY
from hw.spec.errors import SpecError
from sim.vivado_lint import findings, main, parse, synthesised

MODULE = """module it #(parameter int unsigned N = 4) (
    input  wire logic clk,
    input  wire logic [N-1:0] d [2],
    output logic [7:0] q
);
  %s
endmodule
"""
PLANTED = [
    ('localparam string S = "x";', "the type string"),
    ("assign q = $clog2(N)'(d[0]);", "a size cast by a function call"),
    ("assign q = ($clog2(N))'(d[0]);", "a size cast by a function call"),
    ("tri0 t;", "`tri0`"),
    ("event e;", "`event`"),
    ("initial force q = 0;", "`force`"),
    ("initial forever #1 q = 0;", "`forever`"),
    ("initial fork q = 0; join", "`fork`"),
    ("initial wait (d[0]) q = 0;", "`wait`"),
    ("initial $cast(q, d[0]);", "`$cast`"),
    ("logic [7:0] x[4]; initial x.sort();", "the array method sort"),
    ("logic [7:0] x[$];", "a queue"),
    ("logic [7:0] x[];", "a dynamic"),
    (
        "logic [7:0] m[4]; always_ff @(posedge clk) m[q] <= 0; always_ff @(posedge clk) m[q] <= 1;",
        "a memory with several writing processes",
    ),
    (
        "logic [7:0] m[4]; for (genvar n = 0; n < 4; n++) begin : g"
        " always_ff @(posedge clk) if (q == n) m[q][n+:1] <= d[0][n]; end",
        "a memory with several writing processes",
    ),
    ("it #(.N(4)) again (.clk, .q());", "an input that is not connected: it.d"),
    ("it #(.N(4)) again (.clk, .d(), .q());", "an input that is not connected: it.d"),
]
FINE = [
    "assign q = N'(d[0]);",
    "assign q = (N+1)'(d[0]);",
    "assign q = 8'($clog2(N));",
    "it #(.N(4)) again (.clk, .d, .q());",
    "it #(.N(4)) again (.*);",
    "logic [7:0] m[4]; for (genvar n = 0; n < 4; n++) begin : g"
    " always_ff @(posedge clk) m[n] <= d[0]; end",
    "for (genvar n = 0; n < 4; n++) begin : g logic [7:0] m[4];"
    " always_ff @(posedge clk) m[q] <= d[0]; end",
    "logic [7:0] m[4]; always_ff @(posedge clk) for (int i = 0; i < 4; i++) m[q][i] <= d[0][i];",
    "// string, fork and $cast in a comment",
]


@pytest.fixture
def said(tmp_path):
    def of(text):
        path = tmp_path / "it.sv"
        path.write_text(MODULE % text)
        return findings([parse(path)])

    return of


@pytest.mark.parametrize(("text", "name"), PLANTED)
def test_what_is_planted_is_found(said, text, name):
    lines = said(text)
    assert len(lines) == 1, lines
    assert lines[0].startswith("it.sv:6: ")
    assert name in lines[0]


@pytest.mark.parametrize("text", FINE)
def test_what_is_fine_is_not(said, text):
    assert said(text) == []


def test_the_real_sources_have_none():
    files = synthesised()
    assert len(files) > 35 and MEMORY / "ram.sv" in files
    assert findings([parse(path) for path in files]) == []


def test_the_command_names_what_it_cannot_read(tmp_path, capsys):
    (tmp_path / "bad.sv").write_text("module x (; endmodule")
    assert main([str(tmp_path / "bad.sv")]) == 2
    assert "bad.sv: verible does not read it" in capsys.readouterr().err
    with pytest.raises(SpecError, match=r"no file .*none\.sv"):
        parse(tmp_path / "none.sv")
