// SPDX-License-Identifier: Apache-2.0
// Proof of mover_tally: of every end the count is that of its jobs done, in whatever order and
// however close they come; its times are those of its last events; faults stay; nobody is forgotten
// who wants to be heard.
`default_nettype none

module mover_tally_proof #(
    parameter int unsigned ENDS = 3,
    // Derived, do not set
    localparam int unsigned INDEX_BITS = $clog2(ENDS)
) (
    input wire logic                       clk,
    input wire logic                       rst,
    input wire logic [          31:0]      i_now,
    input wire logic                       i_begun,
    input wire logic [INDEX_BITS-1:0]      i_begun_end,
    input wire logic                       i_done,
    input wire logic [INDEX_BITS-1:0]      i_done_end,
    input wire logic [      ENDS-1:0][4:0] i_faults,
    input wire logic [      ENDS-1:0]      i_clear,
    input wire logic [INDEX_BITS-1:0]      i_read_end,
    // The end that is followed
    input wire logic [INDEX_BITS-1:0]      pick
);
  logic [ENDS-1:0] o_pending;
  logic o_faulty;
  logic [15:0] o_done;
  logic [4:0] o_faults;
  logic [31:0] o_begun_at, o_done_at;

  mover_tally #(.ENDS(ENDS)) u_dut (.*);

  logic started_q = 1'b0;
  logic [INDEX_BITS-1:0] pick_q;
  logic [15:0] count_q, shown_q;
  logic [31:0] begun_at_q, done_at_q;
  logic [4:0] faults_q;
  logic pending_q, begun_q, read_q, done, begun;

  assign done  = i_done && i_done_end == pick_q;
  assign begun = i_begun && i_begun_end == pick_q;

  always_ff @(posedge clk) begin
    started_q <= 1'b1;
    pick_q    <= started_q ? pick_q : pick;
    if (done) done_at_q <= i_now;
    if (begun) begun_at_q <= i_now;
    shown_q <= count_q;
    if (rst) begin
      count_q   <= '0;
      faults_q  <= '0;
      pending_q <= 1'b0;
      begun_q   <= 1'b0;
      read_q    <= 1'b0;
    end else begin
      if (done) count_q <= count_q + 16'd1;
      if (begun) begun_q <= 1'b1;
      faults_q  <= faults_q | i_faults[pick_q];
      pending_q <= done || |(i_faults[pick_q] & ~faults_q) || pending_q && !i_clear[pick_q];
      read_q    <= i_read_end == pick_q;
    end
  end

  always_comb begin
    assume (started_q || rst);
    assume (pick_q < INDEX_BITS'(ENDS) && (started_q || pick < INDEX_BITS'(ENDS)));
    assume (i_done_end < INDEX_BITS'(ENDS) && i_begun_end < INDEX_BITS'(ENDS));
    if (!rst) begin
      count : assert ((u_dut.counted_q[pick_q] ? u_dut.counts[pick_q] : 16'd0) == count_q);
      counted : assert (u_dut.counted_q[pick_q] || count_q == '0);
      if (u_dut.counted_q[pick_q]) done_at : assert (u_dut.done_at[pick_q] == done_at_q);
      if (begun_q) begun_at : assert (u_dut.begun_at[pick_q] == begun_at_q);
      faults : assert (u_dut.faults_q[pick_q] == faults_q);
      pending : assert (o_pending[pick_q] == pending_q);
      if (read_q) read : assert (o_done == shown_q);
    end
  end
endmodule

`default_nettype wire
