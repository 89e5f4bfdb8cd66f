"""The plumbing proved for all time, and each proof seen to fail on planted faults."""

import pytest

from hw.formal.prove import PROOFS, main, prove, proved_files

# Text of the kernel -> text put in its place. Each fault must show in every proof of its kernel,
# or, for dwc, of its direction.
FAULTS = {
    "skid": [
        ("if (room_q) spare_q", "if (!room_q) spare_q"),  # altered
        ("m_axis_tready || !some;", "m_axis_tready || !s_axis_tvalid;"),  # a beat lost
        ("if (!m_axis_tvalid || m_axis_tready) {", "{"),  # a waiting beat changes
        ("= room_q;", "= m_axis_tready;"),  # no room used
    ],
    "skid passing": [
        ("if (room_q) spare_q", "if (!room_q) spare_q"),  # altered
        ("m_axis_tready || !some;", "m_axis_tready || !s_axis_tvalid;"),  # a beat lost
        ("|| m_axis_tready || !some;", "|| !some;"),  # a beat twice
        ("= !room_q || s_axis_tvalid;", "= !room_q;"),  # never offered
        ("= room_q;", "= m_axis_tready;"),  # no room used
    ],
    "pipe": [
        ("= !m_axis_tvalid || m_axis_tready;", "= 1'b1;"),  # written over
        ("m_axis_tvalid <= s_axis_tvalid;", "m_axis_tvalid <= 1'b1;"),  # invented
        ("<= {s_axis_tlast, s_axis_tdata}", "<= {s_axis_tvalid, s_axis_tdata}"),  # ends altered
        ("= !m_axis_tvalid || m_axis_tready;", "= !m_axis_tvalid;"),  # no room used
    ],
    "pipe at half rate": [
        ("= empty_q;", "= 1'b1;"),  # written over
        ("!s_axis_tvalid : m_axis_tready;", "1'b0 : m_axis_tready;"),  # invented
        ("!s_axis_tvalid : m_axis_tready;", "!s_axis_tvalid : 1'b1;"),  # goes away
        ("<= {s_axis_tlast, s_axis_tdata}", "<= {s_axis_tvalid, s_axis_tdata}"),  # ends altered
        ("!s_axis_tvalid : m_axis_tready;", "!s_axis_tvalid : 1'b0;"),  # never empty again
    ],
    "fifo": [
        ("wnext == raddr_q", "waddr_q == raddr_q"),  # takes empty for full
        ("pull || (room_q", "!pull || (room_q"),  # written over when full
        ("m_axis_tready) && some_q", "m_axis_tready)"),  # beats invented when empty
        ("rnext == waddr_q", "raddr_q == waddr_q"),  # takes empty for some
        ("(!m_axis_tvalid || m_axis_tready) && some_q", "!m_axis_tvalid && some_q"),  # slow
    ],
    "duplicate": [
        ("= !wait_0 && !wait_1;", "= !wait_0;"),  # lost
        ("s_axis_tvalid : wait_1", "s_axis_tvalid : m_axis_1_tvalid"),  # a beat twice
        ("s_axis_tvalid : wait_0", "s_axis_tvalid : 1'b0"),  # a waiting beat goes away
    ],
    "join_add": [
        ("en && s_axis_b_tvalid", "en"),  # takes a without b
        ("m_axis_tready;\n  assign take ", "m_axis_tready || take;\n  assign take "),  # changes
        (
            "code[WINDOW-1], {(OUT_WIDTH - 1) {!code[WINDOW-1]}}",
            "OUT_WIDTH{code[WINDOW-1]}",
        ),  # clip
    ],
    "dwc narrow": [
        ("= place_q >= BACK;", "= place_q > BACK;"),
        ("m_axis_tlast <= take && s_axis_tlast", "m_axis_tlast <= s_axis_tlast"),
        ("s_axis_tready = en && take", "s_axis_tready = take"),
    ],
    "dwc wide": [
        ("full ? left_q - ENOUGH", "full ? left_q"),
        ("m_axis_tvalid <= s_axis_tvalid && full", "m_axis_tvalid <= full"),
        ("s_axis_tready = en;", "s_axis_tready = 1'b1;"),
    ],
    "mover_arbiter": [
        ("|ahead ? ahead : i_asking", "i_asking"),  # the lowest end always first
        ("i_take && |i_asking", "|i_asking"),  # a turn passes that nobody had
        ("chosen & flipped", "chosen"),  # several at once
    ],
    "mover_read_end": [
        ("credit_q >= CREDIT_BITS'(BURST_WORDS)", "credit_q != '0"),  # asks without room
        ("CREDIT_BITS'(i_beats) + 1'b1", "CREDIT_BITS'(i_beats)"),  # promises a word too few
        ("credit_q + CREDIT_BITS'(pull)", "credit_q + CREDIT_BITS'(go)"),  # a word given back twice
    ],
    "mover_write_end": [
        ("level_q <= LEVEL_BITS'(i_beats)", "level_q < LEVEL_BITS'(i_beats)"),  # a word short
        ("level_q + LEVEL_BITS'(push) -", "level_q + LEVEL_BITS'(full_q) -"),  # counted twice
        ("level_q >= LEVEL_BITS'(BURST_WORDS)", "level_q > LEVEL_BITS'(BURST_WORDS)"),  # never able
    ],
    "mover_tally": [
        ("counted_q[i_done_end] ? counts", "1'b1 ? counts"),  # begins with what was there
        ("faults_q[e] | i_faults[e]", "i_faults[e]"),  # a fault forgotten
        ("|| done || risen", "|| done && !i_clear[e] || risen"),  # lost as another is cleared
        ("if (i_done) done_at[i_done_end]", "done_at[i_done_end]"),  # a time that nobody asked for
    ],
}
QUICK = {proof.kernel: proof for proof in reversed(PROOFS)}.values()


def kind(proof):
    """Key of FAULTS."""
    if proof.parameters.get("REGISTER_FORWARD") == 0:
        return "skid passing"
    if proof.parameters.get("HALF_RATE") == 1:
        return "pipe at half rate"
    if proof.kernel != "dwc":
        return proof.kernel
    narrow = proof.parameters["IN_LANES"] > proof.parameters["OUT_LANES"]
    return "dwc narrow" if narrow else "dwc wide"


@pytest.mark.parametrize(
    "proof",
    [pytest.param(p, id=str(p), marks=() if p in QUICK else pytest.mark.slow) for p in PROOFS],
)
def test_proof(proof):
    result = prove(proof)
    assert result.verdict == "proved", result.log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("proof", "fault"),
    [pytest.param(p, f, id=f"{p} {f[1]}") for p in PROOFS for f in FAULTS[kind(p)]],
)
def test_fault(proof, fault, tmp_path):
    files = proved_files(proof.kernel)
    source = next(file for file in files if file.stem == proof.kernel)
    text = source.read_text(encoding="utf-8")
    assert text.count(fault[0]) == 1, f"{source.name} has no single {fault[0]!r}"
    copy = tmp_path / source.name
    copy.write_text(text.replace(*fault), encoding="utf-8")
    changed = [copy if file == source else file for file in files]
    assert prove(proof, changed).verdict == "refuted"


def test_command_line(capsys):
    assert main(["adder"]) == 2
    assert "there are proofs of" in capsys.readouterr().err
