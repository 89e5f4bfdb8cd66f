// SPDX-License-Identifier: Apache-2.0
// A write end: bytes of frames come in, words of the memory port go out, each frame from a word of
// its own on.
//
//   word = WORD_BYTES bytes, lane 0 first; a frame's last word may be filled in part, up to o_tail
//
// Streams   s_axis: 8 bits and tlast
// Level     o_able while BURST_WORDS words wait, or a frame's last one, that were not promised to a
//           burst; i_promise takes i_beats + 1 of them, i_promise_last a frame's last one.
//           o_short: fewer wait than a burst of i_beats + 1 needs
// Capacity  WORDS words and two more on their ways in and out
// Rate      one byte a cycle
// Latency   3 cycles from the byte that fills a word to the word
// Golden    mover.py
`default_nettype none
`include "checks.svh"

module mover_write_end #(
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
    input  wire logic [             7:0] s_axis_tdata,
    input  wire logic                    s_axis_tlast,
    input  wire logic                    s_axis_tvalid,
    output logic                         s_axis_tready,
    input  wire logic                    i_promise,
    input  wire logic                    i_promise_last,
    input  wire logic [   BEAT_BITS-1:0] i_beats,
    output logic                         o_able,
    output logic                         o_short,
    output logic      [WORD_BYTES*8-1:0] o_word,
    output logic      [   LANE_BITS-1:0] o_tail,
    output logic                         o_last,
    output logic                         o_valid,
    input  wire logic                    i_pull
);
  `SPEC_CHECK(words, WORDS >= BURST_WORDS,
              ("mover_write_end: WORDS = %0d: at least BURST_WORDS = %0d", WORDS, BURST_WORDS))

  localparam int unsigned LEVEL_BITS = $clog2(WORDS + 2);
  localparam int unsigned TAG_BITS = (LANE_BITS + 7) / 8 * 8;

  logic [WORD_BYTES-1:0][7:0] word_q;
  logic [LANE_BITS-1:0] lane_q, tail_q;
  logic full_q, last_q, room, take, whole, push;
  // verilator lint_off UNUSEDSIGNAL
  logic [TAG_BITS-1:0] tag;  // has bits to spare
  // verilator lint_on UNUSEDSIGNAL
  logic [LEVEL_BITS-1:0] level_q, lasts_q;

  assign s_axis_tready = !full_q || room;
  assign take          = s_axis_tvalid && s_axis_tready;
  assign whole         = s_axis_tlast || lane_q == '1;
  assign push          = full_q && room;
  assign o_able        = level_q >= LEVEL_BITS'(BURST_WORDS) || lasts_q != '0;
  assign o_short       = level_q <= LEVEL_BITS'(i_beats);

  always_ff @(posedge clk) begin
    if (take) begin
      word_q[lane_q]   <= s_axis_tdata;
      {last_q, tail_q} <= {s_axis_tlast, lane_q};
    end
    if (rst) begin
      full_q  <= 1'b0;
      lane_q  <= '0;
      level_q <= '0;
      lasts_q <= '0;
    end else begin
      if (take) lane_q <= whole ? '0 : lane_q + 1'b1;
      full_q <= take ? whole : full_q && !room;
      level_q <= level_q + LEVEL_BITS'(push) -
          (i_promise ? LEVEL_BITS'(i_beats) + 1'b1 : LEVEL_BITS'(0));
      lasts_q <= lasts_q + LEVEL_BITS'(push && last_q) -
          LEVEL_BITS'(i_promise && i_promise_last && lasts_q != '0);
    end
  end

  fifo #(
      .DEPTH(WORDS),
      .STREAM_WIDTH(WORD_BYTES * 8 + TAG_BITS)
  ) u_fifo (
      .clk,
      .rst,
      .s_axis_tdata ({TAG_BITS'(tail_q), word_q}),
      .s_axis_tlast (last_q),
      .s_axis_tvalid(full_q),
      .s_axis_tready(room),
      .m_axis_tdata ({tag, o_word}),
      .m_axis_tlast (o_last),
      .m_axis_tvalid(o_valid),
      .m_axis_tready(i_pull)
  );
  assign o_tail = tag[LANE_BITS-1:0];
endmodule

`default_nettype wire
