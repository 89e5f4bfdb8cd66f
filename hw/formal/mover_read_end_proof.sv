// SPDX-License-Identifier: Apache-2.0
// Proof of mover_read_end's credit: as long as bursts are issued only where o_able is set and no more
// words come than were asked for, every word finds room, and credit, words on their way and words
// inside add up to the FIFO at all times.
`default_nettype none

module mover_read_end_proof #(
    parameter int unsigned BURST_WORDS = 2,
    parameter int unsigned WORDS = 4,
    // Derived, do not set
    localparam int unsigned WORD_BYTES = 2,
    localparam int unsigned BEAT_BITS = $clog2(BURST_WORDS)
) (
    input wire logic                    clk,
    input wire logic                    rst,
    input wire logic                    i_promise,
    input wire logic [   BEAT_BITS-1:0] i_beats,
    input wire logic                    i_put,
    input wire logic [WORD_BYTES*8-1:0] i_word,
    input wire logic [             0:0] i_tail,
    input wire logic                    i_last,
    input wire logic                    m_axis_tready
);
  logic o_able, m_axis_tlast, m_axis_tvalid;
  logic [7:0] m_axis_tdata;

  mover_read_end #(
      .WORD_BYTES (WORD_BYTES),
      .BURST_WORDS(BURST_WORDS),
      .WORDS      (WORDS)
  ) u_dut (
      .*
  );

  logic started_q = 1'b0;
  logic [7:0] owed_q, held_q, waddr, raddr, words;

  always_ff @(posedge clk) begin
    started_q <= 1'b1;
    if (rst) {owed_q, held_q} <= '0;
    else begin
      owed_q <= owed_q + (i_promise ? 8'(i_beats) + 8'd1 : 8'd0) - 8'(i_put);
      held_q <= held_q + 8'(i_put) - 8'(u_dut.pull);
    end
  end

  // What induction needs to know of the FIFO.
  assign waddr = 8'(u_dut.u_fifo.waddr_q);
  assign raddr = 8'(u_dut.u_fifo.raddr_q);
  assign words = waddr - raddr + (waddr < raddr || !u_dut.u_fifo.room_q ? 8'(WORDS) : '0);

  always_comb begin
    assume (started_q || rst);
    if (!rst) begin
      assume (!i_promise || o_able);
      assume (!i_put || owed_q != '0);
      pointers : assert (waddr < 8'(WORDS) && raddr < 8'(WORDS));
      flags : assert ((waddr == raddr) == (u_dut.u_fifo.room_q != u_dut.u_fifo.some_q));
      never_both : assert (u_dut.u_fifo.some_q || u_dut.u_fifo.room_q);
      held : assert (held_q == words + 8'(u_dut.valid));
      sum : assert (8'(u_dut.credit_q) + owed_q + held_q == 8'(WORDS));
      bounds : assert (8'(u_dut.credit_q) <= 8'(WORDS) && owed_q <= 8'(WORDS));
      able : assert (o_able == (8'(u_dut.credit_q) >= 8'(BURST_WORDS)));
      if (i_put) room : assert (u_dut.put_ready);
      // No end can wait for ever: once all words have gone it may ask again.
      if (owed_q == '0 && held_q == '0) again : assert (o_able);
    end
  end
endmodule

`default_nettype wire
