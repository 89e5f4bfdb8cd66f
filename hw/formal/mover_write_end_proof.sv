// SPDX-License-Identifier: Apache-2.0
// Proof of mover_write_end's level: words that wait and words promised to bursts add up to those
// inside at all times, so that a burst that is issued where o_short is low has all its words; and
// o_able is set whenever a whole burst waits.
`default_nettype none

module mover_write_end_proof #(
    parameter int unsigned BURST_WORDS = 2,
    parameter int unsigned WORDS = 4,
    // Derived, do not set
    localparam int unsigned WORD_BYTES = 2,
    localparam int unsigned BEAT_BITS = $clog2(BURST_WORDS)
) (
    input wire logic                 clk,
    input wire logic                 rst,
    input wire logic [          7:0] s_axis_tdata,
    input wire logic                 s_axis_tlast,
    input wire logic                 s_axis_tvalid,
    input wire logic                 i_promise,
    input wire logic                 i_promise_last,
    input wire logic [BEAT_BITS-1:0] i_beats,
    input wire logic                 i_pull
);
  logic s_axis_tready, o_able, o_short, o_last, o_valid;
  logic [WORD_BYTES*8-1:0] o_word;
  logic [0:0] o_tail;

  mover_write_end #(
      .WORD_BYTES (WORD_BYTES),
      .BURST_WORDS(BURST_WORDS),
      .WORDS      (WORDS)
  ) u_dut (
      .*
  );

  logic started_q = 1'b0;
  logic [7:0] promised_q, held_q, waddr, raddr, words, patience_q;
  logic pulled;
  assign pulled = i_pull && o_valid;

  always_ff @(posedge clk) begin
    started_q <= 1'b1;
    if (rst) {promised_q, held_q, patience_q} <= '0;
    else begin
      promised_q <= promised_q + (i_promise ? 8'(i_beats) + 8'd1 : 8'd0) - 8'(pulled);
      held_q     <= held_q + 8'(u_dut.push) - 8'(pulled);
      patience_q <= promised_q != '0 && !o_valid ? patience_q + 8'd1 : '0;
    end
  end

  assign waddr = 8'(u_dut.u_fifo.waddr_q);
  assign raddr = 8'(u_dut.u_fifo.raddr_q);
  assign words = waddr - raddr + (waddr < raddr || !u_dut.u_fifo.room_q ? 8'(WORDS) : '0);

  always_comb begin
    assume (started_q || rst);
    if (!rst) begin
      assume (!i_promise || !o_short);
      assume (!pulled || promised_q != '0);
      pointers : assert (waddr < 8'(WORDS) && raddr < 8'(WORDS));
      flags : assert ((waddr == raddr) == (u_dut.u_fifo.room_q != u_dut.u_fifo.some_q));
      never_both : assert (u_dut.u_fifo.some_q || u_dut.u_fifo.room_q);
      held : assert (held_q == words + 8'(o_valid));
      sum : assert (8'(u_dut.level_q) + promised_q == held_q);
      bound : assert (held_q <= 8'(WORDS + 1));
      owed : assert (promised_q <= held_q);
      if (8'(u_dut.level_q) >= 8'(BURST_WORDS)) able : assert (o_able);
      short : assert (o_short == (8'(u_dut.level_q) < 8'(i_beats) + 8'd1));
      // A word that was promised is there, or is in a cycle or two.
      wait_no_longer : assert (patience_q < 8'd2);
      if (patience_q == 8'd1) coming : assert (words != '0 || o_valid);
    end
  end
endmodule

`default_nettype wire
