// SPDX-License-Identifier: Apache-2.0
// A read end: words of the memory port come in, the bytes of its jobs go out, tlast with each job's
// last byte.
//
//   m = bytes of the words, lane 0 first; of a job's last word those up to lane i_tail
//
// Streams   m_axis: 8 bits and tlast
// Credit    o_able while there is room for BURST_WORDS words that were not promised to a burst;
//           i_promise says that one of i_beats + 1 words is on its way
// Capacity  WORDS words and two more on their way out
// Rate      one byte a cycle
// Latency   4 cycles from a word to its first byte
// Golden    mover.py
`default_nettype none
`include "checks.svh"

module mover_read_end #(
    parameter int unsigned WORD_BYTES = 8,
    parameter int unsigned BURST_WORDS = 32,
    // Words of the FIFO, at least BURST_WORDS
    parameter int unsigned WORDS = 64,
    // Derived, do not set
    localparam int unsigned LANE_BITS = $clog2(WORD_BYTES),
    localparam int unsigned BEAT_BITS = $clog2(BURST_WORDS)
) (
    input  wire logic                    clk,
    input  wire logic                    rst,
    input  wire logic                    i_promise,
    input  wire logic [   BEAT_BITS-1:0] i_beats,
    output logic                         o_able,
    input  wire logic                    i_put,
    input  wire logic [WORD_BYTES*8-1:0] i_word,
    input  wire logic [   LANE_BITS-1:0] i_tail,
    input  wire logic                    i_last,
    output logic      [             7:0] m_axis_tdata,
    output logic                         m_axis_tlast,
    output logic                         m_axis_tvalid,
    input  wire logic                    m_axis_tready
);
  `SPEC_CHECK(words, WORDS >= BURST_WORDS,
              ("mover_read_end: WORDS = %0d: at least BURST_WORDS = %0d", WORDS, BURST_WORDS))

  localparam int unsigned CREDIT_BITS = $clog2(WORDS + 1);
  localparam int unsigned TAG_BITS = (LANE_BITS + 7) / 8 * 8;

  logic full, last, valid, put_ready, pull, go, ends;
  // verilator lint_off UNUSEDSIGNAL
  logic [TAG_BITS-1:0] tag;  // has bits to spare
  // verilator lint_on UNUSEDSIGNAL
  logic [WORD_BYTES-1:0][7:0] word;
  logic [LANE_BITS-1:0] lane_q;
  logic [CREDIT_BITS-1:0] credit_q;

  fifo #(
      .DEPTH(WORDS),
      .STREAM_WIDTH(WORD_BYTES * 8 + TAG_BITS)
  ) u_fifo (
      .clk,
      .rst,
      .s_axis_tdata ({TAG_BITS'(i_tail), i_word}),
      .s_axis_tlast (i_last),
      .s_axis_tvalid(i_put),
      .s_axis_tready(put_ready),
      .m_axis_tdata ({tag, word}),
      .m_axis_tlast (last),
      .m_axis_tvalid(valid),
      .m_axis_tready(pull)
  );

  assign full   = m_axis_tvalid && !m_axis_tready;
  assign go     = valid && !full;
  assign ends   = lane_q == (last ? tag[LANE_BITS-1:0] : '1);
  assign pull   = go && ends;
  assign o_able = credit_q >= CREDIT_BITS'(BURST_WORDS);

  always_ff @(posedge clk) begin
    if (!full) {m_axis_tlast, m_axis_tdata} <= {last && ends, word[lane_q]};
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      lane_q        <= '0;
      credit_q      <= CREDIT_BITS'(WORDS);
    end else begin
      if (!full) m_axis_tvalid <= valid;
      if (go) lane_q <= ends ? '0 : lane_q + 1'b1;
      credit_q <= credit_q + CREDIT_BITS'(pull) -
          (i_promise ? CREDIT_BITS'(i_beats) + 1'b1 : CREDIT_BITS'(0));
    end
  end

`ifndef SYNTHESIS
  room :
  assert property (@(posedge clk) disable iff (rst) i_put |-> put_ready)
  else $error("mover_read_end: a word came without room for it");
`endif
  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
